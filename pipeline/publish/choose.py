"""Choosing: the best share of every group, and not too many rows that are alike.

    group                           places     its rows, the best first
    source films, stage close            2     a  b  c  d      c and d are beyond it
    one opening                          1     b  e            e is beyond it

All rows are gone through once, the best first. A row is chosen where none of its groups is full;
else each full group is a reason, which names the row that took its last place. So nothing better
than a chosen row of a full group is left out for it, and a place that is not taken by one row is
taken by the next. Equal rows are ordered by their ids: neither parts nor workers decide anything.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice, pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.conversation import CRITERIA, Conversation, Drop, Finding
from pipeline.publish.choice import Choice, GroupCount, sentences
from pipeline.publish.listing import LISTED
from pipeline.recipe.publish import Choose, order_of

TOP, AT_MOST = "publish.top", "publish.at_most."
SORTED = {"": "descending", "up": "descending", "down": "ascending"}
NONE = -1  # the number of no group
BETWEEN = "\x1f"  # the parts of a group's name
BATCH = 10_000  # reasons that become one Arrow table
# Why a row is not chosen. row: its number, in its part or among all rows. value: its place in the
# group; limit: the places that there are.
REASONS = pa.schema(
    [
        ("row", pa.int64()),
        ("rule", pa.string()),
        ("value", pa.float64()),
        ("limit", pa.float64()),
        ("evidence", pa.string()),
    ]
)


@dataclass
class Group:
    """Rows that share places.

    words: what its rows are, after "60 rows". of, without: see `GroupCount`. met: of its rows,
    those gone through; taken: places; last: the row that took the last of them.
    """

    rule: str
    words: str
    rows: int
    places: int
    of: dict[str, str | None] = field(default_factory=dict)
    without: str | None = None
    met: int = 0
    taken: int = 0
    last: int = NONE


class Grouping(NamedTuple):
    """The groups of one rule. numbers: (rows,) of each row's group, or NONE."""

    numbers: npt.NDArray[np.int64]
    groups: list[Group]


class Reason(NamedTuple):
    """A full group that a row belongs to, and its place in it, from 1."""

    row: int
    group: Group
    place: int


class Chosen(NamedTuple):
    """Why rows are not chosen, part by part (`REASONS`), and what came of it all."""

    reasons: list[pa.Table]
    choice: Choice


def chosen(parts: Sequence[pa.Table], settings: Choose) -> Chosen:
    """Choose among all rows. parts: of each, what `listing.listed` says of its rows."""
    rows = Rows(pa.concat_tables([LISTED.empty_table(), *parts]), settings)
    groupings = [rows.named_groups()]
    groupings += [rows.groups_alike(what, most) for what, most in settings.at_most if most]
    found = _gone_through(rows.order(), groupings)
    reasons = _table(rows.as_records(found))
    starts = np.cumsum([0, *(part.num_rows for part in parts)])
    return Chosen(_by_part(reasons, starts), rows.choice(groupings[0].groups))


def applied(rows: Iterable[Conversation], reasons: pa.Table) -> Iterator[Conversation | Drop]:
    """The rows of a part; those that there are reasons against are dropped, with all of them."""
    found: defaultdict[int, list[Finding]] = defaultdict(list)
    for record in reasons.to_pylist():
        found[record.pop("row")].append(Finding("publish", decision="drop", **record))
    for number, row in enumerate(rows):
        if number in found:
            yield Drop(replace(row, findings=(*row.findings, *found[number])))
        else:
            yield row


def _gone_through(order: Iterable[int], groupings: Sequence[Grouping]) -> Iterator[Reason]:
    """The reasons against every row that is not chosen."""
    for row in order:
        own = [groups[numbers[row]] for numbers, groups in groupings if numbers[row] != NONE]
        full = [group for group in own if group.taken == group.places]
        for group in own:
            group.met += 1
            if not full:
                group.taken, group.last = group.taken + 1, row
        for group in full:
            yield Reason(row, group, group.met)


def _table(records: Iterable[dict[str, object]]) -> pa.Table:
    """Reasons by the number of their rows."""
    records, batches = iter(records), [pa.RecordBatch.from_pylist([], REASONS)]
    while batch := list(islice(records, BATCH)):
        batches.append(pa.RecordBatch.from_pylist(batch, REASONS))
    return pa.Table.from_batches(batches).sort_by("row")


def _by_part(reasons: pa.Table, starts: npt.NDArray[np.int64]) -> list[pa.Table]:
    """The reasons of every part, its rows numbered from 0. starts: of the parts, and the end.

    Copied, as a slice would take the whole table along to another process.
    """
    bounds = np.searchsorted(reasons["row"].to_numpy(), starts)
    found = []
    for number, (start, stop) in enumerate(pairwise(bounds)):
        part = reasons.take(pa.array(np.arange(start, stop)))
        found.append(part.set_column(0, "row", pc.subtract(part["row"], starts[number])))
    return found


