"""How a csv or tsv file is written: the dialects of spreadsheets and data frames.

The beginning shows the separator, how quotation marks are escaped, and whether the first row names
the columns. Where it does not, the names are `column 1`, `column 2` .., or what the columns surely
hold.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

SEPARATORS = (",", "\t", ";", "|")
HEAD = 1 << 16  # bytes by which the dialect is recognised
SAMPLE = 200  # rows that show the dialect
SEPARATOR_LINE = re.compile(r'^"?sep=([,;\t|])"?\s*$', re.I)  # the first line that Excel writes
NUMBER = re.compile(r"[-+]?\d[\d\s.,:/TZ+-]*")
WORD = re.compile(r"[^\W\d_]+")
BACKSLASH = re.compile(r'\\(["\\]?)')
# Words of which a column's name is made. One of them in the first row makes it a row of names.
NAMES = (
    "id text speaker name names message messages msg content utterance role author sender user "
    "username date time timestamp dialogue dialog dialogues conversation conversations chat thread "
    "question answer prompt response reply completion input output instruction context title body "
    "persona emotion label turn index number line lines from to character system subject comment "
    "post score split history query target source language lang scene episode season type"
)
KNOWN_NAMES = frozenset(NAMES.split())


class Dialect(NamedTuple):
    """How a table is written.

    names: of its columns. skip: rows before the first row of data. escapes: quotation marks are
    escaped by a backslash, else doubled. blanks: a blank follows each separator. quotes: whether
    quotation marks are around cells, or only characters. assumed: what the file does not say.
    firsts: the first cells of the rows that were looked at.
    """

    separator: str
    names: Sequence[str]
    skip: int = 1
    escapes: bool = False
    blanks: bool = False
    quotes: bool = True
    assumed: str | None = None
    firsts: Sequence[str] = ()

    def reader(self, text: Iterable[str]) -> Iterator[list[str]]:
        """The cells of each row; csv.Error where a quotation mark is wrong."""
        if self.escapes:
            text = (BACKSLASH.sub(_protected, line) for line in text)
        return csv.reader(
            text,
            delimiter=self.separator,
            escapechar="\\" if self.escapes else None,
            doublequote=not self.escapes,
            skipinitialspace=self.blanks,
            quoting=csv.QUOTE_MINIMAL if self.quotes else csv.QUOTE_NONE,
            strict=True,
        )


def _protected(match: re.Match[str]) -> str:
    """A backslash as csv's reader needs it, which would take it from `C:\\new` as well."""
    return match[0] if match[1] else "\\\\"


def dialect_of(head: bytes, by_content: bool = True) -> Dialect:
    """The dialect of a table that begins with these bytes, in UTF-8.

    by_content: whether columns without a known name are named by what they hold.
    """
    text = _whole_lines(head)
    given = SEPARATOR_LINE.match(text[0]) if text else None
    separators: Sequence[str] = SEPARATORS
    if given:
        separators, text = (given[1],), text[1:]
    samples = [_sampled(separator, text) for separator in separators]
    found, rows = max(samples, key=lambda sample: _evenness(sample[1]))
    above = _rows_above(rows)
    columns = columns_of(rows[above:], by_content)
    return found._replace(
        names=columns.names,
        skip=bool(given) + above + columns.skip,
        assumed=columns.assumed,
        firsts=columns.firsts,
    )


def _rows_above(rows: Sequence[Sequence[str]]) -> int:
    """How many blank rows stand first."""
    return next((number for number, row in enumerate(rows) if row), 0)


def _sampled(separator: str, text: Sequence[str]) -> tuple[Dialect, list[list[str]]]:
    """The dialect with this separator, and the first rows that it reads."""
    found = _dialect(separator, text)
    return found, _sample(found, text)


def is_certain(head: bytes) -> bool:
    """Whether a text that is not called a table surely is one: names of columns, then even rows."""
    dialect = dialect_of(head)
    rows = [row for row in _sample(dialect, _whole_lines(head)) if row]
    known = sum(map(_is_name, dialect.names))
    are_names = all(name.strip() and not _is_value(name) for name in dialect.names)
    is_even = sum(len(row) == len(dialect.names) for row in rows) >= 0.95 * len(rows)
    return len(rows) >= 3 and dialect.skip > 0 and known >= 2 and are_names and is_even


