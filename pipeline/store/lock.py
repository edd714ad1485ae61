"""A run folder belongs to one process at a time."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipeline import UserError
from pipeline.store.files import RunFolder


@contextmanager
def locked(folder: RunFolder) -> Iterator[None]:
    """Hold a folder for this process. The lock ends with the process, however it ends.

    Raises UserError when another process holds it. Object stores have no locks: there, it is the
    user's care.
    """
    if not folder.local:
        yield
        return
    try:
        Path(folder.path).mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        where = f"{folder.address} cannot be a folder: a file stands there"
        raise UserError(f"{where}. Choose another --out.") from None
    with Path(folder.path, ".lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            busy = f"Another rapport is at work in {folder.address}"
            raise UserError(f"{busy}. Wait for it, or choose --out.") from None
        yield
