"""The life line: what each stage did with a row, and how its messages changed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import zip_longest
from typing import TypedDict

from pipeline.conversation import Conversation, Message
from pipeline.look.decisions import EventRecord, event_record
from pipeline.look.differences import TextPiece, blocks, pieces, text_at
from pipeline.look.shown import ShownEdit, ShownFinding, shown_edit, shown_finding
from pipeline.look.state import Look
from pipeline.look.stored import number_of
from pipeline.run.trace import StageRecord, life


class Change(TypedDict):
    """A message before and after a stage; None where it was added or removed."""

    before: int | None
    after: int | None
    pieces: list[TextPiece]


class LifeStage(TypedDict):
    stage: str
    outcome: str
    edits: list[ShownEdit]
    findings: list[ShownFinding]
    scores: int
    changes: list[Change]
    problem: str | None


class LifeLine(TypedDict):
    stages: list[LifeStage]
    review: list[EventRecord]


def life_line(look: Look, wanted: str) -> LifeLine:
    """Raises UserError where the run has no such row. A dataset has one stage: `publish`."""
    events = look.reviews.events(wanted)
    review = [event_record(event) for event in events]
    if look.subject.kind == "dataset":
        return LifeLine(stages=[], review=review)
    stages = []
    before: Conversation | None = None
    origin, _ = look.frame.place(number_of(look.frame, wanted))
    for record in life(str(look.subject.path), wanted, origin.name):
        stages.append(_stage(record, before))
        before = record.conversation or before
    return LifeLine(stages=stages, review=review)


def _stage(record: StageRecord, before: Conversation | None) -> LifeStage:
    found = LifeStage(
        stage=record.stage,
        outcome={"quarantine": "quarantined"}.get(record.outcome, record.outcome),
        edits=[shown_edit(edit) for edit in record.edits],
        findings=[],
        scores=0,
        changes=[],
        problem=record.problem,
    )
    row = record.conversation
    if row:
        found["findings"] = [shown_finding(row, finding) for finding in record.findings]
    if row and before:
        found["changes"] = list(changed(before.messages, row.messages))
        found["scores"] = max(0, len(row.scores) - len(before.scores))
    return found


def changed(old: Sequence[Message], new: Sequence[Message]) -> Iterator[Change]:
    """The messages that are not the same."""
    for block in blocks(old, new):
        if block.kind != "equal":
            for before, after in zip_longest(block.left, block.right):
                yield Change(before=before, after=after, pieces=_pieces(old, new, before, after))


def _pieces(
    old: Sequence[Message], new: Sequence[Message], before: int | None, after: int | None
) -> list[TextPiece]:
    return pieces(text_at(old, before), text_at(new, after))
