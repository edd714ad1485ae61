"""What the name of a file alone shows: hidden files, readmes, names that are not text."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

JUNK = frozenset(["__MACOSX", "Thumbs.db", "desktop.ini"])
ABOUT = re.compile(
    r"(readme|licen[cs]e|copying|notice|changelog|changes|contributing|citation|authors)"
    r"([._-].*)?",
    re.I,
)
ABOUT_ENDINGS = ("", ".md", ".txt", ".rst", ".cff", ".markdown")


def is_hidden(path: str) -> bool:
    """Whether a part of a path is hidden, a system's own file, or the lock of an open document."""
    return any(_is_hidden(part) for part in PurePosixPath(path).parts if part not in (".", ".."))


def _is_hidden(part: str) -> bool:
    return part.startswith((".", "~$")) or part in JUNK


def is_about(path: str) -> bool:
    """Whether a file is a readme, a licence or such by its name: it is about the others."""
    name = PurePosixPath(path)
    return bool(ABOUT.fullmatch(name.name)) and name.suffix.lower() in ABOUT_ENDINGS


def printable(path: str) -> str:
    """The path, with what is not UTF-8 in it as `\\xe9`: names are bytes on most systems."""
    return path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def is_text(path: str) -> bool:
    """Whether a name is UTF-8, as everything that a store holds has to be."""
    return printable(path) == path
