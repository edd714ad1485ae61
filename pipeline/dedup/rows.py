"""The signed rows of all parts in one order: who stays against whom."""

# mypy: allow-untyped-defs, allow-untyped-calls
# numba gives the compiled functions their types

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.compiled import njit
from pipeline.dedup.columns import arrow, lengths, values, whole

Integers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
Keys = npt.NDArray[np.uint64]
Shingles = npt.NDArray[np.uint32]


@dataclass(frozen=True)
class Rows:
    """All rows by rank: rank 0 is the one that would stay against any other. The rows of against-sets come first."""

    parts: list[pa.Table]
    home: Integers  # (n,) where a row stood in the parts laid end to end
    place: Integers  # (n,) where what it is compared by stands; elsewhere once boilerplate was taken out
    words: npt.NDArray[np.int32]  # (n,)
    foreign: int  # ranks 0 … foreign - 1 belong to against-sets

    @cached_property
    def starts(self) -> Integers:
        """(parts + 1,) the place of each part's first row."""
        return np.cumsum([0, *map(len, self.parts)])

    @cached_property
    def ranks(self) -> Integers:
        """The rank of what stands at each place; -1 where it was replaced."""
        ranks = np.full(self.starts[-1], -1)
        ranks[self.place] = np.arange(len(self.place))
        return ranks

    @property
    def scheme(self) -> dict[str, str]:
        """What `sign` recorded: bands, rows, permutations, seed, view."""
        return {k.decode(): v.decode() for k, v in (self.parts[0].schema.metadata or {}).items()}

    def ids(self, ranks: Integers) -> pa.Array:
        ids = pa.concat_tables([p.select(["id"]) for p in self.parts if "id" in p.column_names])[
            "id"
        ]
        return ids.take(arrow(self.home[ranks]))

    def column(self, pick: Callable[[pa.Table], Any], places: Integers) -> Any:
        """(places,) what `pick` takes from the parts, one value per row of a part."""
        return np.concatenate([pick(p) for p in self.parts])[places]

    def stored(self, chosen: Flags) -> Iterator[tuple[Integers, Flags, Shingles, Integers]]:
        """For each part: (rank of each of its rows, which of them are chosen, shingles, where each row's begin)."""
        for part, start, stop in zip(self.parts, self.starts, self.starts[1:], strict=False):
            mine = self.ranks[start:stop]
            lists = whole(part["shingles"])
            yield mine, chosen[mine] & (mine >= 0), values(lists.values), values(lists.offsets)

    def shingles(self, ranks: Integers, room: Shingles) -> tuple[Shingles, Integers, Integers]:
        """(shingles of these rows one after the other, where each begins, which of `ranks` comes where).

        The first in `room` where it is large enough: new memory costs more than what is done in it.
        """
        order = np.argsort(self.place[ranks])
        places = self.place[ranks[order]]
        bounds = np.searchsorted(places, self.starts)
        spans = [
            (whole(part["shingles"]), places[a:b] - start)
            for part, start, a, b in zip(self.parts, self.starts, bounds, bounds[1:], strict=False)
            if b > a
        ]
        starts = np.cumsum(np.concatenate([[0], *(lengths(lists)[rows] for lists, rows in spans)]))
        flat, first = room if len(room) >= starts[-1] else np.empty(starts[-1], np.uint32), 0
        for lists, rows in spans:
            copy_lists(values(lists.values), values(lists.offsets), rows, flat, starts[first:])
            first += len(rows)
        return flat, starts, order

    def compared_by(self, ranks: Integers, part: pa.Table) -> Rows:
        """From here on these rows are compared by what `part` (shingles and bands) holds for them."""
        place = self.place.copy()
        place[ranks] = self.starts[-1] + np.arange(len(ranks))
        return replace(self, parts=[*self.parts, part], place=place)


def distinct(keys: Keys) -> Keys:
    """Sorted (in place), each once."""
    keys.sort()
    first = np.ones(len(keys), bool)
    np.not_equal(keys[1:], keys[:-1], out=first[1:])
    return keys[first]


def ranked(parts: list[pa.Table], foreign_parts: int) -> Rows:
    """Which copy stays: the best score, then fewest findings, then most words, then the preferred source, then id."""
    standing = ("score", "findings", "words", "source", "id")
    columns = {name: pa.concat_tables([p.select([name]) for p in parts])[name] for name in standing}
    sizes = list(map(len, parts))
    ours = np.repeat((np.arange(len(parts)) >= foreign_parts).astype(np.int8), sizes)
    table = pa.table(
        columns | {"ours": arrow(ours)}
    ).combine_chunks()  # sorted in a third of the time in one piece
    order = values(pc.sort_indices(
        table,
        [("ours", "ascending"), ("score", "descending"), ("findings", "ascending"), ("words", "descending"),
         ("source", "ascending"), ("id", "ascending")],
    )).astype(np.int64)  # fmt: skip
    return Rows(parts, order, order, values(table["words"])[order], sum(sizes[:foreign_parts]))


@njit(nogil=True, cache=True)
def copy_lists(values, offsets, rows, target, starts):
    """The lists of some rows, each to where it starts in `target`."""
    for row in range(rows.size):
        at = starts[row]
        for i in range(offsets[rows[row]], offsets[rows[row] + 1]):
            target[at] = values[i]
            at += 1