def _whole_lines(head: bytes) -> list[str]:
    """The lines, but the last where it may go on after the head."""
    text = head.decode("utf-8", "surrogateescape").split("\n")
    last = text.pop()
    found = [f"{line}\n" for line in text]
    if last and (len(head) < HEAD or not found):
        found.append(last)
    return found


def _dialect(separator: str, text: Sequence[str]) -> Dialect:
    """The dialect with this separator that reads the most lines: with quotation marks doubled, else
    escaped, else, between tabs, as plain characters."""
    joined = "".join(text)
    plain = Dialect(separator, (), blanks=joined.count(f'{separator} "') > len(text) / 2)
    if '"' not in joined:
        return plain
    found = [plain]
    if '\\"' in joined:
        found.append(plain._replace(escapes=True))
    if separator == "\t" and _evenness([line.split("\t") for line in text])[0] == 1:
        found.append(plain._replace(quotes=False))
    return max(found, key=lambda dialect: _even_rows(_sample(dialect, text)))


def _sample(dialect: Dialect, text: Sequence[str]) -> list[list[str]]:
    """The first rows, up to one that cannot be read."""
    rows: list[list[str]] = []
    try:
        for row in dialect.reader(text):
            rows.append(row)
            if len(rows) == SAMPLE:
                break
    except csv.Error:  # of the last row this may be the end of the head
        pass
    return rows


def _evenness(rows: Sequence[Sequence[str]]) -> tuple[float, int]:
    """How well a separator fits: the share of rows with as many cells as the first, and that."""
    rows = [row for row in rows if row]
    cells = len(rows[0]) if rows else 0
    if cells < 2:
        return 0.0, 0
    return _even_rows(rows) / len(rows), cells


def _even_rows(rows: Sequence[Sequence[str]]) -> int:
    """How many rows have as many cells as the first that is not blank."""
    rows = [row for row in rows if row]
    return sum(len(row) == len(rows[0]) for row in rows)


# --- the names of the columns


class ColumnNames(NamedTuple):
    """The names of the columns, and how many rows stand before the data."""

    names: Sequence[str]
    skip: int
    assumed: str | None
    firsts: Sequence[str]


def columns_of(rows: Sequence[Sequence[str]], by_content: bool = True) -> ColumnNames:
    """The columns of a table that begins with these rows."""
    first = rows[0] if rows else []
    even = [row for row in rows if len(row) == len(first)]
    if not _is_data(even):
        return _named(_distinct(first), even[1:], by_content)
    found = _by_content(even) if by_content else None
    firsts = [row[0] for row in even]
    if found is None:
        names = [f"column {number}" for number in range(1, len(first) + 1)]
        return ColumnNames(names, 0, "the first row holds data: no row names the columns", firsts)
    return ColumnNames(found, 0, f"its columns are {', '.join(found)}: no row names them", firsts)


def _named(names: Sequence[str], rows: Sequence[Sequence[str]], by_content: bool) -> ColumnNames:
    """The columns that a first row names; by what they hold, where it names none in a known word
    (`Sprecher`) and they surely hold a conversation."""
    firsts = [row[0] for row in rows if row]
    is_open = by_content and not any(map(_is_name, names))
    found = _by_content(rows) if is_open else None
    if found is None:
        return ColumnNames(names, 1, None, firsts)
    pairs = (f"{name} is the {known}" for name, known in zip(names, found, strict=True))
    return ColumnNames(found, 1, f"of its columns {', '.join(pairs)}", firsts)


def _distinct(names: Sequence[str]) -> list[str]:
    """Names of which none occurs twice: a second `text` is `text 2`. A byte order mark is gone."""
    found: list[str] = []
    for number, name in enumerate(names, 1):
        while name in found:
            name = f"{name} {number}".strip()
        found.append(name)
    return found


