"""The store of a stage: parts of rows that are kept, dropped or quarantined, and a mark for each
unit of work.

A stage's folder:

    kept/part-00000-000.parquet        rows that go on (unit 0, its first 10,000 rows)
    dropped/part-00000-000.parquet     whole rows that were dropped, with their findings
    quarantine/part-00000-000.parquet  what could not be read: raw text, rule, detail, where
    done/00000.json                    the mark of a unit: what each of its files holds
    report.json                        written last: with the right key, the stage is done

A mark names every file of its unit with rows, size and digest. Who reads a store reads what the
marks name, not what the folder happens to hold: a file that is missing or damaged is an error,
never fewer rows.
"""

from __future__ import annotations

import dataclasses
import os
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.conversation import Conversation, Row
from pipeline.store.columns import SCHEMA, as_schema, finding_of, from_table
from pipeline.store.counts import Counts, deciding_rule
from pipeline.store.files import BLOCK, DamagedFile, FileMark, RunFolder
from pipeline.store.parquet import open_parquet, write_groups
from pipeline.store.parts import BATCH_ROWS, KINDS, UnitWriter, file_of


@dataclass(frozen=True, slots=True)
class Mark:
    """A unit of work that is complete: under which key, what became of its rows, and its files by
    name."""

    key: str
    counts: Counts
    files: dict[str, FileMark]


@dataclass(frozen=True, slots=True)
class Part:
    """One Parquet file of a store. name: `00000-000`. kind: kept, dropped or quarantine."""

    name: str
    kind: str
    mark: FileMark

    @property
    def file(self) -> str:
        return file_of(self.kind, self.name)

    @property
    def rows(self) -> int:
        return self.mark.rows


