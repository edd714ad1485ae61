"""What is measured of a row: annotations of its messages, and its own numbers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import accumulate, islice, pairwise, repeat
from operator import sub
from typing import NamedTuple, TypeVar

import numpy as np

from pipeline.annotate import Annotated, annotate, shipped
from pipeline.annotate.encoder import Encoded, encode
from pipeline.annotate.folding import Array, Words, words_of
from pipeline.annotate.own import with_own
from pipeline.conversation import Annotation, Conversation, Measures, Message, uncollected
from pipeline.pacing.course import SIDES, Course, Flat, courses, level_of
from pipeline.pacing.uptake import rebuffs, takes_up
from pipeline.recipe.score import ScoreSettings
from pipeline.rules import READERS, RULES, beyond, measures
from pipeline.rules.language.detect import detect
from pipeline.rules.reading.reading import read
from pipeline.score import defects
from pipeline.score.blame import blamed, without

FEELS_WITH = ("sadness", "fear", "love")  # emotions of a reply to somebody who is low
SAD = ("sadness", "fear")  # what comfort answers, which reads much like pressing
# who gives a stage that neither plan nor source gives; the latter where there are own classifiers
COURSE, CLASSIFIER = "course", "classifier"
OFF = ("joy", "disgust")  # and emotions that are out of place there

BATCH = 512  # rows that are measured together
USER, ASSISTANT = SIDES["user"], SIDES["assistant"]

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
    texts, where = defects.texts(rows), defects.batch(rows)
    words = words_of(texts)
    found = _found(rows, texts, words, where, settings)
    numbers = defects.defects(words, shipped().squares, where).tolist()
    shown = _shown(found, where)
    followed = courses(_flat(rows, found, where))
    yield from map(_measured, rows, shown, followed, numbers)


def _found(
    rows: Sequence[Conversation],
    texts: Sequence[str],
    words: Words,
    where: defects.Batch,
    settings: ScoreSettings,
) -> Annotated:
    """What is found of each text, and what is known of it already."""
    languages = _languages(rows, where)
    encoded = _encoded(texts, where, settings)
    said = annotate((), languages, words, encoded)
    if settings.classifiers:
        said = with_own(said, settings.classifiers, words, languages)
    found = _completed(said, rows, where)
    return found._replace(uptake=_uptake(found, where, texts, languages))


def _flat(rows: Sequence[Conversation], found: Annotated, where: defects.Batch) -> Flat:
    """The messages as the course sees them; a card belongs to none."""
    sad = np.array([emotion in SAD for emotion in found.emotions], np.bool_)
    return Flat(
        where.sides,
        found.closeness,
        found.forward,
        found.uptake,
        found.pressing,
        sad & (where.sides == USER),
        np.array([level_of(_begun(row)) for row in rows]),
        where.row_at[:-1],
        where.row_at[1:] - 1,
    )


def _begun(row: Conversation) -> str | None:
    """The stage at which two people who have met before begin; None: they are strangers."""
    relationship = row.relationship
    if relationship is None or relationship.number == 1 or not row.annotations:
        return None
    return row.annotations[0].stage


def _languages(rows: Sequence[Conversation], where: defects.Batch) -> list[str | None]:
    """The language of each text."""
    codes = [row.language and row.language.code for row in rows]
    return np.repeat(np.array(codes, object), np.diff(where.row_at)).tolist()


def _encoded(texts: Sequence[str], where: defects.Batch, settings: ScoreSettings) -> Encoded | None:
    """What the encoder says of all that user and assistant write; None where it is not wanted."""
    if settings.encoder is None:
        return None
    written = np.array([bool(text.strip()) for text in texts])
    return encode(texts, written & np.isin(where.sides, (USER, ASSISTANT)))


def _completed(found: Annotated, rows: Sequence[Conversation], where: defects.Batch) -> Annotated:
    """With what the source says of messages in the place of what was found. float64, so that
    nothing is rounded again."""
    closeness = found.closeness.astype(np.float64)
    forward, pressing = (
        np.nan_to_num(values).astype(np.float64) for values in (found.forward, found.pressing)
    )
    for row, start in zip(rows, where.row_at.tolist(), strict=False):
        for place, given in enumerate(row.annotations, start):
            if given.closeness is not None:
                closeness[place] = given.closeness
            found.emotions[place] = given.emotion or found.emotions[place]
    return found._replace(closeness=closeness, forward=forward, pressing=pressing)


def _uptake(
    found: Annotated,
    where: defects.Batch,
    texts: Sequence[str],
    languages: Sequence[str | None],
) -> Array:
    """(texts,) float64; by the list of rebuffs where the heads were not measured."""
    uptake = found.uptake.astype(np.float64)
    unknown = np.isnan(uptake) & (where.sides != defects.CARD)
    for place in np.flatnonzero(unknown).tolist():
        taken = takes_up(texts[place], rebuffs(languages[place]))
        uptake[place] = 1.0 if taken else -1.0
    return uptake


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
    """What messages show, or what is known of them already; one value each, and their sides."""

    sides: list[int]
    closeness: list[float | None]
    emotions: list[str | None]
    low: list[bool]
    empathic: list[bool]
    praise: list[bool]
    complaint: list[bool]
    follows: list[float]
    stages: Sequence[str | None] = ()
    decisions: Sequence[str | None] = ()

    def part(self, place: slice) -> _Shown:
        """What some of the messages show."""
        return _Shown(
            self.sides[place],
            self.closeness[place],
            self.emotions[place],
            self.low[place],
            self.empathic[place],
            self.praise[place],
            self.complaint[place],
            self.follows[place],
            self.stages[place],
            self.decisions[place],
        )


def _shown(found: Annotated, where: defects.Batch) -> Iterator[_Shown]:
    """What the messages of each row show."""
    closeness = found.closeness.astype(object)
    closeness[np.isnan(found.closeness)] = None
    together = _Shown(
        where.sides.tolist(),
        closeness.tolist(),
        found.emotions,
        found.low.tolist(),
        found.marks["empathy"].tolist(),
        found.marks["praise"].tolist(),
        found.marks["complaint"].tolist(),
        found.follows.tolist(),
        found.stages,
        found.decisions,
    )
    for start, end in pairwise(where.row_at.tolist()):
        yield together.part(slice(start, end - 1))


def _measured(
    row: Conversation, shown: _Shown, followed: Course, own: Sequence[float]
) -> Conversation:
    """own: its defects."""
    annotations = _annotations(row, shown, followed)
    numbers = {
        name: value for name, value in zip(defects.NAMES, own, strict=True) if value == value
    }
    replies = _replies(shown)
    numbers |= _closeness(shown, followed)
    numbers |= _feelings(shown)
    numbers |= _attunement(row, shown, replies)
    numbers |= _reactions(shown)
    numbers |= _answers(shown, replies)
    edit = f"score: annotated {_annotated(shown)} of {len(annotations)} messages"
    return replace(
        row,
        annotations=annotations,
        measures=row.measures | numbers,
        edits=(*row.edits, edit),
        findings=(*without(row), *blamed(followed)),
    )


def _annotated(shown: _Shown) -> int:
    """Of how many messages something is found."""
    both = zip(shown.closeness, shown.emotions, strict=True)
    return sum(close is not None or emotion is not None for close, emotion in both)


def _annotations(row: Conversation, shown: _Shown, followed: Course) -> tuple[Annotation, ...]:
    """One per message. Where no message shows closeness the course knows no stage either."""
    stages: Sequence[str | None] = [place.stage for place in followed.places]
    decisions: Sequence[str | None] = [place.decision for place in followed.places]
    if all(close is None for close in shown.closeness):
        stages = decisions = [None] * len(stages)
    by = [stage and COURSE for stage in stages]
    if shown.stages or shown.decisions:
        by = [CLASSIFIER] * len(stages)
        stages = _first(shown.stages, stages)
        decisions = _first(shown.decisions, decisions)
    found = zip(stages, decisions, shown.closeness, shown.emotions, repeat(None), by)
    annotations = tuple(map(tuple.__new__, repeat(Annotation), found))
    if not row.annotations:
        return annotations
    return tuple(map(_with_given, annotations, row.annotations))


def _first(own: Sequence[str | None], others: Sequence[str | None]) -> Sequence[str | None]:
    """What classifiers of the user's own say, and the course where they say nothing."""
    if not own:
        return others
    return [one or other for one, other in zip(own, others, strict=True)]


