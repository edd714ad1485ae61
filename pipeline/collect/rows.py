"""Rows from the bytes of one file: decoded into records, their shape recognised, each admitted.

    bytes ──unpack──→ UTF-8 ──readers──→ records ──shapes──→ transcripts ──admit──→ rows

A text or a document goes to its shape directly. What breaks off leaves the rows before it, and one
row of the quarantine.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from itertools import chain, groupby, islice
from operator import itemgetter
from typing import IO, cast

from pipeline import UserError
from pipeline.collect import (
    cells,
    columnar,
    formats,
    readers,
    recognise,
    shapes,
    tables,
    workbook,
)
from pipeline.collect.admit import Origin, refuse
from pipeline.collect.dialect import dialect_of
from pipeline.collect.in_hand import FileInHand
from pipeline.collect.lines import lines
from pipeline.collect.recognise import SAMPLE
from pipeline.collect.shapes.general import named, turns
from pipeline.collect.shapes.transcript import (
    Numbered,
    Place,
    Transcript,
    Unclear,
    Unread,
    unreadable,
)
from pipeline.collect.unpack import BROKEN, ahead, in_utf8, is_damage, peeked, seekable, unpacked
from pipeline.conversation import Conversation, FileRead, Row
from pipeline.recipe.collect import FieldNames, SourceSettings

HEAD = 50  # lines by which the shape of a text is recognised
BESIDE_TEXT = 8  # a record of JSON may be so many times as long as its texts: our choice
ENTITY = b"<!ENTITY"  # ten lines of them can stand for more text than fits in any memory

NO_RECORDS = (Unread, Conversation)  # what a reader gives that needs no shape

# What is found at a place: "7" is the seventh record, "7/2" its second conversation.
Placed = tuple[str, Transcript | Unread | Conversation]


def rows_of_file(
    source: SourceSettings, place: Place, stream: IO[bytes], origin: Origin
) -> Iterator[Row]:
    """The rows of one file, whatever its compression and format; last what was found in it."""
    file = FileInHand(place, origin, source)
    yield from guarded(_rows(file, stream), place.path, origin)
    if not file.has_sheets:
        yield file.read()


def guarded(rows: Iterable[Row], path: str, origin: Origin) -> Iterator[Row]:
    """The rows; where the file breaks off, one more row after them, for the quarantine."""
    try:
        yield from rows
    except (*BROKEN, OSError) as error:
        if not is_damage(error):
            raise
        detail = f"the file breaks off or is damaged: {error or type(error).__name__}"
        yield refuse("file.damaged", detail, "", origin, path)
    except (ValueError, RecursionError) as error:
        yield refuse(
            "record.unreadable", f"nothing more of the file is read: {error}", "", origin, path
        )


def _rows(file: FileInHand, stream: IO[bytes]) -> Iterator[Row]:
    head, stream = peeked(unpacked(stream), formats.HEAD)
    kind = formats.kind_of(str(file), head)
    file.is_empty = not head
    if kind in columnar.READERS:
        with seekable(stream) as whole:
            yield from _rows_of_records(file, columnar.READERS[kind](whole))
    elif kind == "tar":
        raise formats.UnknownFormat(f"{file}: {formats.INSIDE}")
    elif kind == "zip":
        yield from _rows_of_sheets(file, stream)
    elif kind == "document":
        yield from _if_clear(file, _rows_of_document(file, stream))
    else:
        yield from _rows_of_characters(file, stream)


def _if_clear(file: FileInHand, rows: Iterable[Row]) -> Iterator[Row]:
    """The rows. What a shape finds out to be unclear is a file that no shape fits."""
    try:
        yield from rows
    except Unclear as error:
        raise recognise.UnknownShape(f"{file}: not read: {error}") from error


def _rows_of_characters(file: FileInHand, stream: IO[bytes]) -> Iterator[Row]:
    """The rows of a file of characters: JSON, YAML, a table or a plain text."""
    max_bytes = file.origin.max_bytes
    text, encoding = in_utf8(stream)
    if not encoding.startswith("utf-8"):
        file.notes = (f"collect: decoded from {encoding}",)
    head = ahead(text, formats.HEAD)
    kind = formats.text_kind(head, str(file))
    if kind == "table" or (kind == "text" and recognise.is_of_records(file.source)):
        dialect = dialect_of(head, not recognise.has_names(file.source))
        if dialect.assumed:
            file.assume(dialect.assumed)
        yield from _rows_of_records(file, tables.rows(text, dialect, max_bytes))
    elif kind == "text":
        yield from _if_clear(file, _rows_of_text(file, _TextLines(lines(text, max_bytes))))
    else:
        yield from _rows_of_records(file, readers.READERS[kind](text, max_bytes * BESIDE_TEXT))


def _rows_of_sheets(file: FileInHand, stream: IO[bytes]) -> Iterator[Row]:
    """The rows of a workbook, each sheet like a file of its own. UnknownShape when none fits."""
    with seekable(stream) as whole:
        if formats.check_package(str(file), whole) != "workbook":
            raise formats.UnknownFormat(f"{file}: {formats.INSIDE}")
        file.has_sheets = True
        unknown: list[recognise.UnknownShape] = []
        found: list[FileRead] = []
        for sheet in workbook.sheets(whole, not recognise.has_names(file.source)):
            own = FileInHand(Place(f"{file.place.path}/{sheet.name}"), file.origin, file.source)
            if sheet.columns.assumed:
                own.assume(sheet.columns.assumed)
            try:
                yield from _rows_of_records(own, sheet.records)
                found.append(own.read())
            except recognise.UnknownShape as error:
                unknown.append(error)
                found.append(
                    FileRead(own.place.path, passed_over=recognise.reason(error, str(own)))
                )
    if unknown and len(unknown) == len(found):
        raise unknown[0]
    yield from found


# --- records


def _rows_of_records(file: FileInHand, records: Iterator[Numbered]) -> Iterator[Row]:
    """The rows of decoded records, by the shape that the recipe names or that fits them."""
    head = yield from _head(file, records)
    sample = _readable(head)
    if not sample:
        return
    records = chain(head, records)
    unpack = cells.unpacker(sample)
    if unpack:
        sample = list(map(unpack, sample))
        records = cells.unpack_all(records, unpack)
    if file.source.shape is None and not named.names_turns(file.source.fields):
        recognise.check(str(file), sample)
    shape, inner = recognise.found(file.source, file.place.path, sample, len(head) == 1)
    if inner:
        sample, records = inner[:SAMPLE], enumerate(inner, 1)
    try:
        for number, found in _read(file, shape, records, sample):
            yield file.row(found, number)
    except Unclear as error:
        raise recognise.unknown(str(file), sample, (), str(error)) from error


def _head(file: FileInHand, records: Iterator[Numbered]) -> Generator[Row, None, list[Numbered]]:
    """The first records among which one shows the shape; yields the rows of those before them.

    Any number of unreadable records may stand at the beginning of a file.
    """
    while head := list(islice(records, SAMPLE)):
        if _readable(head):
            break
        for number, record in head:
            if isinstance(record, NO_RECORDS):
                yield file.row(record, str(number))
    return head


def _readable(head: list[Numbered]) -> list[object]:
    """The records that show the shape of the file."""
    return [record for _, record in head if not isinstance(record, NO_RECORDS)]


def _read(
    file: FileInHand,
    shape: recognise.RecordsShape | None,
    records: Iterator[Numbered],
    sample: list[object],
) -> Iterator[Placed]:
    """The conversations of records, by a shape, or by the fields that the recipe names.

    UserError when no shape fits, or when the shape does not know what the recipe says.
    """
    fields, options = file.source.fields, file.source.options
    has_fields = fields != FieldNames()
    if named.names_turns(fields) or (has_fields and shape is turns):
        return _read_named(file, records, sample)
    if shape is None:
        raise recognise.unknown(str(file), sample, recognise.OF_RECORDS)
    file.shape = shape
    if options and shape not in shapes.TABLES:
        raise _not_for(file, "options are for `shape: turns`")
    if has_fields and shape not in shapes.RECORDS:
        raise _not_for(file, "the fields of the texts have to be named too")
    if shape in shapes.TABLES:
        return _read_table(file, shape, records, sample)
    if shape in shapes.CHATS:
        return _numbered(shape.read(records, file.place))
    problem = recognise.unclear(shape, sample)
    if problem:
        raise Unclear(problem)
    return _read_records(cast("shapes.RecordShape", shape), records, fields)


def _not_for(file: FileInHand, problem: str) -> UserError:
    name = shapes.name_of(file.shape) if file.shape else ""
    return UserError(f"{file}: {problem}, and these records are read as {name}")


def _read_named(
    file: FileInHand, records: Iterator[Numbered], sample: list[object]
) -> Iterator[Placed]:
    file.shape = named
    try:
        return _numbered(named.read(records, sample, file.source.fields, file.source.roles))
    except Unclear:
        raise
    except ValueError as error:
        raise recognise.UnknownShape(f"{file}: {error}") from error


def _read_table(
    file: FileInHand, shape: shapes.TableShape, records: Iterator[Numbered], sample: list[object]
) -> Iterator[Placed]:
    try:
        return _numbered(shape.read(records, recognise.objects(sample), file.source.options))
    except Unclear:
        raise
    except ValueError as error:
        raise UserError(f"{file}: {error}") from error


def _numbered(found: Iterable[tuple[int, Transcript | Unread]]) -> Iterator[Placed]:
    for number, group in groupby(found, key=itemgetter(0)):
        for count, (_, one) in enumerate(group, 1):
            yield _place(number, count), one


def _read_records(
    shape: shapes.RecordShape, records: Iterator[Numbered], fields: FieldNames
) -> Iterator[Placed]:
    found: list[Transcript | Unread]
    has_fields = fields != FieldNames()
    for number, record in records:
        if isinstance(record, NO_RECORDS):
            yield str(number), record
            continue
        try:
            found = list(shape.read(record))
        except (ValueError, RecursionError) as error:
            found = [unreadable(error, record)]
        for count, one in enumerate(found or [_empty(record)], 1):
            if has_fields and isinstance(one, Transcript):
                named.with_beside(one, record, fields)
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

    def rows(self, file: FileInHand) -> Iterator[Row]:
        """The rows of the lines that were set aside since the last call."""
        for number, unread in self._too_long:
            yield file.row(unread, f"line {number}")
        self._too_long.clear()


def _rows_of_text(file: FileInHand, text: _TextLines) -> Iterator[Row]:
    """The rows of a plain text. A line that is too long follows the conversation it stands in."""
    lines = iter(text)
    head = list(islice(lines, HEAD))
    fitting = (shape for shape in shapes.TEXTS if shape.recognise(head))
    by_recipe = recognise.named(file.source, file.place.path, shapes.TEXTS)
    shape = by_recipe or next(fitting, None)
    if file.source.fields != FieldNames():
        raise UserError(f"{file}: fields are named, and a plain text has none")
    if shape is None and any(line.strip() for line in head):
        raise recognise.unknown(str(file), ["".join(head)], shapes.TEXTS)
    if shape:
        file.shape = shape
        for number, found in enumerate(shape.read(chain(head, lines), file.place), 1):
            if isinstance(found, Transcript) and found.group is None:
                found.group = file.place.path
            yield file.row(found, str(number))
            yield from text.rows(file)
    yield from text.rows(file)


def _rows_of_document(file: FileInHand, stream: IO[bytes]) -> Iterator[Row]:
    data = stream.read(readers.WHOLE + 1)
    if ENTITY in data.replace(b"\0", b""):  # also of UTF-16
        detail = "XML with entities of its own, which are not followed"
        yield refuse("record.unreadable", detail, data, file.origin, file.place.path)
        return
    if len(data) > readers.WHOLE:
        detail = f"a document of more than {readers.WHOLE:,} bytes"
        yield refuse("file.too_long", detail, data, file.origin, file.place.path)
        return
    shape = next((shape for shape in shapes.DOCUMENTS if shape.recognise(data)), None)
    if shape is None and formats.PAGE_MARK.match(data):
        raise formats.UnknownFormat(f"{file}: {formats.PAGE}")
    if shape is None:
        raise recognise.unknown(str(file), [data[:300]], shapes.DOCUMENTS)
    file.shape = shape
    for number, found in enumerate(shape.read(data, file.place), 1):
        yield file.row(found, str(number))
