"""Arrays in one file, mapped into memory when it is read.

    RAPLOOK1  place and length of the head  array, array, … (each at a multiple of 64)  head (JSON)

The head names the arrays, and holds whatever else belongs to them. A file appears whole under its
name or not at all. A file that is cut off is not read: the index is made anew.
"""

from __future__ import annotations

import json
import mmap
import os
import threading
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, TypeAlias

import numpy as np
import numpy.typing as npt

MAGIC = b"RAPLOOK1"
ALIGNED = 64  # bytes
UNFINISHED = ".new"  # the ending of a file that is being written; a run sweeps `.tmp` away
AnyArray: TypeAlias = npt.NDArray[Any]


@dataclass
class FlatFile:
    """What a file holds. head: values of JSON. arrays: by name, one-dimensional."""

    head: dict[str, object] = field(default_factory=dict)
    arrays: dict[str, AnyArray] = field(default_factory=dict)


def write(path: Path, head: Mapping[str, object], arrays: Iterable[tuple[str, AnyArray]]) -> None:
    """Write arrays one after another: they may be made while they are written. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.{os.getpid()}-{threading.get_ident()}{UNFINISHED}")
    try:
        with temporary.open("wb") as file:
            file.write(bytes(ALIGNED))
            listed = [_written(file, name, array) for name, array in arrays]
            place = file.tell()
            text = json.dumps({"head": dict(head), "arrays": listed}).encode()
            file.write(text)
            file.seek(0)
            file.write(MAGIC + place.to_bytes(8, "little") + len(text).to_bytes(8, "little"))
        temporary.replace(path)
    finally:
        with suppress(FileNotFoundError):
            temporary.unlink()


def _written(file: IO[bytes], name: str, array: AnyArray) -> tuple[str, str, int, int]:
    file.write(bytes(-file.tell() % ALIGNED))
    place = file.tell()
    file.write(np.ascontiguousarray(array).data.cast("B") if array.size else b"")
    return name, array.dtype.str, array.size, place


def read(path: Path) -> FlatFile | None:
    """The arrays of a file, mapped; None where there is no such file, or it is not whole."""
    try:
        with path.open("rb") as file:
            mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except (OSError, ValueError):
        return None
    try:
        record = json.loads(_head(mapped))
        arrays = {name: _array(mapped, *rest) for name, *rest in record["arrays"]}
        return FlatFile(record["head"], arrays)
    except (ValueError, KeyError, TypeError):
        return None


def _head(mapped: mmap.mmap) -> bytes:
    if mapped[: len(MAGIC)] != MAGIC:
        raise ValueError("another kind of file")
    start = int.from_bytes(mapped[8:16], "little")
    size = int.from_bytes(mapped[16:24], "little")
    if not size or start + size != len(mapped):
        raise ValueError("cut off")
    return mapped[start : start + size]


def _array(mapped: mmap.mmap, kind: str, size: int, place: int) -> AnyArray:
    return np.frombuffer(mapped, np.dtype(kind), size, place)
