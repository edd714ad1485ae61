"""The arrays of dedup, named once, each with its shape."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Bytes = npt.NDArray[np.uint8]  # (bytes,) UTF-8
Integers = npt.NDArray[np.int64]  # (rows,) ranks or places; (lists + 1,) where each list begins
Flags = npt.NDArray[np.bool_]  # (rows,)
CountArray = npt.NDArray[np.int32]  # (rows,) how many words or shingles
FloatArray = npt.NDArray[np.float64]  # (rows,) or (pairs,)
Shingles = npt.NDArray[np.uint32]  # (shingles,) hashes of 5 consecutive words
Keys = npt.NDArray[np.uint64]  # (items,) a hash, or two numbers packed into one
Signs = npt.NDArray[np.int8]  # (messages,) 1 user, -1 assistant, 0 not compared
Counters = npt.NDArray[np.unsignedinteger[Any]]  # (a power of two,) rows per slot, 8 or 16 bits
NumberArray = npt.NDArray[Any]  # of any numeric type


class Lists(NamedTuple):
    """Lists laid end to end: list i is values[starts[i] : starts[i + 1]]."""

    values: NumberArray  # (items of all lists,)
    starts: Integers  # (lists + 1,)


class PartRows(NamedTuple):
    """The rows of one part as the kernels read them: shingles as in `Lists`, and which rows.

    The four arrays of one type, so that a compiled function takes them as one
    argument.
    """

    values: Shingles  # (shingles of all rows,)
    starts: Integers  # (rows + 1,)
    chosen: Flags  # (rows,) the others are passed over
    ranks: Integers  # (rows,) see rows.RankedRows


class BucketPairs(NamedTuple):
    """The pairs of rows that share a bucket."""

    pairs: Keys  # (pairs,) rank << 32 | rank, the lower rank first
    capped: int  # buckets of more than cap + 1 rows
    largest: int  # rows of the largest bucket; 0 where no two rows share one


class SideShingles(NamedTuple):
    """Shingles that lie inside one message of a side, each once a row."""

    rows: Integers
    shingles: Shingles


def pack(high: NumberArray, low: NumberArray) -> Keys:
    """Two numbers below 2^32 as one: high << 32 | low."""
    return high.astype(np.uint64) << np.uint64(32) | low.astype(np.uint64)


def high_half(packed: Keys) -> Integers:
    return (packed >> np.uint64(32)).astype(np.int64)


def low_half(packed: Keys) -> Integers:
    return (packed & np.uint64(0xFFFFFFFF)).astype(np.int64)


def counted_up(counts: Integers) -> Integers:
    """0 … count - 1 for each count, one after the other: [2, 3] → [0, 1, 0, 1, 2]."""
    ends = np.cumsum(counts)
    return np.arange(counts.sum()) - np.repeat(ends - counts, counts)


def distinct(keys: Keys) -> Keys:
    """The keys sorted (in place), each once."""
    keys.sort()
    first = np.ones(len(keys), bool)
    np.not_equal(keys[1:], keys[:-1], out=first[1:])
    return keys[first]
