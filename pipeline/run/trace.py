"""The whole life of one conversation: where it is from, every edit and finding, and where it ended."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow.compute as pc

from pipeline import UserError
from pipeline.conversation import Conversation, Finding, from_table
from pipeline.run.reports import standing
from pipeline.store.parts import KINDS
from pipeline.store.store import Store


@dataclass(frozen=True)
class Stop:
    """One room on the way: what it decided, what it changed, what it found, and the row as it left it."""

    room: str
    ended: str  # kept, dropped or quarantine
    part: str
    edits: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    conversation: Conversation | None = None
    error: str | None = None


def life(run: str, wanted: str) -> list[Stop]:
    """Every room that saw the row, in order; rooms whose shelf is older than the one before it are left out.

    wanted: the id, the beginning of an id (4 characters and more), or the record's id at its source.
    Raises UserError when nothing, or more than one row, goes by that name.
    """
    stops: list[Stop] = []
    known = None
    for folder in standing(run):
        found = list(_stops(Store(run, folder), known or wanted, exact=known is not None))
        names = sorted({stop.conversation.id for stop in found if stop.conversation})
        if len(names) > 1:
            raise UserError(
                f"{wanted} names {len(names)} rows: {', '.join(names[:10])}. Give one of these ids."
            )
        known = names[0] if names else known
        stops += found
    if not stops:
        raise UserError(
            f"No conversation {wanted} in {run}: neither kept, dropped nor quarantined in any room."
        )
    return stops


def _stops(shelf: Store, wanted: str, exact: bool) -> Iterator[Stop]:
    room = shelf.room
    for kind in KINDS:
        for part in shelf.parts(kind):
            for number in _matches(shelf, part, kind, wanted, exact):
                table = shelf.table(part, kind).slice(number, 1)
                if kind == "quarantine":
                    row = table.to_pylist()[0]
                    yield Stop(
                        room,
                        kind,
                        part,
                        error=f"{row['where']}: {row['rule']}: {row['detail']}\n{row['raw'][:1000]}",
                    )
                else:
                    yield _stop(room, kind, part, next(from_table(table)))


def _matches(shelf: Store, part: str, kind: str, wanted: str, exact: bool) -> list[int]:
    names = ["id"] if kind == "quarantine" or exact else ["id", "source.record"]
    table = shelf.table(part, kind, names)
    found = (
        pc.equal(table["id"], wanted)
        if exact or len(wanted) < 4
        else pc.starts_with(table["id"], wanted)
    )
    if "source" in table.column_names:
        records = pc.struct_field(table["source"], "record")
        found = pc.or_(found, pc.fill_null(pc.equal(records, wanted), False))
    return [int(number) for number in pc.indices_nonzero(found).to_pylist()]


def _stop(room: str, kind: str, part: str, row: Conversation) -> Stop:
    edits = tuple(edit for edit in row.edits if edit.startswith(f"{room}:"))
    findings = tuple(finding for finding in row.findings if finding.stage == room)
    return Stop(room, kind, part, edits, findings, row)
