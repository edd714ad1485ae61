"""UTF-8 to records: JSON lines and arrays, tables, YAML, Parquet. Nothing here knows a dialogue.

Every reader streams (but one object of JSON or one YAML file, which is held whole) and yields (number, record), with
`Unread` in the place of a record that could not be decoded: one bad line costs one line.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Iterator
from itertools import chain, count
from pathlib import PurePosixPath
from typing import IO, Any

import orjson

from pipeline import UserError
from pipeline.collect.shapes.talk import Unread
from pipeline.collect.unpack import Joined, is_damage
from pipeline.conversation import uncollected

Records = Iterator[tuple[int, Any]]

COMPRESSED = (".gz", ".zst", ".bz2", ".xz")
WHOLE = 128_000_000  # bytes of a document that has to be held whole; decoded it takes about six times as much
RAW = 100_000  # characters of an unreadable record that are kept


def suffix(name: str) -> str:
    """The extension that names the format: `.jsonl` of `a/talks.jsonl.gz`."""
    path = PurePosixPath(name.lower())
    return PurePosixPath(path.stem).suffix if path.suffix in COMPRESSED else path.suffix


def lines(stream: IO[bytes], limit: int) -> Iterator[tuple[int, bytes | Unread]]:
    """Lines with their numbers from 1; of one longer than `limit` bytes only the beginning is ever held."""
    number = 0
    while line := stream.readline(limit + 1):
        number += 1
        if len(line) <= limit or line.endswith(b"\n"):
            yield number, line
            continue
        size, more = len(line), line
        while more and not more.endswith(b"\n"):
            more = stream.readline(1 << 20)
            size += len(more)
        yield (
            number,
            Unread(f"a line of {size:,} bytes, more than max_bytes {limit:,}", line[: 4 * RAW]),
        )


def json_lines(stream: IO[bytes], limit: int) -> Records:
    for number, line in lines(stream, limit):
        if isinstance(line, Unread):
            yield number, line
            continue
        try:
            yield number, orjson.loads(line)
        except orjson.JSONDecodeError as error:
            if not line.isspace():
                yield number, _second_try(line, error)


def _second_try(line: bytes, error: Exception) -> Any:
    """What orjson refuses and Python's reader takes (NaN, very long numbers); lone surrogates are refused by both."""
    try:
        record = json.loads(line)
        json.dumps(record, ensure_ascii=False).encode()
        return record
    except (ValueError, RecursionError):
        return Unread(f"not JSON: {error}", line)


def json_document(stream: IO[bytes], limit: int) -> Records:
    """A JSON file: an array is streamed, several objects in a row are lines, one object is one record."""
    head = b""
    while not head.strip() and (more := stream.read(1 << 16)):
        head += more
    stream = io.BufferedReader(Joined(head.lstrip(), stream), 1 << 20)
    if head.lstrip().startswith(b"["):
        yield from _array(stream, limit)
        return
    first = stream.readline(limit + 1)
    more = stream.read(1 << 10)
    rest = io.BufferedReader(Joined(first + more, stream), 1 << 20)
    if more.strip() and _is_object(first):
        yield from json_lines(rest, limit)
        return
    data = rest.read(WHOLE + 1)
    if len(data) > WHOLE:
        yield (
            1,
            Unread(
                f"one JSON object of more than {WHOLE:,} bytes: write it as JSON lines",
                data[: 4 * RAW],
            ),
        )
        return
    try:
        yield from [(1, orjson.loads(data))] if data.strip() else []
    except orjson.JSONDecodeError as error:
        yield 1, _second_try(data, error)


def _is_object(line: bytes) -> bool:
    try:
        return isinstance(orjson.loads(line), dict)
    except orjson.JSONDecodeError:
        return False


