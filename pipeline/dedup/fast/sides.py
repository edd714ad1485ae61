"""The shingles of one side of a conversation, compiled: see against.py."""

# mypy: allow-untyped-defs, allow-untyped-calls
# numba gives the compiled functions their types
from __future__ import annotations

import numpy as np
import pyarrow as pa

from pipeline.compiled import njit
from pipeline.dedup.arrays import Flags, SideShingles, distinct, high_half, low_half
from pipeline.dedup.columns import lists
from pipeline.dedup.shingles import SHINGLE

_u32, _u64 = np.uint32, np.uint64
_HALF = _u64(32)


def side_shingles(part: pa.Table, side: int, wanted: Flags) -> SideShingles:
    shingles = lists(part["shingles"])
    messages = lists(part["message_words"])
    size = len(shingles.values)
    pairs = np.empty(size, np.uint64)
    total = find_inside(shingles, messages, side, wanted, pairs)
    pairs = distinct(pairs[:total])
    return SideShingles(high_half(pairs), low_half(pairs).astype(np.uint32))


@njit(inline="always")
def write_wanted(shingles, start, stop, wanted, row, pairs, total):
    """Append row << 32 | shingle of the wanted shingles; returns the new total."""
    mask = _u32(wanted.size - 1)
    for place in range(start, stop):
        pairs[total] = _u64(row) << _HALF | _u64(shingles[place])
        total += wanted[shingles[place] & mask]
    return total


@njit(nogil=True, cache=True)
def find_inside(shingles, messages, side, wanted, pairs):
    """Write the wanted shingles that lie inside a message of a side; returns how many."""
    total = 0
    for row in range(shingles.starts.size - 1):
        start = shingles.starts[row]
        for message in range(messages.starts[row], messages.starts[row + 1]):
            words = messages.values[message]
            stop = start + abs(words)
            if words * side > 0:
                end = min(stop - (SHINGLE - 1), shingles.starts[row + 1])
                total = write_wanted(shingles.values, start, end, wanted, row, pairs, total)
            start = stop
    return total
