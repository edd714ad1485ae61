"""The parts of one unit of work: rows sorted into kept, dropped and quarantine, counted, and
written as Parquet."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import cast

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.conversation import Conversation, Drop, FileRead, Merged, Quarantine, Row
from pipeline.store import parquet
from pipeline.store.columns import QUARANTINE_SCHEMA, SCHEMA, to_table
from pipeline.store.counts import Counts, FileRecord, Losses, deciding_rule
from pipeline.store.files import FileMark, HashedFile, RunFolder

PART_ROWS = 10_000  # rows of a part: small enough to hold, large enough to compress
BATCH_ROWS = 1_000  # rows that become one Arrow table
RAW_CHARACTERS = 100_000  # of an unreadable record that are kept
KINDS = ("kept", "dropped", "quarantine")


def file_of(kind: str, part: str) -> str:
    """The name of a part's file: `kept/part-00000-000.parquet`."""
    return f"{kind}/part-{part}.parquet"


@dataclass
class _Pile:
    """The rows of one kind on their way into the open part: first as rows, then as tables, then in
    the file."""

    schema: pa.Schema
    rows: list[Conversation] | list[Quarantine] = field(default_factory=list)
    tables: list[pa.Table] = field(default_factory=list)
    written: int = 0  # rows of the open file
    opened: AbstractContextManager[HashedFile] | None = None
    file: HashedFile | None = None
    writer: pq.ParquetWriter | None = None

    def tables_of_rows(self) -> None:
        """Turn the waiting rows into a table."""
        if self.rows:
            self.tables.append(_table(self.rows, self.schema))
            self.rows = []

    @property
    def waiting_bytes(self) -> int:
        return sum(table.nbytes for table in self.tables)


def _table(rows: Sequence[Conversation] | Sequence[Quarantine], schema: pa.Schema) -> pa.Table:
    quarantined = [_quarantine_record(row) for row in rows if isinstance(row, Quarantine)]
    if quarantined:
        return pa.Table.from_pylist(quarantined, schema=QUARANTINE_SCHEMA)
    return to_table((row for row in rows if isinstance(row, Conversation)), schema)


def _quarantine_record(row: Quarantine) -> dict[str, object]:
    return dataclasses.asdict(row) | {"id": row.id, "raw": row.raw[:RAW_CHARACTERS]}


