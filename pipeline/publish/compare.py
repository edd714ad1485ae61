"""Two published releases: which rows came, which went and why, which are judged otherwise.

    went        filter: style.cliches 12       of the run of the second: what it dropped them for
    came        dedup: dedup.near 3            of the run of the first: what it had dropped them for
    changed     scores 40, split 0             rows of both, by what differs

Where a release is a dataset without its run, no reason is known.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow.parquet as pq

from pipeline import UserError
from pipeline.store.columns import finding_of
from pipeline.store.counts import deciding_rule
from pipeline.store.report import by_count
from pipeline.store.store import Store

STAGE, DATASET, CONFIG = "6-publish", "dataset", "full"
COMPARED = ("messages", "scores", "findings", "annotations")  # columns in which a row may differ
SPLIT = "split"
BATCH = 2_000
SHOWN = 5  # ids of each kind, as examples
NEW, UNKNOWN = "not collected", "unknown: no run beside the dataset"

RowDigests = dict[str, str]  # of a row, by column


@dataclass(frozen=True)
class Published:
    """A release on this disk. run: that made it; None where it is not beside it."""

    dataset: Path
    run: Path | None


@dataclass
class ReleaseDifference:
    """rows: of the first and of the second. came, went: rows by the reason why the other has them
    not. changed: rows of both by what differs. examples: ids by came, went, changed."""

    rows: tuple[int, int]
    came: dict[str, int]
    went: dict[str, int]
    changed: dict[str, int]
    examples: dict[str, list[str]] = field(default_factory=dict)


def published(folder: str) -> Published:
    """The release in a run folder, or in the folder of a dataset. Raises UserError where there is
    none."""
    place = Path(folder)
    inside = place / STAGE / DATASET
    dataset = inside if inside.is_dir() else place
    if not list(dataset.glob(f"{CONFIG}/*.parquet")):
        raise UserError(f"There is no published release in {folder}: it has no {CONFIG}/*.parquet.")
    run = dataset.resolve().parents[1]
    return Published(dataset, run if (run / "run.json").is_file() else None)


def compared(first: Published, second: Published) -> ReleaseDifference:
    """The difference of two releases."""
    old, new = dict(_rows(first.dataset)), dict(_rows(second.dataset))
    came, went = sorted(new.keys() - old.keys()), sorted(old.keys() - new.keys())
    changed = _changed(old, new)
    examples = {"came": came, "went": went, **changed}
    return ReleaseDifference(
        (len(old), len(new)),
        _reasons(first, came),
        _reasons(second, went),
        {column: len(changed[column]) for column in (SPLIT, *COMPARED)},
        {what: names[:SHOWN] for what, names in examples.items() if names},
    )


def _changed(
    old: Mapping[str, RowDigests],
    new: Mapping[str, RowDigests],
) -> dict[str, list[str]]:
    """The ids of rows of both that differ, by column."""
    found: dict[str, list[str]] = {column: [] for column in (SPLIT, *COMPARED)}
    for name in sorted(old.keys() & new.keys()):
        for column, ids in found.items():
            if new[name][column] != old[name][column]:
                ids.append(name)
    return found


def _rows(dataset: Path) -> Iterator[tuple[str, RowDigests]]:
    """(id, what it holds) of every row."""
    for path in sorted(dataset.glob(f"{CONFIG}/*.parquet")):
        split = path.name.partition("-")[0]
        file = pq.ParquetFile(path)
        for batch in file.iter_batches(BATCH, columns=["id", *COMPARED]):
            for row in batch.to_pylist():
                digests = {column: _digest(row[column]) for column in COMPARED}
                yield row["id"], digests | {SPLIT: split}


def _digest(value: object) -> str:
    return hashlib.blake2b(repr(value).encode(), digest_size=8).hexdigest()


def _reasons(other: Published, names: Collection[str]) -> dict[str, int]:
    """Why another release has these rows not, as the stores of its run say."""
    if not names or other.run is None:
        return {UNKNOWN: len(names)} if names else {}
    known = dict(_dropped(other.run, set(names)))
    return by_count(Counter(known.get(name, NEW) for name in names))


def _dropped(run: Path, names: Collection[str]) -> Iterator[tuple[str, str]]:
    """(id, stage and rule) of these rows, where the run has dropped them."""
    top = Store(run)
    for folder in (name for name in top.listing() if name[:1].isdigit()):
        store = Store(run, folder)
        for part in store.parts("dropped"):
            for row in store.columns(part, ["id", "findings"]).to_pylist():
                if row["id"] in names:
                    rule = deciding_rule(map(finding_of, row["findings"]))
                    yield row["id"], f"{store.stage}: {rule}"
