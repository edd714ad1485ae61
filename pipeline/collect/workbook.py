"""Excel workbooks (.xlsx): every visible sheet is a table, its cells as text."""

from __future__ import annotations

import datetime as dt
import warnings
import zipfile
from collections.abc import Iterator
from itertools import chain, islice
from typing import IO, NamedTuple

from pipeline.collect.dialect import SAMPLE, ColumnNames, columns_of
from pipeline.collect.shapes.transcript import Fields, Numbered, Unread

WHOLE = 256_000_000  # bytes of a workbook unpacked; texts that cells share are held whole


class Sheet(NamedTuple):
    """A sheet with rows. columns: None where there are none."""

    name: str
    columns: ColumnNames
    records: Iterator[Numbered]


def sheets(stream: IO[bytes], by_content: bool = True) -> Iterator[Sheet]:
    """The visible sheets that hold rows. BadZipFile for a workbook that is damaged or too large.

    by_content: see `dialect_of`.
    """
    import openpyxl

    _check_size(stream)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of styles and filters that it does not know
            book = openpyxl.load_workbook(stream, read_only=True, data_only=True)
            for sheet in book.worksheets:
                sheet.reset_dimensions()  # some programs write wrong ones
                rows = (tuple(map(_text, row)) for row in sheet.iter_rows(values_only=True))
                found = _sheet(sheet.title, rows, by_content)
                if found and sheet.sheet_state == "visible":
                    yield found
    except (KeyError, ValueError, TypeError, AttributeError, IndexError, SyntaxError) as error:
        raise zipfile.BadZipFile(f"not a workbook, or damaged: {error}") from error


def _check_size(stream: IO[bytes]) -> None:
    size = sum(member.file_size for member in zipfile.ZipFile(stream).infolist())
    stream.seek(0)
    if size > WHOLE:
        raise zipfile.BadZipFile(f"a workbook of {size:,} bytes: save its sheets as .csv")


def _sheet(name: str, rows: Iterator[tuple[str, ...]], by_content: bool) -> Sheet | None:
    filled = (row for row in enumerate(rows, 1) if any(row[1]))
    head = list(islice(filled, SAMPLE))
    if not head:
        return None
    width = max(len(_trimmed(row)) for _, row in head)
    even = [_padded(row, width) for _, row in head]
    columns = columns_of(even, by_content)
    data = islice(chain(head, filled), columns.skip, None)
    return Sheet(name, columns, ((number, _record(row, columns)) for number, row in data))


def _trimmed(row: tuple[str, ...]) -> tuple[str, ...]:
    """The row up to its last cell that is not empty."""
    while row and not row[-1]:
        row = row[:-1]
    return row


def _padded(row: tuple[str, ...], width: int) -> tuple[str, ...]:
    row = _trimmed(row)
    return row + ("",) * (width - len(row))


def _record(row: tuple[str, ...], columns: ColumnNames) -> Fields | Unread:
    cells = _padded(row, len(columns.names))
    if len(cells) > len(columns.names):
        detail = f"not a row of the table: {len(cells)} cells, expected {len(columns.names)}"
        return Unread("record.malformed", detail, list(cells))
    return dict(zip(columns.names, cells, strict=True))


def _text(value: object) -> str:
    """The text of a cell, as Excel writes it into csv: a whole number without a point."""
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, dt.datetime):
        return value.isoformat(sep=" ")
    return str(value)
