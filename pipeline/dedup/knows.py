"""What a row knows beside its words: of two copies the one that knows more is kept.

    copy   persona   system   times   license   names     knows
    a      -         yes      -       -         yes       system, names
    b      described -        -       yes       -         persona, persona.description, license

b is kept: who the assistant is weighs more than a system message. `KNOWN` has the order.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.dedup.arrays import Flags, Integers, NumberArray
from pipeline.dedup.columns import Column, arrow, lengths, strings, values, whole
from pipeline.dedup.view import has_role

Known = npt.NDArray[np.int16]  # (rows,) a bit for each of KNOWN, the first is the highest

# All that is read of a table, beside what the comparison itself reads.
COLUMNS = [
    "messages.list.element.name",
    "persona.description",
    "user_persona.description",
    "source.license",
    "annotations.list.element.closeness",
    "alternatives.list.element.chosen",
    "extra",
]
_TIME = r'"[a-z_]*(?:time|date)[a-z_]*" ?:'  # a name in the JSON of `extra`


def known(table: pa.Table) -> Known:
    """(rows,) what each row knows; the larger number knows more."""
    total = np.zeros(len(table), np.int16)
    for is_known in KNOWN.values():
        total = (total << 1) + is_known(table)
    return total


def more(kept: NumberArray, dropped: NumberArray) -> pa.Array:
    """(pairs,) the first of KNOWN that only the kept row knows, "" where it knows no more."""
    names = ["", *reversed(KNOWN)]
    powers = 1 << np.arange(len(KNOWN))
    highest = np.searchsorted(powers, kept ^ dropped, side="right")
    return strings(names).take(arrow(np.where(kept > dropped, highest, 0)))


# --- one by one


def _persona(table: pa.Table) -> Flags:
    return _is_there(table, "persona")


def _description(table: pa.Table) -> Flags:
    return _is_there(table, "persona", "description")


def _user_persona(table: pa.Table) -> Flags:
    return _is_there(table, "user_persona")


def _user_description(table: pa.Table) -> Flags:
    return _is_there(table, "user_persona", "description")


def _system(table: pa.Table) -> Flags:
    messages = whole(table["messages"])
    return _any_message(messages, has_role(messages.values.field("role"), "system"))


def _times(table: pa.Table) -> Flags:
    """Annotations of the messages, or a time in what else the source knew."""
    annotated = _has_items(table, "annotations")
    extra = _column(table, "extra")
    if extra is None:
        return annotated
    return annotated | _flags(pc.fill_null(pc.match_substring_regex(extra, _TIME), False))


def _license(table: pa.Table) -> Flags:
    return _is_there(table, "source", "license")


def _names(table: pa.Table) -> Flags:
    messages = whole(table["messages"])
    index = messages.type.value_type.get_field_index("name")
    if index < 0 or _is_null(names := messages.values.field(index)):
        return np.zeros(len(table), bool)
    return _any_message(messages, _flags(names.is_valid()))


def _alternatives(table: pa.Table) -> Flags:
    return _has_items(table, "alternatives")


# From what weighs most, each with how it is read.
KNOWN: dict[str, Callable[[pa.Table], Flags]] = {
    "persona": _persona,
    "persona.description": _description,
    "user_persona": _user_persona,
    "user_persona.description": _user_description,
    "system": _system,
    "times": _times,
    "license": _license,
    "names": _names,
    "alternatives": _alternatives,
}


# --- Arrow


def _column(table: pa.Table, *path: str) -> Column | None:
    """A column, or a field of one; None where the table has none, or nothing in it."""
    if path[0] not in table.column_names:
        return None
    column: Column = table[path[0]]
    for name in path[1:]:
        if column.type.get_field_index(name) < 0:
            return None
        column = pc.struct_field(column, name)
    return None if _is_null(column) else column


def _is_null(column: Column) -> bool:
    return bool(column.null_count == len(column))


def _is_there(table: pa.Table, *path: str) -> Flags:
    column = _column(table, *path)
    return np.zeros(len(table), bool) if column is None else _flags(column.is_valid())


def _has_items(table: pa.Table, name: str) -> Flags:
    """Which rows have a list that is not empty."""
    column = _column(table, name)
    return np.zeros(len(table), bool) if column is None else lengths(whole(column)) > 0


def _any_message(messages: pa.Array, flags: Flags) -> Flags:
    """Which rows have a flagged message. flags: of all messages that the array stands on."""
    total = np.concatenate([[0], np.cumsum(flags)])
    in_rows: Integers = np.diff(total[values(messages.offsets)])
    return in_rows > 0


def _flags(column: Column) -> Flags:
    flags: Flags = values(column.cast(pa.uint8())) > 0
    return flags
