"""Files as a source: which files a recipe means, in units of work, and the conversations in them."""

from __future__ import annotations

import datetime as dt
import os.path
import zipfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import chain, groupby, islice
from operator import itemgetter
from pathlib import Path, PurePosixPath
from types import ModuleType
from typing import IO, Any

from pipeline import UserError
from pipeline.collect import licence, readers, shapes
from pipeline.collect.admit import Door, admit, refuse
from pipeline.collect.shapes import card
from pipeline.collect.shapes.talk import Talk, Unread
from pipeline.collect.unpack import BROKEN, in_utf8, is_damage, unpacked
from pipeline.conversation import Conversation, Drop, Quarantine
from pipeline.recipe.settings import CollectSettings, SourceSettings

BUNDLE = 32_000_000  # bytes of small files that make one unit of work
SAMPLE = 20  # records by which a shape is recognised
HEAD = 50  # lines by which the shape of a text is recognised
Row = Conversation | Drop | Quarantine


@dataclass(frozen=True, slots=True)
class Found:
    """A file: its address, its path below the common folder of the source, bytes, and time of its last change."""

    address: str
    path: str
    size: int
    modified: float


@dataclass(frozen=True, slots=True)
class FileUnit:
    """Work for one process: one big file, or small ones up to 32 MB together. Picklable, always cut the same way."""

    source: SourceSettings
    files: tuple[Found, ...]


def units(source: SourceSettings, folder: Path) -> list[FileUnit]:
    """The units of a source; patterns are relative to the recipe's folder. UserError when one matches nothing."""
    source = licence.checked(source)
    addresses = list(
        dict.fromkeys(a for pattern in source.files for a in _matching(source, pattern, folder))
    )
    root = _root(addresses)
    bundles: list[list[Found]] = []
    for address in addresses:
        size, modified = _stat(address)
        found = Found(address, _plain(address)[len(root) :].lstrip("/"), size, modified)
        if bundles and sum(f.size for f in bundles[-1]) + size <= BUNDLE:
            bundles[-1].append(found)
        else:
            bundles.append([found])
    return [FileUnit(source, tuple(bundle)) for bundle in bundles]


def read(unit: FileUnit, settings: CollectSettings) -> Iterator[Row]:
    """Every record of the unit's files as one row or, where it holds several talks, several rows; streamed."""
    source = unit.source
    for file in unit.files:
        day = dt.datetime.fromtimestamp(file.modified, dt.UTC).date() if file.modified else None
        door = Door(
            "file",
            source.name,
            source.license,
            source.attribution,
            day,
            source.assistant,
            settings.max_bytes,
        )
        with _opened(source, file.address) as stream:
            members = _members(stream, file)
            yield from _guarded(
                (r for path, inside in members for r in rows_of_file(source, path, inside, door)),
                file.path,
                door,
            )


def rows(
    records: readers.Records,
    path: str,
    door: Door,
    source: SourceSettings,
    notes: tuple[str, ...] = (),
) -> Iterator[Row]:
    """Decoded records as rows, by the shape named or recognised. Used for files and for the Hub."""
    readable: list[Any] = []
    while not readable and (sample := list(islice(records, SAMPLE))):
        readable = [record for _, record in sample if not isinstance(record, Unread | Conversation)]
        if not readable:  # nothing yet by which a shape could be told
            yield from (_untouched(record, door, f"{path}#{number}") for number, record in sample)
    if not readable:
        return
    records = chain(sample, records)
    named = _named(source.shape, door, path, *shapes.RECORDS, *shapes.TABLES)
    reader = named or _fitting(readable)
    if (
        len(sample) == 1
        and (reader is None or not _fitting(readable))
        and (within := list(_within(readable[0])))
    ):
        readable, records = within[:SAMPLE], enumerate(within, 1)
        reader = named or _fitting(readable)
    if reader is None:
        raise UserError(_unknown(path, door, readable[0], shapes.RECORDS, shapes.TABLES))
    try:
        talks = _read(reader, records, readable, source.options)
    except ValueError as error:
        raise UserError(f"source {door.name}: {path}: {error}") from error
    for number, place, talk in talks:
        yield _untouched(talk, door, f"{path}#{number}{place}", notes)


def _read(
    reader: ModuleType, records: readers.Records, sample: list[Any], options: dict[str, Any]
) -> Iterator[tuple[int, str, Any]]:
    """The talks of a shape; ValueError when it does not know the options of the recipe."""
    if reader in shapes.TABLES:
        return _gathered(
            reader.read(records, [row for row in sample if isinstance(row, dict)], options)
        )
    if options:
        raise ValueError(
            f"options are for `shape: turns`, and these records are read as {shapes.name_of(reader)}"
        )
    return _each(reader, records)


def _each(reader: ModuleType, records: readers.Records) -> Iterator[tuple[int, str, Any]]:
    """(record number, "" or "/2", "/3" .. for further talks of the same record, talk)"""
    for number, record in records:
        if isinstance(record, Unread | Conversation):
            yield number, "", record
            continue
        try:
            talks = list(reader.read(record)) or [Unread("the record holds no talk", record)]
        except (ValueError, RecursionError) as error:
            talks = [Unread(str(error), record)]
        for n, talk in enumerate(talks, 1):
            yield number, f"/{n}" if n > 1 else "", talk


