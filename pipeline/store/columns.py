"""Conversations as Arrow tables: their schema, rows to columns and back, other versions of them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import accumulate, chain, pairwise, repeat, starmap
from operator import attrgetter
from typing import Any, cast

import pyarrow as pa
import pyarrow.compute as pc

from pipeline import UserError
from pipeline.conversation import (
    CRITERIA,
    MEASURES,
    Alternative,
    Annotation,
    Conversation,
    Finding,
    Language,
    Message,
    Persona,
    Relationship,
    Score,
    Source,
    uncollected,
)

MESSAGE = pa.struct([("role", pa.string()), ("content", pa.string()), ("name", pa.string())])
PERSONA = pa.struct([(f.name, pa.string()) for f in dataclasses.fields(Persona)])
SOURCE = pa.struct(
    [
        ("kind", pa.string()),
        ("name", pa.string()),
        ("ref", pa.string()),
        ("record", pa.string()),
        ("license", pa.string()),
        ("attribution", pa.string()),
        ("retrieved", pa.date32()),
        ("models", pa.list_(pa.string())),
        ("prompt", pa.string()),
        ("rehearsal", pa.bool_()),
        ("private", pa.bool_()),
    ]
)
RELATIONSHIP = pa.struct(
    [("id", pa.string()), ("number", pa.int32()), ("gap", pa.float64())],
)
LANGUAGE = pa.struct([("code", pa.string()), ("confidence", pa.float64())])
ANNOTATION = pa.struct(
    [
        ("stage", pa.string()),
        ("decision", pa.string()),
        ("closeness", pa.float64()),
        ("emotion", pa.string()),
        ("language", pa.string()),
        ("by", pa.string()),
    ]
)
ALTERNATIVE = pa.struct(
    [
        ("message", pa.int32()),
        ("content", pa.string()),
        ("reason", pa.string()),
        ("chosen", pa.bool_()),
    ]
)
SCORE = pa.struct(
    [
        ("criterion", pa.string()),
        ("value", pa.float64()),
        ("by", pa.string()),
        ("evidence", pa.string()),
        ("messages", pa.list_(pa.int32())),
        ("spread", pa.float64()),
        ("error", pa.string()),
    ]
)
FINDING = pa.struct(
    [
        ("stage", pa.string()),
        ("rule", pa.string()),
        ("value", pa.float64()),
        ("limit", pa.float64()),
        ("message", pa.int32()),
        ("start", pa.int32()),
        ("end", pa.int32()),
        ("evidence", pa.string()),
        ("decision", pa.string()),
    ]
)
SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("messages", pa.list_(MESSAGE)),
        ("source", SOURCE),
        ("persona", PERSONA),
        ("user_persona", PERSONA),
        ("split_group", pa.string()),
        ("relationship", RELATIONSHIP),
        ("language", LANGUAGE),
        ("declared_language", pa.string()),
        ("edits", pa.list_(pa.string())),
        ("measures", pa.struct([(name, pa.float64()) for name in MEASURES])),
        ("annotations", pa.list_(ANNOTATION)),
        ("alternatives", pa.list_(ALTERNATIVE)),
        ("scores", pa.list_(SCORE)),
        ("findings", pa.list_(FINDING)),
        ("extra", pa.string()),
    ]
)
QUARANTINE_SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("where", pa.string()),
        ("rule", pa.string()),
        ("detail", pa.string()),
        ("transient", pa.bool_()),
        ("missing", pa.int64()),
        ("raw", pa.string()),
    ]
)
_CLASSES: dict[pa.DataType, type] = {
    MESSAGE: Message,
    PERSONA: Persona,
    SOURCE: Source,
    RELATIONSHIP: Relationship,
    LANGUAGE: Language,
    ANNOTATION: Annotation,
    ALTERNATIVE: Alternative,
    SCORE: Score,
    FINDING: Finding,
}


def to_table(conversations: Iterable[Conversation], schema: pa.Schema = SCHEMA) -> pa.Table:
    """Rows to an Arrow table of `SCHEMA` or some of its columns, column by column (ten times the
    speed of `Table.from_pylist`).

    Raises ValueError on a measure or criterion that the schema does not know.
    """
    rows = list(conversations)
    criteria = set(CRITERIA)
    for row in rows:
        scored = {score.criterion for score in row.scores}
        unknown = (row.measures.keys() - MEASURES.keys()) | (scored - criteria)
        if unknown:
            raise ValueError(
                f"conversation {row.id}: unknown measure or criterion {sorted(unknown)}"
            )
    columns = [to_column(column.name, _attribute(rows, column.name)) for column in schema]
    return pa.table(columns, schema=schema)


def to_column(name: str, values: Sequence[object]) -> pa.Array:
    """What rows have in a column of `SCHEMA`, as Arrow holds it."""
    return _encode(values, SCHEMA.field(name).type)


def from_table(table: pa.Table, where: str = "the table") -> Iterator[Conversation]:
    """Rows of an Arrow table, read by the names of its columns and fields. where: the file, for
    errors.

    Raises UserError when the table is of another version and cannot be read without a guess.
    """
    known = as_schema(table, SCHEMA, where)
    with uncollected():
        columns = [_decode(known[column.name].combine_chunks(), column.type) for column in SCHEMA]
    for values in zip(*columns, strict=True):
        yield Conversation(**dict(zip(SCHEMA.names, values, strict=True)))


def finding_of(record: Mapping[str, Any]) -> Finding:
    """A finding as Arrow gives it."""
    return Finding(**record)


# --- tables of other versions

# fields that have a value in every row: a table without them cannot be read
REQUIRED = ("id", "messages", "role", "content", "source", "kind", "ref", "stage", "rule", "where")


def as_schema(table: pa.Table, schema: pa.Schema, where: str) -> pa.Table:
    """A table with the columns and fields of a schema, matched by name; what it does not have is
    null.

    A measure that a newer version added is a field that this one does not know. It is refused, not
    dropped:

        schema              measures<turns, words>
        table of a newer    measures<turns, pauses, words>     UserError: … has `measures.pauses` …
        table of an older   measures<words>                    turns is null

    Raises UserError that names the file and the field.
    """
    if table.schema.equals(schema):
        return table
    _check_names("", table.column_names, schema.names, where)
    columns = []
    for column in schema:
        if column.name in table.column_names:
            values = table[column.name].combine_chunks()
            columns.append(_as_type(values, column.type, column.name, where))
        else:
            columns.append(pa.nulls(table.num_rows, column.type))
    return pa.table(columns, schema=schema)


def _as_type(array: pa.Array, kind: pa.DataType, path: str, where: str) -> pa.Array:
    """An array as another type, its fields matched by name."""
    if array.type.equals(kind) or pa.types.is_null(array.type):
        return array.cast(kind)
    if pa.types.is_struct(kind) and pa.types.is_struct(array.type):
        return _as_struct(array, kind, path, where)
    if pa.types.is_list(kind) and pa.types.is_list(array.type):
        values = _as_type(array.values, kind.value_type, path, where)
        return pa.ListArray.from_arrays(array.offsets, values, type=kind, mask=array.is_null())
    numbers = (pa.types.is_integer, pa.types.is_floating)
    if any(is_number(kind) and is_number(array.type) for is_number in numbers):
        return array.cast(kind)
    raise _other_version(f"`{path}` holds {array.type} there and {kind} here", where)


def _as_struct(array: pa.Array, kind: pa.DataType, path: str, where: str) -> pa.Array:
    there = {array.type.field(index).name: index for index in range(array.type.num_fields)}
    _check_names(f"{path}.", list(there), [child.name for child in kind], where)
    children = []
    for child in kind:
        if child.name in there:
            values = array.field(there[child.name])
            children.append(_as_type(values, child.type, f"{path}.{child.name}", where))
        else:
            children.append(pa.nulls(len(array), child.type))
    return pa.StructArray.from_arrays(children, fields=list(kind), mask=array.is_null())


def _check_names(path: str, there: Sequence[str], here: Sequence[str], where: str) -> None:
    unknown = [name for name in there if name not in here]
    missing = [name for name in here if name not in there and name in REQUIRED]
    if unknown:
        raise _other_version(f"it has `{path}{unknown[0]}`, which is not known here", where)
    if missing:
        raise _other_version(f"it has no `{path}{missing[0]}`", where)


def _other_version(difference: str, where: str) -> UserError:
    return UserError(
        f"{where} was written by another version of Rapport: {difference}. Run the recipe again "
        "into a new folder (--out), or use the version that its run.json names."
    )


# --- columns


def _encode(values: Sequence[Any], kind: pa.DataType) -> pa.Array:
    """Python values as an Arrow array."""
    if pa.types.is_struct(kind):
        return _encode_structs(values, kind)
    if pa.types.is_list(kind):
        lengths = accumulate(map(len, values), initial=0)
        offsets = pa.array(lengths, pa.int32(), size=len(values) + 1)
        flat = _encode(list(chain.from_iterable(values)), kind.value_type)
        return pa.ListArray.from_arrays(offsets, flat, type=kind)
    return pa.array(values, kind)


def _encode_structs(values: Sequence[Any], kind: pa.DataType) -> pa.Array:
    """Objects, or dicts of what has a value, as a struct array; None becomes null."""
    missing = [value is None for value in values]
    if values and isinstance(values[0], dict):
        columns = [[value.get(child.name) for value in values] for child in kind]
    elif any(missing):
        columns = [[getattr(value, child.name, None) for value in values] for child in kind]
    else:
        columns = [_attribute(values, child.name) for child in kind]
    children = [_encode(column, child.type) for column, child in zip(columns, kind, strict=True)]
    mask = pa.array(missing, pa.bool_())
    return pa.StructArray.from_arrays(children, fields=list(kind), mask=mask)


def _attribute(values: Sequence[Any], name: str) -> list[Any]:
    return list(map(attrgetter(name), values))


def _decode(array: pa.Array, kind: pa.DataType) -> list[Any]:
    """An Arrow array of exactly this type as Python values."""
    if pa.types.is_struct(kind):
        return _decode_structs(array, kind)
    if pa.types.is_list(kind):
        flat = _decode(array.values, kind.value_type)
        offsets = array.offsets.to_pylist()
        return [tuple(flat[start:end]) for start, end in pairwise(offsets)]
    return cast("list[Any]", array.to_pylist())


def _decode_structs(array: pa.Array, kind: pa.DataType) -> list[Any]:
    """A struct array as objects of its class; null becomes None, a struct without a class a dict of
    what has a value."""
    children = [_decode(array.field(index), child.type) for index, child in enumerate(kind)]
    rows = zip(*children, strict=True)
    made_of = _CLASSES.get(kind)
    if made_of is None:  # measures
        names = [child.name for child in kind]
        return [_present(names, row) for row in rows]
    # messages and annotations are most of a row: no call of Python's each
    if made_of in (Message, Annotation) and not array.null_count:
        return list(map(tuple.__new__, repeat(made_of), rows))
    if not array.null_count:
        return list(starmap(made_of, rows))
    found = list(starmap(made_of, rows))
    for place in pc.indices_nonzero(array.is_null()).to_pylist():
        found[place] = None
    return found


def _present(names: Sequence[str], row: Sequence[Any]) -> dict[str, Any]:
    """The values of a row by name, those that are null left out."""
    return {name: value for name, value in zip(names, row, strict=True) if value is not None}
