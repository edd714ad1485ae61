"""What rows share word for word: boilerplate that does not make them alike, and rows that stand whole inside others.

Both ask how many rows have a shingle: a table of counters indexed by its hash, where two shingles on one counter only
look more common. Asked first of one shingle in four, those whose hash ends in two zero bits: all rows choose the same.
"""

# mypy: allow-untyped-defs, allow-untyped-calls
# numba gives the compiled functions their types
from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from numba import njit

from pipeline.dedup.columns import arrow
from pipeline.dedup.rows import Flags, Keys, Rows, distinct
from pipeline.dedup.sign import signed

Counters = npt.NDArray[np.uint16]

COUNTERS = 1 << 27  # at most: 256 MiB
MOST = 65535  # a counter's last value
QUARTER, EVERY = 3, 0  # which shingles are asked: the bits of the hash that must be zero
PASSAGE = 32  # shingles on end that many rows have: 36 words
OWN = 16  # shingles on end that few rows have: 20 words
RARE = 3  # shingles of a row that are looked for in the others
SLACK = 0.15  # a sample of a row's shingles can look less contained than the row is
_u32, _u64 = np.uint32, np.uint64
_QUARTER = _u32(QUARTER)


def counted(rows: Rows, chosen: Flags, asked: int) -> Counters:
    """How many of the chosen rows have a shingle, for the shingles that are asked."""
    total = sum(int(np.diff(starts)[alive].sum()) for _, alive, _, starts in rows.stored(chosen)) // (asked + 1)
    counters = np.zeros(min(COUNTERS, max(1 << 10, 1 << total.bit_length())), np.uint16)
    for _, alive, shingles, starts in rows.stored(chosen):
        count(shingles, starts, alive, _u32(asked), counters)
    return counters


def without_boilerplate(rows: Rows, live: Flags, counters: Counters, shared_by: int) -> tuple[Rows, int]:
    """Rows with a long passage that `shared_by` rows or more have are from here on compared by what else they say.

    Only rows that say something else, about 20 words on end: in a large family of near copies the common passages are
    the conversation itself. Returns the rows, and how many of them it concerns. counters: of a quarter of the shingles.
    """
    suspects = np.zeros(len(live), np.bool_)
    for mine, alive, shingles, starts in rows.stored(live):
        suspects[mine[has_passage(shingles, starts, alive, counters, shared_by)]] = True
    if not suspects.any():
        return rows, 0
    counters, ranks, sets = counted(rows, suspects, EVERY), [], []
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


def inside_others(rows: Rows, live: Flags, counters: Counters, contained: float, words: int) -> Keys:
    """Sorted (shingle << 32 | rank): who has one of the rarest shingles of a row that may stand inside another.

    Equal shingles stand together like the rows of an LSH bucket, so that the pairs are found in the same way.
    """
    able = live & (rows.words >= words)
    rare = [rarest(s, starts, alive, counters, 1 - contained + SLACK) for _, alive, s, starts in rows.stored(able)]
    counters[:] = 0
    counters[np.concatenate(rare) >> _u32(2) & _u32(len(counters) - 1)] = 1
    having = [have(s, starts, alive, mine, counters) for mine, alive, s, starts in rows.stored(able)]
    return distinct(np.concatenate(having))


@njit(inline="always")
def choose(shingles, start, stop, asked, chosen):
    """The shingles that are asked, in `chosen`; returns how many. No branch: the cursor moves by 0 or 1."""
    n = 0
    for i in range(start, stop):
        chosen[n] = shingles[i]
        n += shingles[i] & asked == 0
    return n


@njit(inline="always")
def longest(starts):
    """Room for the shingles of any row, and one more."""
    most = 0
    for row in range(starts.size - 1):
        most = max(most, starts[row + 1] - starts[row])
    return most + 1


@njit(nogil=True, cache=True)
def count(shingles, starts, live, asked, counters):
    mask = _u32(counters.size - 1)
    chosen = np.empty(longest(starts), np.uint32)
    for row in range(live.size):
        if live[row]:
            for i in range(choose(shingles, starts[row], starts[row + 1], asked, chosen)):
                at = chosen[i] >> _u32(2) & mask
                counters[at] += counters[at] < MOST


@njit(nogil=True, cache=True)
def has_passage(shingles, starts, live, counters, many):
    """Which rows have a passage, judged by a quarter of their shingles."""
    mask = _u32(counters.size - 1)
    chosen = np.empty(longest(starts), np.uint32)
    found = np.zeros(live.size, np.bool_)
    for row in range(live.size):
        if live[row]:
            common = 0
            for i in range(choose(shingles, starts[row], starts[row + 1], _QUARTER, chosen)):
                common = (common + 1) * (counters[chosen[i] >> _u32(2) & mask] >= many)
                found[row] |= common >= PASSAGE // 4
    return found


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
def rarest(shingles, starts, live, counters, alone):
    """The RARE shingles with the lowest counts of each row that shares all but a part (`alone`) of its shingles."""
    mask = _u32(counters.size - 1)
    chosen = np.empty(longest(starts), np.uint32)
    found = np.empty(live.size * RARE, np.uint32)
    lowest, holders = np.empty(RARE, np.int64), np.zeros(RARE, np.uint32)
    n = 0
    for row in range(live.size):
        if not live[row]:
            continue
        sampled = choose(shingles, starts[row], starts[row + 1], _QUARTER, chosen)
        unique = 0
        for i in range(sampled):
            unique += counters[chosen[i] >> _u32(2) & mask] == 1
        if unique > alone * sampled:
            continue
        lowest[:] = MOST + 1
        for i in range(sampled):
            s, c = chosen[i], np.int64(counters[chosen[i] >> _u32(2) & mask])
            k = RARE - 1
            if c > 1 and c < lowest[k] and s != holders[0] and s != holders[1]:
                while k > 0 and c < lowest[k - 1]:
                    lowest[k], holders[k] = lowest[k - 1], holders[k - 1]
                    k -= 1
                lowest[k], holders[k] = c, s
        for k in range(RARE):
            found[n] = holders[k]
            n += lowest[k] <= MOST
    return found[:n]


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
                n += wanted[chosen[i] >> _u32(2) & mask] != 0
    return found[:n].copy()