def _array(stream: IO[bytes], limit: int) -> Records:
    """The elements of a JSON array, one after the other; a broken or too long one is skipped by counting brackets."""
    text, decoder = (
        io.TextIOWrapper(stream, "utf-8", "surrogateescape", newline=""),
        json.JSONDecoder(),
    )
    buffer, at, number, ended = text.read(1 << 16)[1:], 0, 0, False
    while True:
        at = _past(_GAP, buffer, at)
        if buffer.startswith("]", at) or (ended and at == len(buffer)):
            return
        try:
            record, end = decoder.raw_decode(buffer, at)
            if end - at > limit:
                raise ValueError(f"more than max_bytes {limit:,}")
            if _past(_BLANK, buffer, end) == len(buffer) and not ended:
                raise ValueError("a number may go on, and the comma is still to come")
            number += 1
            yield number, _whole_text(record, buffer[at:end])
            at = end
        except (ValueError, RecursionError) as error:
            if not ended and len(buffer) - at <= limit:
                more = text.read(max(1 << 18, len(buffer) - at))
                buffer, at, ended = buffer[at:] + more, 0, not more
                continue
            number += 1
            raw = buffer[at : at + RAW]
            buffer, size = _after_element(text, buffer[at:])
            at = 0
            long = f"an element of {size:,} characters, more than max_bytes {limit:,}"
            yield number, Unread(long if size > limit else f"not JSON: {error}", raw)


_GAP, _BLANK = re.compile(r"[\s,]*"), re.compile(r"\s*")
_MARK = re.compile(r"\\.|[\"{}\[\],]", re.S)


def _past(pattern: re.Pattern[str], text: str, at: int) -> int:
    found = pattern.match(text, at)
    return found.end() if found else at


def _after_element(text: IO[str], buffer: str) -> tuple[str, int]:
    """What follows the element at the head of the buffer, however long that is, and its length in characters."""
    depth, quoted, size = 0, False, 0
    while buffer:
        at = 0
        while match := _MARK.search(buffer, at):
            at, mark = match.end(), match[0]
            if mark == '"':
                quoted = not quoted
            elif not quoted and depth == 0 and mark in ",]":
                return buffer[match.start() :], size + match.start()
            elif not quoted:
                depth = max(0, depth + {"{": 1, "[": 1, "}": -1, "]": -1}.get(mark, 0))
        half = buffer[at:].endswith("\\")  # an escape that goes on in the next chunk
        size += len(buffer) - half
        buffer = ("\\" if half else "") + text.read(1 << 20)
        if buffer == "\\":
            break
    return "", size


def _whole_text(record: Any, raw: str) -> Any:
    """The record, unless it holds half characters (lone surrogates, bytes that are no UTF-8)."""
    if "\\ud" in raw or "\\uD" in raw or not raw.isascii():
        try:
            json.dumps(record, ensure_ascii=False).encode()
        except UnicodeEncodeError:
            return Unread("holds bytes or escapes that are no characters", raw)
    return record


class _Text:
    """The lines of a table as text. It ends at one that is too long (`long`) and, asked again, goes on after it."""

    def __init__(self, stream: IO[bytes], limit: int) -> None:
        self._lines = lines(stream, limit)
        self.last = ""  # the latest line, shown where its row cannot be read
        self.long: Unread | None = None

    def __iter__(self) -> _Text:
        return self

    def __next__(self) -> str:
        line = next(self._lines)[1]
        if isinstance(line, Unread):
            self.long = line
            raise StopIteration
        self.last = line.decode("utf-8", "surrogateescape")
        return self.last


def table(stream: IO[bytes], limit: int) -> Records:
    """Rows of a csv or tsv file as dicts by the names in its first line."""
    csv.field_size_limit(limit)
    text = _Text(stream, limit)
    first = next(text, "")
    separator = _separator(first)
    rows = csv.reader(chain([first], text), delimiter=separator)
    names: list[str] = []
    for number in count():
        cells: list[str] | None = None
        try:
            cells = next(rows, None)
            "".join(cells or ()).encode()
        except (csv.Error, UnicodeEncodeError) as error:
            yield number, Unread(f"not a row of the table: {error}", text.last)
            continue
        if (
            text.long
        ):  # the row before it was whole, so what has come holds only the beginning of this one
            yield number, text.long
            if not names:
                return  # the names of the columns were in it
            text.long, rows = None, csv.reader(text, delimiter=separator)
        elif cells is None:
            return
        elif not names:
            names = cells
        elif len(cells) == len(names):
            yield number, dict(zip(names, cells, strict=True))
        elif any(cells):
            yield number, Unread(f"{len(cells)} cells, expected {len(names)}", text.last)


