"""Pairs found to be duplicates, and which row of each is dropped."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from pipeline.dedup.arrays import CountArray, Flags, FloatArray, Integers, NumberArray

RULES = ["dedup.exact", "dedup.near", "dedup.contained", "dedup.against"]
EXACT, NEAR, CONTAINED, AGAINST = range(4)
NONE = -1


@dataclass
class Edges:
    """Pairs of ranks found to be duplicates, first < second."""

    first: Integers
    second: Integers
    rule: npt.NDArray[np.int8]  # EXACT, NEAR, CONTAINED or AGAINST
    similarity: FloatArray  # Jaccard, or the share of the smaller row found in the larger
    limit: FloatArray  # what the similarity reaches
    size_first: CountArray  # distinct shingles
    size_second: CountArray

    @classmethod
    def same(cls, leaders: Integers) -> Edges:
        """From each row to the first that has the same words."""
        copies = np.flatnonzero(leaders != np.arange(len(leaders)))
        ones = np.ones(len(copies))
        return cls.of(leaders[copies], copies, EXACT, ones, ones)

    @classmethod
    def of(
        cls, first: Integers, second: Integers, rule: int, similarity: FloatArray, limit: FloatArray
    ) -> Edges:
        """Edges of one rule for which no sizes are needed."""
        rules = np.full(len(first), rule, np.int8)
        sizes = np.zeros(len(first), np.int32)
        return cls(first, second, rules, similarity, limit, sizes, sizes)

    @classmethod
    def none(cls) -> Edges:
        nobody, nothing = np.zeros(0, np.int64), np.zeros(0)
        return cls.of(nobody, nobody, NEAR, nothing, nothing)

    @classmethod
    def joined(cls, several: Sequence[Edges]) -> Edges:
        columns = zip(*(edges._columns() for edges in several), strict=True)
        return cls(*map(np.concatenate, columns))

    def where(self, chosen: Flags) -> Edges:
        return Edges(*(column[chosen] for column in self._columns()))

    def _columns(self) -> list[NumberArray]:
        return [getattr(self, field.name) for field in fields(self)]

    def __len__(self) -> int:
        return len(self.first)


def choose(edges: Edges, rows: int, foreign: int) -> Integers:
    """(rows,) the edge that drops a row, or NONE. Its partner is kept, or is an exact copy of it.

    Rows are decided on in `_order`: one is dropped if a row that is kept is its
    duplicate. An exact copy is always dropped, for the first row with its words,
    even where that one is dropped too.
    """
    place = _order(edges, rows, foreign)
    later = np.where(place[edges.first] > place[edges.second], edges.first, edges.second)
    earlier = edges.first + edges.second - later
    order = np.lexsort((place[earlier], -edges.similarity, edges.rule, place[later]))
    order = order[edges.rule[order] != EXACT]
    dropped_by = _dropped(order, later[order], earlier[order])
    partners = np.full(rows, NONE)
    partners[list(dropped_by)] = list(dropped_by.values())
    copies = np.flatnonzero(edges.rule == EXACT)
    partners[edges.second[copies]] = copies
    return partners


def _dropped(edges: Integers, later: Integers, earlier: Integers) -> dict[int, int]:
    """Row → the edge that drops it. Sorted by `later`, so that `earlier` is decided on by then."""
    dropped_by: dict[int, int] = {}
    for edge, row, other in zip(edges.tolist(), later.tolist(), earlier.tolist(), strict=True):
        if row not in dropped_by and other not in dropped_by:
            dropped_by[row] = edge
    return dropped_by


def _order(edges: Edges, rows: int, foreign: int) -> Integers:
    """(rows,) when each row is decided on: by rank, but contained rows after all others, longest
    first. Rows of against-sets come before all and are always kept."""
    contained = edges.rule == CONTAINED
    smaller = np.where(edges.size_first < edges.size_second, edges.first, edges.second)
    size = np.zeros(rows, np.int64)
    size[smaller[contained]] = np.minimum(edges.size_first, edges.size_second)[contained]
    place = np.empty(rows, np.int64)
    place[np.lexsort((np.arange(rows), -size, size > 0))] = np.arange(rows)
    place[:foreign] = np.arange(-foreign, 0)
    return place


def clusters(edges: Edges, rows: int) -> Integers:
    """(rows,) the first rank of the cluster that a row's edges join it to: union-find."""
    parents: dict[int, int] = {}  # of joined rows only; any other row is its own

    def root(row: int) -> int:
        while (parent := parents.get(row, row)) != row:
            parents[row] = parents.get(parent, parent)
            row = parent
        return row

    for first, second in zip(edges.first.tolist(), edges.second.tolist(), strict=True):
        one, other = root(first), root(second)
        parents[max(one, other)] = min(one, other)
    found = np.arange(rows)
    found[list(parents)] = [root(row) for row in list(parents)]
    return found
