"""Files as a source: which files a recipe means, cut into units of work, and the rows in them."""

from __future__ import annotations

import datetime as dt
import os.path
import zipfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO, TypeVar

from pipeline import UserError
from pipeline.collect import licence, readers
from pipeline.collect.admit import Origin
from pipeline.collect.rows import guarded, rows_of_file
from pipeline.collect.shapes.transcript import Place
from pipeline.conversation import Row
from pipeline.recipe.collect import CollectSettings, SourceSettings

BUNDLE = 32_000_000  # bytes of small files that make one unit of work
WILDCARDS = set("*?[")
ARCHIVES = (".zip", ".byaf")  # a .byaf is Backyard's zip archive of a character
Argument = TypeVar("Argument")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class InputFile:
    """A file of a source.

    path: below the common folder of the source's files. size: bytes. modified: seconds since 1970,
    0 where unknown.
    """

    address: str
    path: str
    size: int
    modified: float


@dataclass(frozen=True, slots=True)
class FileUnit:
    """Work for one process: one large file, or small ones up to 32 MB together.

    Picklable, and always cut the same way.
    """

    source: SourceSettings
    files: tuple[InputFile, ...]


def units(source: SourceSettings, folder: Path) -> list[FileUnit]:
    """The units of a source; patterns are relative to the recipe's folder.

    UserError when one matches nothing.
    """
    source = licence.checked(source)
    matching = (_matching(source, pattern, folder) for pattern in source.files)
    # Two patterns may match the same file, which is read once.
    addresses = list(dict.fromkeys(address for found in matching for address in found))
    root = _root(addresses)
    return [FileUnit(source, tuple(bundle)) for bundle in _bundles(addresses, root)]


def _bundles(addresses: list[str], root: str) -> list[list[InputFile]]:
    bundles: list[list[InputFile]] = []
    free = 0  # bytes that the last bundle can still take
    for address in addresses:
        size, modified = _stat(address)
        path = _plain(address)[len(root) :].lstrip("/")
        if not bundles or size > free:
            bundles.append([])
            free = BUNDLE
        bundles[-1].append(InputFile(address, path, size, modified))
        free -= size
    return bundles


def read(unit: FileUnit, settings: CollectSettings) -> Iterator[Row]:
    """The rows of the unit's files, streamed; a record may hold several conversations."""
    source = unit.source
    for file in unit.files:
        origin = _origin(source, file, settings.max_bytes)
        with _opened(source, file.address) as stream:
            yield from guarded(_rows(source, file, stream, origin), file.path, origin)


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


def _rows(
    source: SourceSettings, file: InputFile, stream: IO[bytes], origin: Origin
) -> Iterator[Row]:
    for place, member in _members(stream, file):
        yield from rows_of_file(source, place, member, origin)


def _beside(address: str, name: str) -> bytes | None:
    """The file of this name from the folder of a local file; None where there is none."""
    if "://" in address:
        return None
    path = Path(address).parent / name
    return path.read_bytes() if path.is_file() else None


# --- which files


def _matching(source: SourceSettings, pattern: str, folder: Path) -> list[str]:
    """The addresses of a path, a folder, a glob or an fsspec address, sorted."""
    found = _remote_files(source, pattern) if "://" in pattern else _local_files(pattern, folder)
    if not found:
        raise UserError(f"source {source.name}: no file matches {pattern} (looked from {folder})")
    return sorted(found)


def _local_files(pattern: str, folder: Path) -> list[str]:
    """A glob means what it matches; a folder all files in it that can be read, at any depth."""
    # "sets/**/*.jsonl" is looked for from the folder before its first wildcard, "sets".
    # The recipe's own folder, and a path that exists as it is written, may hold any characters.
    path = Path(pattern).expanduser()
    parts = path.parts
    wild = [number for number, part in enumerate(parts) if WILDCARDS & set(part)]
    fixed = wild[0] if wild and not (folder / path).exists() else len(parts)
    place = (folder / Path(*parts[:fixed])).resolve()
    if not place.is_dir():
        found = [place]
    elif fixed < len(parts):
        found = list(place.glob("/".join(parts[fixed:])))
    else:
        found = [path for path in place.glob("**/*") if _is_readable(path.name)]
    return [str(path) for path in found if path.is_file()]


