"""Rows of Parquet and Arrow files, in batches; rows of our own stores as `Conversation`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import IO, TYPE_CHECKING

from pipeline.collect.shapes.transcript import Fields, Numbered, Unread
from pipeline.collect.unpack import is_damage
from pipeline.conversation import uncollected

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

BUFFER = 1 << 20  # bytes
BATCH_ROWS = 1000
# columns by which rows of our own stores are known, whichever version wrote them
OWN = {"id", "messages", "source", "edits", "measures", "findings"}


def parquet(stream: IO[bytes]) -> Iterator[Numbered]:
    return _numbered(_parquet_batches(stream), "Parquet")


def arrow(stream: IO[bytes]) -> Iterator[Numbered]:
    return _numbered(_arrow_batches(stream), "Arrow")


def _parquet_batches(stream: IO[bytes]) -> Iterator[pa.RecordBatch]:
    import pyarrow.parquet as pq

    file = pq.ParquetFile(stream, pre_buffer=False, buffer_size=BUFFER)
    yield from file.iter_batches(_batch_rows(file.metadata))


def _batch_rows(about: pq.FileMetaData) -> int:
    """Rows that are about 16 MB when unpacked, 1,000 at most."""
    size = sum(about.row_group(number).total_byte_size for number in range(about.num_row_groups))
    return int(min(BATCH_ROWS, max(1, 16_000_000 * about.num_rows // max(size, 1))))


def _arrow_batches(stream: IO[bytes]) -> Iterator[pa.RecordBatch]:
    import pyarrow as pa

    is_file = stream.read(6) == b"ARROW1"
    stream.seek(0)
    if is_file:
        reader = pa.ipc.open_file(stream)
        batches = (reader.get_batch(number) for number in range(reader.num_record_batches))
    else:
        batches = iter(pa.ipc.open_stream(stream))
    for batch in batches:
        for start in range(0, batch.num_rows, BATCH_ROWS):
            yield batch.slice(start, BATCH_ROWS)


def _numbered(batches: Iterable[pa.RecordBatch], name: str) -> Iterator[Numbered]:
    import pyarrow as pa

    number = 0
    try:
        for batch in batches:
            for row in _rows_of(batch):
                number += 1
                yield number, row
    except (pa.ArrowException, OSError) as error:
        if not isinstance(error, pa.ArrowException) and not is_damage(error):
            raise
        yield number + 1, Unread("file.damaged", f"not {name}, or damaged: {error}", b"")


def _rows_of(batch: pa.RecordBatch) -> Iterator[object]:
    """The rows of a batch. One that Python cannot hold (a day in the year 200,000, bytes that are
    not UTF-8) is unreadable by itself."""
    decode = _own_rows if set(batch.schema.names) >= OWN else _foreign_rows
    try:
        with uncollected():
            rows = decode(batch)
    except _undecodable():
        rows = [_row_of(batch.slice(at, 1), decode) for at in range(batch.num_rows)]
    yield from rows


def _own_rows(batch: pa.RecordBatch) -> list[object]:
    import pyarrow as pa

    from pipeline.store.columns import from_table

    return list(from_table(pa.Table.from_batches([batch])))


def _foreign_rows(batch: pa.RecordBatch) -> list[object]:
    rows: list[object] = batch.to_pylist()
    return rows


def _undecodable() -> tuple[type[Exception], ...]:
    """What is raised for a value that Python has no object for."""
    import pyarrow as pa

    return (ValueError, OverflowError, KeyError, TypeError, pa.ArrowException)


def _row_of(batch: pa.RecordBatch, decode: Callable[[pa.RecordBatch], list[object]]) -> object:
    try:
        [row] = decode(batch)
    except _undecodable() as error:
        shown = str(error).splitlines() or [type(error).__name__]
        if isinstance(error, UnicodeDecodeError):
            return Unread("record.not_text", f"not UTF-8: {shown[0]}", b"")
        return Unread("record.unreadable", f"{_culprit(batch)}: {shown[0]}", _as_text(batch))
    return row


def _culprit(batch: pa.RecordBatch) -> str:
    """The column of a row that cannot be read."""
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        try:
            column.to_pylist()
        except _undecodable():
            return f"the value of {name}"
    return "the row"


def _as_text(batch: pa.RecordBatch) -> Fields:
    """The columns of a row that can be read."""
    found: Fields = {}
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        try:
            [found[name]] = column.to_pylist()
        except _undecodable():
            found[name] = f"a value of type {column.type} that cannot be read"
    return found


READERS: dict[str, Callable[[IO[bytes]], Iterator[Numbered]]] = {
    "parquet": parquet,
    "arrow": arrow,
}
