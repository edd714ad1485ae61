"""The signed rows of all parts in one order: which of two duplicates is kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.dedup.arrays import CountArray, Flags, Integers, Keys, Lists, PartRows, Shingles
from pipeline.dedup.columns import arrow, lists, values

# Of two duplicates the one is kept that comes first in this order.
ORDER = [
    ("ours", "ascending"),  # rows of other sets are never dropped
    ("knows", "descending"),  # before `findings`: rules find more where there is a card
    ("score", "descending"),
    ("findings", "ascending"),
    ("words", "descending"),
    ("source", "ascending"),  # its place in the list of preferred ones
    ("id", "ascending"),
]


@dataclass(frozen=True)
class RankedRows:
    """All rows by rank: rank 0 would be kept against any other. Rows of against-sets come first.

    A place counts through the rows of all parts, laid end to end.
    """

    parts: Sequence[pa.Table]
    home: Integers  # (rows,) the place of each rank
    place: Integers  # (rows,) the place of what it is compared by; changed by `compared_by`
    words: CountArray  # (rows,)
    foreign: int  # ranks below belong to against-sets

    def __len__(self) -> int:
        return len(self.words)

    @cached_property
    def starts(self) -> Integers:
        """(parts + 1,) the place of each part's first row."""
        return np.cumsum([0, *map(len, self.parts)])

    @cached_property
    def ranks(self) -> Integers:
        """(places,) the rank of what stands there; -1 where `compared_by` replaced it."""
        ranks = np.full(self.starts[-1], -1)
        ranks[self.place] = np.arange(len(self))
        return ranks

    @cached_property
    def shingle_count(self) -> int:
        """How many shingles all parts hold."""
        starts = [lists(part["shingles"]).starts for part in self.parts]
        return sum(int(of_part[-1] - of_part[0]) for of_part in starts)

    @property
    def scheme(self) -> dict[str, str]:
        """What `sign` recorded: bands, rows, permutations, seed, view."""
        recorded = self.parts[0].schema.metadata or {}
        return {name.decode(): value.decode() for name, value in recorded.items()}

    @property
    def bands(self) -> tuple[int, int]:
        """How many bands, and how many values of a signature each has."""
        return int(self.scheme["bands"]), int(self.scheme["rows"])

    def ids(self, ranks: Integers) -> pa.Array:
        with_ids = [part.select(["id"]) for part in self.parts if "id" in part.column_names]
        return pa.concat_tables(with_ids)["id"].take(arrow(self.home[ranks]))

    def column(self, read: Callable[[pa.Table], Keys], ranks: Integers) -> Keys:
        """(ranks, …) what `read` takes from the parts, one value per row of a part."""
        return np.concatenate([read(part) for part in self.parts])[self.place[ranks]]

    def by_part(self, chosen: Flags) -> Iterator[PartRows]:
        """The shingles of each part, with the chosen ranks among its rows."""
        for part, start, stop in zip(self.parts, self.starts, self.starts[1:], strict=False):
            ranks = self.ranks[start:stop]
            yield PartRows(*lists(part["shingles"]), chosen[ranks] & (ranks >= 0), ranks)

    def shingles_of(self, pairs: Integers, memory: Shingles) -> tuple[Lists, Integers]:
        """(shingles of all rows in the pairs, copied; (pairs, 2) which list is that of each).

        They are copied part by part, as reading goes fastest that way, and into
        `memory` where it is large enough: new memory costs more than what is done
        in it.
        """
        ranks, rank_of = np.unique(pairs, return_inverse=True)
        order = np.argsort(self.place[ranks])
        found = self._slices(self.place[ranks[order]])
        starts = np.cumsum([0, *map(len, found)])
        if len(memory) < starts[-1]:
            memory = np.empty(starts[-1], np.uint32)
        np.concatenate([np.zeros(0, np.uint32), *found], out=memory[: starts[-1]])
        list_of = np.empty(len(ranks), np.int64)
        list_of[order] = np.arange(len(ranks))
        return Lists(memory, starts), list_of[rank_of.reshape(-1, 2)]

    def _slices(self, places: Integers) -> list[Shingles]:
        """The shingles at sorted places, where the parts have them."""
        found = []
        bounds = np.searchsorted(places, self.starts)
        for number, part in enumerate(self.parts):
            mine = places[bounds[number] : bounds[number + 1]] - self.starts[number]
            if len(mine):
                shingles, starts = lists(part["shingles"])
                ends = zip(starts[mine].tolist(), starts[mine + 1].tolist(), strict=True)
                found += [shingles[start:stop] for start, stop in ends]
        return found

    def compared_by(self, ranks: Integers, part: pa.Table) -> RankedRows:
        """From here on these rows are compared by what `part` (shingles, bands) has of them."""
        place = self.place.copy()
        place[ranks] = self.starts[-1] + np.arange(len(ranks))
        return replace(self, parts=[*self.parts, part], place=place)


def ranked(parts: Sequence[pa.Table], foreign_parts: int) -> RankedRows:
    """The rows of signed parts in ORDER. The first parts are those of against-sets."""
    sizes = list(map(len, parts))
    names = [name for name, _ in ORDER if name != "ours"]
    together = pa.concat_tables([part.select(names) for part in parts])
    is_ours = np.repeat((np.arange(len(parts)) >= foreign_parts).astype(np.int8), sizes)
    table = together.append_column("ours", arrow(is_ours))
    table = table.combine_chunks()  # sorted in a third of the time in one piece
    order = values(pc.sort_indices(table, ORDER)).astype(np.int64)
    words = values(table["words"])[order]
    return RankedRows(parts, order, order, words, sum(sizes[:foreign_parts]))
