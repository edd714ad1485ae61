"""UTF-8 to records: JSON lines and arrays, tables, YAML, Parquet. No reader knows conversations.

Every reader streams (but a single JSON object or YAML file, which is held whole) and yields
(number, record), with `Unread` in the place of a record that could not be decoded: one bad line
costs one line.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator
from itertools import chain, count
from pathlib import PurePosixPath
from typing import IO, TYPE_CHECKING

import orjson

from pipeline import UserError
from pipeline.collect.json_array import checked, elements
from pipeline.collect.shapes.transcript import RAW, Fields, Numbered, Unread
from pipeline.collect.unpack import Joined, is_damage
from pipeline.conversation import uncollected

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

COMPRESSED = (".gz", ".zst", ".bz2", ".xz")
WHOLE = 128_000_000  # bytes of a file that has to be held whole; decoded it takes six times as much
BUFFER = 1 << 20  # bytes


def suffix(name: str) -> str:
    """The extension that names the format: `.jsonl` of `a/file.jsonl.gz`."""
    path = PurePosixPath(name.lower())
    return PurePosixPath(path.stem).suffix if path.suffix in COMPRESSED else path.suffix


def lines(stream: IO[bytes], limit: int) -> Iterator[tuple[int, bytes | Unread]]:
    """Lines with their numbers from 1. Of one over `limit` bytes only the beginning is held."""
    number = 0
    while line := stream.readline(limit + 1):  # one byte more shows that a line is too long
        number += 1
        if len(line) <= limit or line.endswith(b"\n"):
            yield number, line
        else:
            size = len(line) + _skip_line(stream)
            detail = f"a line of {size:,} bytes, more than max_bytes {limit:,}"
            yield number, Unread("record.too_long", detail, line[: 4 * RAW])


def _skip_line(stream: IO[bytes]) -> int:
    """Read on to the end of the line; how many bytes it still had."""
    size = 0
    while more := stream.readline(BUFFER):
        size += len(more)
        if more.endswith(b"\n"):
            break
    return size


# --- JSON


def json_lines(stream: IO[bytes], limit: int) -> Iterator[Numbered]:
    for number, line in lines(stream, limit):
        if isinstance(line, Unread):
            yield number, line
            continue
        try:
            yield number, orjson.loads(line)
        except orjson.JSONDecodeError as error:
            if not line.isspace():
                yield number, _second_try(line, error)


def _second_try(line: bytes, error: Exception) -> object:
    """What orjson refuses and Python's reader takes: NaN, very long numbers.

    Both refuse half characters.
    """
    try:
        record: object = json.loads(line)
        json.dumps(record, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        return Unread("record.malformed", f"not JSON: {error}", line)
    return record


def json_document(stream: IO[bytes], limit: int) -> Iterator[Numbered]:
    """A JSON file: the elements of an array, several objects one after another, or one object."""
    # An array is recognised by the first character that is not a blank.
    head = b""
    while not head.strip() and (more := stream.read(1 << 16)):
        head += more
    stream = io.BufferedReader(Joined(head.lstrip(), stream), BUFFER)
    if head.lstrip().startswith(b"["):
        yield from elements(stream, limit)
        return
    # Some data sets call JSON lines `.json`: the first line is an object, and more follows.
    first = stream.readline(limit + 1)
    second = stream.read(1 << 10)
    stream = io.BufferedReader(Joined(first + second, stream), BUFFER)
    if second.strip() and _is_object(first):
        yield from json_lines(stream, limit)
    else:
        yield from _one_object(stream)


def _is_object(line: bytes) -> bool:
    try:
        return isinstance(orjson.loads(line), dict)
    except orjson.JSONDecodeError:
        return False


def _one_object(stream: IO[bytes]) -> Iterator[Numbered]:
    data = stream.read(WHOLE + 1)
    if len(data) > WHOLE:
        detail = f"one JSON object of more than {WHOLE:,} bytes: write it as JSON lines"
        yield 1, Unread("file.too_long", detail, data[: 4 * RAW])
    elif data.strip():
        try:
            yield 1, orjson.loads(data)
        except orjson.JSONDecodeError as error:
            yield 1, _second_try(data, error)


# --- tables


class _TableText:
    """The lines of a table as text, for `csv`.

    It ends at a line that is too long (`long`) and, asked again, continues after it.
    """

    def __init__(self, stream: IO[bytes], limit: int) -> None:
        self._lines = lines(stream, limit)
        self.last = ""  # the latest line, shown where its row cannot be read
        self.long: Unread | None = None

    def __iter__(self) -> _TableText:
        return self

    def __next__(self) -> str:
        _, line = next(self._lines)
        if isinstance(line, Unread):
            self.long = line
            raise StopIteration
        self.last = line.decode("utf-8", "surrogateescape")
        return self.last


def table(stream: IO[bytes], limit: int) -> Iterator[Numbered]:
    """Rows of a csv or tsv file as dicts by the names in its first line."""
    csv.field_size_limit(limit)
    text = _TableText(stream, limit)
    first = next(text, "")
    separator = max(",\t;|", key=first.count)
    rows = csv.reader(chain([first], text), delimiter=separator)
    names: list[str] = []
    for number in count():
        try:
            cells = next(rows, None)
            "".join(cells or ()).encode()  # finds bytes that are not UTF-8
        except (csv.Error, UnicodeEncodeError) as error:
            detail = f"not a row of the table: {error}"
            yield number, Unread("record.malformed", detail, text.last)
            continue
        if text.long:
            # The row before it was whole, so `cells` holds only the beginning of this one.
            yield number, text.long
            if not names:
                return  # the names of the columns were in it
            text.long = None
            rows = csv.reader(text, delimiter=separator)
        elif cells is None:
            return
        elif not names:
            names = cells
        elif any(cells) or len(cells) == len(names):  # else a blank line
            yield number, _table_row(names, cells, text.last)


def _table_row(names: list[str], cells: list[str], line: str) -> Fields | Unread:
    if len(cells) != len(names):
        detail = f"{len(cells)} cells, expected {len(names)}"
        return Unread("record.malformed", detail, line)
    return dict(zip(names, cells, strict=True))


def parquet(stream: IO[bytes], limit: int) -> Iterator[Numbered]:
    """Rows of a Parquet file as dicts, in batches; rows of our own stores as `Conversation`."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    number = 0
    try:
        file = pq.ParquetFile(stream, pre_buffer=False, buffer_size=BUFFER)
        for batch in file.iter_batches(_batch_rows(file.metadata)):
            for row in _rows_of(batch):
                number += 1
                yield number, row
    except (pa.ArrowException, OSError) as error:
        if not isinstance(error, pa.ArrowException) and not is_damage(error):
            raise
        yield number + 1, Unread("file.damaged", f"not Parquet, or damaged: {error}", b"")