def _gathered(found: Iterable[tuple[int, Any]]) -> Iterator[tuple[int, str, Any]]:
    for number, talks in groupby(found, key=itemgetter(0)):
        for n, (_, talk) in enumerate(talks, 1):
            yield number, f"/{n}" if n > 1 else "", talk


def _untouched(
    talk: Talk | Unread | Conversation, door: Door, ref: str, notes: tuple[str, ...] = ()
) -> Row:
    """A row of one of our own shelves passes as it is; a talk is admitted."""
    return talk if isinstance(talk, Conversation) else admit(talk, door, ref, notes)


def _named(shape: str | None, door: Door, path: str, *fitting: ModuleType) -> ModuleType | None:
    """The shape that the recipe names. UserError when there is none of that name for a file of this kind."""
    if shape is None:
        return None
    for module in fitting:
        if shapes.name_of(module) == shape:
            return module
    known = ", ".join(shapes.names(fitting))
    raise UserError(f"source {door.name}: unknown shape {shape!r} for {path}; known are {known}")


def _fitting(sample: list[Any]) -> ModuleType | None:
    """The first shape that fits most of the records, or else the one that fits the most of them."""
    fits = [
        (sum(bool(shape.recognise(record)) for record in sample), shape) for shape in shapes.RECORDS
    ]
    best, shape = max(fits, key=lambda fit: fit[0])
    if best * 2 <= len(sample):
        flat = [record for record in sample if isinstance(record, dict)]
        tables = (table for table in shapes.TABLES if flat and table.recognise(flat))
        return next(tables, shape if best else None)
    return next(shape for count, shape in fits if count * 2 > len(sample))


def _within(whole: Any, depth: int = 5) -> Iterator[Any]:
    """The records inside one JSON or YAML object: {"train": [..], "test": [..]}, {"talk 1": {..}, ..}, and deeper."""
    children = (
        list(whole.values())
        if isinstance(whole, dict)
        else whole
        if isinstance(whole, list)
        else []
    )
    hits = sum(any(shape.recognise(child) for shape in shapes.RECORDS) for child in children)
    if hits * 2 > len(children) or (hits and isinstance(whole, list)):
        yield from children
    elif depth:
        for child in children:
            yield from _within(child, depth - 1)


def _unknown(path: str, door: Door, record: Any, *tried: tuple[ModuleType, ...]) -> str:
    looks = refuse("", "", record, door, path).raw[:300]
    if card.recognise(record):
        return f"source {door.name}: {path} is a character card: a persona, no talk. `generate` reads it, not `collect`."
    return (
        f"source {door.name}: {path}: no known shape fits. Tried: {', '.join(shapes.names(*tried))}.\n"
        f"The first record looks like: {looks}\n"
        'Name the shape in the recipe (`shape: ..`), or write {"messages": [{"role": .., "content": ..}]}.'
    )


def rows_of_file(source: SourceSettings, path: str, stream: IO[bytes], door: Door) -> Iterator[Row]:
    """The rows of one file, whatever its compression and format."""
    return _guarded(_rows_of(source, path, stream, door), path, door)


def _guarded(rows: Iterable[Row], path: str, door: Door) -> Iterator[Row]:
    """The rows; where the file breaks off, a quarantine row says so after those before."""
    try:
        yield from rows
    except (*BROKEN, OSError) as error:
        if not is_damage(error):
            raise
        detail = f"the file breaks off or is damaged: {error or type(error).__name__}"
        yield refuse("file.damaged", detail, "", door, path)


def _rows_of(source: SourceSettings, path: str, stream: IO[bytes], door: Door) -> Iterator[Row]:
    kind = readers.known_format(f"source {source.name}: {path}")
    if kind != ".parquet":
        stream = unpacked(stream)
    if kind == ".parquet":
        yield from rows(readers.parquet(stream, door.max_bytes), path, door, source)
    elif kind in readers.DOCUMENTS:
        yield from _document(path, stream, door)
    else:
        stream, encoding = in_utf8(stream)
        notes = () if encoding.startswith("utf-8") else (f"collect: decoded from {encoding}",)
        if kind in readers.TEXTS:
            yield from _text(path, readers.lines(stream, door.max_bytes), door, source.shape, notes)
        else:
            yield from rows(
                readers.READERS[kind](stream, door.max_bytes), path, door, source, notes
            )


