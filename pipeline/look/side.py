"""The side bar: how often each value of a facet comes, and a histogram of every number, under a
selection."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from typing import TypedDict

import numpy as np

from pipeline.look import query
from pipeline.look.index import bins
from pipeline.look.index.columns import BESIDE, RowNumbers
from pipeline.look.index.fields import FACETS
from pipeline.look.index.flat import AnyArray
from pipeline.look.index.frame import Frame
from pipeline.look.query import Masks
from pipeline.look.selection import Selection
from pipeline.look.state import Look

VALUES = 100  # of a facet that are shown


class ValueCount(TypedDict):
    """A value of a facet: rows of the selection, and of all. value: None for what has none."""

    value: str | None
    count: int
    all: int


class HistogramRecord(TypedDict):
    """A histogram: of the selection, and of all rows. null: rows whose number is not known."""

    low: float
    high: float
    edges: list[float]
    counts: list[int]
    all: list[int]
    null: int


class SideBar(TypedDict):
    """total: rows of all; count: of the selection. more: facet → values beyond those shown."""

    version: int
    total: int
    count: int
    milliseconds: int
    facets: dict[str, list[ValueCount]]
    more: dict[str, int]
    numbers: dict[str, HistogramRecord]


def side_bar(look: Look, selection: Selection) -> SideBar:
    """Each facet and number is counted without what the selection asks of itself, so that its other
    values can be chosen too. Raises UserError."""
    started = time.perf_counter()
    frame = look.frame
    found = query.masks(look, frame, selection)
    sample = query.chosen_rows(look, frame, selection) if selection.sample else None
    rows = _CountedRows(found, sample)
    facets, more = _facets(look, frame, rows)
    bar = SideBar(
        version=frame.number,
        total=frame.rows,
        count=rows.count(frame.rows),
        milliseconds=0,
        facets=facets,
        more=more,
        numbers=dict(_numbers(look, frame, rows)),
    )
    bar["milliseconds"] = round(1000 * (time.perf_counter() - started))
    return bar


class _CountedRows:
    """The rows that count for a field: those of all other clauses."""

    def __init__(self, found: Masks, sample: RowNumbers | None) -> None:
        self._found, self._sample = found, sample
        self._known: dict[str, RowNumbers | None] = {}

    def count(self, every: int) -> int:
        """How many are in the selection."""
        own = self.of("")
        return every if own is None else len(own)

    def of(self, field: str) -> RowNumbers | None:
        """None for all rows."""
        if self._sample is not None:
            return self._sample
        key = field if field in self._found.of_fields else ""
        if key not in self._known:
            mask = self._found.without(key)
            self._known[key] = None if mask is None else np.flatnonzero(mask)
        return self._known[key]


def _facets(
    look: Look, frame: Frame, rows: _CountedRows
) -> tuple[dict[str, list[ValueCount]], dict[str, int]]:
    """The values of every facet, the most frequent first; and how many more there are."""
    facets, more = {}, {}
    for name in FACETS:
        counted = _counted(_totals(look, frame, name), _counts(look, frame, name, rows.of(name)))
        facets[name] = counted[:VALUES]
        if len(counted) > VALUES:
            more[name] = len(counted) - VALUES
    return facets, more


def _counted(every: dict[str, int], own: dict[str, int]) -> list[ValueCount]:
    found = []
    for value, count in every.items():
        found.append(ValueCount(value=value or None, count=own.get(value, 0), all=count))
    found.sort(key=lambda one: (-one["count"], -one["all"], one["value"] or ""))
    return found


def _totals(look: Look, frame: Frame, facet: str) -> dict[str, int]:
    """Of all rows, counted once."""
    key = ("facet", look.version, frame.number, facet)
    return look.totals.get(key, lambda: _counts(look, frame, facet, None))


def _counts(look: Look, frame: Frame, facet: str, rows: RowNumbers | None) -> dict[str, int]:
    codes, values = query.codes_and_values(look, frame, facet)
    counts = np.bincount(_taken(codes, rows), minlength=len(values))
    places = np.flatnonzero(counts)
    if not FACETS[facet].several:
        return {values[place]: int(counts[place]) for place in places}
    found: Counter[str] = Counter()
    for place in places:
        for value in values[place].split(BESIDE):
            found[value] += int(counts[place])
    return dict(found)


def _taken(codes: AnyArray, rows: RowNumbers | None) -> AnyArray:
    return codes if rows is None else codes[rows]


def _numbers(look: Look, frame: Frame, rows: _CountedRows) -> Iterator[tuple[str, HistogramRecord]]:
    """A histogram of every number that some row has, in the order of the table."""
    own: dict[str, bins.Counted] = {}
    for name in frame.numbers:
        if name not in own:
            own |= _pair(frame, name, rows)
        every = _all_of(look, frame, name)
        limits = frame.edges[name]
        yield (
            name,
            HistogramRecord(
                low=float(limits[0]),
                high=float(limits[-1]),
                edges=limits.tolist(),
                counts=own[name].counts,
                all=every.counts,
                null=own[name].unknown,
            ),
        )


def _pair(frame: Frame, name: str, rows: _CountedRows) -> dict[str, bins.Counted]:
    """The histograms of a number and of the one that shares its array, if the same rows count."""
    pair = frame.pair_of(name)
    codes = frame.columns.arrays[bins.array_name(pair)]
    found: dict[str, bins.Counted] = {}
    for one in pair:
        own = rows.of(one)
        if one in found:
            continue
        counted = bins.counted(_taken(codes, own), pair, frame.edges)
        same = [other for other in pair if rows.of(other) is own]
        found |= {other: counted[other] for other in same}
    return found


def _all_of(look: Look, frame: Frame, name: str) -> bins.Counted:
    """The histogram over all rows, counted once."""
    pair = frame.pair_of(name)
    codes = frame.columns.arrays[bins.array_name(pair)]
    key = ("bins", frame.number, pair)
    return look.totals.get(key, lambda: bins.counted(codes, pair, frame.edges))[name]
