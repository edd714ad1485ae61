"""The index of a run: made part by part, joined now and then, used again when nothing changed.

.look/<key>.text    folded texts of one Parquet file; the key names what the file holds
.look/<key>.part    its columns, until they are joined
.look/frame.flat    the columns of all files, joined
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import pyarrow as pa

from pipeline import UserError
from pipeline.look.index import flat, frame, texts
from pipeline.look.index.columns import FlatColumns, joined, joined_arrays
from pipeline.look.index.extract import FoldedTexts, extracted
from pipeline.look.index.frame import Frame
from pipeline.look.opened import Landed, PartFile, content
from pipeline.look.subject import Subject

LONG_AGO = 3600  # seconds
FEW = 20_000  # rows that are joined at once, so that something is seen early


@dataclass(frozen=True)
class Moment:
    """What is known at one moment: the rows, the stages, and whether the index is whole."""

    frame: Frame
    content: Landed
    is_whole: bool


class Index:
    """The index of one subject. `moment` is whole at any time; `refresh` replaces it."""

    def __init__(self, subject: Subject) -> None:
        self.subject = subject
        self.moment = Moment(Frame(), Landed(), is_whole=False)
        self.something = threading.Event()  # there are rows to show, or there are none at all
        self._building = threading.Lock()
        self._problems: dict[str, str] = {}  # key of a file → why it cannot be read
        self._texts: dict[str, pa.Array] = {}

    # --- reading

    def texts(self, origin: PartFile) -> pa.Array:
        """The folded texts of the rows of a file; made again where somebody removed them."""
        found = self._texts.get(origin.key)
        if found is None:
            found = texts.read(self._file(origin, "text"))
            if found is None:
                self._extract(origin)
                found = texts.read(self._file(origin, "text"))
            self._texts[origin.key] = found
        return found

    @property
    def problems(self) -> list[str]:
        """What cannot be shown, in sentences."""
        return [*self.moment.content.problems, *self._problems.values()]

    # --- building

    def begin(self) -> None:
        """Show what an earlier index of this subject has, before it is compared with what is
        there. Raises UserError where there is nothing to look at."""
        now = content(self.subject)
        found = frame.read(self._frame, self.moment.frame.number + 1)
        if found is not None:
            self._show(Moment(found, now, is_whole=False))

    def refresh(self) -> None:
        """Take up what has landed since. Raises UserError where there is nothing to look at, or no
        place for the index."""
        with self._building:
            now = content(self.subject)
            readable = [one for one in now.origins if one.key not in self._problems]
            old = self.moment.frame
            if not old.origins:
                old = frame.read(self._frame, old.number + 1) or old
            if tuple(readable) == old.origins:
                self._show(Moment(old, now, is_whole=True))
                return
            try:
                self._build(old, now, readable)
            except OSError as error:
                where = f"The index cannot be written into {self.subject.index}"
                raise UserError(f"{where}: {error.strerror}.") from None

    def _build(self, old: Frame, now: Landed, wanted: Sequence[PartFile]) -> None:
        known = {origin.key: number for number, origin in enumerate(old.origins)}
        parts: list[FlatColumns] = []
        origins: list[PartFile] = []
        joined_rows = 0
        for origin in wanted:
            part = self._columns(old, known, origin)
            if part is None:
                continue
            parts.append(part)
            origins.append(origin)
            rows = sum(one.rows for one in parts)
            if rows >= max(FEW, 4 * joined_rows) and self.moment.frame.rows < rows:
                self._join(parts, origins, now, is_whole=False)
                joined_rows = rows
        self._join(parts, origins, now, is_whole=True)
        self._tidy()

    def _columns(self, old: Frame, known: dict[str, int], origin: PartFile) -> FlatColumns | None:
        """The columns of a file: as they were joined, or written, or made now. None where the file
        cannot be read."""
        if origin.key in known:
            return old.part(known[origin.key])
        has_texts = self._file(origin, "text").is_file()
        found = _read_part(self._file(origin, "part")) if has_texts else None
        if found is not None:
            return found
        try:
            return self._extract(origin)
        except UserError as error:
            self._problems[origin.key] = str(error)
            return None

    def _extract(self, origin: PartFile) -> FlatColumns:
        """Make the texts and columns of a file."""
        groups = list(extracted(origin))
        rows = sum(columns.rows for columns, _ in groups)
        if rows != origin.rows:
            raise UserError(f"{origin.path} has {rows} rows, {origin.rows} are expected.")
        texts.write(self._file(origin, "text"), [FoldedTexts(*found) for _, found in groups])
        path = self._file(origin, "part")
        columns = [columns for columns, _ in groups]
        _write_part(path, columns)
        return _read_part(path) or _in_memory(columns)

    def _join(
        self, parts: Sequence[FlatColumns], origins: Sequence[PartFile], now: Landed, is_whole: bool
    ) -> None:
        """A frame of what there is."""
        number = self.moment.frame.number + 1
        if not parts:
            self._show(Moment(Frame(number=number), now, is_whole))
            return
        is_run = self.subject.kind != "dataset"
        dataset = self.subject.path / "6-publish" / "dataset"
        is_published = is_run and is_whole and dataset.is_dir()
        frame.write(self._frame, parts, origins, dataset if is_published else None)
        found = frame.read(self._frame, number)
        if found is not None:
            self._show(Moment(found, now, is_whole))

    def _show(self, moment: Moment) -> None:
        self.moment = moment
        self.something.set()

    def _tidy(self) -> None:
        """Remove columns that are joined, texts of files that are gone, and what a killed process
        left."""
        keys = {origin.key for origin in self.moment.frame.origins}
        self.subject.index.mkdir(parents=True, exist_ok=True)
        for path in self.subject.index.iterdir():
            is_text = path.suffix == ".text" and path.stem not in keys
            if is_text or path.suffix == ".part" or _is_left_over(path):
                path.unlink(missing_ok=True)
        self._texts = {key: found for key, found in self._texts.items() if key in keys}

    @property
    def _frame(self) -> Path:
        return self.subject.index / frame.NAME

    def _file(self, origin: PartFile, ending: str) -> Path:
        return self.subject.index / f"{origin.key}.{ending}"


def _is_left_over(path: Path) -> bool:
    """Was it being written long ago? Another process may be writing now."""
    with suppress(FileNotFoundError):
        return path.suffix == flat.UNFINISHED and time.time() - path.stat().st_mtime > LONG_AGO
    return False


def _in_memory(groups: Sequence[FlatColumns]) -> FlatColumns:
    """Where another process, which looks at the same run, has joined the file and removed it."""
    rows, values, names = joined(groups)
    return FlatColumns(rows, dict(joined_arrays(groups, values, names)), values)


def _write_part(path: Path, groups: Sequence[FlatColumns]) -> None:
    rows, values, names = joined(groups)
    head = {"version": frame.VERSION, "rows": rows, "values": values}
    flat.write(path, head, joined_arrays(groups, values, names))


def _read_part(path: Path) -> FlatColumns | None:
    file = flat.read(path)
    if file is None or file.head.get("version") != frame.VERSION:
        return None
    values = cast("dict[str, list[str]]", file.head["values"])
    return FlatColumns(cast("int", file.head["rows"]), file.arrays, values)
