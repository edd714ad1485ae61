"""Row groups of the Parquet files, in the schema of conversations whoever wrote them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import accumulate, pairwise

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline import UserError
from pipeline.look.index.columns import RowNumbers
from pipeline.look.opened import PartFile
from pipeline.store.columns import MESSAGE, QUARANTINE_SCHEMA, SCHEMA, as_schema

# what config `full` of a dataset has besides `SCHEMA` (`publish/configs/full.py`)
NAMES, THREAD = "names", "thread"
AT_ONCE = 1 << 26  # bytes, decompressed


def opened(origin: PartFile) -> pq.ParquetFile:
    """The file, mapped. Raises UserError where it is damaged."""
    try:
        return pq.ParquetFile(origin.path, memory_map=True, page_checksum_verification=True)
    except (OSError, pa.ArrowException) as error:
        raise damaged(origin, error) from None


def damaged(origin: PartFile, error: Exception) -> UserError:
    reason = (str(error).splitlines() or ["?"])[0]
    return UserError(f"{origin.path} cannot be read: {reason}. Its rows are not shown.")


def leaves(origin: PartFile, columns: Sequence[str]) -> Iterator[pa.Table]:
    """Some columns, or fields of columns (`messages.list.element.role`), of all rows, some row
    groups at a time; what the file does not have is missing. Raises UserError."""
    file = opened(origin)
    for numbers in _together(file.metadata):
        try:
            yield file.read_row_groups(numbers, columns=list(columns), use_threads=False)
        except (OSError, pa.ArrowException) as error:
            raise damaged(origin, error) from None


def _together(metadata: pq.FileMetaData) -> Iterator[list[int]]:
    """The numbers of row groups that are read at once: as many as hold `AT_ONCE` bytes."""
    numbers: list[int] = []
    size = 0
    for number in range(metadata.num_row_groups):
        numbers.append(number)
        size += metadata.row_group(number).total_byte_size
        if size >= AT_ONCE:
            yield numbers
            numbers, size = [], 0
    if numbers:
        yield numbers


def one_row(origin: PartFile, row: int) -> pa.Table:
    """All columns of one row, by its number in the file. Raises UserError."""
    file = opened(origin)
    meta = file.metadata
    sizes = (meta.row_group(number).num_rows for number in range(file.num_row_groups))
    for number, (start, end) in enumerate(pairwise(accumulate(sizes, initial=0))):
        if start <= row < end:
            return _group(file, origin, number).slice(row - start, 1)
    raise UserError(f"{origin.path} has changed while it was looked at: open it again.")


def some_rows(origin: PartFile, rows: RowNumbers) -> Iterator[pa.Table]:
    """All columns of some rows, given in order. Raises UserError."""
    file = opened(origin)
    sizes = [file.metadata.row_group(number).num_rows for number in range(file.num_row_groups)]
    bounds = list(accumulate(sizes, initial=0))
    places = np.searchsorted(rows, bounds)
    for number, (first, last) in enumerate(pairwise(places)):
        if last > first:
            own = pa.array(rows[first:last] - bounds[number])
            yield _group(file, origin, number).take(own)


def _group(file: pq.ParquetFile, origin: PartFile, number: int) -> pa.Table:
    """All columns of a row group, as stores hold them."""
    try:
        table = file.read_row_group(number, use_threads=False)
    except (OSError, pa.ArrowException) as error:
        raise damaged(origin, error) from None
    if origin.outcome == "quarantined":
        return as_schema(table, QUARANTINE_SCHEMA, origin.path)
    return as_schema(_as_stored(table), SCHEMA, origin.path)


def _as_stored(table: pa.Table) -> pa.Table:
    """Rows of config `full` as stores hold them: names beside their messages."""
    if NAMES not in table.column_names:
        return table
    messages = table["messages"].combine_chunks()
    names = table[NAMES].combine_chunks().flatten()
    texts = messages.flatten()
    fields = [texts.field("role"), texts.field("content"), names]
    whole = pa.StructArray.from_arrays(fields, fields=list(MESSAGE))
    listed = pa.ListArray.from_arrays(messages.offsets, whole)
    table = table.set_column(table.schema.get_field_index("messages"), "messages", listed)
    if THREAD in table.column_names:
        threads = table[THREAD]
        table = table.drop_columns([THREAD])
        place = table.schema.get_field_index("split_group")
        if place >= 0:
            table = table.set_column(place, "split_group", threads)
    return table.drop_columns([NAMES])