def _remote_files(source: SourceSettings, pattern: str) -> list[str]:
    import fsspec

    try:
        system, path = fsspec.core.url_to_fs(pattern)
        if system.isdir(path):
            found = [name for name in system.find(path) if _is_readable(name)]
        else:
            found = system.glob(path)
    except (OSError, ValueError, ImportError) as error:
        raise UserError(f"source {source.name}: cannot look into {pattern}: {error}") from error
    return [system.unstrip_protocol(name) for name in found]


def _is_readable(path: str) -> bool:
    return readers.suffix(path) in (*readers.KNOWN, *ARCHIVES)


def _root(addresses: list[str]) -> str:
    """The innermost folder that holds all files: refs below it stay the same when it is moved."""
    return os.path.commonpath([_plain(address).rpartition("/")[0] or "/" for address in addresses])


def _plain(address: str) -> str:
    """The path of an address, without `s3://` and the like; a bucket is a folder at the top."""
    return "/" + address.rpartition("://")[2].lstrip("/")


def _stat(address: str) -> tuple[int, float]:
    """(size in bytes, time of the last change)"""
    if "://" not in address:
        stat = Path(address).stat()
        return stat.st_size, stat.st_mtime
    import fsspec

    system, path = fsspec.core.url_to_fs(address)
    size = int(system.info(path).get("size") or 0)
    try:
        return size, system.modified(path).timestamp()
    except (NotImplementedError, OSError, KeyError):
        return size, 0.0


# --- opening them


def _opened(source: SourceSettings, address: str) -> IO[bytes]:
    try:
        if "://" not in address:
            return Path(address).open("rb", buffering=1 << 20)
        import fsspec

        return fsspec.open(address, "rb").open()  # type: ignore[no-any-return]
    except OSError as error:
        raise UserError(f"source {source.name}: cannot open {address}: {error}") from error


def _members(stream: IO[bytes], file: InputFile) -> Iterable[tuple[Place, IO[bytes]]]:
    """(place, stream) of the file itself, or of the members of an archive that can be read."""
    if not file.path.lower().endswith(ARCHIVES):
        yield Place(file.path, partial(_beside, file.address)), stream
        return
    archive = _unzipped(zipfile.ZipFile, stream)
    members = {member.filename: member for member in archive.infolist()}  # each name once
    for name, member in members.items():
        if not member.is_dir() and _is_wanted(file.path, name):
            place = Place(f"{file.path}/{name}", partial(_inside, archive, name))
            with _unzipped(archive.open, member) as inside:
                yield place, inside


def _is_wanted(path: str, name: str) -> bool:
    """Whether a member can be read. path: of the archive."""
    hidden = any(part.startswith((".", "__")) for part in PurePosixPath(name).parts)
    if path.lower().endswith(".byaf") and not name.startswith("scenarios/"):
        return False  # the character, to which a scenario refers
    return not hidden and _is_readable(name)


def _inside(archive: zipfile.ZipFile, member: str, name: str) -> bytes | None:
    """The file of this name from the folder of a member; None where there is none."""
    path = os.path.normpath(PurePosixPath(member).parent / name)
    if path not in archive.namelist():
        return None
    return _unzipped(archive.read, path)


def _unzipped(step: Callable[[Argument], Result], argument: Argument) -> Result:
    """One step into an archive. A password, an unknown compression and wrong offsets are damage."""
    try:
        return step(argument)
    except (RuntimeError, NotImplementedError, ValueError, OSError) as error:
        raise zipfile.BadZipFile(str(error)) from error
