"""MinHash signatures and the keys of their bands, compiled."""

# mypy: allow-untyped-defs, allow-untyped-calls
# numba gives the compiled functions their types
from __future__ import annotations

import numpy as np

from pipeline.compiled import njit
from pipeline.dedup.arrays import Keys, Lists
from pipeline.dedup.shingles import ODD
from pipeline.dedup.signature import EMPTY, MIX32, PERMUTATIONS, permutations

_u32, _u64 = np.uint32, np.uint64
_FACTOR1, _FACTOR2 = map(_u32, MIX32)
_SHIFT1, _SHIFT2, _SHIFT3 = _u32(16), _u32(13), _u32(16)
_EMPTY = _u32(EMPTY)
_ODD = _u64(ODD)
_BAND_SHIFT = _u64(29)
_ONE = _u64(1)


def band_keys(shingles: Lists, bands: int, width: int) -> Keys:
    keys = np.zeros((bands, len(shingles.starts) - 1), np.uint64)
    values = np.empty(PERMUTATIONS, np.uint32)
    sign_rows(*shingles, permutations(), width, values, keys)
    return keys


@njit(inline="always")
def mix32(hashed):
    """numba widens 32 bits to 64: narrow after every step."""
    hashed = _u32(hashed ^ (hashed >> _SHIFT1))
    hashed = _u32(hashed * _FACTOR1)
    hashed = _u32(hashed ^ (hashed >> _SHIFT2))
    hashed = _u32(hashed * _FACTOR2)
    return _u32(hashed ^ (hashed >> _SHIFT3))


@njit(inline="always")
def four(shingles, start):
    """Four shingles, mixed."""
    return (
        mix32(shingles[start]),
        mix32(shingles[start + 1]),
        mix32(shingles[start + 2]),
        mix32(shingles[start + 3]),
    )


@njit(inline="always")
def lowest(factor, summand, mixed):
    """The lowest of four permuted shingles."""
    first = _u32(factor * mixed[0] + summand)
    second = _u32(factor * mixed[1] + summand)
    third = _u32(factor * mixed[2] + summand)
    fourth = _u32(factor * mixed[3] + summand)
    return min(min(first, second), min(third, fourth))


@njit(inline="always")
def lower_by_eight(values, permutations, one, other):
    """A value is read and written once for eight shingles, and the loop is vector code."""
    for k in range(PERMUTATIONS):
        factor, summand = permutations.factors[k], permutations.summands[k]
        found = min(lowest(factor, summand, one), lowest(factor, summand, other))
        values[k] = min(values[k], found)


@njit(inline="always")
def lower_by_one(values, permutations, mixed):
    for k in range(PERMUTATIONS):
        permuted = _u32(permutations.factors[k] * mixed + permutations.summands[k])
        values[k] = min(values[k], permuted)


@njit(inline="always")
def sign(shingles, start, stop, permutations, values):
    """The signature of one row in `values`."""
    for k in range(PERMUTATIONS):
        values[k] = _EMPTY
    eights = start + (stop - start) // 8 * 8
    for place in range(start, eights, 8):
        lower_by_eight(values, permutations, four(shingles, place), four(shingles, place + 4))
    for place in range(eights, stop):
        lower_by_one(values, permutations, mix32(shingles[place]))


@njit(inline="always")
def write_keys(values, width, row, keys):
    for band in range(keys.shape[0]):
        hashed = _u64(band + 1) * _ODD
        for k in range(band * width, band * width + width):
            hashed = (hashed ^ _u64(values[k])) * _ODD
            hashed ^= hashed >> _BAND_SHIFT
        keys[band, row] = hashed


@njit(nogil=True, cache=True)
def sign_rows(shingles, starts, permutations, width, values, keys):
    for row in range(starts.size - 1):
        sign(shingles, starts[row], starts[row + 1], permutations, values)
        write_keys(values, width, row, keys)
