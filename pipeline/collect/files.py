"""Files as a source: cut into units of work, and the rows in them."""

from __future__ import annotations

import datetime as dt
import errno
import os.path
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import IO

from pipeline import UserError
from pipeline.collect import archives, formats, licence, recognise
from pipeline.collect.admit import Origin, refuse
from pipeline.collect.archives import Member
from pipeline.collect.names import is_text, printable
from pipeline.collect.paths import FoundFile, matching
from pipeline.collect.rows import guarded, rows_of_file
from pipeline.collect.shapes.transcript import Place
from pipeline.collect.unpack import peeked, seekable, unpacked
from pipeline.conversation import FileRead, Row
from pipeline.recipe.collect import CollectSettings, SourceSettings

BUNDLE = 32_000_000  # bytes of small files that make one unit of work
DATA = (".jsonl", ".json", ".csv", ".tsv", ".parquet")
DOCUMENTS = (".md", ".markdown", ".xlsx", ".vtt", ".srt")
OWN_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)  # of a temporary copy, not of the input


@dataclass(frozen=True, slots=True)
class InputFile:
    """A file of a source.

    path: below the common folder of the source's files. size: bytes. modified: seconds since 1970,
    0 where unknown. named: by its own path, and not found in a folder or by a pattern.
    """

    address: str
    path: str
    size: int
    modified: float
    named: bool = True


@dataclass(frozen=True, slots=True)
class FileUnit:
    """Work for one process: one large file, or small ones up to 32 MB together.

    passed_over: what was found and is not read. Picklable, and always cut the same way.
    """

    source: SourceSettings
    files: tuple[InputFile, ...]
    passed_over: tuple[FileRead, ...] = ()


def units(source: SourceSettings, folder: Path) -> list[FileUnit]:
    """The units of a source; patterns are relative to the recipe's folder.

    UserError when one matches nothing.
    """
    source = licence.checked(source)
    where = f"source {source.name}"
    found = [one for pattern in source.files for one in matching(pattern, folder, where)]
    # Two patterns may match the same file, which is read once; it is enough that one names it.
    named = {one.address for one in found if one.named}
    once = {one.address: one for one in found}
    for address in named:
        once[address] = once[address]._replace(named=True, passed_over=None)
    return _cut(source, _without_documents(list(once.values())))


def _without_documents(files: list[FoundFile]) -> list[FoundFile]:
    """Documents beside data files are passed over, unless they are named by themselves.

    They are about the data, mostly: an example in notes.md is no conversation of the set.
    """
    if not any(_ends(one, DATA) for one in files):
        return files
    passed_over = "a document beside data files; it is read where it is named by itself"
    found = []
    for one in files:
        is_document = _ends(one, DOCUMENTS) and not one.named
        found.append(one._replace(passed_over=passed_over) if is_document else one)
    return found


def _ends(file: FoundFile, endings: tuple[str, ...]) -> bool:
    return not file.passed_over and file.address.lower().endswith(endings)


def _cut(source: SourceSettings, files: Sequence[FoundFile]) -> list[FileUnit]:
    """The units of these files."""
    root = _root([one.address for one in files])
    paths = {one.address: _plain(one.address)[len(root) :].lstrip("/") for one in files}
    passed_over = tuple(
        FileRead(printable(paths[one.address]), passed_over=one.passed_over)
        for one in files
        if one.passed_over
    )
    wanted = [
        InputFile(one.address, paths[one.address], one.size, one.modified, one.named)
        for one in files
        if not one.passed_over
    ]
    bundles = _bundles(wanted) or [[]]
    first, *others = [FileUnit(source, tuple(bundle)) for bundle in bundles]
    return [replace(first, passed_over=passed_over), *others]


def _bundles(files: Iterable[InputFile]) -> list[list[InputFile]]:
    bundles: list[list[InputFile]] = []
    free = 0  # bytes that the last bundle can still take
    for file in files:
        if not bundles or file.size > free:
            bundles.append([])
            free = BUNDLE
        bundles[-1].append(file)
        free -= file.size
    return bundles


def _root(addresses: list[str]) -> str:
    """The innermost folder that holds all files: refs below it stay the same when it is moved."""
    return os.path.commonpath([_plain(address).rpartition("/")[0] or "/" for address in addresses])


