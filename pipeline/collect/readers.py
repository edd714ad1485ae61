"""UTF-8 to records: JSON lines and documents, YAML. No reader knows conversations.

Every reader streams (but a single JSON object or YAML file, which is held whole) and yields
(number, record), with `Unread` in the place of a record that could not be decoded: one bad line
costs one line.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from itertools import count
from typing import IO, NamedTuple

import orjson

from pipeline.collect.formats import SCRIPT, TextKind
from pipeline.collect.json_array import BLANK, checked, elements, past, problem_of
from pipeline.collect.lines import lines
from pipeline.collect.shapes.transcript import RAW, Numbered, Unread
from pipeline.collect.unpack import Joined

WHOLE = 128_000_000  # bytes of a file that has to be held whole; decoded it takes six times as much
BUFFER = 1 << 20  # bytes
AHEAD = 1 << 16  # bytes after the first line that are looked at


# --- JSON


class _Beginning(NamedTuple):
    """The first line that is not blank, the blank ones before it, and what follows it.

    is_cut: the line is longer than a record may be, and `first` only its beginning.
    """

    blank: bytes
    first: bytes
    more: bytes
    is_cut: bool

    def are_lines(self) -> bool:
        """Whether most lines after the first are JSON by themselves."""
        found = self.more.split(b"\n")
        later = [line for line in found if line.strip()]
        if len(self.more) == AHEAD:  # the last one may go on
            later = later[:-1]
        return sum(map(_is_value, later)) * 2 > len(later)

    def goes_on(self) -> bool:
        """Whether the first value, as far as it is seen, goes on after its line."""
        first = self.first.lstrip()
        text = (first + self.more).decode("utf-8", "replace")
        try:
            _, end = json.JSONDecoder().raw_decode(text)
        except json.JSONDecodeError as error:
            end = error.pos
        except RecursionError:
            return False
        return end > len(first.rstrip().decode("utf-8", "replace"))


def json_lines(stream: IO[bytes], limit: int) -> Iterator[Numbered]:
    """A record a line; a document, where the first value does not end on its line."""
    beginning, stream = _beginning(stream, limit)
    if beginning.is_cut:
        is_document = beginning.first.lstrip().startswith(b"[")
    else:
        is_document = beginning.goes_on() and not beginning.are_lines()
    if is_document:
        yield from _document(stream, limit, beginning)
    else:
        yield from _lines_of_json(stream, limit)


def json_document(stream: IO[bytes], limit: int) -> Iterator[Numbered]:
    """A JSON file: the elements of arrays, or one or more objects. JSON lines, where it is such."""
    beginning, stream = _beginning(stream, limit)
    is_value = _is_value(beginning.first) and bool(beginning.more.strip())
    if is_value or beginning.are_lines():
        yield from _lines_of_json(stream, limit)
    else:
        yield from _document(stream, limit, beginning)


def _beginning(stream: IO[bytes], limit: int) -> tuple[_Beginning, IO[bytes]]:
    """The beginning of a stream, and a stream with all of it."""
    blank = b""
    while (first := stream.readline(limit + 1)) and not first.strip() and len(blank) < BUFFER:
        blank += first
    more = b""
    while len(more) < AHEAD and (piece := stream.read(AHEAD - len(more))):
        more += piece
    whole = io.BufferedReader(Joined(blank + first + more, stream), BUFFER)
    is_cut = len(first) > limit and not first.endswith(b"\n")
    return _Beginning(blank, first, more, is_cut), whole


def _is_value(line: bytes) -> bool:
    """Whether a line by itself is an object or an array."""
    try:
        return isinstance(orjson.loads(line), dict | list)
    except orjson.JSONDecodeError:
        return False


def _lines_of_json(stream: IO[bytes], limit: int) -> Iterator[Numbered]:
    for number, line in lines(stream, limit):
        if isinstance(line, Unread):
            yield number, line
            continue
        try:
            yield number, orjson.loads(line)
        except orjson.JSONDecodeError:
            if not line.isspace():
                yield number, _second_try(line)


def _second_try(line: bytes) -> object:
    """What orjson refuses and Python's reader takes: NaN, very long numbers.

    Both refuse half characters.
    """
    text = line.decode("utf-8", "surrogateescape")
    try:
        record: object = json.loads(text)
        json.dumps(record, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        return _malformed(error, text, line)
    return record


def _document(stream: IO[bytes], limit: int, beginning: _Beginning) -> Iterator[Numbered]:
    script = SCRIPT.match(beginning.first)
    before = script.end() if script else 0
    stream.read(len(beginning.blank) + before)
    if beginning.first[before:].lstrip().startswith(b"["):
        yield from elements(stream, limit)
    else:
        yield from _objects(stream)


def _objects(stream: IO[bytes]) -> Iterator[Numbered]:
    """One object, or several of them one after another."""
    data = stream.read(WHOLE + 1)
    if len(data) > WHOLE:
        detail = f"one JSON object of more than {WHOLE:,} bytes: write it as JSON lines"
        yield 1, Unread("file.too_long", detail, data[: 4 * RAW])
    elif data.strip():
        try:
            yield 1, orjson.loads(data)
        except orjson.JSONDecodeError:
            yield from _one_after_another(data)


def _one_after_another(data: bytes) -> Iterator[Numbered]:
    """The values of a text that may hold several, each over several lines."""
    text = data.decode("utf-8", "surrogateescape").strip().removesuffix(";")
    decoder = json.JSONDecoder()
    at = 0
    for number in count(1):
        try:
            record, end = decoder.raw_decode(text, at)
        except (ValueError, RecursionError) as error:
            yield number, _malformed(error, text, text[at : at + RAW])
            return
        yield number, checked(record, text[at:end])
        at = past(BLANK, text, end)
        if at == len(text):
            return


def _malformed(error: Exception, text: str, raw: str | bytes) -> Unread:
    what = str(error)
    if isinstance(error, json.JSONDecodeError):
        what = f"{problem_of(error, text)} at line {error.lineno}, column {error.colno}"
    return Unread("record.malformed", f"not JSON: {what}", raw)


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


READERS: dict[TextKind, Callable[[IO[bytes], int], Iterator[Numbered]]] = {
    "json lines": json_lines,
    "json": json_document,
    "yaml": yaml_documents,
}
