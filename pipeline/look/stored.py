"""Whole rows, read from the stores one by one."""

from __future__ import annotations

from typing import NamedTuple, cast

from pipeline import UserError
from pipeline.conversation import Conversation
from pipeline.look.index.frame import Frame
from pipeline.look.index.groups import one_row
from pipeline.store.columns import from_table


class Unreadable(NamedTuple):
    """A quarantined record: where it stood, what was wrong, its raw text."""

    where: str
    rule: str
    detail: str
    raw: str


class StoredRow(NamedTuple):
    """A row as its store has it. row: its number in the frame. One of the last two is there."""

    row: int
    id: str
    stage: str
    outcome: str
    conversation: Conversation | None
    unreadable: Unreadable | None


def number_of(frame: Frame, wanted: str, stage: str = "") -> int:
    """The row of an id; of several the one of a stage, else the first. Raises UserError where there
    is none."""
    rows = frame.rows_with_id(wanted)
    for row in rows:
        if stage and frame.columns.value("stage", row) == stage:
            return row
    if not rows:
        raise UserError(f"There is no conversation {wanted} here.")
    return rows[0]


def stored(frame: Frame, row: int) -> StoredRow:
    """Raises UserError where its file is damaged, or gone since."""
    origin, number = frame.place(row)
    table = one_row(origin, number)
    own = frame.columns.id(row)
    if origin.outcome == "quarantined":
        record = cast("dict[str, str]", table.to_pylist()[0])
        texts = [str(record[name] or "") for name in Unreadable._fields]
        return StoredRow(row, own, origin.stage, origin.outcome, None, Unreadable(*texts))
    conversation = next(from_table(table, origin.path))
    return StoredRow(row, own, origin.stage, origin.outcome, conversation, None)


def conversation(frame: Frame, wanted: str, stage: str = "") -> Conversation:
    """Raises UserError where there is none, or only a record that could not be read."""
    found = stored(frame, number_of(frame, wanted, stage)).conversation
    if found is None:
        raise UserError(f"{wanted} could not be read as a conversation.")
    return found
