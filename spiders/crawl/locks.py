"""One crawl of a site at a time: locks in a folder that only this user can write to."""

from __future__ import annotations

import fcntl
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from pipeline import UserError

PRIVATE = 0o700  # the mode of the folder: nobody else reads or writes in it
OTHERS = 0o077


@contextmanager
def alone(hosts: set[str]) -> Iterator[None]:
    """Waits until no other crawl of this user on this machine asks the same hosts."""
    path = Path(tempfile.gettempdir()) / f"rapport-crawls-{os.getuid()}"
    with ExitStack() as opened:
        folder = own_folder(path)
        opened.callback(os.close, folder)
        for host in sorted(hosts - {"file:"}):
            lock = _opened(path, folder, re.sub(r"[^\w.-]", "_", host))
            opened.callback(os.close, lock)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def own_folder(path: Path) -> int:
    """The folder, opened; it is made where it is missing.

    Raises UserError for a link, another user's folder, or one that others may use: through it they
    could stop a crawl, or have it write where they want.
    """
    try:
        with suppress(FileExistsError):
            path.mkdir(mode=PRIVATE)
        folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError as error:
        raise _refused(path, _problem(path, error)) from None
    found = os.fstat(folder)
    if found.st_uid == os.getuid() and not found.st_mode & OTHERS:
        return folder
    os.close(folder)
    if found.st_uid != os.getuid():
        raise _refused(path, "it belongs to another user")
    raise _refused(path, f"other users may use it (mode {found.st_mode & 0o777:o})")


def _opened(path: Path, folder: int, name: str) -> int:
    try:
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW
        return os.open(name, flags, mode=0o600, dir_fd=folder)
    except OSError as error:
        raise _refused(path / name, _problem(path / name, error)) from None


def _problem(path: Path, error: OSError) -> str:
    return "it is a link" if path.is_symlink() else str(error.strerror)


def _refused(path: Path, problem: str) -> UserError:
    advice = "Delete it, or set TMPDIR to a folder of your own"
    return UserError(f"The lock of crawls, {path}, cannot be used: {problem}. {advice}.")
