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

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice, pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.conversation import Conversation, Drop, Finding
from pipeline.publish.choice import Choice, GroupCount, sentences
from pipeline.publish.groups import NONE, Grouping, ListedRows, Quota
from pipeline.publish.listing import LISTED
from pipeline.recipe.publish import Choose
from pipeline.rules.override import keeps

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


class Reason(NamedTuple):
    """A quota that was full when a row's turn came, and the row's place in that group, from 1."""

    row: int
    quota: Quota
    place: int


class Chosen(NamedTuple):
    """Why rows are not chosen, part by part (`REASONS`), and what came of it all."""

    reasons: list[pa.Table]
    choice: Choice


def chosen(parts: Sequence[pa.Table], settings: Choose) -> Chosen:
    """Choose among all rows. parts: of each, what `listing.listed` says of its rows."""
    rows = ListedRows(pa.concat_tables([LISTED.empty_table(), *parts]), settings)
    groupings = rows.groupings()
    found = _gone_through(rows.order(), groupings)
    reasons = _table(_record(rows, reason) for reason in found)
    starts = np.cumsum([0, *(part.num_rows for part in parts)])
    choice = _choice(rows, groupings[0].quotas, settings)
    return Chosen(_by_part(reasons, starts), choice)


def applied(rows: Iterable[Conversation], reasons: pa.Table) -> Iterator[Conversation | Drop]:
    """The rows of a part; those that there are reasons against are dropped, with all of them,
    unless a person has decided to keep them."""
    found: defaultdict[int, list[Finding]] = defaultdict(list)
    for record in reasons.to_pylist():
        number = record.pop("row")
        found[number].append(Finding("publish", decision="drop", **record))
    for number, row in enumerate(rows):
        if number in found and not keeps(row.findings):
            yield Drop(replace(row, findings=(*row.findings, *found[number])))
        else:
            yield row


def _gone_through(order: Iterable[int], groupings: Sequence[Grouping]) -> Iterator[Reason]:
    """The reasons against every row that is not chosen."""
    for row in order:
        own = []
        for numbers, quotas in groupings:
            if numbers[row] != NONE:
                own.append(quotas[numbers[row]])
        full = [quota for quota in own if quota.taken == quota.places]
        for quota in own:
            quota.met += 1
            if not full:
                quota.taken += 1
                quota.last = row
        for quota in full:
            yield Reason(row, quota, quota.met)


def _record(rows: ListedRows, reason: Reason) -> dict[str, object]:
    """A reason as `REASONS` has it."""
    return {
        "row": reason.row,
        "rule": reason.quota.rule,
        "value": reason.place,
        "limit": reason.quota.places,
        "evidence": _evidence(rows, reason),
    }


def _evidence(rows: ListedRows, reason: Reason) -> str:
    """`60 rows of source films, stage close; this has pacing 3; the last chosen is …, with
    pacing 4`"""
    quota = reason.quota
    own = _values(rows, reason.row)
    preferred = _values(rows, quota.last)
    group = f"{quota.rows} rows {quota.words}"
    last = f"the last chosen is {rows.ids[quota.last]}"
    if not own:
        return f"{group}; {last}"
    if own == preferred:
        return f"{group}; {last}, with {_in_words(own)} too: the lower id"
    return f"{group}; this has {_in_words(own)}; {last}, with {_in_words(preferred)}"


def _values(rows: ListedRows, row: int) -> dict[str, float | None]:
    return {name: values[row].as_py() for name, values in rows.values.items()}


def _in_words(values: Mapping[str, float | None]) -> str:
    """`pacing 3, no questions`."""
    words = []
    for name, value in values.items():
        words.append(f"no {name}" if value is None else f"{name} {value:g}")
    return ", ".join(words)


def _table(records: Iterator[dict[str, object]]) -> pa.Table:
    """Reasons by the number of their rows."""
    batches = [pa.RecordBatch.from_pylist([], REASONS)]
    while batch := list(islice(records, BATCH)):
        batches.append(pa.RecordBatch.from_pylist(batch, REASONS))
    return pa.Table.from_batches(batches).sort_by("row")


def _by_part(reasons: pa.Table, starts: npt.NDArray[np.int64]) -> list[pa.Table]:
    """The reasons of every part, its rows numbered from 0. starts: of the parts, and the end.

    Copied, as a slice would take the whole table along to another process.
    """
    bounds = np.searchsorted(reasons["row"].to_numpy(), starts)
    found = []
    for first, (start, stop) in zip(starts, pairwise(bounds), strict=False):
        part = reasons.take(pa.array(np.arange(start, stop)))
        numbers = pc.subtract(part["row"], first)
        found.append(part.set_column(0, "row", numbers))
    return found


def _choice(rows: ListedRows, quotas: Iterable[Quota], settings: Choose) -> Choice:
    """What came of it. quotas: of the best shares, when all rows were gone through."""
    without = {name: values.null_count for name, values in rows.values.items()}
    groups = [GroupCount(one.of, one.without, one.rows, one.taken) for one in quotas]
    groups.sort(key=lambda group: str((group.of, group.without)))
    return Choice(sentences(settings, without, rows.unknown()), groups)
