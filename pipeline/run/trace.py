"""The whole life of one conversation: where it is from, every edit and finding, and where it
ended."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pyarrow.compute as pc

from pipeline import UserError
from pipeline.conversation import Conversation, Finding
from pipeline.run.standing import standing
from pipeline.store.columns import from_table
from pipeline.store.parts import KINDS
from pipeline.store.store import Part, Store

SHORTEST = 4  # characters of the beginning of an id that may stand for it
RAW_SHOWN = 1_000  # characters of an unreadable record


@dataclass(frozen=True)
class StageRecord:
    """One stage of a conversation's life: what it decided, changed and found, and the row as it
    left it.

    outcome: kept, dropped or quarantine. part: where the row stands. problem: why it could not be
    read.
    """

    stage: str
    outcome: str
    part: str
    edits: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    conversation: Conversation | None = None
    problem: str | None = None


def life(run: str, wanted: str, part: str = "") -> list[StageRecord]:
    """Every stage that had the row, in order; stages whose store is older than the one before are
    left out.

    part: the one where it stands, which has the same name in every stage; else all are read.

    wanted: the id, the beginning of an id (4 characters and more), or the record's id at its
    source. Raises UserError when no row, or more than one, has that name.
    """
    records: list[StageRecord] = []
    known = None
    for folder in standing(run):
        store = Store(run, folder)
        found = list(_records(store, known or wanted, exact=known is not None, name=part))
        names = sorted({record.conversation.id for record in found if record.conversation})
        if len(names) > 1:
            listed = ", ".join(names[:10])
            raise UserError(f"{wanted} names {len(names)} rows: {listed}. Give one of these ids.")
        known = names[0] if names else known
        records += found
    if not records:
        where = "neither kept, dropped nor quarantined in any stage"
        raise UserError(f"No conversation {wanted} in {run}: {where}.")
    return records


def _records(store: Store, wanted: str, exact: bool, name: str) -> Iterator[StageRecord]:
    for kind in KINDS:
        named = (part for part in store.parts(kind) if name in ("", part.name))
        for part in named:
            for number in _matches(store, part, wanted, exact):
                row = store.table(part).slice(number, 1)
                if kind == "quarantine":
                    yield _quarantined(store.stage, part, row.to_pylist()[0])
                else:
                    yield _record(store.stage, part, next(from_table(row)))


def _matches(store: Store, part: Part, wanted: str, exact: bool) -> list[int]:
    """The numbers of the rows of a part that the name may mean."""
    by_record = part.kind != "quarantine" and not exact
    table = store.columns(part, ["id", "source.record"] if by_record else ["id"])
    if exact or len(wanted) < SHORTEST:
        found = pc.equal(table["id"], wanted)
    else:
        found = pc.starts_with(table["id"], wanted)
    if by_record:
        records = pc.struct_field(table["source"], "record")
        found = pc.or_(found, pc.fill_null(pc.equal(records, wanted), False))
    return [int(number) for number in pc.indices_nonzero(found).to_pylist()]


def _record(stage: str, part: Part, row: Conversation) -> StageRecord:
    edits = tuple(edit for edit in row.edits if edit.startswith(f"{stage}:"))
    findings = tuple(finding for finding in row.findings if finding.stage == stage)
    return StageRecord(stage, part.kind, part.name, edits, findings, row)


def _quarantined(stage: str, part: Part, row: dict[str, Any]) -> StageRecord:
    problem = f"{row['where']}: {row['rule']}: {row['detail']}\n{row['raw'][:RAW_SHOWN]}"
    return StageRecord(stage, part.kind, part.name, problem=problem)
