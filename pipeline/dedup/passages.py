"""What rows share word for word: boilerplate that does not make them alike, and rows that stand whole inside others.

Both ask how many rows have a shingle: a table of counters indexed by its hash, where two shingles on one counter only
look more common. Asked first of one shingle in four, those whose hash ends in two zero bits: all rows choose the same.
"""

# mypy: allow-untyped-defs, allow-untyped-calls
# numba gives the compiled functions their types
from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipeline.compiled import njit
from pipeline.dedup.columns import arrow
from pipeline.dedup.rows import Flags, Keys, Rows, distinct
from pipeline.dedup.sign import signed

Counters = npt.NDArray[np.unsignedinteger[Any]]

COUNTERS = 1 << 27  # at most
QUARTER, EVERY = 3, 0  # which shingles are asked: the bits of the hash that must be zero
PASSAGE = 32  # shingles on end that many rows have: 36 words
OWN = 16  # shingles on end that few rows have: 20 words
RARE = (
    3  # shingles of a row that are looked for in the others; one where all of a row must be found
)
_u32, _u64 = np.uint32, np.uint64
_TAKEN = 1 << 30
_QUARTER = _u32(QUARTER)


def counted(rows: Rows, chosen: Flags, asked: int, most: int) -> Counters:
    """How many of the chosen rows have a shingle, up to `most`, for the shingles that are asked."""
    total = sum(
        int(np.diff(starts)[alive].sum()) for _, alive, _, starts in rows.stored(chosen)
    ) // (asked + 1)
    size = min(COUNTERS, max(1 << 10, 1 << total.bit_length()))
    counters: Counters = np.zeros(size, np.uint8 if most < 256 else np.uint16)
    for _, alive, shingles, starts in rows.stored(chosen):
        count(shingles, starts, alive, _u32(asked), most, counters)
    return counters


def surveyed(
    rows: Rows, live: Flags, counters: Counters, shared_by: int, able: Flags, contained: float
) -> tuple[Flags, Keys]:
    """Which rows have a passage that `shared_by` rows share; and for whom to look by what, as (shingle << 32 | rank).

    An able row is looked for by its rarest shingles, if enough of all are shared to reach `contained`.
    """
    alone, few = 3 * (1 - contained), RARE if contained < 1 else 1
    suspects, rare = np.zeros(len(live), np.bool_), [np.zeros(0, np.uint64)]
    for mine, alive, shingles, starts in rows.stored(live):
        passage, found = survey(
            shingles, starts, alive, able[mine], mine, counters, shared_by, alone, few
        )
        suspects[mine[passage]] = True
        rare.append(found)
    return suspects, np.concatenate(rare)


def without_boilerplate(rows: Rows, suspects: Flags, shared_by: int) -> tuple[Rows, int]:
    """Rows with a long passage that `shared_by` rows or more have are from here on compared by what else they say.

    Only rows that say something else, about 20 words on end: in a large family of near copies the common passages are
    the conversation itself. Returns the rows, and how many of them it concerns.
    """
    if not suspects.any():
        return rows, 0
    counters, ranks, sets = counted(rows, suspects, EVERY, shared_by), [], []
    for mine, alive, shingles, starts in rows.stored(suspects):
        cut, ends = np.zeros(len(mine), np.bool_), np.zeros(len(mine) + 1, np.int64)
        rest = np.empty(starts[-1] - starts[0] + 1, np.uint32)
        cut_passages(shingles, starts, alive, counters, shared_by, cut, rest, ends)
        ranks.append(mine[cut])
        lists = pa.LargeListArray.from_arrays(arrow(ends), arrow(rest[: ends[-1]]))
        sets.append(lists.take(arrow(np.flatnonzero(cut))))
    concerned, every = np.concatenate(ranks), pa.concat_arrays(sets)
    bands = signed(every, int(rows.scheme["bands"]), int(rows.scheme["rows"]))
    return rows.compared_by(concerned, pa.table({"shingles": every} | bands)), len(concerned)


def holders(rows: Rows, able: Flags, rare: Keys) -> Keys:
    """Sorted (shingle << 32 | rank): every able row that has one of the rare shingles.

    Equal shingles stand together like the rows of an LSH bucket, so that the pairs are found in the same way.
    """
    wanted = np.zeros(1 << min(30, max(10, (128 * len(rare)).bit_length())), np.bool_)
    wanted[(rare >> _u64(34)).astype(np.int64) & (len(wanted) - 1)] = True
    return distinct(
        np.concatenate(
            [have(s, starts, alive, mine, wanted) for mine, alive, s, starts in rows.stored(able)]
        )
    )


