# mypy: allow-untyped-defs, allow-untyped-calls
# numba gives the compiled functions their types
"""Against other sets: what an evaluation set asks or answers must not be said, by the same role, in ours.

Whole conversations are compared by `link` like any others. Here: one side of a conversation (all that its user says,
or all that its assistant says) found again inside a longer or different talk. Shingles that cross from one message to
the next do not count.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipeline.compiled import njit
from pipeline.dedup.columns import values, whole
from pipeline.dedup.rows import Integers, Keys, Shingles
from pipeline.dedup.shingles import SHINGLE
from pipeline.dedup.view import ASSISTANT, USER

# words of a side → the share of its shingles that must be found again. Shorter sides are common speech. PaLM counts
# an example as seen at 70 % of its 8-grams (Chowdhery et al. 2022, section 8), Llama 2 at 80 % of its tokens (Touvron
# et al. 2023, appendix A.6); a short text has to be there whole.
LEAKED = {8: 1.0, 25: 0.9, 50: 0.8}
SIDES = (USER, ASSISTANT)
_u32, _LOW = np.uint32, np.uint64(32)


@dataclass(frozen=True)
class Leaks:
    """Rows that say what a foreign row says. Rows count through all parts of their kind, laid end to end."""

    row: Integers
    foreign: Integers
    share: npt.NDArray[np.float64]  # of the foreign side's shingles
    limit: npt.NDArray[np.float64]


def leaks(signed: Sequence[pa.Table], against: Sequence[pa.Table], shared_by: int) -> Leaks:
    """For each row that gives away a foreign row: the one of which it says the largest share.

    Shingles that `shared_by` foreign sides or more have are their form, not their content, and do not count.
    """
    sides = [_side(signed, against, side, shared_by) for side in SIDES]
    row, foreign, share, limit = (np.concatenate(columns) for columns in zip(*sides, strict=True))
    order = np.lexsort((foreign, -share, row))
    first = order[np.unique(row[order], return_index=True)[1]]
    return Leaks(row[first], foreign[first], share[first], limit[first])


def _side(
    signed: Sequence[pa.Table], against: Sequence[pa.Table], side: int, shared_by: int
) -> tuple[Any, ...]:
    """(row, foreign row, share, limit) of every pair above its limit."""
    pairs, words = _wanted(against, side, shared_by)
    known, sizes = (pairs >> _LOW).astype(np.uint32), np.bincount(_row(pairs), minlength=len(words))
    limits = np.full(len(words), np.inf)
    for length, least in LEAKED.items():
        limits[(words >= length) & (sizes > 0)] = least
    wanted = np.zeros(1 << 22, np.bool_)
    wanted[known & _u32(len(wanted) - 1)] = True
    found, start = [np.zeros(0, np.uint64)], 0
    for part in signed:
        row, shingle = spoken_by(*_lists(part), side, wanted)
        first = np.searchsorted(known, shingle)
        counts = np.searchsorted(known, shingle, "right") - first
        place = np.repeat(first - np.cumsum(counts) + counts, counts) + np.arange(counts.sum())
        found.append(_pack(np.repeat(row, counts) + start, _row(pairs[place])))
        start += len(part)
    both, shared = np.unique(np.concatenate(found), return_counts=True)
    foreign = _row(both)
    share = shared / sizes[foreign]
    leaked = share >= limits[foreign]
    return (
        (both >> _LOW).astype(np.int64)[leaked],
        foreign[leaked],
        share[leaked],
        limits[foreign][leaked],
    )


def _wanted(against: Sequence[pa.Table], side: int, shared_by: int) -> tuple[Keys, Integers]:
    """(sorted shingle << 32 | foreign row, each once; words that each foreign row says on this side)."""
    every, words, start = [np.zeros(0, np.uint64)], [np.zeros(0, np.int64)], 0
    for part in against:
        row, shingle = spoken_by(*_lists(part), side, np.ones(1, np.bool_))
        every.append(_pack(shingle, row + start))
        _, _, spoken, turns = _lists(part)
        words.append(np.diff(np.concatenate([[0], np.cumsum(np.maximum(spoken * side, 0))])[turns]))
        start += len(part)
    pairs = np.unique(np.concatenate(every))
    _, place, holders = np.unique(pairs >> _LOW, return_inverse=True, return_counts=True)
    return pairs[holders[place] < shared_by], np.concatenate(words)


def _pack(high: npt.NDArray[Any], low: npt.NDArray[Any]) -> Keys:
    return high.astype(np.uint64) << _LOW | low.astype(np.uint64)


def _row(packed: Keys) -> Integers:
    return (packed & np.uint64(0xFFFFFFFF)).astype(np.int64)


def _lists(part: pa.Table) -> tuple[Shingles, Integers, npt.NDArray[np.int32], Integers]:
    shingles, spoken = whole(part["shingles"]), whole(part["spoken"])
    return (
        values(shingles.values), values(shingles.offsets),
        values(spoken.values), values(spoken.offsets),
    )  # fmt: skip


@njit(nogil=True, cache=True)
def spoken_by(shingles, starts, spoken, turns, side, wanted):
    """(row, shingle), each pair once, of the shingles that lie inside one message of this side and may be wanted."""
    mask = _u32(wanted.size - 1)
    rows, found = np.empty(shingles.size, np.int64), np.empty(shingles.size, np.uint32)
    n = 0
    for row in range(turns.size - 1):
        at, begin = starts[row], n
        for turn in range(turns[row], turns[row + 1]):
            count = abs(spoken[turn])
            if spoken[turn] * side > 0:
                for i in range(at, min(at + count - (SHINGLE - 1), starts[row + 1])):
                    if wanted[shingles[i] & mask]:
                        found[n] = shingles[i]
                        n += 1
            at += count
        ordered = np.sort(found[begin:n])
        n = begin
        for i in range(ordered.size):
            if i == 0 or ordered[i] != ordered[i - 1]:
                found[n], rows[n] = ordered[i], row
                n += 1
    return rows[:n], found[:n]
