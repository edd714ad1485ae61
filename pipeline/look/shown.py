"""One conversation, whole, as the page shows it. Places in texts are counted in UTF-16 units."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from itertools import chain, repeat
from typing import TypedDict

from pipeline import UserError
from pipeline.conversation import Annotation, Conversation, Finding, Language, Message, Persona
from pipeline.look.decisions import ReviewRecord, review_record
from pipeline.look.index.frame import Frame
from pipeline.look.partners import partner_of
from pipeline.look.places import units
from pipeline.look.state import Look
from pipeline.look.stored import StoredRow, conversation, number_of, stored
from pipeline.rules import RULES

LONGEST = 20_000  # characters of a message that are sent at first
RAW = 20_000  # characters of a record that could not be read


class MaskedPlace(TypedDict):
    """Personal data in a message. masked: a stand-in is there."""

    start: int | None
    end: int | None
    kind: str
    masked: bool


class ShownMessage(TypedDict):
    """cut: the whole length of a text that is cut."""

    index: int
    role: str
    name: str | None
    text: str
    cut: int | None
    closeness: float | None
    emotion: str | None
    stage: str | None
    step: str | None
    language: str | None
    by: str | None
    masks: list[MaskedPlace]


class ShownFinding(TypedDict):
    stage: str
    rule: str
    value: float | None
    limit: float | None
    unit: str | None
    decision: str
    fixed: bool
    message: int | None
    start: int | None
    end: int | None
    evidence: str | None


class ShownText(TypedDict):
    """A text that could stand in the place of a message. failed: a rule refused it."""

    text: str
    reason: str | None
    chosen: bool
    failed: bool


class ShownAlternatives(TypedDict):
    message: int
    texts: list[ShownText]


class ShownEdit(TypedDict):
    stage: str
    what: str


class PartnerRecord(TypedDict):
    id: str
    rule: str
    similarity: float | None


class OtherPlace(TypedDict):
    """Another row with the same id."""

    stage: str | None
    outcome: str | None


class ShownConversation(TypedDict):
    """The record of `GET api/row`."""

    id: str
    outcome: str
    stage: str
    reason: str | None
    split: str | None
    split_group: str | None
    also: list[OtherPlace]
    source: dict[str, object] | None
    language: dict[str, object] | None
    declared_language: str | None
    persona: dict[str, object] | None
    user_persona: dict[str, object] | None
    relationship: dict[str, object] | None
    messages: list[ShownMessage]
    findings: list[ShownFinding]
    measures: dict[str, float]
    scores: list[dict[str, object]]
    alternatives: list[ShownAlternatives]
    edits: list[ShownEdit]
    partner: PartnerRecord | None
    review: ReviewRecord | None
    extra: str | None
    quarantine: dict[str, str] | None


def shown(look: Look, wanted: str, stage: str = "") -> ShownConversation:
    """Raises UserError where there is no such row, or its file cannot be read."""
    frame = look.frame
    row = number_of(frame, wanted, stage)
    found = stored(frame, row)
    head = _head(look, frame, found)
    if found.unreadable is not None:
        head["quarantine"] = found.unreadable._replace(raw=found.unreadable.raw[:RAW])._asdict()
    elif found.conversation is not None:
        _add_conversation(head, found.conversation)
    return head


def _head(look: Look, frame: Frame, found: StoredRow) -> ShownConversation:
    """What is known of any row."""
    columns, row = frame.columns, found.row
    others = [one for one in frame.rows_with_id(found.id) if one != row]
    also = []
    for other in others:
        stage, outcome = columns.value("stage", other), columns.value("outcome", other)
        also.append(OtherPlace(stage=stage, outcome=outcome))
    decided = look.decided().get(found.id)
    return ShownConversation(
        id=found.id,
        outcome=found.outcome,
        stage=found.stage,
        reason=columns.value("reason", row),
        split=columns.value("split", row),
        split_group=None,
        also=also,
        source=None,
        language=None,
        declared_language=None,
        persona=None,
        user_persona=None,
        relationship=None,
        messages=[],
        findings=[],
        measures={},
        scores=[],
        alternatives=[],
        edits=[],
        partner=None,
        review=review_record(decided, found) if decided else None,
        extra=None,
        quarantine=None,
    )


def _add_conversation(head: ShownConversation, row: Conversation) -> None:
    ref = row.source.ref
    is_address = ref.startswith(("https://", "http://"))
    head["source"] = row.source._asdict() | {"link": ref if is_address else None}
    head["language"] = _record(row.language)
    head["persona"] = _record(row.persona)
    head["user_persona"] = _record(row.user_persona)
    head["relationship"] = row.relationship and row.relationship._asdict()
    head["declared_language"], head["split_group"] = row.declared_language, row.split_group
    head["measures"], head["extra"] = row.measures, row.extra
    head["messages"] = list(_messages(row))
    head["findings"] = [shown_finding(row, finding) for finding in row.findings]
    head["scores"] = [asdict(score) for score in row.scores]
    head["alternatives"] = list(_alternatives(row))
    head["edits"] = [shown_edit(edit) for edit in row.edits]
    partner = partner_of(row.findings)
    if partner:
        head["partner"] = PartnerRecord(
            id=partner.id, rule=partner.rule, similarity=partner.similarity
        )


def _record(value: Language | Persona | None) -> dict[str, object] | None:
    return None if value is None else asdict(value)


def _messages(row: Conversation) -> Iterator[ShownMessage]:
    masks = _masks(row)
    annotations = chain(row.annotations, repeat(Annotation()))
    for index, (message, known) in enumerate(zip(row.messages, annotations, strict=False)):
        is_long = len(message.content) > LONGEST
        yield ShownMessage(
            index=index,
            role=message.role,
            name=message.name,
            text=message.content[:LONGEST],
            cut=len(message.content) if is_long else None,
            closeness=known.closeness,
            emotion=known.emotion,
            stage=known.stage,
            step=known.decision,
            language=known.language,
            by=known.by,
            masks=masks[index],
        )


def _masks(row: Conversation) -> dict[int, list[MaskedPlace]]:
    """Personal data by message. They are masked where an edit of `filter` says so."""
    is_masked = any(edit.startswith("filter: masked") for edit in row.edits)
    found: defaultdict[int, list[MaskedPlace]] = defaultdict(list)
    for finding in row.findings:
        family, _, kind = finding.rule.partition(".")
        if family != "privacy" or finding.message is None or finding.start is None:
            continue
        start, end = _span(row.messages, finding)
        place = MaskedPlace(start=start, end=end, kind=kind, masked=is_masked)
        found[finding.message].append(place)
    return found


def _span(messages: Sequence[Message], finding: Finding) -> tuple[int | None, int | None]:
    """Where a finding stands in its message."""
    if finding.message is None or not 0 <= finding.message < len(messages):
        return None, None
    text = messages[finding.message].content
    return units(text, finding.start), units(text, finding.end)


def shown_finding(row: Conversation, finding: Finding) -> ShownFinding:
    rule = RULES.get(finding.rule)
    start, end = _span(row.messages, finding)
    return ShownFinding(
        stage=finding.stage,
        rule=finding.rule,
        value=finding.value,
        limit=finding.limit,
        unit=rule.unit if rule else None,
        decision=finding.decision,
        fixed=bool(rule and rule.fixed),
        message=finding.message,
        start=start,
        end=end,
        evidence=finding.evidence,
    )


def _alternatives(row: Conversation) -> Iterator[ShownAlternatives]:
    texts: defaultdict[int, list[ShownText]] = defaultdict(list)
    for one in row.alternatives:
        texts[one.message].append(
            ShownText(
                text=one.content[:LONGEST],
                reason=one.reason,
                chosen=one.chosen,
                failed=one.is_failed_try,
            )
        )
    for message, found in sorted(texts.items()):
        yield ShownAlternatives(message=message, texts=found)


def shown_edit(edit: str) -> ShownEdit:
    """`filter: trimmed …` is an edit of stage filter."""
    stage, _, what = edit.partition(": ")
    return ShownEdit(stage=stage, what=what)


def whole_text(look: Look, wanted: str, index: int) -> str:
    """A message that was cut, whole. Raises UserError where there is none."""
    messages = conversation(look.frame, wanted).messages
    if not 0 <= index < len(messages):
        raise UserError(f"{wanted} has no message {index}; it has {len(messages)}.")
    return messages[index].content
