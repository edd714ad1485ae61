"""Files of a run folder: whole or not at all, and with a digest by which damage is seen.

Paths may be local or any fsspec address.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, cast

import fsspec
from fsspec.implementations.local import LocalFileSystem

from pipeline import UserError

BLOCK = 1 << 20  # bytes that are read or copied at a time
CHECKSUM = "checksum"  # the key of a record that holds the digest of all its other keys


class DamagedFile(UserError):
    """A file of the run is not what was written: it is cut off, has flipped bits, or is somebody
    else's."""


@dataclass(frozen=True, slots=True)
class FileMark:
    """What a file was when it was written. rows: of a Parquet or Arrow file. digest: SHA-256, in
    hex."""

    rows: int
    size: int
    digest: str


class HashedFile:
    """A binary file to write to, which knows the size and digest of what went in."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._hash = hashlib.sha256()
        self.size = 0
        self.closed = False

    def write(self, data: bytes) -> int:
        self._hash.update(data)
        self.size += memoryview(data).nbytes
        return self._file.write(data)

    def tell(self) -> int:
        return self.size

    def flush(self) -> None:
        self._file.flush()

    def close(self) -> None:
        """Arrow closes what it writes to; the file itself is closed by who opened it."""

    def mark(self, rows: int = 0) -> FileMark:
        """The mark of what was written so far."""
        return FileMark(rows, self.size, self._hash.hexdigest())


class RunFolder:
    """A folder by its address. Cheap to make and to send to another process."""

    def __init__(self, address: str | Path) -> None:
        self.address = str(address).rstrip("/")
        self.files, self.path = fsspec.core.url_to_fs(self.address)

    @property
    def local(self) -> bool:
        """Is it on a disk of this machine?"""
        return isinstance(self.files, LocalFileSystem)

    def listing(self) -> list[str]:
        """Names of what stands in the folder, hidden files left out."""
        try:
            paths = self.files.ls(self.path, detail=False)
        except (FileNotFoundError, NotADirectoryError):
            return []
        names = [str(path).rstrip("/").rsplit("/", 1)[1] for path in paths]
        return sorted(name for name in names if not name.startswith("."))

    def size_of(self, name: str) -> int | None:
        """Bytes of a file; None where there is none."""
        try:
            return int(self.files.size(f"{self.path}/{name}"))
        except (FileNotFoundError, NotADirectoryError):
            return None

    def digest_of(self, name: str) -> str:
        """SHA-256 of a file, in hex. Raises FileNotFoundError."""
        found = hashlib.sha256()
        with self.files.open(f"{self.path}/{name}", "rb") as file:
            while block := file.read(BLOCK):
                found.update(block)
        return found.hexdigest()

    def check(self, name: str, mark: FileMark, whole: bool = True) -> None:
        """Raises DamagedFile when a file is missing or is not what its mark says. whole: read all
        of it."""
        size = self.size_of(name)
        if size is None:
            raise DamagedFile(f"{self.address}/{name} is missing{_remedy(self.address)}")
        if size != mark.size or (whole and self.digest_of(name) != mark.digest):
            raise DamagedFile(f"{self.address}/{name} is damaged{_remedy(self.address)}")

    @contextmanager
    def committed(self, name: str) -> Iterator[HashedFile]:
        """A file that appears whole under its name or not at all."""
        path = f"{self.path}/{name}"
        self.files.makedirs(path.rsplit("/", 1)[0], exist_ok=True)
        if not self.local:  # an object store shows a file when it is closed
            with self.files.open(path, "wb") as file:
                yield HashedFile(file)
            return
        temporary = Path(f"{path}.{os.getpid()}.tmp")
        try:
            with temporary.open("wb") as file:
                yield HashedFile(file)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)

    def write_text(self, name: str, text: str) -> None:
        with self.committed(name) as file:
            file.write(text.encode())

    def read_text(self, name: str) -> str | None:
        """A text, or None where there is none. Raises DamagedFile when it is not UTF-8."""
        try:
            return str(self.files.cat_file(f"{self.path}/{name}").decode())
        except (FileNotFoundError, NotADirectoryError):
            return None
        except UnicodeDecodeError:
            raise DamagedFile(f"{self.address}/{name} is damaged: it is not UTF-8.") from None

    def write_record(self, name: str, record: Mapping[str, object]) -> None:
        """A JSON object, with a checksum of itself."""
        plain = json.loads(_dumped(record))
        self.write_text(name, _dumped(plain | {CHECKSUM: _checksum(plain)}))

    def read_record(self, name: str) -> dict[str, object] | None:
        """What `write_record` wrote, or None where there is none. Raises DamagedFile."""
        text = self.read_text(name)
        if text is None:
            return None
        try:
            record = cast("object", json.loads(text))
        except json.JSONDecodeError:
            record = None
        if not isinstance(record, dict) or record.pop(CHECKSUM, None) != _checksum(record):
            raise DamagedFile(
                f"{self.address}/{name} is damaged, or another version of Rapport wrote it."
            )
        return record

    def remove_file(self, name: str) -> None:
        with suppress(FileNotFoundError, NotADirectoryError):
            self.files.rm(f"{self.path}/{name}")

    def remove(self, name: str = "") -> None:
        """Take the folder, or a file or folder in it, away."""
        with suppress(FileNotFoundError, NotADirectoryError):
            self.files.rm(f"{self.path}/{name}".rstrip("/"), recursive=True)

    def sweep(self) -> None:
        """Remove temporary files that a killed run left."""
        for name in self.files.glob(f"{self.path}/**/*.tmp"):
            with suppress(FileNotFoundError):
                self.files.rm(name)


def mark_record(mark: FileMark) -> dict[str, object]:
    """A mark as a part of a record."""
    return asdict(mark)


def digest(*parts: object) -> str:
    """Names a value that JSON can hold, 24 hex digits; equal values have equal names."""
    text = json.dumps(parts, sort_keys=True, default=str)
    return hashlib.blake2b(text.encode(), digest_size=12).hexdigest()


def _dumped(record: Mapping[str, object]) -> str:
    return json.dumps(record, ensure_ascii=False, indent=1, default=str)


def _checksum(record: dict[str, object]) -> str:
    return digest(record)


def _remedy(address: str) -> str:
    return f". Make the stage again: delete the folder {address}, then run the same command."
