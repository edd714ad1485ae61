"""What is looked at: a run, also one still at work, or a published dataset; and its Parquet files.

Of a run: what each stage dropped and quarantined, and what the last one kept. While a stage is at
work, the parts that it has not reached yet stand where the stage before put them.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast

import pyarrow.parquet as pq

from pipeline import UserError
from pipeline.look.subject import Subject
from pipeline.store.files import DamagedFile
from pipeline.store.parts import KINDS
from pipeline.store.report import Report
from pipeline.store.store import Mark, Part, Store, parts_of

RowOutcome = Literal["kept", "dropped", "quarantined"]
OUTCOMES: dict[str, RowOutcome] = dict(zip(KINDS, ("kept", "dropped", "quarantined"), strict=True))
SHARD = re.compile(r"(?P<split>\w+)-\d+-of-\d+\.parquet")


@dataclass(frozen=True)
class PartFile:
    """One Parquet file. stage: it put the rows there. name: of the part. digest: of what it holds.
    split: of all its rows, where the file says so."""

    stage: str
    outcome: RowOutcome
    name: str
    path: str
    rows: int
    digest: str
    split: str = ""

    @property
    def key(self) -> str:
        """Names the file and what it holds, 24 hex digits."""
        text = "\x1f".join((self.stage, self.outcome, self.name, self.digest))
        return hashlib.blake2b(text.encode(), digest_size=12).hexdigest()


@dataclass(frozen=True)
class StageState:
    """How far a stage is: its folder, its report when it is done, and the marks of its units."""

    stage: str
    folder: str
    report: Report | None
    marks: dict[str, Mark]


@dataclass(frozen=True)
class Landed:
    """What there is at one moment. origins: in the order of the stages. problems: what cannot be
    shown, in sentences."""

    origins: tuple[PartFile, ...] = ()
    stages: tuple[StageState, ...] = ()
    problems: tuple[str, ...] = ()


def content(subject: Subject) -> Landed:
    """What there is now. Raises UserError where it is neither a run nor a dataset."""
    if subject.kind == "dataset":
        return dataset_content(subject.path)
    return run_content(subject.path)


# --- a run


def run_content(path: Path) -> Landed:
    """The files of a run. Raises UserError where there is no run."""
    if not (path / "recipe.yaml").is_file():
        raise UserError(f"There is no run in {path}: it has no recipe.yaml.")
    problems: list[str] = []
    stages = tuple(_stages(str(path), problems))
    found = [origin for state in stages for origin in _lost(path, state)]
    found += _kept(path, stages)
    whole = tuple(origin for origin in found if _is_whole(origin, problems))
    return Landed(whole, stages, tuple(problems))


def _stages(run: str, problems: list[str]) -> Iterator[StageState]:
    """The stages of the newest chain: each was made from the one before; the last may be at work
    still."""
    before = ""
    for folder in (name for name in Store(run).listing() if name[:1].isdigit()):
        store = Store(run, folder)
        try:
            report = cast("Report | None", store.read_record("report.json"))
            marks = store.marks()
        except DamagedFile as error:
            problems.append(str(error))
            return
        if report and report["before"] != before:  # made from an older store
            return
        if report or marks:
            yield StageState(store.stage, folder, report, marks)
        if report is None:
            return
        before = report["store"]


def _lost(run: Path, state: StageState) -> Iterator[PartFile]:
    for kind in ("dropped", "quarantine"):
        for part in parts_of(state.marks.values(), kind):
            yield _origin(run, state, part)


def _kept(run: Path, stages: Sequence[StageState]) -> list[PartFile]:
    """Of every part the newest: that of the last stage that has worked it."""
    newest: dict[str, PartFile] = {}
    for state in stages:
        own = {part.name: _origin(run, state, part) for part in parts_of(state.marks.values())}
        if state.report:
            newest = own
        else:
            newest |= own
    return list(newest.values())


def _origin(run: Path, state: StageState, part: Part) -> PartFile:
    path = run / state.folder / part.file
    mark = part.mark
    return PartFile(state.stage, OUTCOMES[part.kind], part.name, str(path), mark.rows, mark.digest)


def _is_whole(origin: PartFile, problems: list[str]) -> bool:
    """Has it rows, and a file that can be opened?"""
    if not origin.rows:
        return False
    if Path(origin.path).is_file():
        return True
    again = "Its rows are not shown; the same `rapport run` makes them again"
    problems.append(f"{origin.path} is missing. {again}.")
    return False


# --- a dataset


def dataset_content(path: Path) -> Landed:
    """The files of config `full`: it has all that is known of every row."""
    problems: list[str] = []
    origins = []
    for file in sorted(path.glob("full/*.parquet")):
        shard = SHARD.fullmatch(file.name)
        split = shard["split"] if shard else ""
        try:
            rows = pq.read_metadata(file).num_rows
        except (OSError, ValueError) as error:
            problems.append(f"{file} cannot be read: {str(error).splitlines()[0]}")
            continue
        digest = f"{file.stat().st_size} {file.stat().st_mtime_ns}"
        origins.append(PartFile("publish", "kept", file.stem, str(file), rows, digest, split))
    if not origins:
        raise UserError(f"{path} has no `full` config that can be read, so nothing can be shown.")
    return Landed(tuple(origins), (), tuple(problems))
