"""Which shape a file has: the one that the recipe names, or the first that fits its records.

What no shape fits is refused, with the fields that were seen and what a recipe can say about them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeVar

from pipeline import UserError
from pipeline.collect import shapes
from pipeline.collect.admit import raw_text
from pipeline.collect.shapes import card
from pipeline.collect.shapes.transcript import Fields
from pipeline.recipe.collect import FieldNames, SourceSettings

DEPTH = 5  # levels of one JSON object that are searched for records

RecordsShape = shapes.ChatShape | shapes.RecordShape | shapes.TableShape
OF_RECORDS: tuple[RecordsShape, ...] = (*shapes.CHATS, *shapes.RECORDS, *shapes.TABLES)
ShapeType = TypeVar("ShapeType", bound=shapes.Shape)


class UnknownShape(UserError):
    """No shape fits a file. `collect` passes such a file over where nobody named it."""


def unknown(where: str, record: object, tried: Sequence[shapes.Shape]) -> UnknownShape:
    """The error for a file that no shape fits. where: the source and the file."""
    if card.recognise(record):
        what = "is a character card: a persona without a conversation"
        return UnknownShape(f"{where} {what}. `generate` reads it, not `collect`.")
    return UnknownShape(
        f"{where}: no known shape fits. Tried: {', '.join(shapes.names(tried))}.\n"
        f"The first record looks like: {raw_text(record)[:300]}\n"
        "Name the shape in the recipe (`shape: ..`), or write "
        '{"messages": [{"role": .., "content": ..}]}.'
    )


def reason(error: UserError, where: str) -> str:
    """Why a file is passed over: the first sentence of the error, without the file's name."""
    first = str(error).partition("\n")[0].removeprefix(where).lstrip(": ")
    return first.partition(" Tried: ")[0]


def is_of_records(source: SourceSettings) -> bool:
    """Whether the recipe names a shape of records or tables, and not of plain text."""
    return source.shape in shapes.names(OF_RECORDS)


def has_names(source: SourceSettings) -> bool:
    """Whether the recipe names a shape or fields, so that the names of the file are to stay."""
    return bool(source.shape or source.options) or source.fields != FieldNames()


def named(source: SourceSettings, path: str, known: Sequence[ShapeType]) -> ShapeType | None:
    """The shape that the recipe names. UserError when no shape for such a file has that name."""
    name = source.shape
    if name is None:
        return None
    for shape in known:
        if shapes.name_of(shape) == name:
            return shape
    if name in shapes.names(OF_RECORDS, shapes.TEXTS, shapes.DOCUMENTS):
        raise UnknownShape(f"source {source.name}: {path}: the shape {name} reads no such file")
    problem = f"unknown shape {name!r} for {path}; known are {', '.join(shapes.names(known))}"
    raise UserError(f"source {source.name}: {problem}")


def fitting(sample: list[object]) -> RecordsShape | None:
    """The first shape that fits most of the records; else the one that fits the most of them."""
    for chat in shapes.CHATS:
        if chat.recognise(sample):
            return chat
    counts = [sum(map(bool, map(shape.recognise, sample))) for shape in shapes.RECORDS]
    for shape, count in zip(shapes.RECORDS, counts, strict=True):
        if count * 2 > len(sample):
            return shape
    # Tables last: a row of a table may itself be a conversation.
    rows = objects(sample)
    for table in shapes.TABLES:
        if rows and table.recognise(rows):
            return table
    if not any(counts):
        return None
    return shapes.RECORDS[counts.index(max(counts))]


def objects(sample: list[object]) -> list[Fields]:
    return [record for record in sample if isinstance(record, dict)]


def inside(whole: object, depth: int = DEPTH) -> Iterator[object]:
    """The records inside one JSON or YAML object, at any depth.

    {"train": [record, record], "test": [record]}    {"scene 1": record, "scene 2": record}
    """
    children: list[object] = []
    if isinstance(whole, dict):
        children = list(whole.values())
    elif isinstance(whole, list):
        children = whole
    fit = sum(map(_fits_any, children))
    if fit * 2 > len(children) or (fit and isinstance(whole, list)):
        yield from children
    elif depth:
        for child in children:
            yield from inside(child, depth - 1)


def _fits_any(record: object) -> bool:
    return any(shape.recognise(record) for shape in shapes.RECORDS)
