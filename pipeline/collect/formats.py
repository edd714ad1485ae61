"""Bytes to records: compression, archives, encodings, and the file formats. Nothing here knows a dialogue.

Every reader streams (but one XML, YAML or text document, which is held whole) and yields (number, record) with `Unread`
in the place of a record that could not be decoded: one bad line costs one line.
"""

from __future__ import annotations

import bz2
import codecs
import csv
import gzip
import io
import json
import lzma
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import chain, count
from pathlib import PurePosixPath
from typing import IO, Any

import orjson
import zstandard

from pipeline.collect.shapes.talk import Unread
from pipeline.recipe import UserError

Records = Iterator[tuple[int, Any]]

COMPRESSED = (".gz", ".zst", ".bz2", ".xz")
WHOLE = 128_000_000  # bytes of a document that has to be held whole; decoded it takes about six times as much
SNIFF = 1_000_000  # bytes looked at to tell the encoding
RAW = 100_000  # characters of an unreadable record that are kept
# Encodings of texts that are not Unicode, commoner ones first: of equally likely ones the first is taken.
LIKELY = ("cp1252", "cp1251", "koi8_r", "cp1250", "cp1253", "cp1254", "cp1255", "cp1256", "cp1257", "cp874", "gb18030",
          "big5", "shift_jis", "euc_jp", "euc_kr", "cp866")  # fmt: skip
BROKEN = (EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, zstandard.ZstdError)


def suffix(name: str) -> str:
    """The extension that names the format: `.jsonl` of `a/talks.jsonl.gz`."""
    path = PurePosixPath(name.lower())
    return PurePosixPath(path.stem).suffix if path.suffix in COMPRESSED else path.suffix


def unpacked(stream: IO[bytes]) -> IO[bytes]:
    """The stream without its compression, told by its first bytes, not by its name."""
    head = stream.read(6)
    whole = io.BufferedReader(_Joined(head, stream), 1 << 20)
    if head.startswith(b"\x1f\x8b"):
        return gzip.GzipFile(fileobj=whole)  # type: ignore[return-value]
    if head.startswith(b"\x28\xb5\x2f\xfd"):
        return io.BufferedReader(zstandard.ZstdDecompressor().stream_reader(whole, read_across_frames=True), 1 << 17)
    if head.startswith(b"BZh"):
        return bz2.BZ2File(whole)
    if head.startswith(b"\xfd7zXZ\x00"):
        return lzma.LZMAFile(whole)
    return whole


def in_utf8(stream: IO[bytes]) -> tuple[IO[bytes], str]:
    """The text stream as UTF-8 without a byte order mark, and the encoding it had."""
    head = _head(stream)
    encoding = encoding_of(head)
    if encoding in ("utf-8", "utf-8-sig"):
        return io.BufferedReader(_Joined(head.removeprefix(codecs.BOM_UTF8), stream), 1 << 20), encoding
    return io.BufferedReader(_Recoded(io.BufferedReader(_Joined(head, stream)), encoding), 1 << 20), encoding


def _head(stream: IO[bytes]) -> bytes:
    """The first megabyte, or what can be read of it where the compression breaks off."""
    parts: list[bytes] = []
    with suppress(*BROKEN, OSError):  # whoever reads on meets the same error, after these bytes
        while sum(map(len, parts)) < SNIFF and (part := _piece(stream, SNIFF)):
            parts.append(part)
    return b"".join(parts)


def _piece(stream: Any, size: int) -> bytes:
    """At most one buffer's worth, so that an error later in the file costs nothing that came before it."""
    piece: bytes = stream.read1(size) if hasattr(stream, "read1") else stream.read(min(size, 1 << 16))
    return piece


