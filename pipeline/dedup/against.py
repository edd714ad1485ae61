"""Against other sets: what an evaluation set asks or answers must not stand in ours.

Whole conversations are compared by `link` like any others. Here: one side of a
conversation (all that its user writes, or all that its assistant writes) found
again inside a longer or different conversation. Shingles that cross from one
message to the next do not count.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from pipeline.dedup.arrays import (
    Flags,
    FloatArray,
    Integers,
    Keys,
    Shingles,
    counted_up,
    high_half,
    low_half,
    pack,
)
from pipeline.dedup.columns import lists
from pipeline.dedup.kernels import Kernels
from pipeline.dedup.view import ASSISTANT, USER

# Words of a side → the share of its shingles that must be found again. Shorter sides are common
# speech. PaLM counts an example as seen at 70 % of its 8-grams (Chowdhery et al. 2022, section 8),
# Llama 2 at 80 % of its tokens (Touvron et al. 2023, appendix A.6); a short text has to be there
# whole.
LEAKED = {8: 1.0, 25: 0.9, 50: 0.8}
SIDES = (USER, ASSISTANT)
WANTED_SLOTS = 1 << 22


class Leaks(NamedTuple):
    """Rows that contain a side of a foreign row. Rows count through all parts of their kind."""

    rows: Integers
    foreign: Integers
    shares: FloatArray  # of the foreign side's shingles
    limits: FloatArray

    @classmethod
    def joined(cls, several: Sequence[Leaks]) -> Leaks:
        return cls(*map(np.concatenate, zip(*several, strict=True)))

    def where(self, chosen: Flags | Integers) -> Leaks:
        rows, foreign, shares, limits = self
        return Leaks(rows[chosen], foreign[chosen], shares[chosen], limits[chosen])


class ForeignSide(NamedTuple):
    """The content of the foreign rows on one side."""

    shingles: Shingles  # sorted; one for each (shingle, foreign row), each pair once
    rows: Integers  # the foreign row of each
    sizes: Integers  # (foreign rows,) how many shingles each has here
    limits: (
        FloatArray  # (foreign rows,) the share of them that must not be found in one row of ours
    )

    @property
    def wanted(self) -> Flags:
        """A table of the shingles' lowest bits: the others need not be looked up."""
        wanted = np.zeros(WANTED_SLOTS, bool)
        wanted[self.shingles & np.uint32(WANTED_SLOTS - 1)] = True
        return wanted


def leaks(
    signed: Sequence[pa.Table], against: Sequence[pa.Table], shared_by: int, kernels: Kernels
) -> Leaks:
    """For each row that gives away a foreign row: the one of which it has the largest share.

    Shingles that `shared_by` foreign sides or more have are their form, not their
    content, and do not count.
    """
    found = []
    for side in SIDES:
        foreign = _foreign_side(against, side, shared_by, kernels)
        found.append(_leaks_of(foreign, _meetings(foreign, signed, side, kernels)))
    both = Leaks.joined(found)
    both = both.where(np.lexsort((both.foreign, -both.shares, both.rows)))
    first_of_row = np.unique(both.rows, return_index=True)[1]
    return both.where(first_of_row)


def _leaks_of(foreign: ForeignSide, meetings: Keys) -> Leaks:
    """Every pair of a row and a foreign row whose share reaches the limit."""
    pairs, shared = np.unique(meetings, return_counts=True)
    rows = low_half(pairs)
    shares, limits = shared / foreign.sizes[rows], foreign.limits[rows]
    return Leaks(high_half(pairs), rows, shares, limits).where(shares >= limits)


def _meetings(
    foreign: ForeignSide, signed: Sequence[pa.Table], side: int, kernels: Kernels
) -> Keys:
    """row << 32 | foreign row, once for each shingle that both have."""
    found, start, wanted = [np.zeros(0, np.uint64)], 0, foreign.wanted
    for part in signed:
        inside = kernels.side_shingles(part, side, wanted)
        first = np.searchsorted(foreign.shingles, inside.shingles)
        counts = np.searchsorted(foreign.shingles, inside.shingles, "right") - first
        places = np.repeat(first, counts) + counted_up(counts)
        found.append(pack(np.repeat(inside.rows + start, counts), foreign.rows[places]))
        start += len(part)
    return np.concatenate(found)


def _foreign_side(
    against: Sequence[pa.Table], side: int, shared_by: int, kernels: Kernels
) -> ForeignSide:
    pairs = _content(_side_pairs(against, side, kernels), shared_by)
    rows = low_half(pairs)
    words = [_words_of_side(part, side) for part in against]
    sizes = np.bincount(rows, minlength=sum(map(len, against)))
    limits = _limits(np.concatenate(words), sizes)
    return ForeignSide(high_half(pairs).astype(np.uint32), rows, sizes, limits)


def _side_pairs(against: Sequence[pa.Table], side: int, kernels: Kernels) -> Keys:
    """Sorted shingle << 32 | foreign row, each once."""
    found, start = [np.zeros(0, np.uint64)], 0
    everything = np.ones(1, bool)
    for part in against:
        inside = kernels.side_shingles(part, side, everything)
        found.append(pack(inside.shingles, inside.rows + start))
        start += len(part)
    return np.unique(np.concatenate(found))


def _content(pairs: Keys, shared_by: int) -> Keys:
    """The pairs without the shingles that `shared_by` rows or more have."""
    _, group, holders = np.unique(high_half(pairs), return_inverse=True, return_counts=True)
    return pairs[holders[group] < shared_by]


def _words_of_side(part: pa.Table, side: int) -> Integers:
    """(rows,) how many words each row has on a side."""
    messages = lists(part["message_words"])
    total = np.concatenate([[0], np.cumsum(np.maximum(messages.values * side, 0))])
    words: Integers = np.diff(total[messages.starts])
    return words


def _limits(words: Integers, sizes: Integers) -> FloatArray:
    """(rows,) the share that must not be found, as LEAKED has it; out of reach for other rows."""
    limits = np.full(len(words), np.inf)
    for length, share in LEAKED.items():
        limits[(words >= length) & (sizes > 0)] = share
    return limits
