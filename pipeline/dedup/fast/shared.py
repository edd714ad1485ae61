"""What rows share, compiled: see boilerplate.py."""

# mypy: allow-untyped-defs, allow-untyped-calls
# numba gives the compiled functions their types
from __future__ import annotations

from typing import NamedTuple

import numpy as np

from pipeline.compiled import njit
from pipeline.dedup.arrays import (
    CountArray,
    Counters,
    Flags,
    Integers,
    Keys,
    Lists,
    PartRows,
    Shingles,
)
from pipeline.dedup.boilerplate import (
    LONG_RUN,
    OWN_RUN,
    QUARTER,
    RECENT,
    SAMPLED_RUN,
    SLOT_SHIFT,
    BoilerplateCut,
    Limits,
    ShingleSurvey,
)

NO_ROW = -1
_u32, _u64 = np.uint32, np.uint64
_QUARTER = _u32(QUARTER)
_SLOT_SHIFT = _u32(SLOT_SHIFT)
_HALF = _u64(32)
_TAKEN = 1 << 30  # in place of a count: the shingle was chosen already


class Recent(NamedTuple):
    """What was counted lately: RECENT cells, each with a row and a shingle of it."""

    rows: Integers
    shingles: Shingles


class Sample(NamedTuple):
    """The sampled shingles of one row, and their counts."""

    shingles: Shingles  # (shingles of the longest row, and one more,)
    counts: CountArray  # as many


def _sample(part: PartRows) -> Sample:
    longest = int(np.diff(part.starts).max(initial=0)) + 1
    return Sample(np.empty(longest, np.uint32), np.empty(longest, np.int32))


def count_rows(part: PartRows, sample: int, most: int, counters: Counters) -> None:
    recent = Recent(np.full(RECENT, NO_ROW), np.zeros(RECENT, np.uint32))
    count_sampled(part, _u32(sample), most, counters, recent, _sample(part).shingles)


def survey(part: PartRows, able: Flags, counters: Counters, limits: Limits) -> ShingleSurvey:
    suspects = np.zeros(len(part.chosen), bool)
    rare = np.empty(len(part.chosen) * limits.rarest, np.uint64)
    total = survey_rows(part, able, counters, limits, _sample(part), suspects, rare)
    return ShingleSurvey(suspects, rare[:total].copy())


def cut(part: PartRows, counters: Counters, many: int) -> BoilerplateCut:
    was_cut = np.zeros(len(part.chosen), bool)
    starts = np.zeros(len(part.chosen) + 1, np.int64)
    left = np.empty(part.starts[-1] - part.starts[0], np.uint32)
    cut_rows(part, counters, many, was_cut, left, starts)
    return BoilerplateCut(was_cut, Lists(left, starts))


def holders(part: PartRows, wanted: Flags) -> Keys:
    found = np.empty(part.starts[-1] - part.starts[0] + 1, np.uint64)
    total = find_holders(part, wanted, _sample(part).shingles, found)
    return found[:total].copy()


@njit(inline="always")
def slot_of(shingle, table):
    return shingle >> _SLOT_SHIFT & _u32(table.size - 1)


@njit(inline="always")
def take_sample(part, row, sample, chosen):
    """The sampled shingles of a row, in `chosen`; returns how many.

    No branch: the place to write moves on by 0 or 1. It is unsigned, as numba
    asks of every signed index whether it counts from the end.
    """
    count = _u64(0)
    for place in range(_u64(part.starts[row]), _u64(part.starts[row + 1])):
        chosen[count] = part.values[place]
        count += _u64(part.values[place] & sample == 0)
    return count


@njit(nogil=True, cache=True)
def count_sampled(part, sample, most, counters, recent, chosen):
    for row in range(part.chosen.size):
        if not part.chosen[row]:
            continue
        for place in range(take_sample(part, row, sample, chosen)):
            slot = slot_of(chosen[place], counters)
            cell = slot & _u32(RECENT - 1)
            if recent.rows[cell] != row or recent.shingles[cell] != chosen[place]:
                counters[slot] += counters[slot] < most
                recent.rows[cell] = row
                recent.shingles[cell] = chosen[place]


