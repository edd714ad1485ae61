"""The rows of one or many files as flat columns.

id                 bytes, as long as the longest
source, stage …    a number a row, of a value in `values`; 0: has none
rule, emotion …    the same of a set of values, which stand in `values` with `BESIDE` between
turns, pacing …    float32, NaN where it is not known; left out where no row has it
closeness.each     of each message, in hundredths, -128: not known; with
                   `closeness.each.ends`
start              the first words, UTF-8; with `start.ends`
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from pipeline.look.index.fields import INDEXED, NUMBERS
from pipeline.look.index.flat import AnyArray

RowNumbers = npt.NDArray[np.int64]
ENDS = ".ends"
BESIDE = "\x1f"  # two values of a set
LISTS = ("start", "closeness.each")
UNKNOWN = -128  # closeness of a message that has none


@dataclass
class FlatColumns:
    """rows: how many. arrays: see above. values: of each facet, the first is what has none."""

    rows: int
    arrays: dict[str, AnyArray] = field(default_factory=dict)
    values: dict[str, list[str]] = field(default_factory=dict)

    def slice(self, start: int, end: int) -> FlatColumns:
        """Some of the rows."""
        found = FlatColumns(end - start, {}, self.values)
        for name, array in self.arrays.items():
            if name in LISTS:
                continue
            if name.endswith(ENDS):
                listed = name.removesuffix(ENDS)
                first, last = _end(array, start), _end(array, end)
                found.arrays[listed] = self.arrays[listed][first:last]
                found.arrays[name] = array[start:end] - first
            else:
                found.arrays[name] = array[start:end]
        return found

    def bounds(self, name: str, row: int) -> tuple[int, int]:
        """Where the values of a row stand in a column of lists."""
        ends = self.arrays[name + ENDS]
        return _end(ends, row), _end(ends, row + 1)

    def value(self, facet: str, row: int) -> str | None:
        """What a row has of a facet of one value."""
        return self.values[facet][int(self.arrays[facet][row])] or None

    def several(self, facet: str, row: int) -> list[str]:
        """What a row has of a facet of several values."""
        values = self.value(facet, row) or ""
        return [value for value in values.split(BESIDE) if value]

    def number(self, name: str, row: int) -> float | None:
        """None where it is not known."""
        if name not in self.arrays:
            return None
        found = float(self.arrays[name][row])
        return None if np.isnan(found) else found

    def id(self, row: int) -> str:
        return bytes(self.arrays["id"][row]).decode()

    def start(self, row: int) -> str:
        first, last = self.bounds("start", row)
        return bytes(self.arrays["start"][first:last]).decode("utf-8", "replace")


def _end(ends: AnyArray, rows: int) -> int:
    """Where the lists of the first rows end."""
    return int(ends[rows - 1]) if rows else 0


def joined(parts: Sequence[FlatColumns]) -> tuple[int, dict[str, list[str]], list[str]]:
    """Of many columns together: rows, values of every facet, names of the arrays."""
    values = {name: _all_values(parts, name) for name in INDEXED}
    names = list(dict.fromkeys(name for part in parts for name in part.arrays))
    return sum(part.rows for part in parts), values, names


def _all_values(parts: Sequence[FlatColumns], facet: str) -> list[str]:
    seen: dict[str, None] = {"": None}
    for part in parts:
        seen |= dict.fromkeys(part.values[facet])
    return list(seen)


def joined_arrays(
    parts: Sequence[FlatColumns], values: Mapping[str, Sequence[str]], names: Sequence[str]
) -> Iterator[tuple[str, AnyArray]]:
    """The arrays of many columns, one after another; only one is in memory at a time."""
    for name in names:
        if name in values:
            yield name, _recoded(parts, name, values[name])
        elif name.endswith(ENDS):
            yield name, _shifted(parts, name)
        elif name in NUMBERS:
            yield name, np.concatenate([_number(part, name) for part in parts])
        else:
            yield name, np.concatenate([part.arrays[name] for part in parts])


def _number(part: FlatColumns, name: str) -> AnyArray:
    if name in part.arrays:
        return part.arrays[name]
    return np.full(part.rows, np.nan, np.float32)


def _recoded(parts: Sequence[FlatColumns], name: str, values: Sequence[str]) -> AnyArray:
    """The codes of a facet as numbers of the joined values."""
    places = {value: place for place, value in enumerate(values)}
    kind = np.min_scalar_type(max(1, len(values) - 1))
    found = []
    for part in parts:
        new = np.array([places[value] for value in part.values[name]], kind)
        found.append(new[part.arrays[name]])
    return np.concatenate(found)


def _shifted(parts: Sequence[FlatColumns], name: str) -> AnyArray:
    """Ends of lists that stand end to end."""
    found, before = [], 0
    for part in parts:
        ends = part.arrays[name].astype(np.int64)
        found.append(ends + before)
        before += _end(ends, len(ends))
    whole = np.concatenate(found)
    return whole.astype(np.uint32) if before < 1 << 32 else whole
