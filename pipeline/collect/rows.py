"""Rows from the bytes of one file: decoded into records, their shape recognised, each admitted.

    bytes ──unpack──→ UTF-8 ──readers──→ records ──shapes──→ transcripts ──admit──→ rows

A text or a document goes to its shape directly. What breaks off leaves the rows before it, and one
row of the quarantine.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, groupby, islice
from operator import itemgetter
from typing import IO, TypeVar, cast

from pipeline import UserError
from pipeline.collect import readers, shapes
from pipeline.collect.admit import Origin, admit, raw_text, refuse
from pipeline.collect.shapes import card
from pipeline.collect.shapes.transcript import Fields, Numbered, Transcript, Unread, unreadable
from pipeline.collect.unpack import BROKEN, in_utf8, is_damage, unpacked
from pipeline.conversation import Conversation, Row
from pipeline.recipe.collect import SourceSettings

SAMPLE = 20  # records by which a shape is recognised
HEAD = 50  # lines by which the shape of a text is recognised
DEPTH = 5  # levels of one JSON object that are searched for records

AnyRecordShape = shapes.RecordShape | shapes.TableShape
RECORD_SHAPES: tuple[AnyRecordShape, ...] = (*shapes.RECORDS, *shapes.TABLES)
ShapeType = TypeVar("ShapeType", bound=shapes.Shape)
# What is found at a place: "7" is the seventh record, "7/2" its second conversation.
Placed = tuple[str, Transcript | Unread | Conversation]


@dataclass(frozen=True, slots=True)
class _File:
    """What the rows of one file are made with. path: below the folder of the source."""

    path: str
    origin: Origin
    source: SourceSettings
    notes: tuple[str, ...] = ()

    def row(self, found: Transcript | Unread | Conversation, place: str) -> Row:
        """A row of our own stores passes unchanged; a transcript is admitted."""
        if isinstance(found, Conversation):
            return found
        return admit(found, self.origin, f"{self.path}#{place}", self.notes)

    def __str__(self) -> str:
        return f"source {self.origin.name}: {self.path}"


def rows_of_file(
    source: SourceSettings, path: str, stream: IO[bytes], origin: Origin
) -> Iterator[Row]:
    """The rows of one file, whatever its compression and format."""
    return guarded(_rows(_File(path, origin, source), stream), path, origin)


def guarded(rows: Iterable[Row], path: str, origin: Origin) -> Iterator[Row]:
    """The rows; where the file breaks off, one more row after them, for the quarantine."""
    try:
        yield from rows
    except (*BROKEN, OSError) as error:
        if not is_damage(error):
            raise
        detail = f"the file breaks off or is damaged: {error or type(error).__name__}"
        yield refuse("file.damaged", detail, "", origin, path)


def _rows(file: _File, stream: IO[bytes]) -> Iterator[Row]:
    max_bytes = file.origin.max_bytes
    kind = readers.known_format(str(file))
    if kind == ".parquet":
        yield from _rows_of_records(file, readers.parquet(stream, max_bytes))
        return
    stream = unpacked(stream)
    if kind in readers.DOCUMENTS:
        yield from _rows_of_document(file, stream)
        return
    stream, encoding = in_utf8(stream)
    if not encoding.startswith("utf-8"):
        file = replace(file, notes=(f"collect: decoded from {encoding}",))
    if kind in readers.TEXTS:
        yield from _rows_of_text(file, _TextLines(readers.lines(stream, max_bytes)))
    else:
        yield from _rows_of_records(file, readers.READERS[kind](stream, max_bytes))


def _unknown(file: _File, record: object, tried: Sequence[shapes.Shape]) -> UserError:
    """The error for a file that no shape fits."""
    if card.recognise(record):
        what = "is a character card: a persona without a conversation"
        return UserError(f"{file} {what}. `generate` reads it, not `collect`.")
    return UserError(
        f"{file}: no known shape fits. Tried: {', '.join(shapes.names(tried))}.\n"
        f"The first record looks like: {raw_text(record)[:300]}\n"
        "Name the shape in the recipe (`shape: ..`), or write "
        '{"messages": [{"role": .., "content": ..}]}.'
    )


def _named(file: _File, known: Sequence[ShapeType]) -> ShapeType | None:
    """The shape that the recipe names. UserError when no shape for such a file has that name."""
    name = file.source.shape
    if name is None:
        return None
    for shape in known:
        if shapes.name_of(shape) == name:
            return shape
    problem = f"unknown shape {name!r} for {file.path}; known are {', '.join(shapes.names(known))}"
    raise UserError(f"source {file.origin.name}: {problem}")


# --- records


def _rows_of_records(file: _File, records: Iterator[Numbered]) -> Iterator[Row]:
    """The rows of decoded records, by the shape that the recipe names or that fits them."""
    head = yield from _head(file, records)
    sample = _readable(head)
    if not sample:
        return
    records = chain(head, records)
    named = _named(file, RECORD_SHAPES)
    fitting = _fitting(sample)
    # One object that no shape fits may hold the records: {"train": [..], "test": [..]}
    if fitting is None and len(head) == 1 and (inner := list(_inside(sample[0]))):
        sample, records = inner[:SAMPLE], enumerate(inner, 1)
        fitting = _fitting(sample)
    shape = named or fitting
    if shape is None:
        raise _unknown(file, sample[0], RECORD_SHAPES)
    for place, found in _read(file, shape, records, sample):
        yield file.row(found, place)


def _head(file: _File, records: Iterator[Numbered]) -> Generator[Row, None, list[Numbered]]:
    """The first records among which one shows the shape; yields the rows of those before them.

    Any number of unreadable records may stand at the beginning of a file.
    """
    while head := list(islice(records, SAMPLE)):
        if _readable(head):
            break
        for number, record in head:
            if isinstance(record, Unread | Conversation):
                yield file.row(record, str(number))
    return head


def _readable(head: list[Numbered]) -> list[object]:
    """The records that show the shape of the file."""
    return [record for _, record in head if not isinstance(record, Unread | Conversation)]


def _fitting(sample: list[object]) -> AnyRecordShape | None:
    """The first shape that fits most of the records; else the one that fits the most of them."""
    counts = [sum(map(bool, map(shape.recognise, sample))) for shape in shapes.RECORDS]
    for shape, count in zip(shapes.RECORDS, counts, strict=True):
        if count * 2 > len(sample):
            return shape
    # Tables last: a row of a table may itself be a conversation.
    rows = _dicts(sample)
    for table in shapes.TABLES:
        if rows and table.recognise(rows):
            return table
    if not any(counts):
        return None
    return shapes.RECORDS[counts.index(max(counts))]


def _dicts(sample: list[object]) -> list[Fields]:
    return [record for record in sample if isinstance(record, dict)]


def _inside(whole: object, depth: int = DEPTH) -> Iterator[object]:
    """The records inside one JSON or YAML object, at any depth.

    {"train": [record, record], "test": [record]}    {"scene 1": record, "scene 2": record}
    """
    children: list[object] = []
    if isinstance(whole, dict):
        children = list(whole.values())
    elif isinstance(whole, list):
        children = whole
    fitting = sum(map(_fits_any, children))
    if fitting * 2 > len(children) or (fitting and isinstance(whole, list)):
        yield from children
    elif depth:
        for child in children:
            yield from _inside(child, depth - 1)


def _fits_any(record: object) -> bool:
    return any(shape.recognise(record) for shape in shapes.RECORDS)


def _read(
    file: _File,
    shape: AnyRecordShape,
    records: Iterator[Numbered],
    sample: list[object],
) -> Iterator[Placed]:
    """The conversations of records. UserError when the shape does not know the recipe's options."""
    options = file.source.options
    if shape in shapes.TABLES:
        try:
            return _numbered(shape.read(records, _dicts(sample), options))
        except ValueError as error:
            raise UserError(f"{file}: {error}") from error
    if options:
        name = shapes.name_of(shape)
        problem = f"options are for `shape: turns`, and these records are read as {name}"
        raise UserError(f"{file}: {problem}")
    return _read_records(cast("shapes.RecordShape", shape), records)


