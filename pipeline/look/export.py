"""A selection as a file: JSON lines and Parquet of whole rows, CSV of what the side bar knows."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Literal

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline import UserError
from pipeline.look.index.columns import BESIDE, RowNumbers
from pipeline.look.index.fields import INDEXED
from pipeline.look.index.frame import Frame
from pipeline.look.index.groups import some_rows
from pipeline.store.columns import SCHEMA

Form = Literal["jsonl", "parquet", "csv"]
FORMS: tuple[Form, ...] = ("jsonl", "parquet", "csv")
GROUP_ROWS = 1_000  # of the Parquet file: one row is read soon
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")  # a table program would compute such a cell
LINES = 1_000  # of CSV that are made at once


def tables(frame: Frame, rows: RowNumbers) -> Iterator[pa.Table]:
    """Whole rows, in the order of the stores. Records that could not be read are left out. Raises
    UserError where a file is damaged."""
    ordered = np.sort(rows)
    bounds = np.searchsorted(ordered, frame.starts)
    for origin, first, (start, end) in zip(
        frame.origins, frame.starts, pairwise(bounds), strict=False
    ):
        if end > start and origin.outcome != "quarantined":
            yield from some_rows(origin, ordered[start:end] - first)


def written(frame: Frame, rows: RowNumbers, path: Path) -> int:
    """Write a file, whole or not at all, in the form that its ending names. Returns its rows.
    Raises UserError for another ending, or where it cannot be written."""
    form = path.suffix.removeprefix(".")
    if form not in FORMS:
        raise UserError(f"{path}: the ending says which form: {', '.join(FORMS)}.")
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        if form == "parquet":
            count = parquet(frame, rows, temporary)
        else:
            lines = csv_lines(frame, rows) if form == "csv" else jsonl(frame, rows)
            count = _write_lines(temporary, lines)
        temporary.replace(path)
    except OSError as error:
        raise UserError(f"{path} cannot be written: {error.strerror}.") from None
    finally:
        temporary.unlink(missing_ok=True)
    return len(rows) if form == "csv" else count


def _write_lines(path: Path, lines: Iterator[bytes]) -> int:
    count = 0
    with path.open("wb") as file:
        for line in lines:
            file.write(line)
            count += 1
    return count


def jsonl(frame: Frame, rows: RowNumbers) -> Iterator[bytes]:
    """A record a line, of what has a value; `rapport` reads it again as it was."""
    for table in tables(frame, rows):
        for record in table.to_pylist():
            yield orjson.dumps(_present(record)) + b"\n"


def _present(record: dict[str, object]) -> dict[str, object]:
    return {name: value for name, value in record.items() if value not in (None, [])}


def parquet(frame: Frame, rows: RowNumbers, path: Path) -> int:
    """Returns how many rows the file has."""
    count = 0
    with pq.ParquetWriter(path, SCHEMA, compression="zstd", write_page_checksum=True) as writer:
        for table in tables(frame, rows):
            writer.write_table(table.cast(SCHEMA), row_group_size=GROUP_ROWS)
            count += table.num_rows
    return count


def csv_lines(frame: Frame, rows: RowNumbers) -> Iterator[bytes]:
    """Facets, numbers and first words of each row; no cell is a formula."""
    yield _csv([["id", *INDEXED, *frame.numbers, "start"]])
    for start in range(0, len(rows), LINES):
        yield _csv([_cells(frame, int(row)) for row in rows[start : start + LINES]])


def _csv(lines: Sequence[Sequence[object]]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows(lines)
    return text.getvalue().encode()


def _cells(frame: Frame, row: int) -> list[object]:
    columns = frame.columns
    texts = [columns.id(row)]
    for name in INDEXED:
        texts.append((columns.value(name, row) or "").replace(BESIDE, " "))
    numbers = [columns.number(name, row) for name in frame.numbers]
    return [*map(harmless, texts), *numbers, harmless(columns.start(row))]


def harmless(text: str) -> str:
    """A text that no table program takes for a formula: with an apostrophe before it."""
    return f"'{text}" if text.startswith(FORMULA) else text
