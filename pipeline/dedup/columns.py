"""Between numpy and Arrow without a copy.

`pa.array` and `to_numpy` do the same, but import pandas first: 0.3 CPU-seconds in every worker.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa


def arrow(values: npt.NDArray[Any]) -> pa.Array:
    """Numbers of numpy as an Arrow array."""
    buffer = pa.py_buffer(np.ascontiguousarray(values))
    return pa.Array.from_buffers(pa.from_numpy_dtype(values.dtype), len(values), [None, buffer])


def values(column: pa.Array | pa.ChunkedArray) -> npt.NDArray[Any]:
    """Arrow numbers as a numpy array; what is null has any value."""
    array = whole(column)
    kind, data = np.dtype(str(array.type).replace("double", "float64")), array.buffers()[1]
    return np.frombuffer(data or b"", kind)[array.offset : array.offset + len(array)]


def strings(texts: list[str]) -> pa.Array:
    """Texts as an Arrow array."""
    data = [text.encode() for text in texts]
    ends = np.cumsum([0, *map(len, data)]).astype(np.int32)
    return pa.Array.from_buffers(
        pa.string(), len(texts), [None, pa.py_buffer(ends), pa.py_buffer(b"".join(data))]
    )


def repeated(text: str, count: int) -> pa.Array:
    """One text `count` times."""
    return strings([text]).take(arrow(np.zeros(count, np.int64)))


def whole(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    """A column in one piece."""
    if not isinstance(column, pa.ChunkedArray):
        return column
    return column.combine_chunks() if column.num_chunks != 1 else column.chunk(0)


def lengths(lists: pa.Array) -> npt.NDArray[np.int64]:
    """How many items each list has; none where it is null."""
    return np.diff(values(lists.offsets)).astype(np.int64)