def _text(
    path: str,
    lines: Iterable[tuple[int, bytes | Unread]],
    door: Door,
    name: str | None,
    notes: tuple[str, ...],
) -> Iterator[Row]:
    """The talks of a plain text. A line that is too long is a row of the quarantine, after the talk it is in."""
    faults: list[tuple[int, Unread]] = []

    def readable() -> Iterator[str]:
        for number, line in lines:
            if isinstance(line, bytes):
                yield line.decode("utf-8", "replace")
            else:
                faults.append((number, line))

    text = readable()
    head = list(islice(text, HEAD))
    shape = _named(name, door, path, *shapes.TEXTS) or next(
        (shape for shape in shapes.TEXTS if shape.recognise(head)), None
    )
    if shape is None and any(line.strip() for line in head):
        raise UserError(_unknown(path, door, "".join(head), shapes.TEXTS))
    for number, talk in enumerate(shape.read(chain(head, text)) if shape else (), 1):
        yield admit(
            replace(talk, group=path) if isinstance(talk, Talk) else talk,
            door,
            f"{path}#{number}",
            notes,
        )
        yield from (admit(fault, door, f"{path}#line {line}") for line, fault in faults)
        faults.clear()
    yield from (admit(fault, door, f"{path}#line {line}") for line, fault in faults)


def _document(path: str, stream: IO[bytes], door: Door) -> Iterator[Row]:
    data = stream.read(readers.WHOLE + 1)
    shape = next((shape for shape in shapes.DOCUMENTS if shape.recognise(data)), None)
    if len(data) > readers.WHOLE:
        yield refuse(
            "file.long", f"a document of more than {readers.WHOLE:,} bytes", data, door, path
        )
    elif shape is None:
        raise UserError(_unknown(path, door, data[:300], shapes.DOCUMENTS))
    else:
        for number, talk in enumerate(shape.read(data), 1):
            yield admit(talk, door, f"{path}#{number}")


def _matching(source: SourceSettings, pattern: str, folder: Path) -> list[str]:
    """Addresses for a path, a folder, a glob, or an fsspec address, sorted."""
    if "://" in pattern:
        found = _matching_remote(source, pattern)
    else:
        parts = (folder / Path(pattern).expanduser()).parts
        fixed = next((n for n, part in enumerate(parts) if set(part) & set("*?[")), len(parts))
        place = Path(*parts[:fixed]).resolve()
        inside = place.glob("/".join(parts[fixed:]) or "**/*") if place.is_dir() else [place]
        found = sorted(
            str(p)
            for p in inside
            if p.is_file() and (p == place or fixed < len(parts) or _readable(p.name))
        )
    if not found:
        raise UserError(f"source {source.name}: no file matches {pattern} (looked from {folder})")
    return found


def _matching_remote(source: SourceSettings, pattern: str) -> list[str]:
    import fsspec

    try:
        system, path = fsspec.core.url_to_fs(pattern)
        found = (
            [p for p in system.find(path) if _readable(p)]
            if system.isdir(path)
            else system.glob(path)
        )
    except (OSError, ValueError, ImportError) as error:
        raise UserError(f"source {source.name}: cannot look into {pattern}: {error}") from error
    return sorted(system.unstrip_protocol(p) for p in found)


def _readable(path: str) -> bool:
    return readers.suffix(path) in (*readers.KNOWN, ".zip")


def _root(addresses: list[str]) -> str:
    """The innermost folder that holds all files: refs below it stay the same when it is moved."""
    return os.path.commonpath([_plain(address).rpartition("/")[0] or "/" for address in addresses])


def _plain(address: str) -> str:
    """The path of an address, without `s3://` and the like; a bucket is a folder at the top."""
    return "/" + address.rpartition("://")[2].lstrip("/")


def _stat(address: str) -> tuple[int, float]:
    if "://" not in address:
        stat = Path(address).stat()
        return stat.st_size, stat.st_mtime
    import fsspec

    system, path = fsspec.core.url_to_fs(address)
    info = system.info(path)
    try:
        modified = system.modified(path).timestamp()
    except (NotImplementedError, OSError, KeyError):
        modified = 0.0
    return int(info.get("size") or 0), modified


def _opened(source: SourceSettings, address: str) -> IO[bytes]:
    try:
        if "://" not in address:
            return Path(address).open("rb", buffering=1 << 20)
        import fsspec

        return fsspec.open(address, "rb").open()  # type: ignore[no-any-return]
    except OSError as error:
        raise UserError(f"source {source.name}: cannot open {address}: {error}") from error


def _members(stream: IO[bytes], file: Found) -> Iterable[tuple[str, IO[bytes]]]:
    """The file itself, or the readable members of a zip archive."""
    if not file.path.lower().endswith(".zip"):
        yield file.path, stream
        return
    archive = _unzipped(zipfile.ZipFile, stream)
    for name, member in {member.filename: member for member in archive.infolist()}.items():
        hidden = any(part.startswith((".", "__")) for part in PurePosixPath(name).parts)
        if not member.is_dir() and not hidden and _readable(name):
            with _unzipped(archive.open, member) as inside:
                yield f"{file.path}/{name}", inside


def _unzipped(step: Callable[[Any], Any], what: Any) -> Any:
    """A step into an archive; a password, an unheard-of compression and wild offsets all make it a bad archive."""
    try:
        return step(what)
    except (RuntimeError, NotImplementedError, ValueError, OSError) as error:
        raise zipfile.BadZipFile(str(error)) from error