class UnitWriter:
    """The open files of one unit: a new part every `PART_ROWS` rows; dropped rows stand beside
    their part.

    A unit that is named like a part (`00000-000`: a stage that works part by part) stays one part.
    schema: the columns of kept rows.
    """

    def __init__(
        self,
        folder: RunFolder,
        stage: str,
        unit: str,
        schema: pa.Schema = SCHEMA,
    ) -> None:
        self.folder, self.stage, self.unit = folder, stage, unit
        self.files: dict[str, FileMark] = {}
        self._one_part = "-" in unit
        self._parts = 0  # parts that are closed
        self._in_part = 0  # rows of the open part
        self._losses = Losses(stage)
        self._read: list[FileRecord] = []
        self._numbers: Counter[str] = Counter()
        self._reasons: Counter[str] = Counter()
        self._findings: Counter[str] = Counter()
        self._piles = {
            "kept": _Pile(schema),
            "dropped": _Pile(SCHEMA),
            "quarantine": _Pile(QUARANTINE_SCHEMA),
        }

    def __enter__(self) -> UnitWriter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        failure = error
        try:
            if failure is None and (self._in_part or not self._parts):
                self._close_part()
        except BaseException as problem:
            failure = problem
            raise
        finally:
            self._abandon(type(failure) if failure else None, failure)

    def _abandon(self, kind: type[BaseException] | None, error: BaseException | None) -> None:
        """After an error the temporary files go, nothing is committed. A full disk may fail us here
        once more."""
        for pile in self._piles.values():
            if pile.writer is not None and pile.opened is not None:
                with suppress(Exception):
                    pile.writer.close()
                with suppress(BaseException):
                    pile.opened.__exit__(kind, error, None)

    @property
    def _part(self) -> str:
        return self.unit if self._one_part else f"{self.unit}-{self._parts:03d}"

    def add(self, row: Row) -> None:
        """Count a row and put it on its pile; a full part is written."""
        if isinstance(row, FileRead):
            self._read.append(cast("FileRecord", dataclasses.asdict(row)))
            return
        self._losses.add(row)
        if isinstance(row, Merged):
            self._numbers["merged"] += row.count
            return
        kind = self._sorted(row)
        self._in_part += 1
        if len(self._piles[kind].rows) >= BATCH_ROWS:
            self._flush(kind)
        if self._in_part >= PART_ROWS and not self._one_part:
            self._close_part()

    def _sorted(self, row: Conversation | Drop | Quarantine) -> str:
        """Put a row on its pile and name the pile."""
        if isinstance(row, Quarantine):
            self._numbers["quarantined"] += 1
            self._reasons[f"quarantine: {row.rule}"] += 1
            self._piles["quarantine"].rows.append(row)  # type: ignore[arg-type]
            return "quarantine"
        if isinstance(row, Drop):
            conversation, kind = row.conversation, "dropped"
            self._reasons[deciding_rule(conversation.findings)] += 1
        else:
            conversation, kind = row, "kept"
            self._numbers["edited"] += self._is_edited(conversation)
        self._numbers[kind] += 1
        self._findings.update(self._rules_fired(conversation))
        self._piles[kind].rows.append(conversation)  # type: ignore[arg-type]
        return kind

    def _is_edited(self, conversation: Conversation) -> bool:
        return any(edit.startswith(self.stage) for edit in conversation.edits)

    def _rules_fired(self, conversation: Conversation) -> set[str]:
        """The rules of this stage that fired on a row, each once."""
        fired = set()
        for finding in conversation.findings:
            if finding.stage == self.stage and finding.decision != "measured":
                fired.add(finding.rule)
        return fired

    def _flush(self, kind: str) -> None:
        pile = self._piles[kind]
        pile.tables_of_rows()
        if pile.waiting_bytes >= parquet.GROUP_BYTES:
            self._write_group(kind)

    def _write_group(self, kind: str) -> None:
        pile = self._piles[kind]
        if pile.writer is None:
            pile.opened = self.folder.committed(file_of(kind, self._part))
            pile.file = pile.opened.__enter__()
            pile.writer = parquet.open_parquet(pile.file, pile.schema)
        table = pa.concat_tables(pile.tables)
        pile.tables = []
        pile.written += table.num_rows
        parquet.write_groups(pile.writer, table)

    def _close_part(self) -> None:
        """Write what waits, commit the part's files and note their marks. A part has a kept file,
        be it empty."""
        for kind, pile in self._piles.items():
            pile.tables_of_rows()
            if kind == "kept" and not pile.tables and pile.writer is None:
                pile.tables.append(pile.schema.empty_table())
            if pile.tables:
                self._write_group(kind)
            self._commit(kind, pile)
            self._piles[kind] = _Pile(pile.schema)
        self._parts += 1
        self._in_part = 0

    def _commit(self, kind: str, pile: _Pile) -> None:
        if pile.writer is None or pile.file is None or pile.opened is None:
            return
        pile.writer.close()
        mark = pile.file.mark(pile.written)
        pile.writer = None
        pile.opened.__exit__(None, None, None)
        self.files[file_of(kind, self._part)] = mark

    def counts(self) -> Counts:
        return Counts(
            kept=self._numbers["kept"],
            dropped=self._numbers["dropped"],
            merged=self._numbers["merged"],
            quarantined=self._numbers["quarantined"],
            reasons=dict(self._reasons),
            findings=dict(self._findings),
            edited=self._numbers["edited"],
            missing=self._losses.missing,
            transient=self._losses.transient,
            read=self._read,
        )
