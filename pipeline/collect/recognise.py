"""Which shape a file has: the one that the recipe names, or the first that fits its records.

What no shape fits, or what fits one but stays open (who wrote which text?), is refused: with the
fields that were seen, and with what a recipe could say about them.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple, TypeVar

from pipeline import UserError
from pipeline.collect import shapes, suggest
from pipeline.collect.admit import raw_text
from pipeline.collect.shapes.common import known
from pipeline.collect.shapes.fronts import card
from pipeline.collect.shapes.general import prompt
from pipeline.collect.shapes.general.named import fits, names_turns
from pipeline.collect.shapes.transcript import Fields, Unclear, as_json
from pipeline.recipe.collect import FieldNames, SourceSettings

DEPTH = 5  # levels of one JSON object that are searched for records
SAMPLE = 20  # records by which a shape is recognised

RecordsShape = shapes.ChatShape | shapes.RecordShape | shapes.TableShape
OF_RECORDS: tuple[RecordsShape, ...] = (*shapes.CHATS, *shapes.RECORDS, *shapes.TABLES)
ShapeType = TypeVar("ShapeType", bound=shapes.Shape)


class UnknownShape(UserError):
    """No shape fits a file. `collect` passes such a file over where nobody named it."""


class Found(NamedTuple):
    """shape: None where the recipe names the fields. inner: the records that stand inside the one
    object of the file; None where its records are the file's.
    """

    shape: RecordsShape | None
    inner: list[object] | None = None


# --- refusals


def unknown(
    where: str, sample: Sequence[object], tried: Sequence[shapes.Shape], problem: str | None = None
) -> UnknownShape:
    """The error for a file that is not read. where: the source and the file.

    problem: why not, where a shape fits all the same.
    """
    record = sample[0]
    what = card.what(record)
    if what:
        return UnknownShape(f"{where} is {what}.")
    if isinstance(record, str | bytes):
        return UnknownShape(
            f"{where}: no known shape fits. Tried: {', '.join(shapes.names(tried))}.\n"
            f"It begins with: {raw_text(record)[:300]}\n"
            "Name the shape (`shape: ..` in the recipe, --shape on the command line)."
        )
    reason = f"not read: {problem}." if problem else "no known shape fits."
    lines = [f"{where}: {reason}", "The first record holds:", *suggest.sample_of(record)]
    return UnknownShape("\n".join([*lines, *_advice(sample)]))


def _advice(sample: Sequence[object]) -> Iterator[str]:
    """What to write so that records like these are read."""
    nearest, fields = suggest.suggestion(sample)
    if nearest is None:
        yield "Nothing in it looks like the texts of messages."
        nearest = "turns"
        fields = {"list": "..", "role": "..", "content": ".."}
    else:
        yield f"The nearest shape is `{nearest}`. If these are its fields, name them in the recipe:"
    roles = suggest.open_roles(sample, fields)
    yield f"    fields: {_flow(fields)}"
    if roles:
        yield f"    roles: {_flow(roles)}    # or the other way round"
    options = [*_options("--field", fields), *_options("--role", roles)]
    yield "or on the command line:"
    yield f"    {' '.join(options)}"


def _flow(values: Mapping[str, str]) -> str:
    """A mapping as YAML on one line; names that YAML could read otherwise are quoted."""
    pairs = (f"{_word(key)}: {_word(value)}" for key, value in values.items())
    return f"{{{', '.join(pairs)}}}"


def _word(text: str) -> str:
    is_plain = text.replace("_", "a").replace(".", "a").isalpha() or text == ".."
    return text if is_plain else as_json(text)


def _options(option: str, values: Mapping[str, str]) -> Iterator[str]:
    return (f"{option} {shlex.quote(f'{key}={value}')}" for key, value in values.items())


# --- choice


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


def check(where: str, sample: list[object]) -> None:
    """UnknownShape for a card, a lorebook or settings, whose texts look like messages to some
    shapes. where: the source and the file.
    """
    what = card.refusal(sample)
    if what:
        raise UnknownShape(f"{where} is {what}.")


def found(source: SourceSettings, path: str, sample: list[object], is_one: bool) -> Found:
    """How the records of a file are read. is_one: the sample is the one record of the file.

    One object that nothing fits may hold the records: {"train": [..], "test": [..]}.
    """
    by_recipe = named(source, path, OF_RECORDS)
    inner: list[object] = []
    if names_turns(source.fields):
        if is_one and not fits(source.fields, sample):
            inner = inside(sample[0], lambda records: fits(source.fields, records))
        return Found(None, inner or None)
    shape = fitting(sample)
    if shape is None and is_one:
        inner = inside(sample[0], lambda records: _fitting_record(records) is not None)
        shape = fitting(inner[:SAMPLE]) if inner else None
    return Found(by_recipe or shape, inner or None)


def fitting(sample: list[object]) -> RecordsShape | None:
    """The first shape that fits most of the records; else the one that fits the most of them."""
    for chat in shapes.CHATS:
        if chat.recognise(sample):
            return chat
    rows = objects(sample)
    shape, is_most = _most_fitting(sample)
    for table in shapes.PAIR_TABLES:
        if rows and shape in (None, prompt) and table.recognise(rows):
            return table
    if is_most:
        return shape
    # Tables last: a row of a table may itself be a conversation.
    for table in shapes.TABLES:
        if rows and table.recognise(rows):
            return table
    return shape


def _most_fitting(sample: list[object]) -> tuple[shapes.RecordShape | None, bool]:
    """The shape that fits the most records, and whether it fits most of them."""
    counts = [sum(map(bool, map(shape.recognise, sample))) for shape in shapes.RECORDS]
    for shape, count in zip(shapes.RECORDS, counts, strict=True):
        if count * 2 > len(sample):
            return shape, True
    if not any(counts):
        return None, False
    return shapes.RECORDS[counts.index(max(counts))], False


def _is_table(sample: list[object]) -> bool:
    return any(table.recognise(objects(sample)) for table in shapes.TABLES)


def _fitting_record(records: list[object]) -> shapes.RecordShape | None:
    """The shape of records; None of lists of texts, which inside an object may be anything."""
    objects_or_lists = [record for record in records if not _is_texts(record)]
    return _most_fitting(objects_or_lists)[0] if objects_or_lists else None


def _is_texts(record: object) -> bool:
    return isinstance(record, list) and all(isinstance(item, str) for item in record)


def objects(sample: list[object]) -> list[Fields]:
    return [record for record in sample if isinstance(record, dict)]


def unclear(shape: RecordsShape, sample: Sequence[object]) -> str | None:
    """Why most records of a sample cannot be read without a word of the recipe; None where few."""
    if shape not in shapes.RECORDS:
        return None
    reasons = []
    for record in sample:
        try:
            for _ in shape.read(record):
                pass
        except Unclear as error:
            reasons.append(str(error))
        except (ValueError, RecursionError):
            pass  # one unreadable record
    return reasons[0] if len(reasons) * 2 > len(sample) else None


# --- records inside one object


def inside(whole: object, fit: Callable[[list[object]], bool]) -> list[object]:
    """The records inside one JSON or YAML object: the rows of its columns, or at any depth."""
    rows = of_columns(whole)
    if rows and (fit(rows[:SAMPLE]) or _is_table(rows[:SAMPLE])):
        return rows
    return list(_inside(whole, fit, DEPTH))


def _inside(whole: object, fit: Callable[[list[object]], bool], depth: int) -> Iterator[object]:
    """{"train": [record, record], "test": [record]}    {"scene 1": record, "scene 2": record}"""
    children: list[object] = []
    if isinstance(whole, dict):
        children = list(whole.values())
    elif isinstance(whole, list):
        children = whole
    fitting_ones = sum(fit([child]) for child in children)
    is_list = isinstance(whole, list)
    if fitting_ones * 2 > len(children) or (fitting_ones and is_list):
        yield from children
    elif depth:
        for child in children:
            yield from _inside(child, fit, depth - 1)


def of_columns(whole: object) -> list[object]:
    """The rows of a table that stands column by column, as pandas writes it; [] of anything else.

    {"prompt": {"0": "a", "1": "b"}, "completion": {"0": "c", "1": "d"}}
    {"prompt": ["a", "b"], "completion": ["c", "d"]}
    {"columns": ["prompt", "completion"], "data": [["a", "c"], ["b", "d"]]}
    """
    if not isinstance(whole, dict) or not whole:
        return []
    names, data = whole.get("columns"), whole.get("data")
    if isinstance(names, list) and isinstance(data, list):
        rows = [row for row in data if isinstance(row, list) and len(row) == len(names)]
        return [dict(zip(names, row, strict=True)) for row in rows if len(rows) == len(data)]
    columns = list(whole.values())
    first = columns[0]
    if isinstance(first, dict) and all(_has_keys(column, first) for column in columns):
        return [{name: whole[name][key] for name in whole} for key in first]
    are_lists = all(isinstance(column, list) and len(column) == len(first) for column in columns)
    if isinstance(first, list) and are_lists and len(columns) > 1 and not _are_sides(whole):
        return [dict(zip(whole, row, strict=True)) for row in zip(*columns, strict=True)]
    return []


def _has_keys(column: object, first: Mapping[str, object]) -> bool:
    return isinstance(column, dict) and column.keys() == first.keys()


def _are_sides(whole: Mapping[str, object]) -> bool:
    """Whether columns are called after the two sides: then they may be one conversation."""
    return known.one_of(known.USERS, whole) is not None
