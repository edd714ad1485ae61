"""The files in a zip or tar archive, one after another; nothing is written to the disk."""

from __future__ import annotations

import posixpath
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from functools import partial
from typing import IO, NamedTuple, TypeVar

from pipeline.collect.names import is_about, is_hidden
from pipeline.conversation import FileRead

Argument = TypeVar("Argument")
Result = TypeVar("Result")

BLOCK = 512  # bytes of a tar's header; a block of zeros ends the archive
BESIDE = 64_000_000  # bytes; a larger file is not read beside another
ABOUT = "a readme or a licence"


class Member(NamedTuple):
    """A file in an archive. beside: the bytes of another, by its path from this one's folder."""

    path: str
    open: Callable[[], IO[bytes]]
    beside: Callable[[str], bytes | None]


Members = Iterator[Member | FileRead]


def members(kind: str, stream: IO[bytes]) -> Members:
    """The files, hidden ones left out, and what is passed over by its name or nature.

    kind: zip or tar. stream: one that can be read in any order. Raises one of BROKEN for damage.
    """
    found = _in_zip(stream) if kind == "zip" else _in_tar(stream)
    for one in found:
        if is_hidden(one.path):
            continue
        if isinstance(one, Member) and is_about(one.path):
            yield FileRead(one.path, passed_over=ABOUT)
        else:
            yield one


def _in_zip(stream: IO[bytes]) -> Members:
    archive = _unzipped(zipfile.ZipFile, stream)
    latest = {member.filename: member for member in archive.infolist()}
    for member in archive.infolist():
        name = member.filename
        if latest[name] is not member:
            yield FileRead(name, passed_over="a later file of the same name is in the archive")
        elif not member.is_dir():
            opened = partial(_unzipped, archive.open, member)
            yield Member(name, opened, partial(_beside_in_zip, archive, name))


def _unzipped(step: Callable[[Argument], Result], argument: Argument) -> Result:
    """One step into an archive. A password, an unknown compression and wrong offsets are damage."""
    try:
        return step(argument)
    except (RuntimeError, NotImplementedError, ValueError, OSError) as error:
        raise zipfile.BadZipFile(str(error)) from error


def _beside_in_zip(archive: zipfile.ZipFile, member: str, name: str) -> bytes | None:
    try:
        found = archive.getinfo(_joined(member, name))
    except KeyError:
        return None
    if found.is_dir() or found.file_size > BESIDE:
        return None
    return _unzipped(archive.read, found)


def _in_tar(stream: IO[bytes]) -> Members:
    with tarfile.open(fileobj=stream, mode="r:") as archive:
        for member in archive:
            if member.isreg():
                opened = partial(_untarred, archive, member)
                yield Member(member.name, opened, partial(_beside_in_tar, archive, member.name))
            elif not member.isdir():
                what = "a link" if member.issym() or member.islnk() else "a device or a pipe"
                yield FileRead(member.name, passed_over=what)
        _check_end(archive, stream)


def _check_end(archive: tarfile.TarFile, stream: IO[bytes]) -> None:
    """TarError where the archive breaks off: Python's reader takes a damaged header as the end."""
    stream.seek(archive.offset)
    block = stream.read(BLOCK)
    if len(block) < BLOCK or any(block):
        raise tarfile.ReadError("the end of the archive is missing")


def _untarred(archive: tarfile.TarFile, member: tarfile.TarInfo) -> IO[bytes]:
    found = archive.extractfile(member)
    if found is None:
        raise tarfile.ReadError(f"{member.name} holds nothing")
    return found


def _beside_in_tar(archive: tarfile.TarFile, member: str, name: str) -> bytes | None:
    wanted = _joined(member, name)
    found = next((one for one in archive.getmembers() if one.name == wanted), None)
    if found is None or not found.isreg() or found.size > BESIDE:
        return None
    with _untarred(archive, found) as opened:
        return opened.read()


def _joined(member: str, name: str) -> str:
    return posixpath.normpath(posixpath.join(posixpath.dirname(member), name))
