"""The rows that a model is trained on: of a run, a published folder or a dataset on the Hub.

    RUN/6-publish/dataset/default/train-00000-of-00001.parquet     trained on
                         /default/test-00000-of-00001.parquet      held out: losses, sample replies

Rows whose licence forbids it are left out and counted; those of the rehearsal model stand in
configs of their own, which only `force` reads.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

import pyarrow.parquet as pq

from pipeline import UserError, texts
from pipeline.publish.configs import CONFIGS
from pipeline.publish.configs.made import UNKNOWN, PublishedRow
from pipeline.publish.outgoing import DATASET, STAGE
from pipeline.publish.split import TEST, TRAIN, VALIDATION
from pipeline.run.standing import standing

HUB_NAME = re.compile(r"([\w.-]+/[\w.-]+)(?:@([\w./-]+))?")
REHEARSAL = {"default": "rehearsal", "preference": "rehearsal_preference"}
FORBIDDEN = "its licence forbids it"
HOW_TO_PUBLISH = "`rapport publish FILES --out RUN` makes a dataset of files"


@dataclass(frozen=True)
class PublishedSet:
    """A dataset that `publish` has written. name: for the reader. folder: where its files are.
    revision: of one on the Hub, its commit."""

    name: str
    folder: Path
    revision: str | None = None

    def rows(self, config: str, split: str) -> list[PublishedRow]:
        """The rows of one split; none where there is no such file."""
        paths = sorted((self.folder / config).glob(f"{split}-*.parquet"))
        return [row for path in paths for row in pq.read_table(path).to_pylist()]

    def configs(self) -> list[str]:
        """The configs that it has, in the order of `CONFIGS`."""
        return [name for name in CONFIGS if any((self.folder / name).glob("*.parquet"))]


@dataclass(frozen=True)
class TrainingRows:
    """What is trained on, and what is held out.

    split: of the rows that are held out; empty where there are none. licences: of `train`, rows by
    name. left_out: rows by reason. digest: SHA-256 of all rows, in hex.
    """

    config: str
    train: Sequence[PublishedRow]
    held_out: Sequence[PublishedRow]
    split: str
    licences: Mapping[str, int]
    left_out: Mapping[str, int] = field(default_factory=dict)
    digest: str = ""


def published(address: str) -> PublishedSet:
    """The dataset of a run, in a folder, or on the Hub as owner/name or owner/name@revision.

    Raises UserError: there is none, or the run has not come to its end.
    """
    folder = Path(address)
    if not folder.is_dir():
        return _from_hub(address)
    if (folder / "recipe.yaml").is_file():
        if STAGE not in standing(address):
            raise UserError(f"There is no dataset in {address}: run its recipe to the end first.")
        return PublishedSet(folder.resolve().name, folder / STAGE / DATASET)
    found = PublishedSet(folder.resolve().name, folder)
    if not found.configs():
        raise UserError(f"{address} holds no run and no published dataset. {HOW_TO_PUBLISH}.")
    return found


def _from_hub(address: str) -> PublishedSet:
    match = HUB_NAME.fullmatch(address)
    if match is None:
        raise UserError(f"There is no run or dataset {address}. {HOW_TO_PUBLISH}.")
    import huggingface_hub as hub

    name, revision = match.groups()
    try:
        commit = hub.HfApi().dataset_info(name, revision=revision).sha
        folder = hub.snapshot_download(name, repo_type="dataset", revision=commit)
    except Exception as error:  # the library raises its own, the HTTP library's, and OSError
        raise UserError(
            f"There is no folder {address}, and the Hub has no such dataset that can be read: "
            f"{_first_line(error)}"
        ) from None
    return PublishedSet(name, Path(folder), commit)


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def training_rows(source: PublishedSet, config: str, force: bool = False) -> TrainingRows:
    """The rows of a config. force: also those that are refused otherwise.

    Raises UserError where nothing is left to train on.
    """
    train, left_out = source.rows(config, TRAIN), Counter[str]()
    rehearsal = source.rows(REHEARSAL.get(config, ""), TRAIN) if config in REHEARSAL else []
    if force:
        train += rehearsal
    else:
        train, left_out = _permitted(train)
    if not train:
        raise UserError(_nothing(source, config, left_out, bool(rehearsal)))
    split, held_out = _held_out(source, config, force)
    return TrainingRows(
        config,
        train,
        held_out,
        split,
        dict(Counter(map(licence_of, train)).most_common()),
        left_out,
        _digest([*train, *held_out]),
    )


def _held_out(source: PublishedSet, config: str, force: bool) -> tuple[str, list[PublishedRow]]:
    """The split that is held out, and its rows: `test`, else `validation`."""
    for split in (TEST, VALIDATION):
        rows = source.rows(config, split)
        if not force:
            rows, _ = _permitted(rows)
        if rows:
            return split, rows
    return "", []


def licence_of(row: PublishedRow) -> str:
    """The licence of a row of any config, `unknown` where nobody has stated one."""
    source = row.get("source")
    stated = source.get("license") if isinstance(source, dict) else row.get("license")
    return stated or UNKNOWN


def _permitted(rows: Sequence[PublishedRow]) -> tuple[list[PublishedRow], Counter[str]]:
    """The rows that may be trained on, and how many others there are, by reason."""
    patterns, left_out = texts.entries("", "licenses_not_trained.txt"), Counter[str]()
    kept = []
    for row in rows:
        name = licence_of(row)
        if any(fnmatchcase(name, pattern) for pattern in patterns):
            left_out[f"{FORBIDDEN}: {name}"] += 1
        else:
            kept.append(row)
    return kept, left_out


def _nothing(
    source: PublishedSet, config: str, left_out: Mapping[str, int], has_rehearsal: bool
) -> str:
    """Why there is nothing to train on, and what to do."""
    start = f"{source.name} holds nothing to train on"
    if left_out:
        reasons = ", ".join(f"{rows} rows: {reason}" for reason, rows in left_out.items())
        return f"{start}. {reasons}. --force trains on them: then it is you who answers for it."
    if has_rehearsal:
        return f"{start} but rows of the offline rehearsal model. --force trains on them, as a try."
    there = ", ".join(source.configs()) or "none"
    return f"{start}: it has no rows in the config `{config}` (there are: {there})."


def _digest(rows: Sequence[PublishedRow]) -> str:
    whole = hashlib.sha256()
    for row in rows:
        whole.update(json.dumps(row, sort_keys=True, default=str).encode() + b"\n")
    return whole.hexdigest()


def shuffled(rows: Sequence[PublishedRow], seed: int) -> list[PublishedRow]:
    """Rows in an order that only their ids and the seed decide."""

    def place(row: PublishedRow) -> bytes:
        return hashlib.sha256(f"{seed} {row['id']}".encode()).digest()

    return sorted(rows, key=place)


def notes(rows: TrainingRows) -> Iterator[str]:
    """What the user must know of the rows, in sentences."""
    for reason, count in rows.left_out.items():
        yield f"{count} rows are left out: {reason}."
    unknown = rows.licences.get(UNKNOWN, 0)
    if unknown:
        yield f"Nobody has stated a licence for {unknown} of {len(rows.train)} rows."
    if not rows.split:
        yield (
            "There is no test split to measure losses on: `publish: {test: 0.05}` makes one, "
            "where a source has enough rows."
        )
