"""What is measured of a row: annotations of its messages, and its own numbers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice, pairwise

import numpy as np

from pipeline.annotate import Annotated, annotate, shipped
from pipeline.annotate.encoder import Encoded, encode
from pipeline.annotate.features import Array, pack, words
from pipeline.conversation import Annotation, Conversation, Message
from pipeline.pacing.course import Course, Said, course
from pipeline.pacing.uptake import rebuffs, takes_up
from pipeline.recipe.score import ScoreSettings
from pipeline.rules import READERS, RULES, beyond, measures
from pipeline.rules.language.detect import detect
from pipeline.rules.reading.reading import read
from pipeline.score import defects
from pipeline.score.blame import blamed, without

LOW = ("sadness", "anger", "fear")  # what a reply has to answer
ANSWERS = ("sadness", "fear", "love")  # emotions of a reply that answers it


BATCH = 512  # rows that are measured together
SPEAKING = (0, 1)  # sides of `defects.Batch`: user and assistant


def measure(part: Iterable[Conversation], settings: ScoreSettings) -> Iterator[Conversation]:
    """Every row with annotations, measures and the steps that are to blame; those that no filter
    has seen are read first."""
    rows = iter(part)
    while batch := list(islice(rows, BATCH)):
        yield from _batch(batch, settings)


def _batch(rows: Sequence[Conversation], settings: ScoreSettings) -> Iterator[Conversation]:
    rows = _with_languages([_read(row) for row in rows])
    packed = pack(defects.texts(rows))
    where = defects.batch(rows)
    codes = [row.language and row.language.code for row in rows]
    languages = np.repeat(np.array(codes, object), np.diff(where.row_at)).tolist()
    found = annotate((), languages, packed, _encoded(rows, where, settings))
    numbers = defects.defects(words(packed, shipped().squares), where)
    for row, own, (start, end) in zip(rows, numbers, pairwise(where.row_at.tolist()), strict=True):
        yield _measured(row, found, slice(start, end - 1), own)


def _encoded(
    rows: Sequence[Conversation], where: defects.Batch, settings: ScoreSettings
) -> Encoded | None:
    """What the encoder says of all that user and assistant write; None where it is not wanted."""
    if settings.encoder is None:
        return None
    texts = defects.texts(rows)
    written = np.array([bool(text.strip()) for text in texts])
    return encode(texts, written & np.isin(where.sides, SPEAKING))


def _read(row: Conversation) -> Conversation:
    """A row that has been through no `filter`, with its measures and what the rules warn of."""
    if "turns" in row.measures:
        return row
    reading = read(row.messages, row.persona, row.user_persona)
    reading.measures = measures(reading)
    found = [finding for reader in READERS for finding in reader(reading)]
    warnings = [
        replace(finding, stage="score", limit=RULES[finding.rule].limit, decision="warn")
        for finding in found
        if beyond(finding.value, RULES[finding.rule])
    ]
    return replace(
        row,
        measures={**reading.measures, **row.measures},
        findings=(*row.findings, *warnings),
    )


def _with_languages(rows: Sequence[Conversation]) -> list[Conversation]:
    """The language of rows that have none yet."""
    unknown = [row for row in rows if row.language is None]
    texts = [
        [message.content for message in row.messages if message.role != "system"] for row in unknown
    ]
    found = iter(detect(texts) if texts else ())
    return [
        row if row.language is not None else replace(row, language=next(found).language)
        for row in rows
    ]


def _measured(row: Conversation, found: Annotated, where: slice, own: Array) -> Conversation:
    """where: the row's messages among all. own: its defects."""
    closeness = [_known(value) for value in found.closeness[where].tolist()]
    emotions = found.emotions[where]
    if row.annotations:
        closeness = [
            close if given.closeness is None else given.closeness
            for given, close in zip(row.annotations, closeness, strict=True)
        ]
        emotions = [
            given.emotion or emotion
            for given, emotion in zip(row.annotations, emotions, strict=True)
        ]
    followed = course(_said(row, closeness, found, where))
    annotations = _annotations(row, closeness, emotions, followed)
    numbers = {
        name: value
        for name, value in zip(defects.NAMES, own.tolist(), strict=True)
        if value == value
    }
    numbers |= _closeness(row.messages, closeness, followed)
    numbers |= _feelings(row.messages, emotions, found.marks["empathy"][where])
    numbers |= _reactions(row.messages, found, where)
    numbers |= _answers(row.messages, found.follows[where])
    edit = f"score: annotated {_shown(annotations)} of {len(annotations)} messages"
    return replace(
        row,
        annotations=annotations,
        measures=row.measures | numbers,
        edits=(*row.edits, edit),
        findings=(*without(row), *blamed(followed)),
    )


