"""The life line: what each stage did with a row, and how its messages changed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from itertools import zip_longest
from typing import TypedDict

from pipeline.conversation import Conversation, Message
from pipeline.look.decisions import EventRecord, event_record
from pipeline.look.differences import Piece, pieces
from pipeline.look.shown import ShownEdit, ShownFinding, shown_edit, shown_finding
from pipeline.look.state import Look
from pipeline.run.trace import StageRecord, life


class Change(TypedDict):
    """A message before and after a stage; None where it was added or removed."""

    before: int | None
    after: int | None
    pieces: list[Piece]


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
    events = look.reviews.events(wanted) if look.subject.can_review else []
    review = [event_record(event) for event in events]
    if look.subject.kind == "dataset":
        return LifeLine(stages=[], review=review)
    stages = []
    before: Conversation | None = None
    for record in life(str(look.subject.path), wanted):
        stages.append(_stage(record, before))
        before = record.conversation or before
    return LifeLine(stages=stages, review=review)


def _stage(record: StageRecord, before: Conversation | None) -> LifeStage:
    row = record.conversation
    findings = [shown_finding(row, finding) for finding in record.findings] if row else []
    changes = list(changed(before.messages, row.messages)) if row and before else []
    new_scores = len(row.scores) - len(before.scores) if row and before else 0
    outcome = {"quarantine": "quarantined"}.get(record.outcome, record.outcome)
    return LifeStage(
        stage=record.stage,
        outcome=outcome,
        edits=[shown_edit(edit) for edit in record.edits],
        findings=findings,
        scores=max(0, new_scores),
        changes=changes,
        problem=record.problem,
    )


def changed(old: Sequence[Message], new: Sequence[Message]) -> Iterator[Change]:
    """The messages that are not the same."""
    if old == new:
        return
    texts = [[one.content for one in side] for side in (old, new)]
    matcher = SequenceMatcher(None, *texts, autojunk=False)
    for kind, start, end, other_start, other_end in matcher.get_opcodes():
        if kind == "equal":
            continue
        for before, after in zip_longest(range(start, end), range(other_start, other_end)):
            was = old[before].content if before is not None else ""
            now = new[after].content if after is not None else ""
            yield Change(before=before, after=after, pieces=pieces(was, now))
