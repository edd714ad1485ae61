"""Which files a path, a folder, a pattern or an fsspec address means."""

from __future__ import annotations

import datetime as dt
import os
import stat
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from pipeline import UserError
from pipeline.collect.archives import ABOUT
from pipeline.collect.names import is_about, is_hidden, is_text, printable

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

WILDCARDS = set("*?[")
RUN = {"run.json", "recipe.yaml"}  # in the folder of a run
RUN_FOLDER = "the folder of a run. Name the rows of a stage, as in RUN/1-collect/kept."
LOST_LINK = "a link to something that does not exist"
KINDS = (
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


class FoundFile(NamedTuple):
    """A file that is meant. size: bytes. modified: seconds since 1970, 0 where unknown.

    named: by its own path. passed_over: why it is not read, where that is known already.
    """

    address: str
    size: int = 0
    modified: float = 0.0
    named: bool = False
    passed_over: str | None = None


def matching(pattern: str, folder: Path, where: str) -> list[FoundFile]:
    """The files, sorted; patterns are relative to the folder.

    where: the source, for messages. UserError when nothing matches, or what is named is no file.
    """
    if not is_text(pattern):
        problem = f"{printable(pattern)} is not UTF-8, so no row can say where it is from"
        raise UserError(f"{printable(where)}: {problem}. Rename it.")
    try:
        found = list(_remote(pattern) if "://" in pattern else _local(pattern, folder))
    except (OSError, ValueError, ImportError, NotImplementedError) as error:
        raise UserError(f"{where}: cannot look into {pattern}: {error}") from error
    if not found:
        raise UserError(f"{where}: no file matches {pattern} (looked from {folder})")
    for one in found:
        if one.named and one.passed_over:
            raise UserError(f"{where}: {one.address} is {one.passed_over}")
    return sorted(found)


# --- on this machine


def _local(pattern: str, folder: Path) -> Iterator[FoundFile]:
    """A path that exists is that path, whatever its characters; else a pattern is one."""
    place, parts = folder, list(Path(pattern).expanduser().parts)
    # "sets [old]/*.jsonl" is looked for in the folder before its first wildcard, "sets [old]"
    while parts and (os.path.lexists(place / parts[0]) or not WILDCARDS & set(parts[0])):
        place /= parts.pop(0)
    if parts:
        yield from _matching(place.resolve(), parts)
    elif place.is_dir():
        yield from _below(str(place.resolve()))
    elif os.path.lexists(place):
        yield _found(str(place.resolve()), named=True)


def _matching(place: Path, parts: list[str]) -> Iterator[FoundFile]:
    """What a pattern matches; brackets are characters first, and a choice of them second."""
    literal = "/".join(part.replace("[", "[[]") for part in parts)
    found = list(place.glob(literal)) or list(place.glob("/".join(parts)))
    with_hidden = any(part.startswith(".") for part in parts)
    for path in found:
        if is_hidden(str(path.relative_to(place))) and not with_hidden:
            continue
        if not path.is_dir():
            yield _found(str(path))
        elif "**" not in parts:
            yield FoundFile(str(path), passed_over="a folder. `**` looks into folders.")


def _below(place: str) -> Iterator[FoundFile]:
    """All files below a folder, but for hidden ones; and what in it cannot be read."""
    ahead = [place]
    while ahead:
        folder = ahead.pop()
        try:
            entries = [entry for entry in os.scandir(folder) if not is_hidden(entry.name)]
        except OSError as error:
            yield FoundFile(folder, passed_over=f"cannot be read: {error.strerror}")
            continue
        if {entry.name for entry in entries} >= RUN:
            yield FoundFile(folder, named=folder == place, passed_over=RUN_FOLDER)
            continue
        ahead += [entry.path for entry in entries if entry.is_dir(follow_symlinks=False)]
        yield from _files(entries)


def _files(entries: Iterable[os.DirEntry[str]]) -> Iterator[FoundFile]:
    for entry in entries:
        if not entry.is_dir():
            yield _found(entry.path)
        elif entry.is_symlink():
            yield FoundFile(entry.path, passed_over="a link to a folder")


def _found(path: str, named: bool = False) -> FoundFile:
    try:
        about = Path(path).stat()
    except FileNotFoundError:
        return FoundFile(path, named=named, passed_over=LOST_LINK)
    except OSError as error:
        return FoundFile(path, named=named, passed_over=f"cannot be read: {error.strerror}")
    what = next((what for is_such, what in KINDS if is_such(about.st_mode)), None)
    if what is None and is_about(path) and not named:
        what = ABOUT
    return FoundFile(path, about.st_size, about.st_mtime, named, what)


# --- elsewhere


def _remote(pattern: str) -> Iterator[FoundFile]:
    import fsspec

    system, path = fsspec.core.url_to_fs(pattern)
    if system.isdir(path):
        found, below = system.find(path, detail=True), path
    elif system.exists(path):
        found, below = {path: system.info(path)}, ""
    else:
        found, below = system.glob(path, detail=True), ""
    for name, about in found.items():
        inner = name.removeprefix(below).lstrip("/") if below else name.rpartition("/")[2]
        if is_hidden(inner) or about.get("type") == "directory":
            continue
        named = found.keys() == {path}
        what = ABOUT if is_about(inner) and not named else None
        size = int(about.get("size") or 0)
        modified = _modified(system, name, about)
        yield FoundFile(system.unstrip_protocol(name), size, modified, named, what)


def _modified(system: AbstractFileSystem, name: str, about: Mapping[str, object]) -> float:
    """When a file was changed: stores name it in several ways, some only when asked."""
    for key in ("mtime", "LastModified", "last_modified"):
        value = about.get(key)
        if isinstance(value, int | float):
            return float(value)
        if isinstance(value, dt.datetime):
            return value.timestamp()
    try:
        return float(system.modified(name).timestamp())
    except (NotImplementedError, OSError, KeyError, AttributeError):
        return 0.0