def _batch_rows(about: pq.FileMetaData) -> int:
    """Rows that are about 16 MB when unpacked, 1,000 at most."""
    size = sum(about.row_group(number).total_byte_size for number in range(about.num_row_groups))
    return int(min(1000, max(1, 16_000_000 * about.num_rows // max(size, 1))))


def _rows_of(batch: pa.RecordBatch) -> Iterator[object]:
    """The rows of a batch; one whose bytes are not UTF-8 is unreadable by itself."""
    import pyarrow as pa

    from pipeline.conversation import SCHEMA, from_table

    if batch.schema.names == SCHEMA.names:
        yield from from_table(pa.Table.from_batches([batch]).cast(SCHEMA))
        return
    try:
        with uncollected():
            rows = batch.to_pylist()
        yield from rows
    except UnicodeDecodeError:
        for at in range(batch.num_rows):
            yield _row_of(batch.slice(at, 1))


def _row_of(batch: pa.RecordBatch) -> object:
    try:
        [row] = batch.to_pylist()
    except UnicodeDecodeError as error:
        return Unread("record.not_text", f"not UTF-8: {error}", b"")
    return row


# --- YAML


def yaml_documents(stream: IO[bytes], limit: int) -> Iterator[Numbered]:
    """YAML documents with every scalar as text: `- Yes` is a message, not a truth value."""
    import yaml

    data = stream.read(WHOLE + 1)
    if len(data) > WHOLE:
        detail = f"a YAML file of more than {WHOLE:,} bytes: write it as JSON lines"
        yield 1, Unread("file.too_long", detail, data[: 4 * RAW])
        return
    # The faster loader, in C, is not in every installation of PyYAML.
    loader = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
    try:
        events = yaml.parse(data, loader) if b"*" in data else ()
        if any(isinstance(event, yaml.AliasEvent) for event in events):
            # A few lines of them can stand for more text than fits in any memory.
            raise ValueError("aliases are not followed")
        for number, document in enumerate(yaml.load_all(data, loader), 1):
            yield number, checked(document, "\\ud")
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        detail = f"not YAML: {' '.join(str(error).split())}"
        yield 1, Unread("record.malformed", detail, data)


# --- formats by extension

READERS: dict[str, Callable[[IO[bytes], int], Iterator[Numbered]]] = {
    ".jsonl": json_lines,
    ".ndjson": json_lines,
    ".jsonlines": json_lines,
    ".json": json_document,
    ".csv": table,
    ".tsv": table,
    ".yaml": yaml_documents,
    ".yml": yaml_documents,
    ".parquet": parquet,
}
DOCUMENTS = (".xml", ".tei", ".html", ".htm")
TEXTS = (".txt", ".log")
KNOWN = (*READERS, *DOCUMENTS, *TEXTS)


def known_format(name: str) -> str:
    """The extension; UserError, which lists those that can be read, when it is not one of them."""
    found = suffix(name)
    if found in KNOWN:
        return found
    if found in (".png", ".charx"):
        what = "a picture" if found == ".png" else "a character card"
        cards = "Character cards are read by `generate` (`cards:`), not by `collect`."
        raise UserError(f"{name}: {what}. {cards}")
    format_name = found or "(no extension)"
    known = f"{' '.join(KNOWN)} and .zip"
    raise UserError(f"{name}: unknown file format {format_name}; known are {known}")
