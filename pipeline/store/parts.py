"""The parts of one unit of work: rows sorted onto kept, dropped and quarantine, counted, and written as Parquet."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.conversation import QUARANTINE_SCHEMA, Drop, Merged, Quarantine, Row, to_table
from pipeline.store.counts import Counts, Losses

if TYPE_CHECKING:
    from pipeline.store.store import Store

PART_ROWS = 10_000  # rows of a part: small enough to hold, large enough to compress
BATCH_ROWS = 1_000  # rows that a reader holds at once as Python objects
GROUP_BYTES = 1 << 26  # a row group is a whole part, or this much of one with huge rows
KINDS = ("kept", "dropped", "quarantine")


class UnitWriter:
    """The open files of one unit: a new part every `PART_ROWS` kept rows; dropped rows stand beside their part."""

    def __init__(self, shelf: Store, unit: str) -> None:
        self.shelf, self.unit = shelf, unit
        self.split = 0
        self.parts: list[str] = []
        self.losses = Losses(shelf.room)
        self.numbers: Counter[str] = Counter()
        self.reasons: Counter[str] = Counter()
        self.findings: Counter[str] = Counter()
        self.waiting: dict[str, list[Any]] = {kind: [] for kind in KINDS}
        self.tables: dict[str, list[pa.Table]] = {kind: [] for kind in KINDS}
        self.open: dict[str, tuple[Any, pq.ParquetWriter]] = {}
        self.in_part = 0

    def __enter__(self) -> UnitWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: Any
    ) -> None:
        try:
            if error is None and (self.in_part or not self.parts):
                self._close_part()
        except BaseException as failure:
            error = failure
            raise
        finally:
            self._abandon(error)

    def _abandon(self, error: BaseException | None) -> None:
        """After an error the temporary files go, nothing is committed. A full disk may fail us here once more."""
        for context, writer in self.open.values():
            with suppress(Exception):
                writer.close()
            with suppress(BaseException):
                context.__exit__(type(error), error, None)
        self.open.clear()

    @property
    def part(self) -> str:
        return self.unit if "-" in self.unit else f"{self.unit}-{self.split:03d}"

    def add(self, row: Row) -> None:
        self.losses.add(row)
        kind, value = self._sort(row)
        if value is None:
            return
        self.waiting[kind].append(value)
        self.in_part += 1
        if len(self.waiting[kind]) >= BATCH_ROWS:
            self._flush(kind)
        if self.in_part >= PART_ROWS and "-" not in self.unit:
            self._close_part()

    def _sort(self, row: Row) -> tuple[str, Any]:
        """Which shelf a row goes to, with the count."""
        if isinstance(row, Merged):
            self.numbers["merged"] += row.count
            return "kept", None
        if isinstance(row, Quarantine):
            self.numbers["quarantined"] += 1
            self.reasons[f"quarantine: {row.rule}"] += 1
            return "quarantine", row
        conversation = row.conversation if isinstance(row, Drop) else row
        here = (
            f
            for f in conversation.findings
            if f.stage == self.shelf.room and f.decision != "measured"
        )
        self.findings.update({f.rule for f in here})
        if isinstance(row, Drop):
            self.numbers["dropped"] += 1
            self.reasons[deciding([dataclasses.asdict(f) for f in conversation.findings])] += 1
            return "dropped", conversation
        self.numbers["kept"] += 1
        self.numbers["edited"] += any(
            edit.startswith(self.shelf.room) for edit in conversation.edits
        )
        return "kept", conversation

    def _flush(self, kind: str) -> None:
        rows, self.waiting[kind] = self.waiting[kind], []
        if kind == "quarantine":
            records = [{"id": r.id} | vars_of(r) for r in rows]
            self.tables[kind].append(pa.Table.from_pylist(records, schema=QUARANTINE_SCHEMA))
        else:
            self.tables[kind].append(to_table(rows))
        if sum(table.nbytes for table in self.tables[kind]) >= GROUP_BYTES:
            self._write_group(kind)

    def _write_group(self, kind: str) -> None:
        tables, self.tables[kind] = self.tables[kind], []
        if kind not in self.open:
            context = self.shelf.committed(f"{kind}/part-{self.part}.parquet")
            self.open[kind] = (context, parquet(context.__enter__(), tables[0].schema))
        write(self.open[kind][1], pa.concat_tables(tables))

    def _close_part(self) -> None:
        for kind in KINDS:
            if self.waiting[kind] or (
                kind == "kept" and not self.tables[kind] and kind not in self.open
            ):
                self._flush(kind)
            if self.tables[kind]:
                self._write_group(kind)
        for kind in list(self.open):
            context, writer = self.open[kind]
            writer.close()
            context.__exit__(None, None, None)
            del self.open[kind]
        self.parts.append(self.part)
        self.split, self.in_part = self.split + 1, 0

    def counts(self) -> Counts:
        numbers = {
            name: self.numbers[name]
            for name in ("kept", "dropped", "merged", "quarantined", "edited")
        }
        lost = {"missing": self.losses.missing, "passing": self.losses.passing}
        reasons, findings = dict(self.reasons), dict(self.findings)
        return Counts(
            **numbers, **lost, parts=tuple(self.parts), reasons=reasons, findings=findings
        )


def vars_of(row: Quarantine) -> dict[str, Any]:
    return dataclasses.asdict(row) | {"raw": row.raw[:100_000]}


def parquet(file: IO[bytes] | Path, schema: pa.Schema) -> pq.ParquetWriter:
    """Dictionaries and least and largest values only where values come again: no two texts and no two ids are alike.

    Values go to the encoder 2^17 at a time: a tenth less work than by the thousand, as Arrow would have it.
    """
    again = [
        path
        for field in schema
        for path in _leaves(field)
        if path not in ("id", "messages.list.element.content")
    ]
    how = {"use_dictionary": again, "write_statistics": again, "write_batch_size": 1 << 17}
    return pq.ParquetWriter(file, schema, compression="zstd", **how)


def write(writer: pq.ParquetWriter, table: pa.Table) -> None:
    """A table in row groups of `GROUP_BYTES` at most, or of one huge row."""
    writer.write_table(
        table, row_group_size=max(1, table.num_rows * GROUP_BYTES // max(1, table.nbytes))
    )


def _leaves(field: pa.Field) -> Iterator[str]:
    """The columns of a field as Parquet names them."""
    if pa.types.is_list(field.type):
        yield from (
            f"{field.name}.list.{leaf}"
            for leaf in _leaves(field.type.value_field.with_name("element"))
        )
    elif pa.types.is_struct(field.type):
        yield from (f"{field.name}.{leaf}" for child in field.type for leaf in _leaves(child))
    else:
        yield field.name


def deciding(findings: list[dict[str, Any]]) -> str:
    """The rule that a dropped row is counted under: its first finding that drops."""
    for finding in findings:
        if finding["decision"] == "drop":
            return str(finding["rule"])
    raise ValueError("a dropped row without a reason")
