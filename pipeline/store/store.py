"""The shelves between rooms: read parts, write kept / dropped / quarantine / report, each file whole or not at all.

A room's folder:

    kept/part-00000-000.parquet        rows that go on (unit 0 of the room's work, its first 10,000 rows)
    dropped/part-00000-000.parquet     whole rows sent away, with their findings
    quarantine/part-00000-000.parquet  what could not be read as a row: raw text, error, where
    done/00000.json                    written after a unit's parts: its existence means that they are complete
    report.json                        written last: its existence with the right key means that the room is done

Only this module opens a file between rooms. Paths may be local or any fsspec address.
"""

from __future__ import annotations

import dataclasses
import fcntl
import hashlib
import json
import os
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
from fsspec.implementations.local import LocalFileSystem

from pipeline import UserError
from pipeline.conversation import (
    SCHEMA,
    Conversation,
    from_table,
)
from pipeline.store.counts import Counts, Row
from pipeline.store.parts import BATCH_ROWS, KINDS, UnitWriter, deciding, parquet, write


class Store:
    """One room's folder. Cheap to make and to send to another process."""

    def __init__(self, root: str | Path, folder: str = "") -> None:
        self.root = str(root).rstrip("/")
        self.folder = folder
        self.room = folder.partition("/")[0].partition("-")[2]
        self.address = f"{self.root}/{folder}" if folder else self.root
        self.files, self.path = fsspec.core.url_to_fs(self.address)

    @property
    def local(self) -> bool:
        return isinstance(self.files, LocalFileSystem)

    # --- reading

    def parts(self, kind: str = "kept") -> list[str]:
        """Names of the parts of a kind, in order, like `00000-000`."""
        found = self.files.glob(f"{self.path}/{kind}/part-*.parquet")
        return sorted(name.rsplit("/part-", 1)[1].removesuffix(".parquet") for name in found)

    def units(self) -> list[str]:
        """Names of the units of work that are complete, under whatever key."""
        return sorted(
            p.rsplit("/", 1)[1].removesuffix(".json")
            for p in self.files.glob(f"{self.path}/done/*.json")
        )

    def listing(self) -> list[str]:
        """Names of what stands in the folder, hidden files left out."""
        try:
            names = [
                str(p).rstrip("/").rsplit("/", 1)[1] for p in self.files.ls(self.path, detail=False)
            ]
        except FileNotFoundError:
            return []
        return sorted(name for name in names if not name.startswith("."))

    def count(self, part: str, kind: str = "kept") -> int:
        """Rows of a part."""
        with self._opened(part, kind) as file:
            return int(file.metadata.num_rows)

    def location(self, part: str, kind: str = "kept") -> str:
        return f"{self.path}/{kind}/part-{part}.parquet"

    def read(self, part: str, kind: str = "kept") -> Iterator[Conversation]:
        """The rows of a part, `BATCH_ROWS` in memory at a time."""
        with self._opened(part, kind) as file:
            for batch in file.iter_batches(batch_size=BATCH_ROWS):
                yield from from_table(pa.table(batch))

    def table(self, part: str, kind: str = "kept", columns: list[str] | None = None) -> pa.Table:
        """A part as one Arrow table, or some of its columns (`source.name` reads one field of a struct)."""
        with self._opened(part, kind) as file:
            return file.read(columns=columns)

    @contextmanager
    def _opened(self, part: str, kind: str) -> Iterator[pq.ParquetFile]:
        """A part, opened by Arrow itself where it can: over a Python file its threads may abort Python at exit."""
        path = self.location(part, kind)
        with pa.OSFile(path) if self.local else self.files.open(path, "rb") as file:
            yield pq.ParquetFile(file)

    def rows(self, kind: str = "kept") -> Iterator[Conversation]:
        for part in self.parts(kind):
            yield from self.read(part, kind)

    # --- writing

    def write(self, unit: str, key: str, rows: Iterable[Row]) -> Counts:
        """Write the parts of one unit of work, then its mark. Returns the counts; does nothing twice for one key."""
        if (before := self.done(unit, key)) is not None:
            return before
        writer = UnitWriter(self, unit)
        started = time.perf_counter()
        with writer:
            for row in rows:
                writer.add(row)
        return self.mark(
            unit, key, dataclasses.replace(writer.counts(), seconds=time.perf_counter() - started)
        )

    def write_tables(self, unit: str, key: str, kept: pa.Table, dropped: pa.Table) -> Counts:
        """The same for rows that are Arrow tables already; one unit, one part."""
        if (before := self.done(unit, key)) is not None:
            return before
        started = time.perf_counter()
        for kind, table in (("kept", kept), ("dropped", dropped)):
            if table.num_rows or kind == "kept":
                with (
                    self.committed(f"{kind}/part-{unit}.parquet") as file,
                    parquet(file, SCHEMA) as writer,
                ):
                    write(writer, table.cast(SCHEMA))
        rules = dropped.column("findings").combine_chunks() if dropped.num_rows else None
        reasons = (
            Counter(deciding(f) for f in rules.to_pylist()) if rules is not None else Counter()
        )
        counts = Counts(
            kept.num_rows,
            dropped.num_rows,
            parts=(unit,),
            reasons=dict(reasons),
            findings=dict(reasons),
        )
        return self.mark(
            unit, key, dataclasses.replace(counts, seconds=time.perf_counter() - started)
        )

    def pass_on(self, unit: str, key: str, inbox: Store) -> Counts:
        """Take over a part of another shelf as it is: by hard link where the file system can, else by copy."""
        if (before := self.done(unit, key)) is not None:
            return before
        source, target = inbox.location(unit), self.location(unit)
        rows = inbox.count(unit)
        self.files.makedirs(f"{self.path}/kept", exist_ok=True)
        try:
            if not self.local:
                raise OSError("no hard links here")
            with suppress(FileNotFoundError):
                Path(target).unlink()
            os.link(source, target)
        except OSError:
            with (
                inbox.files.open(source, "rb") as old,
                self.committed(f"kept/part-{unit}.parquet") as new,
            ):
                while block := old.read(1 << 20):
                    new.write(block)
        return self.mark(unit, key, Counts(kept=rows, parts=(unit,)))

    def mark(self, unit: str, key: str, counts: Counts) -> Counts:
        self.write_json(f"done/{unit}.json", {"key": key} | dataclasses.asdict(counts))
        return counts

    def done(self, unit: str, key: str) -> Counts | None:
        """The counts of a unit that is complete under this key."""
        found = self.read_json(f"done/{unit}.json")
        if found is None or found.pop("key", None) != key:
            return None
        return Counts(**found | {"parts": tuple(found["parts"])})

    def forget(self, unit: str) -> None:
        """Take a unit and its parts away; the mark goes first."""
        parts = (self.read_json(f"done/{unit}.json") or {}).get("parts", ())
        for name in (
            f"done/{unit}.json",
            *(f"{kind}/part-{part}.parquet" for part in parts for kind in KINDS),
        ):
            self.remove_file(name)

    def remove_file(self, name: str) -> None:
        with suppress(FileNotFoundError):
            self.files.rm(f"{self.path}/{name}")

    def content(self) -> str:
        """Names the rows that go on, by the bytes of their parts."""
        found = hashlib.blake2b(digest_size=12)
        for part in self.parts():
            with self.files.open(self.location(part), "rb") as file:
                while block := file.read(1 << 20):
                    found.update(block)
        return found.hexdigest()

    def clear(self) -> None:
        """Forget what stands here. Marks go first: a kill in between leaves nothing that looks complete."""
        for name in ("report.json", "done", *KINDS):
            with suppress(FileNotFoundError):
                self.files.rm(f"{self.path}/{name}", recursive=True)

    def remove(self) -> None:
        """Take the whole folder away."""
        with suppress(FileNotFoundError):
            self.files.rm(self.path, recursive=True)

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the folder for this process. The lock ends with the process, however it ends.

        Raises UserError when another process holds it. Object stores have no locks: there, it is the user's care.
        """
        if not self.local:
            yield
            return
        try:
            Path(self.path).mkdir(parents=True, exist_ok=True)
        except (FileExistsError, NotADirectoryError):
            raise UserError(
                f"{self.address} cannot be a folder: a file stands there. Choose another --out."
            ) from None
        with Path(self.path, ".lock").open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise UserError(
                    f"Another rapport is at work in {self.address}. Wait for it, or choose --out."
                ) from None
            yield

    def sweep(self) -> None:
        """Remove temporary files that a killed run left."""
        for name in self.files.glob(f"{self.path}/**/*.tmp"):
            with suppress(FileNotFoundError):
                self.files.rm(name)

    # --- single files

    @contextmanager
    def committed(self, name: str) -> Iterator[IO[bytes]]:
        """A file that appears whole under its name or not at all."""
        path = f"{self.path}/{name}"
        self.files.makedirs(path.rsplit("/", 1)[0], exist_ok=True)
        if not self.local:  # an object store shows a file when it is closed
            with self.files.open(path, "wb") as file:
                yield file
            return
        temporary = Path(f"{path}.{os.getpid()}.tmp")
        try:
            with temporary.open("wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)

    def write_table(self, name: str, table: pa.Table) -> None:
        """A table as one Parquet file."""
        with self.committed(name) as file:
            pq.write_table(table, file, compression="zstd")

    def write_arrow(self, name: str, table: pa.Table) -> None:
        """A table in a form that `arrow` maps without reading it."""
        with self.committed(name) as file, pa.ipc.new_file(file, table.schema) as writer:
            writer.write_table(table)

    def arrow(self, name: str) -> pa.Table:
        """What `write_arrow` wrote: mapped from a local disk, read from elsewhere."""
        path = f"{self.path}/{name}"
        source = pa.memory_map(path) if self.local else pa.BufferReader(self.files.cat_file(path))
        return pa.ipc.open_file(source).read_all()

    def write_json(self, name: str, value: dict[str, Any]) -> None:
        with self.committed(name) as file:
            file.write(json.dumps(value, ensure_ascii=False, indent=1, default=str).encode())

    def write_text(self, name: str, text: str) -> None:
        with self.committed(name) as file:
            file.write(text.encode())

    def read_text(self, name: str) -> str | None:
        try:
            return str(self.files.cat_file(f"{self.path}/{name}").decode())
        except (FileNotFoundError, NotADirectoryError):
            return None

    def read_json(self, name: str) -> dict[str, Any] | None:
        """A JSON object, or None where it is not there or not whole."""
        try:
            found = json.loads(self.read_text(name) or "null")
        except json.JSONDecodeError:
            return None
        return found if isinstance(found, dict) else None