class Store(RunFolder):
    """One stage's folder."""

    def __init__(self, root: str | Path, folder: str = "") -> None:
        self.root = str(root).rstrip("/")
        self.folder = folder
        self.stage = folder.partition("/")[0].partition("-")[2]
        super().__init__(f"{self.root}/{folder}" if folder else self.root)

    # --- marks

    def units(self) -> list[str]:
        """Names of the units of work that are complete, under whatever key."""
        return [name.removesuffix(".json") for name in RunFolder(f"{self.address}/done").listing()]

    def mark(self, unit: str) -> Mark | None:
        """The mark of a unit. Raises DamagedFile."""
        record = cast("dict[str, Any] | None", self.read_record(f"done/{unit}.json"))
        if record is None:
            return None
        files = {name: FileMark(**found) for name, found in record["files"].items()}
        return Mark(record["key"], Counts(**record["counts"]), files)

    def finished(self, unit: str, key: str) -> Mark | None:
        """The mark of a unit that is complete under this key."""
        mark = self.mark(unit)
        return mark if mark is not None and mark.key == key else None

    def finish(self, unit: str, mark: Mark) -> Counts:
        """Write the mark of a unit, after all its files."""
        self.write_record(f"done/{unit}.json", asdict(mark))
        return mark.counts

    def marks(self) -> dict[str, Mark]:
        """The marks of all units, in order. Raises DamagedFile."""
        found = {unit: self.mark(unit) for unit in self.units()}
        return {unit: mark for unit, mark in found.items() if mark is not None}

    def keep_only(self, key: str) -> list[str]:
        """Forget all units but those that are complete under this key, if one is under another
        forget everything.

        Returns a sentence where marks were damaged: such units are worked again.
        """
        damaged: list[DamagedFile] = []
        for unit in self.units():
            try:
                stale = self.finished(unit, key) is None
            except DamagedFile as error:
                damaged.append(error)
                self.remove_file(f"done/{unit}.json")
                continue
            if stale:
                self.clear()
                return []
        if not damaged:
            return []
        return [f"{damaged[0]} {len(damaged)} such units are worked again."]

    def forget(self, unit: str) -> None:
        """Take a unit and its files away; the mark is removed first."""
        mark = self.mark(unit)
        self.remove_file(f"done/{unit}.json")
        for name in mark.files if mark else ():
            self.remove_file(name)

    def clear(self) -> None:
        """Forget all units. Marks go first: a kill in between leaves nothing that looks
        complete."""
        for name in ("report.json", "done", *KINDS):
            self.remove(name)

    def check_files(self, marks: Iterable[Mark], whole: bool = False) -> None:
        """Raises DamagedFile for the first file that is missing or of another size. whole: read all
        of each."""
        for mark in marks:
            for name, file in mark.files.items():
                self.check(name, file, whole)

    # --- reading

    def parts(self, kind: str = "kept") -> list[Part]:
        """The parts of a kind, in order, as the marks name them. Raises DamagedFile."""
        return parts_of(self.marks().values(), kind)

    def parts_of_unit(self, unit: str) -> list[Part]:
        """The kept parts of one unit. Raises DamagedFile."""
        mark = self.mark(unit)
        return parts_of([mark] if mark else [])

    def read(self, part: Part) -> Iterator[Conversation]:
        """The rows of a part, `BATCH_ROWS` in memory at a time. Raises DamagedFile."""
        self.check(part.file, part.mark)
        with self._opened(part) as file:
            for batch in file.iter_batches(batch_size=BATCH_ROWS):
                yield from from_table(pa.table(batch), f"{self.address}/{part.file}")

    def rows(self, kind: str = "kept") -> Iterator[Conversation]:
        for part in self.parts(kind):
            yield from self.read(part)

    def table(self, part: Part) -> pa.Table:
        """A part as one Arrow table of the schema of conversations, or of quarantine. Raises
        DamagedFile."""
        self.check(part.file, part.mark)
        with self._opened(part) as file:
            table = file.read()
        if part.kind == "quarantine":
            return table
        return as_schema(table, SCHEMA, f"{self.address}/{part.file}")

    def columns(self, part: Part, names: list[str]) -> pa.Table:
        """Some columns of a part (`source.name` reads one field of a struct). The checksums of
        pages are looked at."""
        self.check(part.file, part.mark, whole=False)
        with self._opened(part) as file:
            return file.read(columns=names)

    @contextmanager
    def _opened(self, part: Part) -> Iterator[pq.ParquetFile]:
        """A part, opened by Arrow itself where it can: over a Python file its threads may abort
        Python at exit."""
        path = f"{self.path}/{part.file}"
        try:
            with pa.OSFile(path) if self.local else self.files.open(path, "rb") as file:
                yield pq.ParquetFile(file, page_checksum_verification=True)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError, OSError) as error:
            if isinstance(error, OSError) and error.errno is not None:
                raise
            reason = str(error).splitlines()[0]
            where = f"{self.address}/{part.file} is damaged ({reason})"
            again = f"delete the folder {self.address}, then run the same command"
            raise DamagedFile(f"{where}. Make the stage again: {again}.") from None

    # --- writing

    def write(
        self,
        unit: str,
        key: str,
        rows: Iterable[Row],
        schema: pa.Schema = SCHEMA,
    ) -> Counts:
        """Write the parts of one unit of work, then its mark. Returns the counts; does nothing
        twice for one key. schema: the columns of kept rows."""
        before = self.finished(unit, key)
        if before is not None:
            return before.counts
        writer = UnitWriter(self, self.stage, unit, schema)
        started = time.perf_counter()
        with writer:
            for row in rows:
                writer.add(row)
        counts = dataclasses.replace(writer.counts(), seconds=time.perf_counter() - started)
        return self.finish(unit, Mark(key, counts, writer.files))

    def write_tables(self, unit: str, key: str, kept: pa.Table, dropped: pa.Table) -> Counts:
        """The same for rows that are Arrow tables already; one unit, one part."""
        before = self.finished(unit, key)
        if before is not None:
            return before.counts
        started = time.perf_counter()
        files = {file_of("kept", unit): self._write_part(file_of("kept", unit), kept)}
        if dropped.num_rows:
            name = file_of("dropped", unit)
            files[name] = self._write_part(name, dropped)
        reasons = _reasons(dropped)
        seconds = time.perf_counter() - started
        counts = Counts(
            kept.num_rows, dropped.num_rows, reasons=reasons, findings=reasons, seconds=seconds
        )
        return self.finish(unit, Mark(key, counts, files))

    def write_counted(self, unit: str, key: str, kept: pa.Table, counts: Counts) -> Counts:
        """The same for kept rows that have been counted; one unit, one part."""
        name = file_of("kept", unit)
        return self.finish(unit, Mark(key, counts, {name: self._write_part(name, kept)}))

    def _write_part(self, name: str, table: pa.Table) -> FileMark:
        with self.committed(name) as file:
            with open_parquet(file, SCHEMA) as writer:
                write_groups(writer, table.cast(SCHEMA))
            return file.mark(table.num_rows)

    def pass_on(self, part: Part, key: str, source: Store) -> Counts:
        """Take over a part of another store as it is: by hard link where the file system can, else
        by copy."""
        before = self.finished(part.name, key)
        if before is not None:
            return before.counts
        source.check(part.file, part.mark)
        self.files.makedirs(f"{self.path}/{part.kind}", exist_ok=True)
        if not (self.local and self._linked(part, source)):
            self._copy(part, source)
        counts = Counts(kept=part.rows)
        return self.finish(part.name, Mark(key, counts, {part.file: part.mark}))

    def _linked(self, part: Part, source: Store) -> bool:
        """Make a hard link; False where the file system has none."""
        target = Path(self.path, part.file)
        target.unlink(missing_ok=True)
        with suppress(OSError):
            os.link(Path(source.path, part.file), target)
        return target.exists()

    def _copy(self, part: Part, source: Store) -> None:
        with (
            source.files.open(f"{source.path}/{part.file}", "rb") as old,
            self.committed(part.file) as new,
        ):
            while block := old.read(BLOCK):
                new.write(block)

    # --- single tables

    def write_table(self, name: str, table: pa.Table) -> FileMark:
        """A table as one Parquet file."""
        with self.committed(name) as file:
            pq.write_table(table, file, compression="zstd", write_page_checksum=True)
            return file.mark(table.num_rows)

    def read_table(self, name: str, mark: FileMark) -> pa.Table:
        """What `write_table` wrote. Raises DamagedFile."""
        self.check(name, mark)
        with self.files.open(f"{self.path}/{name}", "rb") as file:
            return pq.read_table(file)

    def write_arrow(self, name: str, table: pa.Table) -> FileMark:
        """A table in a form that `arrow` maps without reading it."""
        with self.committed(name) as file:
            with pa.ipc.new_file(file, table.schema) as writer:
                writer.write_table(table)
            return file.mark(table.num_rows)

    def arrow(self, name: str, mark: FileMark) -> pa.Table:
        """What `write_arrow` wrote: mapped from a local disk, read from elsewhere. Raises
        DamagedFile."""
        self.check(name, mark)
        path = f"{self.path}/{name}"
        source = pa.memory_map(path) if self.local else pa.BufferReader(self.files.cat_file(path))
        return pa.ipc.open_file(source).read_all()


def parts_of(marks: Iterable[Mark], kind: str = "kept") -> list[Part]:
    """The parts of a kind that marks name, in the order of their names."""
    found = []
    for mark in marks:
        for name, file in mark.files.items():
            folder, _, part = name.removesuffix(".parquet").partition("/part-")
            if folder == kind:
                found.append(Part(part, kind, file))
    return sorted(found, key=lambda part: part.name)


def _reasons(dropped: pa.Table) -> dict[str, int]:
    """Rule → dropped rows that it decided."""
    if not dropped.num_rows:
        return {}
    lists = dropped.column("findings").combine_chunks().to_pylist()
    rules = (deciding_rule(finding_of(record) for record in records) for records in lists)
    return dict(Counter(rules))