def _plain(address: str) -> str:
    """The path of an address, without `s3://` and the like; a bucket is a folder at the top."""
    return "/" + address.rpartition("://")[2].lstrip("/")


# --- reading


def read(unit: FileUnit, settings: CollectSettings) -> Iterator[Row]:
    """The rows of the unit's files, streamed; a record may hold several conversations."""
    yield from unit.passed_over
    for file in unit.files:
        origin = _origin(unit.source, file, settings.max_bytes)
        yield from _readable(_rows_of_input(unit.source, file, origin), file, origin)


def _origin(source: SourceSettings, file: InputFile, max_bytes: int) -> Origin:
    day = None
    if file.modified:
        day = dt.datetime.fromtimestamp(file.modified, dt.UTC).date()
    return Origin(
        "file",
        source.name,
        source.license,
        source.attribution,
        day,
        source.assistant,
        max_bytes,
        source.roles,
    )


def _readable(rows: Iterable[Row], file: InputFile, origin: Origin) -> Iterator[Row]:
    """The rows. A file that holds no conversation is passed over, unless it is named by itself; one
    that cannot be opened or read costs one row."""
    try:
        yield from rows
    except (formats.UnknownFormat, recognise.UnknownShape) as error:
        if file.named:
            raise
        reason = recognise.reason(error, f"source {origin.name}: {file.path}")
        yield FileRead(file.path, passed_over=reason)
    except OSError as error:
        if error.errno in OWN_DISK:
            raise
        detail = f"it cannot be read: {error.strerror or error}"
        unread = refuse("file.unread", detail, "", origin, printable(file.path))
        yield replace(unread, transient=True)


def _rows_of_input(source: SourceSettings, file: InputFile, origin: Origin) -> Iterator[Row]:
    if not is_text(file.path):
        detail = "its name is not UTF-8: rename it"
        yield refuse("file.name", detail, "", origin, printable(file.path))
        return
    with _opened(source, file) as stream:
        yield from guarded(_rows(source, file, stream, origin), file.path, origin)


def _opened(source: SourceSettings, file: InputFile) -> IO[bytes]:
    address = file.address
    try:
        if "://" not in address:
            return Path(address).open("rb", buffering=1 << 20)
        import fsspec

        return fsspec.open(address, "rb").open()  # type: ignore[no-any-return]
    except OSError as error:
        if not file.named:
            raise
        raise UserError(f"source {source.name}: cannot open {address}: {error}") from error


def _rows(
    source: SourceSettings, file: InputFile, stream: IO[bytes], origin: Origin
) -> Iterator[Row]:
    where = f"source {source.name}: {file.path}"
    head, stream = peeked(unpacked(stream), formats.HEAD)
    kind = formats.kind_of(where, head)
    if kind not in ("zip", "tar"):
        place = Place(file.path, partial(_beside, file.address))
        yield from rows_of_file(source, place, stream, origin)
        return
    with seekable(stream) as whole:
        if kind == "zip" and formats.check_package(where, whole) == "workbook":
            yield from rows_of_file(source, Place(file.path), whole, origin)
        else:
            yield from _rows_of_archive(source, file, archives.members(kind, whole), origin)


def _beside(address: str, name: str) -> bytes | None:
    """The file of this name from the folder of a local file; None where there is none."""
    if "://" in address:
        return None
    path = Path(address).parent / name
    return path.read_bytes() if path.is_file() else None


# --- archives


def _rows_of_archive(
    source: SourceSettings, file: InputFile, members: archives.Members, origin: Origin
) -> Iterator[Row]:
    """The rows of the members; each may cost itself, and not the others."""
    for member in members:
        path = f"{file.path}/{member.path}"
        if isinstance(member, FileRead):
            yield replace(member, path=printable(path))
            continue
        inside = InputFile(file.address, path, 0, file.modified, named=False)
        if is_text(path):
            rows = guarded(_rows_of_member(source, member, path, origin), path, origin)
            yield from _readable(rows, inside, origin)
        else:
            yield from _rows_of_input(source, inside, origin)


def _rows_of_member(
    source: SourceSettings, member: Member, path: str, origin: Origin
) -> Iterator[Row]:
    with member.open() as stream:
        yield from rows_of_file(source, Place(path, member.beside), stream, origin)