def _is_data(rows: Sequence[Sequence[str]]) -> bool:
    """Whether the first row holds data: no word of a name, and what no name is."""
    if len(rows) < 2:
        return False
    first = rows[0]
    others = [row for row in rows[1:] if list(row) != list(rows[0])]
    columns = list(zip(*others, strict=True)) or [()] * len(first)
    comes_back = [
        bool(cell) and cell in set(below) for cell, below in zip(first, columns, strict=True)
    ]
    names = [_is_name(cell) and not back for cell, back in zip(first, comes_back, strict=True)]
    counted = list(first) == [str(number) for number in range(len(first))]  # by pandas
    if any(names) or counted:
        return False
    return any(comes_back) or any(map(_is_value, first))


def _is_name(cell: str) -> bool:
    """Whether a cell may name a column: a few words, one of them a usual one."""
    parts = re.sub(r"([a-z])([A-Z])", r"\1 \2", cell).replace("_", " ")
    words = [word.lower() for word in WORD.findall(parts)]
    return (
        0 < len(words) <= 4
        and not _is_sentence(cell)
        and any(word in KNOWN_NAMES for word in words)
    )


def _is_value(cell: str) -> bool:
    return bool(NUMBER.fullmatch(cell.strip())) or _is_sentence(cell)


def _is_sentence(cell: str) -> bool:
    words = cell.split()
    return len(words) > 5 or "\n" in cell or (len(words) > 1 and cell.strip()[-1] in ".?!…。？！")


def _by_content(rows: Sequence[Sequence[str]]) -> list[str] | None:
    """The columns speaker and text, with an id and a number of the turn or without, where it is
    sure which is which."""
    columns = dict(enumerate(zip(*rows, strict=True)))
    ids = [number for number, cells in columns.items() if _are_ids(cells)]
    orders = [number for number, cells in columns.items() if _are_orders(cells)]
    # an id and a number of the turn leave less open: then fewer names have to come back
    share = 0.9 if ids and orders else 0.5
    speakers = [number for number, cells in columns.items() if _are_speakers(cells, share)]
    texts = [number for number, cells in columns.items() if _are_texts(cells)]
    found = sorted(ids + orders + speakers + texts)
    is_sure = found == list(columns) and len(speakers) == len(texts) == 1
    if len(rows) < 4 or not is_sure or len(ids) > 1 or len(orders) > len(ids):
        return None
    names = {speakers[0]: "speaker", texts[0]: "text"}
    names |= dict.fromkeys(ids, "dialogue_id") | dict.fromkeys(orders, "turn")
    return [names[number] for number in columns]


def _are_speakers(cells: Sequence[str], share: float) -> bool:
    """Short names, of which few differ, and which change from row to row. share: of the rows."""
    names = set(cells)
    is_short = all(0 < len(name) <= 30 and len(name.split()) <= 3 for name in names)
    are_words = not any(map(_is_value, names))
    changes = sum(one != other for one, other in pairwise(cells))
    few = 2 <= len(names) <= len(cells) * share
    return few and is_short and are_words and changes * 3 >= len(cells)


def _are_texts(cells: Sequence[str]) -> bool:
    words = sum(len(cell.split()) for cell in cells)
    return words >= 3 * len(cells) and len(set(cells)) > 0.7 * len(cells)


def _are_orders(cells: Sequence[str]) -> bool:
    """Small whole numbers that count up from row to row, and begin again."""
    if not all(cell.strip().isdecimal() and len(cell.strip()) < 6 for cell in cells):
        return False
    numbers = [int(cell) for cell in cells]
    starts = [later for earlier, later in pairwise(numbers) if later != earlier + 1]
    return len(set(starts)) <= 1 and numbers[0] in (0, 1) and set(starts) <= {numbers[0]}


def _are_ids(cells: Sequence[str]) -> bool:
    """Values that stand together, each for several rows."""
    runs = 1 + sum(one != other for one, other in pairwise(cells))
    return runs == len(set(cells)) and runs * 2 <= len(cells) and all(cells)
