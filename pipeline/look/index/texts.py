"""The folded texts of a file: one long text, and where each row ends."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from pipeline.look.index import flat
from pipeline.look.index.extract import FoldedTexts

LARGEST = (1 << 31) - 1  # bytes that offsets of 32 bits reach


def write(path: Path, texts: Sequence[FoldedTexts]) -> None:
    """The texts of all row groups of a file. Raises OSError."""
    sizes = np.array([len(one.data) for one in texts], np.int64)
    before = np.concatenate([[0], np.cumsum(sizes)])
    ends = [one.ends + start for one, start in zip(texts, before, strict=False)]
    offsets = np.concatenate([[0], *ends])
    if before[-1] <= LARGEST:
        offsets = offsets.astype(np.int32)
    whole = np.concatenate([np.zeros(0, np.uint8), *(one.data for one in texts)])
    flat.write(path, {}, [("data", whole), ("offsets", offsets)])


def read(path: Path) -> pa.Array | None:
    """The texts as Arrow has them, not copied; None where the file is missing or cut off."""
    file = flat.read(path)
    if file is None:
        return None
    offsets = file.arrays["offsets"]
    kind = pa.string() if offsets.itemsize == 4 else pa.large_string()
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(file.arrays["data"])]
    return pa.Array.from_buffers(kind, len(offsets) - 1, buffers)
