"""Between numpy and Arrow without a copy.

`pa.array` and `to_numpy` do the same, but import pandas first: 0.3 CPU-seconds in
every worker.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import pyarrow as pa

from pipeline.dedup.arrays import Integers, Lists, NumberArray

Column: TypeAlias = pa.Array | pa.ChunkedArray


def arrow(values: NumberArray) -> pa.Array:
    """Numbers of numpy as an Arrow array."""
    buffer = pa.py_buffer(np.ascontiguousarray(values))
    return pa.Array.from_buffers(pa.from_numpy_dtype(values.dtype), len(values), [None, buffer])


def arrow_lists(values: NumberArray, starts: Integers) -> pa.LargeListArray:
    """Lists laid end to end as an Arrow array; what lies behind the last list is left out."""
    return pa.LargeListArray.from_arrays(arrow(starts), arrow(values[: starts[-1]]))


def values(column: Column) -> NumberArray:
    """Arrow numbers as a numpy array that cannot be written to; what is null has any value.

    numba compiles a function anew for arrays that can be written to, so all are
    made the same.
    """
    array = whole(column)
    kind = np.dtype(str(array.type).replace("double", "float64"))
    numbers = np.frombuffer(array.buffers()[1] or b"", kind)
    numbers.flags.writeable = False
    return numbers[array.offset : array.offset + len(array)]


def lists(column: Column) -> Lists:
    """The lists of an Arrow column, their items not copied."""
    array = whole(column)
    return Lists(values(array.values), values(array.offsets))


def strings(texts: Sequence[str]) -> pa.Array:
    """Texts as an Arrow array."""
    data = [text.encode() for text in texts]
    ends = np.cumsum([0, *map(len, data)]).astype(np.int32)
    buffers = [None, pa.py_buffer(ends), pa.py_buffer(b"".join(data))]
    return pa.Array.from_buffers(pa.string(), len(texts), buffers)


def repeated(text: str, count: int) -> pa.Array:
    """One text `count` times."""
    return strings([text]).take(arrow(np.zeros(count, np.int64)))


def whole(column: Column) -> pa.Array:
    """A column in one piece."""
    if not isinstance(column, pa.ChunkedArray):
        return column
    if column.num_chunks == 1:
        return column.chunk(0)
    return column.combine_chunks()


def lengths(array: pa.Array) -> Integers:
    """How many items each list has; none where it is null."""
    return np.diff(values(array.offsets)).astype(np.int64)
