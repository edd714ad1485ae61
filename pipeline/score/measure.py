"""What is measured of a row: annotations of its messages, and its own numbers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import accumulate, islice, pairwise
from operator import sub
from typing import NamedTuple, TypeVar

import numpy as np

from pipeline.annotate import Annotated, annotate, shipped
from pipeline.annotate.encoder import Encoded, encode
from pipeline.annotate.features import words
from pipeline.annotate.folding import Array, pack
from pipeline.conversation import Annotation, Conversation, Measures, Message, uncollected
from pipeline.pacing.course import Course, Said, Standing, course
from pipeline.pacing.uptake import rebuffs, takes_up
from pipeline.recipe.score import ScoreSettings
from pipeline.rules import READERS, RULES, beyond, measures
from pipeline.rules.language.detect import detect
from pipeline.rules.reading.reading import read
from pipeline.score import defects
from pipeline.score.blame import blamed, without

FEELS_WITH = ("sadness", "fear", "love")  # emotions of a reply to somebody who is low
SAD = ("sadness", "fear")  # what comfort answers, which reads much like pressing
COURSE = "course"  # who gives a stage that neither plan nor source gives
OFF = ("joy", "disgust")  # and emotions that are out of place there

BATCH = 512  # rows that are measured together
SPEAKING = (0, 1)  # sides of `defects.Batch`: user and assistant

Value = TypeVar("Value")


def measure(part: Iterable[Conversation], settings: ScoreSettings) -> Iterator[Conversation]:
    """Every row with annotations, measures and the steps that are to blame; those that no filter
    has seen are read first."""
    rows = iter(part)
    while batch := list(islice(rows, BATCH)):
        with uncollected():
            found = list(_batch(batch, settings))
        yield from found


def _batch(rows: Sequence[Conversation], settings: ScoreSettings) -> Iterator[Conversation]:
    rows = _with_languages([_read(row) for row in rows])
    packed = pack(defects.texts(rows))
    where = defects.batch(rows)
    encoded = _encoded(rows, where, settings)
    found = annotate((), _languages(rows, where), packed, encoded)
    found = found._replace(
        forward=np.nan_to_num(found.forward),
        pressing=np.nan_to_num(found.pressing),
    )
    numbers = defects.defects(words(packed, shipped().squares), where)
    places = pairwise(where.row_at.tolist())
    for row, own, (start, end) in zip(rows, numbers, places, strict=True):
        yield _measured(row, found.part(slice(start, end - 1)), own)


def _languages(rows: Sequence[Conversation], where: defects.Batch) -> list[str | None]:
    """The language of each text."""
    codes = [row.language and row.language.code for row in rows]
    return np.repeat(np.array(codes, object), np.diff(where.row_at)).tolist()


def _encoded(
    rows: Sequence[Conversation],
    where: defects.Batch,
    settings: ScoreSettings,
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
        replace(
            finding,
            stage="score",
            limit=RULES[finding.rule].limit,
            decision="warn",
        )
        for finding in found
        if beyond(finding.value, RULES[finding.rule])
    ]
    return replace(
        row,
        measures={**reading.measures, **row.measures},
        findings=(*row.findings, *warnings),
    )


def _with_languages(rows: Sequence[Conversation]) -> list[Conversation]:
    """Rows with their language, which is found where it is not known yet."""
    known = list(rows)
    unknown = [index for index, row in enumerate(rows) if row.language is None]
    if unknown:
        found = detect([_spoken(rows[index]) for index in unknown])
        for index, one in zip(unknown, found, strict=True):
            known[index] = replace(rows[index], language=one.language)
    return known


def _spoken(row: Conversation) -> list[str]:
    return [message.content for message in row.messages if message.role != "system"]


class _Shown(NamedTuple):
    """What each message of a row shows, or what is known of it already."""

    messages: Sequence[Message]
    closeness: list[float | None]
    emotions: list[str | None]


def _begun(row: Conversation) -> str | None:
    """The stage at which two people who have met before begin; None: they are strangers."""
    relationship = row.relationship
    if relationship is None or relationship.number == 1 or not row.annotations:
        return None
    return row.annotations[0].stage


def _measured(row: Conversation, found: Annotated, own: Array) -> Conversation:
    """found: of its messages. own: its defects."""
    shown = _shown(row, found)
    followed = course(_said(row, shown, found), _begun(row))
    annotations = _annotations(row, shown, followed)
    numbers = {
        name: value
        for name, value in zip(defects.NAMES, own.tolist(), strict=True)
        if value == value
    }
    numbers |= _closeness(shown, followed)
    numbers |= _feelings(shown)
    numbers |= _attunement(shown, found)
    numbers |= _reactions(shown, found)
    numbers |= _answers(shown, found)
    edit = f"score: annotated {_annotated(annotations)} of {len(annotations)} messages"
    return replace(
        row,
        annotations=annotations,
        measures=row.measures | numbers,
        edits=(*row.edits, edit),
        findings=(*without(row), *blamed(followed)),
    )


def _shown(row: Conversation, found: Annotated) -> _Shown:
    closeness = [_known(value) for value in found.closeness.tolist()]
    emotions = list(found.emotions)
    for index, given in enumerate(row.annotations):
        if given.closeness is not None:
            closeness[index] = given.closeness
        emotions[index] = given.emotion or emotions[index]
    return _Shown(row.messages, closeness, emotions)


def _known(value: float) -> float | None:
    return None if value != value else value


def _said(row: Conversation, shown: _Shown, found: Annotated) -> list[Said]:
    """The messages as the course sees them."""
    phrases = rebuffs(row.language and row.language.code)
    forward = found.forward.tolist()
    uptake = found.uptake.tolist()
    for index, message in enumerate(row.messages):
        if uptake[index] != uptake[index]:  # not measured in this language
            uptake[index] = 1.0 if takes_up(message.content, phrases) else -1.0
    roles = [message.role for message in row.messages]
    sad = [
        role == "user" and emotion in SAD
        for role, emotion in zip(roles, shown.emotions, strict=True)
    ]
    pressing = found.pressing.tolist()
    return list(map(Said, roles, shown.closeness, forward, uptake, pressing, sad))


def _annotated(annotations: Sequence[Annotation]) -> int:
    """Of how many messages something is found."""
    return sum(one.closeness is not None or one.emotion is not None for one in annotations)


def _annotations(row: Conversation, shown: _Shown, followed: Course) -> tuple[Annotation, ...]:
    """One per message. Where no message shows closeness there is no stage either."""
    given = row.annotations or (Annotation(),) * len(row.messages)
    places: Sequence[Standing | None] = followed.places
    if all(close is None for close in shown.closeness):
        places = [None] * len(places)
    return tuple(map(_annotation, given, shown.closeness, shown.emotions, places))


def _annotation(
    given: Annotation, close: float | None, emotion: str | None, place: Standing | None
) -> Annotation:
    """What the source or `generate` says of a message stays."""
    stage, decision, by = given.stage, given.decision, given.by
    if place is not None:
        by = by if stage else COURSE
        stage, decision = stage or place.stage, decision or place.decision
    return Annotation(stage, decision, close, emotion, given.language, by)


def _closeness(shown: _Shown, followed: Course) -> Measures:
    """How close the assistant is, and how fast it came there."""
    own = [close for close in _of_assistant(shown, shown.closeness) if close is not None]
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
        highest = accumulate(own, max)
        found["closeness_rise"] = max(map(sub, own[1:], highest))
    return found


def _feelings(shown: _Shown) -> Measures:
    """Feelings of the assistant."""
    own = [one for one in _of_assistant(shown, shown.emotions) if one is not None]
    return _mean("feelings", [emotion != "neutral" for emotion in own])


def _attunement(shown: _Shown, found: Annotated) -> Measures:
    """How the assistant answers feelings of the user."""
    empathic = found.marks["empathy"].tolist()
    answers = [
        _answer(shown.messages[reply], shown.emotions[reply], empathic[reply])
        for reply in _replies(shown)
        if found.low[reply - 1]
    ]
    return _mean("attunement", answers)


def _answer(reply: Message, emotion: str | None, empathic: bool) -> int:
    """How a reply meets somebody who is low: 1 for feeling with them, 1 for asking, -1 for a
    feeling that is out of place."""
    asks = "?" in reply.content or "？" in reply.content
    return (empathic or emotion in FEELS_WITH) + asks - (emotion in OFF)


def _reactions(shown: _Shown, found: Annotated) -> Measures:
    """Praise less complaints, per message of the user."""
    users = [index for index, one in enumerate(shown.messages) if one.role == "user"]
    praise = found.marks["praise"][users].astype(int)
    complaint = found.marks["complaint"][users]
    return _mean("reactions", (praise - complaint).tolist())


def _answers(shown: _Shown, found: Annotated) -> Measures:
    """How far the assistant's messages follow those of the user before them."""
    follows = found.follows[_replies(shown)].tolist()
    return _mean("answers", [value for value in follows if value == value])


def _mean(name: str, values: Sequence[float]) -> Measures:
    """A measure that is a mean; none where there is nothing to measure."""
    if not values:
        return {}
    return {name: sum(values) / len(values)}


def _replies(shown: _Shown) -> list[int]:
    """The messages of the assistant that follow one of the user."""
    roles = [(before.role, after.role) for before, after in pairwise(shown.messages)]
    return [index for index, both in enumerate(roles, 1) if both == ("user", "assistant")]


def _of_assistant(shown: _Shown, values: Sequence[Value]) -> list[Value]:
    both = zip(shown.messages, values, strict=True)
    return [value for message, value in both if message.role == "assistant"]