def _with_given(found: Annotation, given: Annotation) -> Annotation:
    """What the source or `generate` says of a message stays."""
    by = found.by if found.stage and not given.stage else given.by
    return found._replace(
        stage=given.stage or found.stage,
        decision=given.decision or found.decision,
        language=given.language,
        by=by,
    )


def _closeness(shown: _Shown, followed: Course) -> Measures:
    """How close the assistant is, and how fast it came there."""
    own = _known_of_assistant(shown, shown.closeness)
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
    own = _known_of_assistant(shown, shown.emotions)
    return _mean("feelings", [emotion != "neutral" for emotion in own])


def _attunement(row: Conversation, shown: _Shown, replies: Sequence[int]) -> Measures:
    """How the assistant answers feelings of the user."""
    answers = [
        _answer(row.messages[reply], shown.emotions[reply], shown.empathic[reply])
        for reply in replies
        if shown.low[reply - 1]
    ]
    return _mean("attunement", answers)


def _answer(reply: Message, emotion: str | None, empathic: bool) -> int:
    """How a reply meets somebody who is low: 1 for feeling with them, 1 for asking, -1 for a
    feeling that is out of place."""
    asks = "?" in reply.content or "？" in reply.content
    return (empathic or emotion in FEELS_WITH) + asks - (emotion in OFF)


def _reactions(shown: _Shown) -> Measures:
    """Praise less complaints, per message of the user."""
    both = zip(shown.sides, shown.praise, shown.complaint, strict=True)
    users = [praise - complaint for side, praise, complaint in both if side == USER]
    return _mean("reactions", users)


def _answers(shown: _Shown, replies: Sequence[int]) -> Measures:
    """How far the assistant's messages follow those of the user before them."""
    follows = [shown.follows[reply] for reply in replies]
    return _mean("answers", [value for value in follows if value == value])


def _mean(name: str, values: Sequence[float]) -> Measures:
    """A measure that is a mean; none where there is nothing to measure."""
    if not values:
        return {}
    return {name: sum(values) / len(values)}


def _replies(shown: _Shown) -> list[int]:
    """The messages of the assistant that follow one of the user."""
    both = enumerate(pairwise(shown.sides), 1)
    return [index for index, sides in both if sides == (USER, ASSISTANT)]


def _known_of_assistant(shown: _Shown, values: Sequence[Value | None]) -> list[Value]:
    """What is known of the assistant's messages."""
    both = zip(shown.sides, values, strict=True)
    return [value for side, value in both if side == ASSISTANT and value is not None]
