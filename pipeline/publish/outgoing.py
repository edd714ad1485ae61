"""What of a run's dataset goes to the Hub: checked against the report that was written with it.

Configs of the rehearsal model stay here, and the card that goes out does not name them.
`release.json` goes with it. It names every file by its SHA-256, and holds the changelog: the next
push knows by it what is its own to change or take away.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import yaml

from pipeline import UserError
from pipeline.publish.card_parts import PLACE
from pipeline.publish.changelog import LastRelease, continued, with_changelog
from pipeline.publish.configs import CONFIGS
from pipeline.store.files import FileMark, digest
from pipeline.store.report import Report
from pipeline.store.store import Store

STAGE = "6-publish"
DATASET = "dataset"
CARD = "README.md"
LISTING = "release.json"
FRONT = re.compile(r"---\n(.*?\n)---\n(.*)", re.S)
HIDDEN = re.compile(r"<!-- rehearsal -->\n.*?\n<!-- /rehearsal -->\n*", re.S)
Rows = dict[str, dict[str, int]]  # of each config, by split


@dataclass(frozen=True)
class Outgoing:
    """A file to push. source: where it is, or its content. rows: of a Parquet file."""

    source: Path | bytes
    size: int
    sha256: str
    rows: int | None = None

    def git_name(self) -> str:
        """The name that git gives its content: by it the Hub lists files that are not in LFS."""
        found = hashlib.sha1(f"blob {self.size}\0".encode())
        found.update(self.source if isinstance(self.source, bytes) else self.source.read_bytes())
        return found.hexdigest()


@dataclass(frozen=True)
class Release:
    """files: by their path in the repository. rows: what a loader must find. folder: where the
    dataset is."""

    files: dict[str, Outgoing]
    rows: Rows
    folder: Path

    @property
    def size(self) -> int:
        return sum(file.size for file in self.files.values())


def release(
    run: str,
    report: Report | None,
    name: str = PLACE,
) -> Release:
    """The files of a run that may be pushed. report: of `publish`, None where it is not done. name:
    of the dataset on the Hub, for the card.

    Raises UserError: no dataset, refused, nothing but rehearsal; DamagedFile: not as written.
    """
    report = _allowed(run, report)
    rows = _rows(report)
    if not rows:
        raise UserError(
            f"{run} holds nothing to push: rows of the rehearsal model never are. "
            "Run the recipe with a model, or with sources."
        )
    files = dict(_data_files(run, report))
    _check_rows(run, files, rows)
    card = files[CARD].source
    assert isinstance(card, Path)
    text = without_rehearsal(card.read_text("utf-8"))
    files[CARD] = _written(text.replace(PLACE, name))
    folder = Path(Store(run, f"{STAGE}/{DATASET}").path)
    return Release(dict(sorted(files.items())), rows, folder)


def dated(release: Release, last: LastRelease, day: str) -> Release:
    """The release with its entry in the changelog. last: what is on the Hub."""
    digests = {path: file.sha256 for path, file in sorted(release.files.items())}
    content = digest(digests)
    changelog = continued(last, content, release.rows, day)
    card = release.files[CARD].source
    assert isinstance(card, bytes)
    changed = _written(with_changelog(card.decode(), changelog))
    record = {
        "made_with": "rapport",
        "content": content,
        "rows": release.rows,
        "changelog": changelog,
        "files": digests | {CARD: changed.sha256},
    }
    files = {**release.files, CARD: changed}
    files[LISTING] = _written(json.dumps(record, indent=1) + "\n")
    return replace(release, files=dict(sorted(files.items())))


def last_release(listing: bytes) -> LastRelease:
    """What release.json says; nothing where it is somebody else's."""
    try:
        record = json.loads(listing)
        files = {str(path): str(found) for path, found in record["files"].items()}
        files[LISTING] = hashlib.sha256(listing).hexdigest()
        return LastRelease(
            files,
            record["content"],
            record["rows"],
            record["changelog"],
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        return LastRelease()


def _allowed(run: str, report: Report | None) -> Report:
    if report is None:
        raise UserError(f"There is no dataset in {run}: run its recipe to the end first.")
    if report["refused"]:
        raise UserError(f"{run} is not pushed. " + " ".join(report["refused"]))
    if not Store(run).local:
        raise UserError(f"{run} is not on this machine: copy it here, and push the copy.")
    return report


def _is_rehearsal(config: str) -> bool:
    return config in CONFIGS and CONFIGS[config].rehearsal


def _rows(report: Any) -> Rows:
    found: Rows = {}
    for config in report["configs"]:
        splits = {name: split["rows"] for name, split in config["splits"].items()}
        if any(splits.values()) and not _is_rehearsal(config["name"]):
            found[config["name"]] = splits
    return found


def _data_files(run: str, report: Report) -> Iterator[tuple[str, Outgoing]]:
    """The files of the dataset, each as it was written."""
    store = Store(run, STAGE)
    for name, record in report["files"].items():
        folder, _, path = name.partition("/")
        if folder != DATASET or _is_rehearsal(path.partition("/")[0]):
            continue
        mark = FileMark(**record)
        store.check(name, mark)
        place = Path(store.path) / name
        rows = pq.read_metadata(place).num_rows if path.endswith(".parquet") else None
        yield path, Outgoing(place, mark.size, mark.digest, rows)


def _check_rows(
    run: str,
    files: dict[str, Outgoing],
    rows: Rows,
) -> None:
    for config, splits in rows.items():
        for split, expected in splits.items():
            start = f"{config}/{split}-"
            found = sum(file.rows or 0 for path, file in files.items() if path.startswith(start))
            if found != expected:
                where = f"{run}: {config}/{split}"
                raise UserError(f"{where} has {found} rows, not {expected}: run the recipe again.")


def without_rehearsal(card: str) -> str:
    """The card without the configs that are never pushed."""
    match = FRONT.fullmatch(card)
    if match is None:
        raise UserError("The dataset's card has no metadata: run the recipe again.")
    front = yaml.safe_load(match[1])
    for key in ("configs", "dataset_info"):
        entries = front.get(key, [])
        front[key] = [one for one in entries if not _is_rehearsal(one["config_name"])]
    body = HIDDEN.sub("", match[2])
    head = yaml.safe_dump(front, sort_keys=False, allow_unicode=True)
    return f"---\n{head}---\n{body}"


def _written(text: str) -> Outgoing:
    data = text.encode()
    return Outgoing(
        data,
        len(data),
        hashlib.sha256(data).hexdigest(),
    )
