"""The rows of a csv or tsv file. A row with an open quotation mark costs one row."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import count
from typing import IO, cast

from pipeline.collect.dialect import SAMPLE, Dialect
from pipeline.collect.lines import lines
from pipeline.collect.shapes.transcript import Fields, Numbered, Unread

OPEN = "a quotation mark is not closed, or one inside a cell is not doubled"
LINES_SHOWN = 50  # of a row that is given up


def rows(stream: IO[bytes], dialect: Dialect, limit: int) -> Iterator[Numbered]:
    """Rows as dicts by the names of the columns. limit: bytes of a line, characters of a cell."""
    csv.field_size_limit(limit)
    table = _Table(lines(stream, limit), dialect)
    too_long = table.skip(dialect.skip)
    if too_long:
        yield 1, too_long
        return  # the names of the columns were in it
    for number in count(1):
        found = table.next()
        if found is None:
            return
        if found:  # else a blank line
            yield number, found


class _Table:
    """The rows of a table, one at a time.

    A quotation mark that is never closed takes the lines after it into its cell. Such a row is
    given up: its first line, and the lines up to the next that begins a whole row.

        7,Ada,"It is late        open: given up
        8,Ben,Good night         a row again
    """

    def __init__(self, text: Iterator[tuple[int, bytes | Unread]], dialect: Dialect) -> None:
        self.dialect = dialect
        self.width = len(dialect.names)
        self._firsts = _Firsts()  # of the rows that were read
        self._sample = _Firsts(dialect.firsts)  # of those that showed the dialect
        self._text = text
        self._back: list[str | Unread] = []  # lines to read once more, the next one last
        self._taken: list[str] = []  # lines of the row that is being read
        self._long: Unread | None = None
        self._reader = dialect.reader(self._lines())

    def skip(self, count: int) -> Unread | None:
        """Read what stands above the data. Returns a line that is too long for it."""
        for _ in range(count):
            with suppress(csv.Error):
                self._cells()
        return self._long

    def next(self) -> Fields | Unread | None:
        """The next row; {} for a blank line, None at the end."""
        try:
            cells = None if self._long else self._cells()
        except csv.Error:
            return self._unread()
        if cells is None:
            return self._too_long()
        if self._has_swallowed():
            return self._given_up()
        return self._row(cells)

    # --- lines

    def _lines(self) -> Iterator[str]:
        """The lines. They end at one that is too long (`_long`)."""
        while line := self._line():
            if isinstance(line, Unread):
                self._long = line
                return
            self._taken.append(line)
            yield line

    def _line(self) -> str | Unread:
        """The next line, "" at the end."""
        if self._back:
            return self._back.pop()
        _, found = next(self._text, (0, b""))
        return found if isinstance(found, Unread) else found.decode("utf-8", "surrogateescape")

    def _cells(self) -> list[str] | None:
        """The cells of the next row, None at the end. csv.Error where it cannot be read."""
        self._taken = []
        return next(self._reader, None)

    @property
    def firsts(self) -> _Firsts:
        return self._sample if self._firsts.count < 3 else self._firsts

    def _split(self, line: str) -> list[str] | None:
        """The cells of a line by itself; None where it is no whole row."""
        try:
            return next(self.dialect.reader([line]), None)
        except csv.Error:
            return None

    # --- rows that are not whole

    def _unread(self) -> Unread:
        """The row that the reader could not read. A line that is too long may have ended it."""
        if self._long and not self._has_swallowed():
            return cast("Unread", self._too_long())
        return self._given_up()

    def _too_long(self) -> Unread | None:
        """The line that is too long, where one ended the reading."""
        found, self._long = self._long, None
        self._reader = self.dialect.reader(self._lines())
        return found

    def _row(self, cells: list[str]) -> Fields | Unread:
        if len(cells) == self.width + 1 and not cells[-1]:
            cells = cells[:-1]  # a separator at the end of the line
        if not any(cells) and len(cells) != self.width:
            return {}
        if len(cells) != self.width:
            return self._refused(f"{len(cells)} cells, expected {self.width}", self._taken)
        try:
            "".join(cells).encode()  # finds bytes that are not UTF-8
        except UnicodeEncodeError as error:
            return self._refused(str(error), self._taken)
        self._firsts.add(cells[0])
        return dict(zip(self.dialect.names, cells, strict=True))

    def _has_swallowed(self) -> bool:
        """Whether a cell of several lines holds lines that look like rows of their own."""
        inner = self._taken[1:]
        own = sum(self._is_row(line) for line in inner)
        return own > 0 and own * 2 >= len(inner)

    def _is_row(self, line: str) -> bool:
        """Whether a line alone is a whole row, and its first cell like those of others."""
        if line.count(self.dialect.separator) < self.width - 1:
            return False
        cells = self._split(line)
        return cells is not None and len(cells) == self.width and self.firsts.fit(cells[0])

    def _given_up(self) -> Unread:
        """Give up a row; the reading goes on at the next line that begins a whole one."""
        if self._long:
            self._back.append(self._long)
            self._long = None
        self._back += reversed(self._taken[1:])
        left = self._taken[:1]
        while isinstance(line := self._line(), str) and line:
            self._back.append(line)
            if self._begins_row():
                break
            left.append(cast("str", self._back.pop()))
        else:
            self._back += filter(None, [line])
        self._reader = self.dialect.reader(self._lines())
        return self._refused(OPEN, left)

    def _begins_row(self) -> bool:
        """Whether a row begins at the next line, by its first cell; else by three lines that each
        have as many cells as a row."""
        if self.firsts.are_telling:
            return self._may_begin(cast("str", self._back[-1]))
        ahead = [self._line() for _ in range(3)]
        self._back += reversed(ahead)
        self._back = [line for line in self._back if line]
        texts = [line for line in ahead if isinstance(line, str) and line]
        return all(len(self._split(line) or ()) == self.width for line in texts)

    def _may_begin(self, line: str) -> bool:
        cells = self._split(line)
        if cells is None:  # its last cell may go on below
            opened = self._split(f'{line.rstrip()}"') or []
            return 1 < len(opened) <= self.width and self.firsts.fit(opened[0])
        return len(cells) == self.width and self.firsts.fit(cells[0])

    def _refused(self, detail: str, text: Sequence[str]) -> Unread:
        raw = "".join(text[:LINES_SHOWN])
        return Unread("record.malformed", f"not a row of the table: {detail}", raw)


class _Firsts:
    """The first cells of the rows, by which a line is known as a row.

    Ids have a common form (`d12`, `13`), speakers come back. Other texts show nothing.
    """

    def __init__(self, cells: Iterable[str] = ()) -> None:
        self.count = 0
        self.values: set[str] = set()
        self.forms: set[str] = set()
        for cell in cells:
            self.add(cell)

    def add(self, cell: str) -> None:
        if self.count < SAMPLE:
            self.count += 1
            self.values.add(cell)
            self.forms.add(_form(cell))

    @property
    def are_telling(self) -> bool:
        return self._have_a_form or self._come_back

    @property
    def _have_a_form(self) -> bool:
        return bool(self.forms) and all("0" in form for form in self.forms)

    @property
    def _come_back(self) -> bool:
        return 0 < len(self.values) <= self.count / 2

    def fit(self, cell: str) -> bool:
        if self._have_a_form:
            return _form(cell) in self.forms
        return self._come_back and cell in self.values


def _form(cell: str) -> str:
    """`d12` → `a0`, `2024-01-02` → `0-0-0`."""
    return re.sub(r"[^\W\d_]+", "a", re.sub(r"\d+", "0", cell))
