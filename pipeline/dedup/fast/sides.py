"""What one side of a conversation says, compiled: see against.py."""

# mypy: allow-untyped-defs, allow-untyped-calls
# numba gives the compiled functions their types
from __future__ import annotations

import numpy as np
import pyarrow as pa

from pipeline.compiled import njit
from pipeline.dedup.arrays import Flags, SideShingles, distinct, high_half, low_half, pack
from pipeline.dedup.columns import lists
from pipeline.dedup.shingles import SHINGLE

_u32 = np.uint32


def side_shingles(part: pa.Table, side: int, wanted: Flags) -> SideShingles:
    shingles, messages = lists(part["shingles"]), lists(part["message_words"])
    rows = np.empty(len(shingles.values), np.uint32)
    found = np.empty(len(shingles.values), np.uint32)
    total = find_inside(*shingles, *messages, side, wanted, rows, found)
    pairs = distinct(pack(rows[:total], found[:total]))
    return SideShingles(high_half(pairs), low_half(pairs).astype(np.uint32))


@njit(nogil=True, cache=True)
def find_inside(shingles, starts, message_words, message_starts, side, wanted, rows, found):
    """Fill rows, found: the wanted shingles inside messages of a side. Returns how many."""
    mask = _u32(wanted.size - 1)
    total = 0
    for row in range(starts.size - 1):
        start = starts[row]
        for message in range(message_starts[row], message_starts[row + 1]):
            stop = start + abs(message_words[message])
            if message_words[message] * side > 0:
                for place in range(start, min(stop - (SHINGLE - 1), starts[row + 1])):
                    rows[total], found[total] = row, shingles[place]
                    total += wanted[shingles[place] & mask]
            start = stop
    return total