@njit(inline="always")
def choose(shingles, start, stop, asked, chosen):
    """The shingles that are asked, in `chosen`; returns how many. No branch: the cursor moves by 0 or 1."""
    n = _u64(0)  # unsigned: numba asks every signed index whether it counts from the end
    for i in range(_u64(start), _u64(stop)):
        chosen[n] = shingles[i]
        n += _u64(shingles[i] & asked == 0)
    return n


@njit(inline="always")
def longest(starts):
    """Room for the shingles of any row, and one more."""
    most = 0
    for row in range(starts.size - 1):
        most = max(most, starts[row + 1] - starts[row])
    return most + 1


@njit(nogil=True, cache=True)
def count(shingles, starts, live, asked, most, counters):
    """Once a row: `lately` remembers its last 1,024 shingles, so that who says a passage over and over counts once."""
    mask = _u32(counters.size - 1)
    chosen, lately = np.empty(longest(starts), np.uint32), np.full((1 << 10, 2), -1, np.int64)
    for row in range(live.size):
        if live[row]:
            for i in range(choose(shingles, starts[row], starts[row + 1], asked, chosen)):
                at = chosen[i] >> _u32(2) & mask
                place = at & _u32(1023)
                if lately[place, 0] != row or lately[place, 1] != chosen[i]:
                    counters[at] += counters[at] < most
                    lately[place, 0], lately[place, 1] = row, chosen[i]


@njit(nogil=True, cache=True)
def survey(shingles, starts, live, able, ranks, counters, many, alone, few):
    """Rows with a passage, judged by a quarter of their shingles; (shingle << 32 | rank) of the few lowest counts."""
    mask = _u32(counters.size - 1)
    chosen, counts = np.empty(longest(starts), np.uint32), np.empty(longest(starts), np.int32)
    passage, found = np.zeros(live.size, np.bool_), np.empty(live.size * few, np.uint64)
    total = 0
    for row in range(live.size):
        if not live[row]:
            continue
        n = choose(shingles, starts[row], starts[row + 1], _QUARTER, chosen)
        common = longest_common = unique = 0
        for i in range(n):
            counts[i] = counters[chosen[i] >> _u32(2) & mask]
        for i in range(n):
            unique += counts[i] == 1
            common = (common + 1) * (counts[i] >= many)
            longest_common = max(longest_common, common)
        passage[row] = longest_common >= PASSAGE // 4
        if able[row] and unique <= alone * n:
            for _ in range(min(few, n)):
                best = counts[:n].argmin()
                found[total] = _u64(chosen[best]) << _u64(32) | _u64(ranks[row])
                total += counts[best] < _TAKEN
                for i in range(n):
                    if chosen[i] == chosen[best]:
                        counts[i] = _TAKEN
    return passage, found[:total].copy()


@njit(nogil=True, cache=True)
def cut_passages(shingles, starts, live, counters, many, cut, rest, ends):
    """cut[row]: it has both a passage and something of its own; `rest` receives its shingles without the passages."""
    mask = _u32(counters.size - 1)
    for row in range(live.size):
        end = kept = ends[row]  # what stands from `kept` on may still turn out to be a passage
        common = alone = longest_common = longest_alone = 0
        for i in range(starts[row], starts[row + 1] if live[row] else starts[row]):
            if counters[shingles[i] >> _u32(2) & mask] >= many:
                common, alone = common + 1, 0
                longest_common = max(longest_common, common)
            else:
                end = kept if common >= PASSAGE else end
                common, alone, kept = 0, alone + 1, end + 1
                longest_alone = max(longest_alone, alone)
            rest[end] = shingles[i]
            end += 1
        cut[row] = longest_common >= PASSAGE and longest_alone >= OWN
        if cut[row]:
            ends[row + 1] = kept if common >= PASSAGE else end
        else:
            ends[row + 1] = ends[row]


@njit(nogil=True, cache=True)
def have(shingles, starts, live, ranks, wanted):
    """(shingle << 32 | rank) wherever a live row has a wanted shingle."""
    mask = _u32(wanted.size - 1)
    chosen = np.empty(longest(starts), np.uint32)
    found = np.empty(starts[-1] - starts[0] + 1, np.uint64)
    n = 0
    for row in range(live.size):
        if live[row]:
            for i in range(choose(shingles, starts[row], starts[row + 1], _QUARTER, chosen)):
                found[n] = _u64(chosen[i]) << _u64(32) | _u64(ranks[row])
                n += wanted[chosen[i] >> _u32(2) & mask]
    return found[:n].copy()
