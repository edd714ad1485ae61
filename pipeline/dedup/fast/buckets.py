"""Rows that share a key, compiled."""

# mypy: allow-untyped-defs, allow-untyped-calls
# numba gives the compiled functions their types
from __future__ import annotations

import numpy as np

from pipeline.compiled import njit
from pipeline.dedup.arrays import BucketPairs, Integers, Keys

_u64 = np.uint64
_ONE, _HALF = _u64(1), _u64(32)


def shared_keys(keys: Keys, ranks: Integers, bits: np.uint64) -> Keys:
    """Most keys stand alone; what is left takes a third of the time to sort."""
    slot_bits = max(10, (4 * len(keys)).bit_length())
    seen = np.zeros(1 << slot_bits, np.uint8)
    packed = np.empty(len(keys), np.uint64)
    few = pack_repeated(keys, ranks, bits, seen, packed)
    seen[:] = 0
    few = keep_repeated(packed[:few], _u64(64 - slot_bits), seen)
    shared = packed[:few].copy()
    shared.sort()
    return shared


def bucket_pairs(packed: Keys, bits: np.uint64, cap: int) -> BucketPairs:
    total, capped, largest = count_pairs(packed, bits, cap)
    pairs = np.empty(total, np.uint64)
    write_pairs(packed, bits, cap, pairs)
    return BucketPairs(pairs, capped, largest)


@njit(nogil=True, cache=True)
def pack_repeated(keys, ranks, bits, seen, packed):
    """Pack the keys whose lowest bits another key has too; returns how many.

    seen: a slot for each value of those bits, how often it was met, up to 2.
    """
    mask = _u64(seen.size - 1)
    for key in keys:
        seen[key & mask] += seen[key & mask] < 2
    count = _u64(0)
    for place in range(keys.size):
        packed[count] = keys[place] << bits | _u64(ranks[place])
        count += _u64(seen[keys[place] & mask] == 2)
    return count


@njit(nogil=True, cache=True)
def keep_repeated(packed, shift, seen):
    """Move those whose highest bits another one has too to the front; returns how many."""
    for key in packed:
        seen[key >> shift] += seen[key >> shift] < 2
    count = _u64(0)
    for key in packed:
        packed[count] = key
        count += _u64(seen[key >> shift] == 2)
    return count


@njit(nogil=True, cache=True)
def count_pairs(packed, bits, cap):
    """(pairs, buckets of more than cap + 1 rows, rows of the largest bucket)"""
    total = capped = largest = start = 0
    for place in range(1, packed.size):
        if packed[place] >> bits != packed[start] >> bits:
            start = place
        before = place - start
        if before:
            total += min(before, cap)
            capped += before == cap + 1
            largest = max(largest, before + 1)
    return total, capped, largest


@njit(nogil=True, cache=True)
def write_pairs(packed, bits, cap, pairs):
    mask = (_ONE << bits) - _ONE
    count = start = 0
    for place in range(packed.size):
        if packed[place] >> bits != packed[start] >> bits:
            start = place
        for before in range(start, min(place, start + cap)):
            pairs[count] = (packed[before] & mask) << _HALF | (packed[place] & mask)
            count += 1