def _said(
    row: Conversation, closeness: Sequence[float | None], found: Annotated, where: slice
) -> list[Said]:
    """The messages as the course sees them."""
    phrases = rebuffs(row.language and row.language.code)
    forward = np.nan_to_num(found.forward[where]).tolist()
    uptake = found.uptake[where].tolist()
    said = []
    for message, close, ahead, taken in zip(row.messages, closeness, forward, uptake, strict=True):
        if taken != taken:  # not measured in this language
            taken = 1.0 if takes_up(message.content, phrases) else -1.0
        said.append(Said(message.role, close, ahead, taken))
    return said


def _known(value: float) -> float | None:
    return None if value != value else value


def _shown(annotations: Sequence[Annotation]) -> int:
    return sum(
        annotation.closeness is not None or annotation.emotion is not None
        for annotation in annotations
    )


def _annotations(
    row: Conversation,
    closeness: Sequence[float | None],
    emotions: Sequence[str | None],
    followed: Course,
) -> tuple[Annotation, ...]:
    """One per message. What the source or `generate` says of a message stays. Where no message
    shows closeness there is no stage either."""
    given = row.annotations or (Annotation(),) * len(row.messages)
    measured = any(close is not None for close in closeness)
    made = []
    for before, close, emotion, place in zip(
        given, closeness, emotions, followed.places, strict=True
    ):
        stage, decision = (place.stage, place.decision) if measured else (None, None)
        made.append(
            replace(
                before,
                stage=before.stage or stage,
                decision=before.decision or decision,
                closeness=close,
                emotion=emotion,
            )
        )
    return tuple(made)


def _closeness(
    messages: Sequence[Message], closeness: Sequence[float | None], followed: Course
) -> dict[str, float]:
    """How close the assistant is, and how fast it came there."""
    own = [
        close
        for message, close in zip(messages, closeness, strict=True)
        if message.role == "assistant" and close is not None
    ]
    if not own:
        return {}
    found = {
        "closeness": sum(own) / len(own),
        "steps": float(len(followed.steps)),
        "steps_untaken": float(len(followed.untaken)),
    }
    if followed.rush is not None:
        found["rush"] = followed.rush
    if followed.gap is not None:
        found["closeness_gap"] = followed.gap
    if len(own) > 1:
        found["closeness_rise"] = max(later - max(own[:i]) for i, later in enumerate(own) if i)
    return found


def _feelings(
    messages: Sequence[Message], emotions: Sequence[str | None], empathic: Array
) -> dict[str, float]:
    """Feelings of the assistant, and whether it answers those of the user."""
    found: dict[str, float] = {}
    own = [
        emotion
        for message, emotion in zip(messages, emotions, strict=True)
        if message.role == "assistant" and emotion is not None
    ]
    if own:
        found["feelings"] = sum(emotion != "neutral" for emotion in own) / len(own)
    answers = [
        bool(empathic[index + 1]) or emotions[index + 1] in ANSWERS
        for index, (message, reply) in enumerate(pairwise(messages))
        if message.role == "user" and reply.role == "assistant" and emotions[index] in LOW
    ]
    if answers:
        found["attunement"] = sum(answers) / len(answers)
    return found


def _reactions(messages: Sequence[Message], found: Annotated, where: slice) -> dict[str, float]:
    """Praise less complaints, per message of the user."""
    users = np.array([message.role == "user" for message in messages])
    if not users.any():
        return {}
    praise, complaint = found.marks["praise"][where], found.marks["complaint"][where]
    return {"reactions": float((praise[users].sum() - complaint[users].sum()) / users.sum())}


def _answers(messages: Sequence[Message], follows: Array) -> dict[str, float]:
    """How far the assistant's messages follow those of the user before them."""
    found = [
        value
        for (before, message), value in zip(pairwise(messages), follows[1:].tolist(), strict=True)
        if before.role == "user" and message.role == "assistant" and value == value
    ]
    return {"answers": sum(found) / len(found)} if found else {}
