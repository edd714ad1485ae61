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

from pipeline.dedup.rows import Flags, Integers, Keys, Rows, Shingles
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
        cut, _, _ = _cut(shingles, starts, alive, counters, QUARTER, PASSAGE // 4, 0, shared_by)
        suspects[mine[cut]] = True
    if not suspects.any():
        return rows, 0
    counters = counted(rows, suspects, EVERY)
    ranks, sets = [], []
    for mine, alive, shingles, starts in rows.stored(suspects):
        cut, own, ends = _cut(shingles, starts, alive, counters, EVERY, PASSAGE, OWN, shared_by)
        ranks.append(mine[cut])
        sets.append(pa.LargeListArray.from_arrays(pa.array(ends), pa.array(own[: ends[-1]])).filter(pa.array(cut)))
    concerned, every = np.concatenate(ranks), pa.concat_arrays(sets)
    bands = signed(every, int(rows.scheme["bands"]), int(rows.scheme["rows"]))
    return rows.compared_by(concerned, pa.table({"bands": bands, "shingles": every})), len(concerned)


def _cut(
    shingles: Shingles, starts: Integers, live: Flags, counters: Counters, asked: int, passage: int, own: int, many: int
) -> tuple[Flags, Shingles, Integers]:
    cut, ends = np.zeros(len(live), np.bool_), np.zeros(len(live) + 1, np.int64)
    rest = np.empty(starts[-1] - starts[0], np.uint32)
    cut_passages(shingles, starts, live, counters, _u32(asked), passage, own, min(many, MOST), cut, rest, ends)
    return cut, rest, ends


def inside_others(rows: Rows, live: Flags, counters: Counters, contained: float, words: int) -> Keys:
    """Sorted (shingle << 32 | rank): who has one of the rarest shingles of a row that may stand inside another.

    Equal shingles stand together like the rows of an LSH bucket, so that the pairs are found in the same way.
    """
    able = live & (rows.words >= words)
    rare = [rarest(s, starts, alive, counters, 1 - contained + SLACK) for _, alive, s, starts in rows.stored(able)]
    counters[:] = 0
    counters[np.concatenate(rare) >> _u32(2) & _u32(len(counters) - 1)] = 1
    having = [have(s, starts, alive, mine, counters) for mine, alive, s, starts in rows.stored(able)]
    return np.unique(np.concatenate(having))


@njit(nogil=True, cache=True)
def count(shingles, starts, live, asked, counters):
    mask = _u32(counters.size - 1)
    for row in range(live.size):
        if live[row]:
            for i in range(starts[row], starts[row + 1]):
                at = shingles[i] >> _u32(2) & mask
                if shingles[i] & asked == 0 and counters[at] < MOST:
                    counters[at] += 1


@njit(nogil=True, cache=True)
def cut_passages(shingles, starts, live, counters, asked, passage, own, many, cut, rest, ends):
    """cut[row]: it has both a passage and something of its own; `rest` receives its shingles without the passages."""
    mask = _u32(counters.size - 1)
    for row in range(live.size):
        end = kept = ends[row]  # what stands from `kept` on may still turn out to be a passage
        common = alone = longest_common = longest_alone = 0
        for i in range(starts[row], starts[row + 1] if live[row] else starts[row]):
            if shingles[i] & asked == 0:
                if counters[shingles[i] >> _u32(2) & mask] >= many:
                    common, alone = common + 1, 0
                    longest_common = max(longest_common, common)
                else:
                    end = kept if common >= passage else end
                    common, alone, kept = 0, alone + 1, end + 1
                    longest_alone = max(longest_alone, alone)
            rest[end] = shingles[i]
            end += 1
        cut[row] = longest_common >= passage and longest_alone >= own
        if cut[row]:
            ends[row + 1] = kept if common >= passage else end
        else:
            ends[row + 1] = ends[row]


@njit(nogil=True, cache=True)
def rarest(shingles, starts, live, counters, alone):
    """The RARE shingles with the lowest counts of each row that shares all but a part (`alone`) of its shingles."""
    mask = _u32(counters.size - 1)
    found = np.empty(live.size * RARE, np.uint32)
    n = 0
    lowest, holders = np.empty(RARE, np.int64), np.empty(RARE, np.uint32)
    for row in range(live.size):
        if not live[row]:
            continue
        sampled = unique = 0
        lowest[:] = MOST + 1
        for i in range(starts[row], starts[row + 1]):
            s = shingles[i]
            if s & _QUARTER == 0:
                sampled += 1
                c = np.int64(counters[s >> _u32(2) & mask])
                unique += c == 1
                k = RARE - 1
                if c > 1 and c < lowest[k] and s != holders[0] and s != holders[1]:
                    while k > 0 and c < lowest[k - 1]:
                        lowest[k], holders[k] = lowest[k - 1], holders[k - 1]
                        k -= 1
                    lowest[k], holders[k] = c, s
        if unique <= alone * sampled:
            for k in range(RARE):
                if lowest[k] <= MOST:
                    found[n] = holders[k]
                    n += 1
    return found[:n]


@njit(nogil=True, cache=True)
def have(shingles, starts, live, ranks, wanted):
    """(shingle << 32 | rank) wherever a live row has a wanted shingle."""
    mask = _u32(wanted.size - 1)
    n = 0
    for row in range(live.size):
        if live[row]:
            for i in range(starts[row], starts[row + 1]):
                n += shingles[i] & _QUARTER == 0 and wanted[shingles[i] >> _u32(2) & mask] != 0
    found = np.empty(n, np.uint64)
    n = 0
    for row in range(live.size):
        if live[row]:
            for i in range(starts[row], starts[row + 1]):
                if shingles[i] & _QUARTER == 0 and wanted[shingles[i] >> _u32(2) & mask] != 0:
                    found[n] = _u64(shingles[i]) << _u64(32) | _u64(ranks[row])
                    n += 1
    return found