def _separator(header: str) -> str:
    return max(",\t;|", key=header.count)


def parquet(stream: IO[bytes], limit: int) -> Records:
    """Rows of a Parquet file as dicts, in batches; our own shelves come back as `Conversation`."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    from pipeline.conversation import SCHEMA, from_table

    number = 0
    try:
        file = pq.ParquetFile(stream, pre_buffer=False, buffer_size=1 << 20)
        ours = file.schema_arrow.names == SCHEMA.names
        for batch in file.iter_batches(_batch_rows(file.metadata)):
            for row in (
                from_table(pa.Table.from_batches([batch]).cast(SCHEMA)) if ours else _rows_of(batch)
            ):
                number += 1
                yield number, row
    except (pa.ArrowException, OSError) as error:
        if not isinstance(error, pa.ArrowException) and not is_damage(error):
            raise
        yield number + 1, Unread(f"not Parquet, or damaged: {error}", b"")


def _batch_rows(about: Any) -> int:
    """Rows that are about 16 MB when unpacked, 1,000 at most."""
    size = sum(about.row_group(n).total_byte_size for n in range(about.num_row_groups))
    return int(min(1000, max(1, 16_000_000 * about.num_rows // max(size, 1))))


def _rows_of(batch: Any) -> Iterator[Any]:
    """Rows as dicts; one whose bytes are no text is unreadable by itself."""
    try:
        with uncollected():
            rows = batch.to_pylist()
        yield from rows
    except UnicodeDecodeError:
        for at in range(batch.num_rows):
            try:
                yield from batch.slice(at, 1).to_pylist()
            except UnicodeDecodeError as error:
                yield Unread(f"not UTF-8: {error}", b"")


def yaml_documents(stream: IO[bytes], limit: int) -> Records:
    """YAML documents with every scalar as text: `- Yes` is something said, not a truth value."""
    import yaml

    data = stream.read(WHOLE + 1)
    if len(data) > WHOLE:
        yield (
            1,
            Unread(
                f"a YAML file of more than {WHOLE:,} bytes: write it as JSON lines", data[: 4 * RAW]
            ),
        )
        return
    loader = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
    try:
        if b"*" in data and any(
            isinstance(event, yaml.AliasEvent) for event in yaml.parse(data, loader)
        ):
            raise ValueError(
                "aliases are not followed: a few lines of them can stand for more text than fits anywhere"
            )
        for number, document in enumerate(yaml.load_all(data, loader), 1):
            yield number, _whole_text(document, "\\ud")
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        yield 1, Unread(f"not YAML: {' '.join(str(error).split())}", data)


READERS: dict[str, Callable[[IO[bytes], int], Records]] = {
    ".jsonl": json_lines, ".ndjson": json_lines, ".jsonlines": json_lines, ".json": json_document,
    ".csv": table, ".tsv": table, ".yaml": yaml_documents, ".yml": yaml_documents, ".parquet": parquet,
}  # fmt: skip
DOCUMENTS = (".xml", ".tei")
TEXTS = (".txt", ".log")
KNOWN = (*READERS, *DOCUMENTS, *TEXTS)


def known_format(name: str) -> str:
    """The extension, if it is one that can be read; else a UserError that lists those which can."""
    found = suffix(name)
    if found in KNOWN:
        return found
    if found == ".png":
        raise UserError(
            f"{name}: a picture. Character cards are read by `generate` (`cards:`), not by `collect`."
        )
    raise UserError(
        f"{name}: unknown file format {found or '(no extension)'}; known are {' '.join(KNOWN)} and .zip"
    )
