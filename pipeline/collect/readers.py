"""UTF-8 to records: JSON lines and arrays, tables, YAML, Parquet. No reader knows conversations.

Every reader streams (but a single JSON object or YAML file, which is held whole) and yields
(number, record), with `Unread` in the place of a record that could not be decoded: one bad line
costs one line.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Iterator
from itertools import chain, count
from pathlib import PurePosixPath
from typing import IO, TYPE_CHECKING

import orjson

from pipeline import UserError
from pipeline.collect.shapes.transcript import RAW, Unread
from pipeline.collect.unpack import Joined, is_damage
from pipeline.conversation import uncollected

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

Numbered = Iterator[tuple[int, object]]  # (number in the file, record)

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
    while line := stream.readline(limit + 1):
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


def json_lines(stream: IO[bytes], limit: int) -> Numbered:
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


def json_document(stream: IO[bytes], limit: int) -> Numbered:
    """A JSON file: the elements of an array, several objects one after another, or one object."""
    head = b""
    while not head.strip() and (more := stream.read(1 << 16)):
        head += more
    stream = io.BufferedReader(Joined(head.lstrip(), stream), BUFFER)
    if head.lstrip().startswith(b"["):
        yield from _Array(stream, limit).records()
        return
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


def _one_object(stream: IO[bytes]) -> Numbered:
    data = stream.read(WHOLE + 1)
    if len(data) > WHOLE:
        detail = f"one JSON object of more than {WHOLE:,} bytes: write it as JSON lines"
        yield 1, Unread("file.too_long", detail, data[: 4 * RAW])
    elif data.strip():
        try:
            yield 1, orjson.loads(data)
        except orjson.JSONDecodeError as error:
            yield 1, _second_try(data, error)


_GAP = re.compile(r"[\s,]*")
_BLANK = re.compile(r"\s*")
_MARK = re.compile(r"\\.|[\"{}\[\],]", re.S)
_DEPTH = {"{": 1, "[": 1, "}": -1, "]": -1}


class _Array:
    """The elements of a JSON array, one after another, however long the array is.

    A window of the text is held. `at` is where the next element begins:

        [{"id": 1}, {"id": 2}, {"id": 3}, {"i          the file goes on: d": 4}]
         └─── decoded ──────┘  ↑ at          ↑ end of the window

    An element that does not end in the window makes it grow. One that is longer than `limit`, or
    cannot be decoded, is skipped by counting brackets.
    """

    def __init__(self, stream: IO[bytes], limit: int) -> None:
        self.text = io.TextIOWrapper(stream, "utf-8", "surrogateescape", newline="")
        self.decoder = json.JSONDecoder()
        self.limit = limit
        self.window = self.text.read(1 << 16)[1:]
        self.at = 0
        self.ended = False  # whether the window reaches to the end of the file

    def records(self) -> Numbered:
        number = 1
        while True:
            self.at = _past(_GAP, self.window, self.at)
            if self._is_over():
                return
            try:
                record = self._decoded()
            except (ValueError, RecursionError) as error:
                if self._grows():
                    continue
                record = self._skipped(error)
            yield number, record
            number += 1

    def _is_over(self) -> bool:
        at_end = self.ended and self.at == len(self.window)
        return at_end or self.window.startswith("]", self.at)

    def _decoded(self) -> object:
        """The next element; ValueError when it is broken, too long or not whole yet."""
        record, end = self.decoder.raw_decode(self.window, self.at)
        if end - self.at > self.limit:
            raise ValueError(f"more than max_bytes {self.limit:,}")
        if _past(_BLANK, self.window, end) == len(self.window) and not self.ended:
            raise ValueError("no comma yet: of a number, further digits may come")
        raw = self.window[self.at : end]
        self.at = end
        return _checked(record, raw)

    def _grows(self) -> bool:
        """Read on, where more text may make the element whole."""
        held = len(self.window) - self.at
        if self.ended or held > self.limit:
            return False
        more = self.text.read(max(1 << 18, held))
        self.window = self.window[self.at :] + more
        self.at = 0
        self.ended = not more
        return True

    def _skipped(self, error: Exception) -> Unread:
        raw = self.window[self.at : self.at + RAW]
        self.window, size = _after_element(self.text, self.window[self.at :])
        self.at = 0
        if size > self.limit:
            detail = f"an element of {size:,} characters, more than max_bytes {self.limit:,}"
            return Unread("record.too_long", detail, raw)
        return Unread("record.malformed", f"not JSON: {error}", raw)


def _past(pattern: re.Pattern[str], text: str, at: int) -> int:
    found = pattern.match(text, at)
    return found.end() if found else at


def _after_element(text: IO[str], window: str) -> tuple[str, int]:
    """What follows the element at the head of the window, and its length in characters.

    Only brackets and quotation marks are looked at; the element ends at the comma or bracket that
    is outside all of them:

        {"a": [1, "x, ]"], oops}, {"b": ..
        1     2         1      0↑ here
    """
    depth, quoted, size = 0, False, 0
    while window:
        at = 0
        while match := _MARK.search(window, at):
            at, mark = match.end(), match[0]
            if mark == '"':
                quoted = not quoted
            elif not quoted and depth == 0 and mark in ",]":
                return window[match.start() :], size + match.start()
            elif not quoted:
                depth = max(0, depth + _DEPTH.get(mark, 0))
        # A backslash at the end belongs to the first character of the next window.
        half = "\\" if window[at:].endswith("\\") else ""
        size += len(window) - len(half)
        window = half + text.read(BUFFER)
        if window == half:
            break
    return "", size


def _checked(record: object, raw: str) -> object:
    """The record, unless it holds half characters (lone surrogates, bytes that are not UTF-8)."""
    if "\\ud" in raw or "\\uD" in raw or not raw.isascii():
        try:
            json.dumps(record, ensure_ascii=False).encode()
        except UnicodeEncodeError:
            detail = "holds bytes or escapes that are not characters"
            return Unread("record.not_text", detail, raw)
    return record


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


def table(stream: IO[bytes], limit: int) -> Numbered:
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
            "".join(cells or ()).encode()
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
        elif len(cells) == len(names):
            yield number, dict(zip(names, cells, strict=True))
        elif any(cells):
            detail = f"{len(cells)} cells, expected {len(names)}"
            yield number, Unread("record.malformed", detail, text.last)


def parquet(stream: IO[bytes], limit: int) -> Numbered:
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


def yaml_documents(stream: IO[bytes], limit: int) -> Numbered:
    """YAML documents with every scalar as text: `- Yes` is a message, not a truth value."""
    import yaml

    data = stream.read(WHOLE + 1)
    if len(data) > WHOLE:
        detail = f"a YAML file of more than {WHOLE:,} bytes: write it as JSON lines"
        yield 1, Unread("file.too_long", detail, data[: 4 * RAW])
        return
    loader = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
    try:
        events = yaml.parse(data, loader) if b"*" in data else ()
        if any(isinstance(event, yaml.AliasEvent) for event in events):
            # A few lines of them can stand for more text than fits in any memory.
            raise ValueError("aliases are not followed")
        for number, document in enumerate(yaml.load_all(data, loader), 1):
            yield number, _checked(document, "\\ud")
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        detail = f"not YAML: {' '.join(str(error).split())}"
        yield 1, Unread("record.malformed", detail, data)


# --- formats by extension

READERS: dict[str, Callable[[IO[bytes], int], Numbered]] = {
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
DOCUMENTS = (".xml", ".tei")
TEXTS = (".txt", ".log")
KNOWN = (*READERS, *DOCUMENTS, *TEXTS)


def known_format(name: str) -> str:
    """The extension; UserError, which lists those that can be read, when it is not one of them."""
    found = suffix(name)
    if found in KNOWN:
        return found
    if found == ".png":
        cards = "Character cards are read by `generate` (`cards:`), not by `collect`."
        raise UserError(f"{name}: a picture. {cards}")
    format_name = found or "(no extension)"
    known = f"{' '.join(KNOWN)} and .zip"
    raise UserError(f"{name}: unknown file format {format_name}; known are {known}")
