"""Tables that take a second to make, kept in a file for the next process.

The file lies where Python and numba keep what they compile, in `__pycache__` beside this one, and
its name holds a digest of all that the tables are made from: of other code or other data it is
another file. It only saves time. Where it is missing, damaged or cannot be written, the tables are
made anew.
"""

from __future__ import annotations

import hashlib
import os
import zipfile
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

Arrays = dict[str, np.ndarray[Any, Any]]

FOLDER = Path(__file__).parent / "__pycache__"


def prepared(name: str, make: Callable[[], Arrays], made_from: Iterable[object]) -> Arrays:
    """The tables that `make` makes. made_from: whatever they depend on, files by their path."""
    file = FOLDER / f"{name}-{_digest(made_from)}.npz"
    kept = _read(file)
    if kept is None:
        kept = make()
        with suppress(OSError):
            _write(file, kept)
    return kept


def _digest(made_from: Iterable[object]) -> str:
    digest = hashlib.blake2b(digest_size=8)
    for one in (np.__version__, *made_from):
        digest.update(one.read_bytes() if isinstance(one, Path) else str(one).encode())
    return digest.hexdigest()


def _read(file: Path) -> Arrays | None:
    try:
        with np.load(file) as kept:  # checks the CRC of each table
            return dict(kept)
    except (OSError, ValueError, EOFError, zipfile.BadZipFile):
        return None


def _write(file: Path, tables: Arrays) -> None:
    """Under another name first, so that no process reads a half file; older tables are removed."""
    FOLDER.mkdir(exist_ok=True)
    part = file.with_suffix(f".{os.getpid()}")
    with part.open("wb") as stream:
        np.savez(stream, allow_pickle=False, **tables)
    part.replace(file)
    for older in set(FOLDER.glob(f"{file.stem.rpartition('-')[0]}-*.npz")) - {file}:
        older.unlink(missing_ok=True)