def encoding_of(head: bytes) -> str:
    """The encoding of a text by its first bytes: byte order mark, else UTF-8 if it is, else the likeliest other one."""
    marks = [(codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32")]
    marks += [(codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16")]
    for mark, name in marks:
        if head.startswith(mark):
            return name
    if head.count(0) * 50 > len(head):  # blanks and line ends of UTF-16; in other texts there is no zero byte
        return "utf-16-le" if head[1::2].count(0) > head[::2].count(0) else "utf-16-be"
    decoded = head.decode("utf-8", "surrogateescape")
    wrong = sum("\udc80" <= c <= "\udcff" for c in decoded[:-3])
    right = sum(c > "\x7f" for c in decoded) - wrong
    return "utf-8" if wrong <= right else _likeliest(head)  # UTF-8, if perhaps with a damaged line in it


def _likeliest(head: bytes) -> str:
    from charset_normalizer import from_bytes

    telling = b"\n".join(line for line in head.splitlines() if not line.isascii())[:50_000]
    found = list(from_bytes(telling, cp_isolation=list(LIKELY)))
    best = [match for match in found if (match.chaos, match.coherence) == (found[0].chaos, found[0].coherence)]
    names = {name for match in best for name in match.could_be_from_charset}
    return next((name for name in LIKELY if name in names), "cp1252")


class _Joined(io.RawIOBase):
    """What has been read already, then the rest of the stream."""

    def __init__(self, head: bytes, rest: IO[bytes]) -> None:
        self.parts = [io.BytesIO(head), rest]

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while self.parts:
            if piece := _piece(self.parts[0], len(buffer)):
                buffer[: len(piece)] = piece
                return len(piece)
            self.parts.pop(0)
        return 0


class _Recoded(io.RawIOBase):
    """A stream of another encoding as UTF-8. What that encoding cannot say becomes U+FFFD and is seen by `filter`."""

    def __init__(self, stream: IO[bytes], encoding: str) -> None:
        self.stream, self.left = stream, b""
        self.decoder = codecs.getincrementaldecoder(encoding)("replace")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self.left:
            chunk = self.stream.read(1 << 16)
            self.left = self.decoder.decode(chunk, final=not chunk).encode()
            if not chunk:
                break
        size = min(len(buffer), len(self.left))
        buffer[:size], self.left = self.left[:size], self.left[size:]
        return size


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
        yield number, Unread(f"a line of {size:,} bytes, more than max_bytes {limit:,}", line[: 4 * RAW])


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
    stream = io.BufferedReader(_Joined(head.lstrip(), stream), 1 << 20)
    if head.lstrip().startswith(b"["):
        yield from _array(stream, limit)
        return
    first = stream.readline(limit + 1)
    more = stream.read(1 << 10)
    rest = io.BufferedReader(_Joined(first + more, stream), 1 << 20)
    if more.strip() and _is_object(first):
        yield from json_lines(rest, limit)
        return
    data = rest.read(WHOLE + 1)
    if len(data) > WHOLE:
        yield 1, Unread(f"one JSON object of more than {WHOLE:,} bytes: write it as JSON lines", data[: 4 * RAW])
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
    text, decoder = io.TextIOWrapper(stream, "utf-8", "surrogateescape", newline=""), json.JSONDecoder()
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
                more = text.read(max(1 << 16, len(buffer) - at))
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


def table(stream: IO[bytes], limit: int) -> Records:
    """Rows of a csv or tsv file as dicts by the names in its first line."""
    csv.field_size_limit(limit)
    last = [""]  # the latest line, shown where its row cannot be read

    def text() -> Iterator[str]:
        for _, line in lines(stream, limit):
            last[0] = (line.raw if isinstance(line, Unread) else line).decode("utf-8", "surrogateescape")
            yield last[0]

    unread = text()
    first = next(unread, "")
    rows = csv.reader(chain([first], unread), delimiter=_separator(first))
    names: list[str] = []
    for number in count():
        try:
            cells = next(rows)
            "".join(cells).encode()
        except StopIteration:
            return
        except (csv.Error, UnicodeEncodeError) as error:
            yield number, Unread(f"not a row of the table: {error}", last[0])
            continue
        if not names:
            names = cells
        elif len(cells) == len(names):
            yield number, dict(zip(names, cells, strict=True))
        elif any(cells):
            yield number, Unread(f"{len(cells)} cells, expected {len(names)}", last[0])


def _separator(header: str) -> str:
    return max(",\t;|", key=header.count)


def parquet(stream: IO[bytes], limit: int) -> Records:
    """Rows of a Parquet file as dicts, in batches; our own shelves come back as `Conversation`."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    from pipeline.conversation import SCHEMA, from_table

    number = 0
    try:
        file = pq.ParquetFile(stream, pre_buffer=False)
        ours = file.schema_arrow.names == SCHEMA.names
        for batch in file.iter_batches(1000):
            for row in from_table(pa.Table.from_batches([batch]).cast(SCHEMA)) if ours else _rows_of(batch):
                number += 1
                yield number, row
    except (pa.ArrowException, OSError) as error:
        yield number + 1, Unread(f"not Parquet, or damaged: {error}", b"")


def _rows_of(batch: Any) -> Iterator[Any]:
    """Rows as dicts; one whose bytes are no text is unreadable by itself."""
    try:
        yield from batch.to_pylist()
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
        yield 1, Unread(f"a YAML file of more than {WHOLE:,} bytes: write it as JSON lines", data[: 4 * RAW])
        return
    loader = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
    try:
        if b"*" in data and any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(data, loader)):
            raise ValueError("aliases are not followed: a few lines of them can stand for more text than fits anywhere")
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
        raise UserError(f"{name}: a picture. Character cards are read by `generate` (`cards:`), not by `collect`.")
    raise UserError(f"{name}: unknown file format {found or '(no extension)'}; known are {' '.join(KNOWN)} and .zip")