def _numbered(found: Iterable[tuple[int, Transcript | Unread]]) -> Iterator[Placed]:
    for number, group in groupby(found, key=itemgetter(0)):
        for count, (_, one) in enumerate(group, 1):
            yield _place(number, count), one


def _read_records(shape: shapes.RecordShape, records: Iterator[Numbered]) -> Iterator[Placed]:
    found: list[Transcript | Unread]
    for number, record in records:
        if isinstance(record, Unread | Conversation):
            yield str(number), record
            continue
        try:
            found = list(shape.read(record))
        except (ValueError, RecursionError) as error:
            found = [unreadable(error, record)]
        for count, one in enumerate(found or [_empty(record)], 1):
            yield _place(number, count), one


def _empty(record: object) -> Unread:
    return Unread("record.empty", "the record holds no conversation", record)


def _place(number: int, count: int) -> str:
    return f"{number}/{count}" if count > 1 else str(number)


# --- texts and documents


class _TextLines:
    """The lines of a text, but those that are too long: they are set aside as (number, Unread)."""

    def __init__(self, lines: Iterable[tuple[int, bytes | Unread]]) -> None:
        self._lines = lines
        self._too_long: list[tuple[int, Unread]] = []

    def __iter__(self) -> Iterator[str]:
        for number, line in self._lines:
            if isinstance(line, Unread):
                self._too_long.append((number, line))
            else:
                yield line.decode("utf-8", "replace")

    def rows(self, file: _File) -> Iterator[Row]:
        """The rows of the lines that were set aside since the last call."""
        for number, unread in self._too_long:
            yield file.row(unread, f"line {number}")
        self._too_long.clear()


def _rows_of_text(file: _File, text: _TextLines) -> Iterator[Row]:
    """The rows of a plain text. A line that is too long follows the conversation it stands in."""
    lines = iter(text)
    head = list(islice(lines, HEAD))
    fitting = (shape for shape in shapes.TEXTS if shape.recognise(head))
    shape = _named(file, shapes.TEXTS) or next(fitting, None)
    if shape is None and any(line.strip() for line in head):
        raise _unknown(file, "".join(head), shapes.TEXTS)
    if shape:
        for number, found in enumerate(shape.read(chain(head, lines)), 1):
            if isinstance(found, Transcript):
                found.group = file.path
            yield file.row(found, str(number))
            yield from text.rows(file)
    yield from text.rows(file)


def _rows_of_document(file: _File, stream: IO[bytes]) -> Iterator[Row]:
    data = stream.read(readers.WHOLE + 1)
    if len(data) > readers.WHOLE:
        detail = f"a document of more than {readers.WHOLE:,} bytes"
        yield refuse("file.too_long", detail, data, file.origin, file.path)
        return
    shape = next((shape for shape in shapes.DOCUMENTS if shape.recognise(data)), None)
    if shape is None:
        raise _unknown(file, data[:300], shapes.DOCUMENTS)
    for number, found in enumerate(shape.read(data), 1):
        yield file.row(found, str(number))
