"""How rows are laid out in Parquet."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.store.files import HashedFile

GROUP_BYTES = 1 << 26  # that are held before they are written: a part, or this much of huge rows
GROUP_ROWS = 1_000  # of a row group: `rapport look` opens one row in some milliseconds
TEXTS = ("id", "messages.list.element.content")  # columns whose values never come again


def open_parquet(file: HashedFile, schema: pa.Schema) -> pq.ParquetWriter:
    """A writer with dictionaries and least and largest values only where values come again: no two
    texts and no two ids are alike. Each page has a checksum, so that a flipped bit is seen even
    when one column is read.

    Values go to the encoder 2^17 at a time: a tenth less work than by the thousand, as Arrow would
    have it.
    """
    columns = [path for column in schema for path in leaves(column)]
    repeating = [path for path in columns if path not in TEXTS]
    return pq.ParquetWriter(
        file,
        schema,
        compression="zstd",
        use_dictionary=repeating,
        write_statistics=repeating,
        write_batch_size=1 << 17,
        write_page_checksum=True,
    )


def write_groups(writer: pq.ParquetWriter, table: pa.Table) -> None:
    """A table in row groups of `GROUP_ROWS` and `GROUP_BYTES` at most, or of one huge row."""
    rows = table.num_rows * GROUP_BYTES // max(1, table.nbytes)
    writer.write_table(table, row_group_size=max(1, min(rows, GROUP_ROWS)))


def leaves(column: pa.Field) -> Iterator[str]:
    """The columns of a field as Parquet names them: `messages` → messages.list.element.role,
    …content, …name."""
    if pa.types.is_list(column.type):
        element = column.type.value_field.with_name("element")
        yield from (f"{column.name}.list.{leaf}" for leaf in leaves(element))
    elif pa.types.is_struct(column.type):
        yield from (f"{column.name}.{leaf}" for child in column.type for leaf in leaves(child))
    else:
        yield column.name