class Rows:
    """All rows, as they are listed, and the values that they are ordered by."""

    def __init__(self, table: pa.Table, settings: Choose) -> None:
        self._table, self._settings = table, settings
        self._ids = table["id"].combine_chunks()
        self._orders = dict(map(order_of, settings.by))
        self._values = {name: self._values_by(name) for name in self._orders}

    def _values_by(self, name: str) -> pa.Array:
        """Of a criterion, or else of a measure."""
        kind = "scores" if name in CRITERIA else "measures"
        return pc.struct_field(self._table[kind], name).combine_chunks()

    def order(self) -> list[int]:
        """The numbers of all rows, the best first; those without a value after those with one."""
        table = pa.table({"id": self._ids, **self._values})
        keys = [(name, SORTED[order]) for name, order in self._orders.items()]
        keys.append(("id", "ascending"))
        found: list[int] = pc.sort_indices(table, keys).to_pylist()
        return found

    def named_groups(self) -> Grouping:
        """The groups of which the best share is chosen: every row is in one."""
        parts = [self._table[name].combine_chunks() for name in self._settings.per]
        names = pc.binary_join_element_wise(
            *parts, self._lacks(), BETWEEN, null_handling="replace", null_replacement=""
        ).dictionary_encode()
        sizes = _sizes(names).tolist()
        named = zip(names.dictionary.to_pylist(), sizes, strict=True)
        groups = [self._named_group(name, size) for name, size in named]
        return Grouping(_numbers(names), groups)

    def _named_group(self, name: str, size: int) -> Group:
        *parts, without = name.split(BETWEEN)
        of: dict[str, str | None] = {
            what: part or None for what, part in zip(self._settings.per, parts, strict=True)
        }
        words = [f"{what} {value or 'unknown'}" for what, value in of.items()]
        if without:
            words.append(f"without {without}")
        places = math.ceil(round(size * self._settings.top, 6))  # .1 of 30 are 3.0000000000000004
        return Group(TOP, f"of {', '.join(words) or 'all'}", size, places, of, without or None)

    def _lacks(self) -> pa.Array:
        """The first of what rows are ordered by, where a row has no value of it; else nothing."""
        for name, values in self._values.items():
            return pc.if_else(values.is_valid(), "", name)
        return pa.repeat("", self._table.num_rows)

    def groups_alike(self, what: str, most: int) -> Grouping:
        """The groups of rows with the same character, or opening; only those that can be full."""
        digests = self._table[what].combine_chunks().dictionary_encode()
        sizes = _sizes(digests)
        large = np.flatnonzero(sizes > most)
        new = np.full(len(sizes) + 1, NONE)  # the last is for NONE itself
        new[large] = np.arange(len(large))
        words = f"with this {what}"
        groups = [Group(AT_MOST + what, words, size, most) for size in sizes[large].tolist()]
        return Grouping(new[_numbers(digests)], groups)

    def as_records(self, reasons: Iterable[Reason]) -> Iterator[dict[str, object]]:
        """Reasons as `REASONS` has them."""
        for row, group, place in reasons:
            yield {
                "row": row,
                "rule": group.rule,
                "value": place,
                "limit": group.places,
                "evidence": self._evidence(row, group),
            }

    def _evidence(self, row: int, group: Group) -> str:
        """`60 rows of source films, stage close; this has pacing 3; the last chosen is …, with
        pacing 4`"""
        own, preferred = self._values_of(row), self._values_of(group.last)
        words = f"{group.rows} rows {group.words}"
        last = f"the last chosen is {self._ids[group.last]}"
        if not own:
            return f"{words}; {last}"
        if own == preferred:
            return f"{words}; {last}, with {_told(own)} too: the lower id"
        return f"{words}; this has {_told(own)}; {last}, with {_told(preferred)}"

    def _values_of(self, row: int) -> dict[str, float | None]:
        return {name: values[row].as_py() for name, values in self._values.items()}

    def choice(self, groups: Sequence[Group]) -> Choice:
        """What came of it. groups: of `named_groups`, gone through."""
        without = {name: values.null_count for name, values in self._values.items()}
        limited = [what for what, most in self._settings.at_most if most]
        unknown = {what: self._table[what].null_count for what in limited}
        counts = [GroupCount(group.of, group.without, group.rows, group.taken) for group in groups]
        counts.sort(key=lambda count: str((count.of, count.without)))
        return Choice(sentences(self._settings, without, unknown), counts)


def _told(values: Mapping[str, float | None]) -> str:
    """`pacing 3, no questions`."""
    told = []
    for name, value in values.items():
        told.append(f"no {name}" if value is None else f"{name} {value:.4g}")
    return ", ".join(told)


def _numbers(coded: pa.DictionaryArray) -> npt.NDArray[np.int64]:
    """(rows,) the number of each row's value, or NONE."""
    numbers: npt.NDArray[np.int64] = coded.indices.fill_null(NONE).to_numpy()
    return numbers


def _sizes(coded: pa.DictionaryArray) -> npt.NDArray[np.int64]:
    """(values,) how many rows have each value."""
    numbers = _numbers(coded)
    return np.bincount(numbers[numbers != NONE], minlength=len(coded.dictionary))
