"""Leaks: rows of two splits that are nearly the same, or share a character, a persona or a thread.

Rows are compared by their distinct shingles, exactly: Jaccard = shared / all of both. Of a row that
is as similar as LIMIT to a held-out one, at least that share of its shingles stands in held-out
rows; only rows of which that is so are compared with each of these, by an index of their shingles.

    index     3 → b, c    5 → b    8 → c            shingle → held-out rows
    row a     3 5 8 9     of which 3 of 4 stand in the index: shared with b 2, with c 2
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipeline.publish.split import AT_REHEARSAL, AT_TRAIN, Codes

LIMIT = 0.7  # Jaccard: that of `dedup` by default

Numbers32 = npt.NDArray[np.uint32]
Places64 = npt.NDArray[np.int64]


class ShingledRows(NamedTuple):
    """Rows by their distinct shingles: row r has values[starts[r] : starts[r + 1]], in order."""

    values: Numbers32
    starts: Places64

    def __len__(self) -> int:
        return len(self.starts) - 1

    @property
    def sizes(self) -> Places64:
        return np.diff(self.starts)

    def taken(self, rows: Places64) -> ShingledRows:
        """Some of the rows, in this order."""
        sizes = self.sizes[rows]
        starts = np.concatenate([[0], np.cumsum(sizes)])
        places = np.repeat(self.starts[rows] - starts[:-1], sizes) + np.arange(starts[-1])
        return ShingledRows(self.values[places], starts)


def distinct(lists: pa.Array) -> ShingledRows:
    """lists: the shingles of each row, repeats included."""
    flat = lists.flatten().to_numpy()
    sizes = lists.value_lengths().to_numpy()
    rows = np.repeat(np.arange(len(lists), dtype=np.uint64), sizes)
    packed = np.unique(rows << np.uint64(32) | flat.astype(np.uint64))
    sizes = np.bincount((packed >> np.uint64(32)).astype(np.int64), minlength=len(lists))
    values = (packed & np.uint64(0xFFFFFFFF)).astype(np.uint32)
    return ShingledRows(values, np.concatenate([[0], np.cumsum(sizes)]))


def joined(several: Sequence[ShingledRows]) -> ShingledRows:
    """The rows of all, one after the other."""
    sizes = np.concatenate([np.zeros(0, np.int64), *(one.sizes for one in several)])
    values = np.concatenate([np.zeros(0, np.uint32), *(one.values for one in several)])
    return ShingledRows(values, np.concatenate([[0], np.cumsum(sizes)]))


class Leak(NamedTuple):
    """Two rows of different splits, by their numbers among all rows, and how similar they are."""

    row: int
    held_out: int
    similarity: float


class HeldOutRows:
    """The rows that are validated and tested on. numbers: (rows,) of each among all rows. sides:
    (rows,) its split."""

    def __init__(self, rows: ShingledRows, numbers: Places64, sides: Codes) -> None:
        self._numbers, self._sides, self._sizes = numbers, sides, rows.sizes
        order = np.argsort(rows.values, kind="stable")
        self._holders = np.repeat(np.arange(len(rows)), rows.sizes)[order]
        self._known, first = np.unique(rows.values[order], return_index=True)
        self._first = np.append(first, len(order))  # of the holders of each known shingle

    def leaks(self, rows: ShingledRows, first: int, sides: Codes) -> Iterator[Leak]:
        """Between rows and those held out in another split, each pair once. first: the number of
        the first of the rows. sides: (rows,) their splits."""
        if not len(self._known):
            return
        at = np.searchsorted(self._known, rows.values).clip(max=len(self._known) - 1)
        stands = self._known[at] == rows.values
        counts = np.add.reduceat(np.append(stands, False), rows.starts[:-1]) * (rows.sizes > 0)
        alike = (counts >= LIMIT * rows.sizes) & (rows.sizes > 0) & (sides < AT_REHEARSAL)
        for row in np.flatnonzero(alike).tolist():
            own = slice(*rows.starts[row : row + 2])
            shared = self._shared(at[own][stands[own]])
            for held in self._like(shared, int(rows.sizes[row]), sides[row]):
                similarity = shared[held] / (rows.sizes[row] + self._sizes[held] - shared[held])
                yield Leak(first + row, int(self._numbers[held]), float(similarity))

    def _shared(self, known: Places64) -> Places64:
        """(held-out rows,) how many of these shingles each has."""
        bounds = zip(self._first[known].tolist(), self._first[known + 1].tolist(), strict=True)
        holders = np.concatenate([self._holders[start:end] for start, end in bounds])
        return np.bincount(holders, minlength=len(self._sizes))

    def _like(self, shared: Places64, size: int, side: int) -> list[int]:
        """Those as similar as the limit, in a split that is compared with this one's: train with
        both others, validation with test."""
        enough = shared >= LIMIT * (size + self._sizes - shared)
        found: list[int] = np.flatnonzero(enough & (self._sides > side)).tolist()
        return found


def is_held_out(sides: Codes) -> npt.NDArray[np.bool_]:
    held: npt.NDArray[np.bool_] = (sides > AT_TRAIN) & (sides < AT_REHEARSAL)
    return held


def sharing(keys: pa.Table, sides: Codes) -> Places64:
    """The numbers of rows that have a character, persona, thread or all words in common with a row
    of another split. keys: `related.KEYS` of all rows. sides: (rows,) their splits."""
    lists = keys["keys"].combine_chunks()
    rows = np.repeat(np.arange(len(lists)), lists.value_lengths().to_numpy())
    released = sides[rows] < AT_REHEARSAL
    found, rows = lists.flatten().to_numpy()[released], rows[released]
    values, coded = np.unique(found, return_inverse=True)
    lowest, highest = np.full(len(values), AT_REHEARSAL), np.full(len(values), AT_TRAIN)
    np.minimum.at(lowest, coded, sides[rows])
    np.maximum.at(highest, coded, sides[rows])
    return np.unique(rows[(lowest < highest)[coded]])
