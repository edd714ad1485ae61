"""How many distinct shingles rows have and share, compiled."""

# mypy: allow-untyped-defs, allow-untyped-calls
# numba gives the compiled functions their types
from __future__ import annotations

from typing import NamedTuple

import numpy as np

from pipeline.compiled import njit
from pipeline.dedup.arrays import CountArray, Integers, Lists, Shingles

NO_ROW = -1
_u32, _u64 = np.uint32, np.uint64
_ONE = _u64(1)


class HashSet(NamedTuple):
    """The distinct shingles of one row at a time.

    An owner says whose set a slot belongs to: the next row's set begins without
    clearing anything.
    """

    shingles: Shingles  # (a power of two,)
    owners: Integers  # as many
    counted: Integers  # as many: the pair for which the shingle was counted last


def _hash_set(starts: Integers) -> HashSet:
    """One that the longest row fills by half at most."""
    longest = int(np.diff(starts).max(initial=1))
    size = 1 << (2 * longest).bit_length()
    owners, counted = np.zeros(size, np.int64), np.full(size, NO_ROW)
    return HashSet(np.empty(size, np.uint32), owners, counted)


def count_distinct(shingles: Lists) -> CountArray:
    sizes = np.zeros(len(shingles.starts) - 1, np.int32)
    count_each(shingles.values, shingles.starts, _hash_set(shingles.starts), sizes)
    return sizes


def count_shared(shingles: Lists, pairs: Integers, least: CountArray) -> CountArray:
    """Fast where the pairs are sorted by their first row."""
    shared = np.zeros(len(pairs), np.int32)
    values, starts = shingles
    count_pairs(values, starts, pairs, least, _hash_set(starts), shared)
    return shared


@njit(inline="always")
def slot_of(shingle, slots, owner):
    """Where a shingle stands in the set of `owner`, or the empty slot where it would."""
    mask = _u64(slots.shingles.size - 1)
    slot = _u64(shingle) & mask
    while slots.owners[slot] == owner and slots.shingles[slot] != shingle:
        slot = (slot + _ONE) & mask
    return slot


@njit(nogil=True, cache=True)
def count_each(values, starts, slots, sizes):
    for row in range(starts.size - 1):
        owner = row + 1
        for place in range(_u64(starts[row]), _u64(starts[row + 1])):
            slot = slot_of(values[place], slots, owner)
            sizes[row] += slots.owners[slot] != owner
            slots.shingles[slot] = values[place]
            slots.owners[slot] = owner


@njit(inline="always")
def fill(values, starts, row, slots, owner):
    for place in range(_u64(starts[row]), _u64(starts[row + 1])):
        slot = slot_of(values[place], slots, owner)
        slots.shingles[slot] = values[place]
        slots.owners[slot] = owner
        slots.counted[slot] = NO_ROW


@njit(inline="always")
def count_in(values, starts, row, slots, owner, pair, least):
    """How many distinct shingles of a row are in the set.

    Counted no further once `least` of them is out of reach.
    """
    found, stop = 0, starts[row + 1]
    for place in range(starts[row], stop):
        slot = slot_of(values[_u64(place)], slots, owner)
        if slots.owners[slot] == owner and slots.counted[slot] != pair:
            slots.counted[slot] = pair
            found += 1
        elif found + (stop - place) <= least:
            break
    return found


@njit(nogil=True, cache=True)
def count_pairs(values, starts, pairs, least, slots, shared):
    """The first row of a pair as a hash set, the second looked up in it."""
    owner, last = 0, NO_ROW
    for pair in range(pairs.shape[0]):
        first, second = pairs[pair, 0], pairs[pair, 1]
        if first != last:
            owner += 1
            last = first
            fill(values, starts, first, slots, owner)
        shared[pair] = count_in(values, starts, second, slots, owner, pair, least[pair])