@njit(inline="always")
def longest_run(counts, size, many):
    run = longest = 0
    for place in range(size):
        run = (run + 1) * (counts[place] >= many)
        longest = max(longest, run)
    return longest


@njit(inline="always")
def count_alone(counts, size):
    alone = 0
    for place in range(size):
        alone += counts[place] == 1
    return alone


@njit(inline="always")
def lowest(counts, size):
    """Where the lowest count stands, the first of them."""
    best = 0
    for place in range(1, size):
        if counts[place] < counts[best]:
            best = place
    return best


@njit(inline="always")
def write_rarest(sample, size, rarest, rank, rare, total):
    """Append shingle << 32 | rank of the shared shingles with the lowest counts; returns the new
    total."""
    for place in range(size):
        if sample.counts[place] == 1:  # by what no other row has, none can be found
            sample.counts[place] = _TAKEN
    for _ in range(min(rarest, size)):
        best = lowest(sample.counts, size)
        rare[total] = _u64(sample.shingles[best]) << _HALF | _u64(rank)
        total += sample.counts[best] < _TAKEN
        for place in range(size):
            if sample.shingles[place] == sample.shingles[best]:
                sample.counts[place] = _TAKEN
    return total


@njit(nogil=True, cache=True)
def survey_rows(part, able, counters, limits, sample, suspects, rare):
    """Fill suspects and rare; returns how many are rare."""
    total = 0
    for row in range(part.chosen.size):
        if not part.chosen[row]:
            continue
        size = take_sample(part, row, _QUARTER, sample.shingles)
        for place in range(size):
            sample.counts[place] = counters[slot_of(sample.shingles[place], counters)]
        suspects[row] = longest_run(sample.counts, size, limits.many) >= SAMPLED_RUN
        if able[row] and count_alone(sample.counts, size) <= limits.alone * size:
            total = write_rarest(sample, size, limits.rarest, part.ranks[row], rare, total)
    return total


@njit(inline="always")
def longest_runs(part, row, counters, many):
    """(longest run of common shingles, longest run of others)"""
    common = own = longest_common = longest_own = 0
    for place in range(_u64(part.starts[row]), _u64(part.starts[row + 1])):
        is_common = counters[slot_of(part.values[place], counters)] >= many
        common = (common + 1) * is_common
        own = (own + 1) * (not is_common)
        longest_common = max(longest_common, common)
        longest_own = max(longest_own, own)
    return longest_common, longest_own


@njit(inline="always")
def write_own(part, row, counters, many, left, end):
    """Append the shingles of a row without its long runs; returns the new end.

    Each one is written; where a run turns out to be long, the place to write
    moves back to where it began.
    """
    run = 0
    for place in range(_u64(part.starts[row]), _u64(part.starts[row + 1])):
        shingle = part.values[place]
        if counters[slot_of(shingle, counters)] >= many:
            run += 1
        else:
            if run >= LONG_RUN:
                end -= run
            run = 0
        left[end] = shingle
        end += 1
    if run >= LONG_RUN:
        end -= run
    return end


@njit(nogil=True, cache=True)
def cut_rows(part, counters, many, was_cut, left, starts):
    for row in range(part.chosen.size):
        end = starts[row]
        if part.chosen[row]:
            common, own = longest_runs(part, row, counters, many)
            was_cut[row] = common >= LONG_RUN and own >= OWN_RUN
            if was_cut[row]:
                end = write_own(part, row, counters, many, left, end)
        starts[row + 1] = end


@njit(nogil=True, cache=True)
def find_holders(part, wanted, chosen, found):
    """Fill `found`; returns how many there are."""
    total = 0
    for row in range(part.chosen.size):
        if not part.chosen[row]:
            continue
        rank = _u64(part.ranks[row])
        for place in range(take_sample(part, row, _QUARTER, chosen)):
            found[total] = _u64(chosen[place]) << _HALF | rank
            total += wanted[slot_of(chosen[place], wanted)]
    return total
