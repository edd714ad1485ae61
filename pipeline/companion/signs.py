"""What messages show: closeness, feelings and uptake by the shipped models, safety by the rules.

What a text shows by itself is kept in mind: a talk that grows by a message costs one.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from pipeline.annotate import LOW, annotate, shipped
from pipeline.companion.state import Sign
from pipeline.conversation import Message, normalised
from pipeline.pacing.uptake import SHORT_ANSWER, holds, length, rebuffs, takes_up
from pipeline.rules.reading.reading import Reading, read
from pipeline.rules.safety.minors import minors
from pipeline.rules.safety.self_harm import self_harm

if TYPE_CHECKING:
    from pipeline.conversation import Finding

KEPT = 20_000  # texts in mind; our choice
COOL_UPTAKE = -0.2  # below it an answer is cool: .00 of 60 in en that take up, .57 of the others
FAREWELL_WORDS = 14  # a longer message with a farewell in it goes on; our choice
SAFETY = (
    "minor",
    "minor_bare",
    "minor_start",
    "minor_school",
    "pupil",
    "age_question",
    "grade_question",
    "birth_question",
    "born",
    "self_harm",
    "goodbye",
)

_kept: dict[tuple[str, str], Sign] = {}


def signs(messages: Sequence[Message], language: str) -> list[Sign]:
    """What each message shows. messages: of user and assistant. language: ISO 639-1."""
    found = shown([message.content for message in messages], language)
    reading = read(messages, names=SAFETY)
    minor, harm = _places(minors(reading)), _places(self_harm(reading))
    farewells = {*_farewells(reading)}
    for index, (sign, message) in enumerate(zip(found, messages, strict=True)):
        if message.role == "assistant":
            found[index] = sign._replace(role="assistant")
        elif index in minor or index in harm or index in farewells:
            found[index] = sign._replace(
                leaves=index in farewells, minor=index in minor, harm=index in harm
            )
    return found


def knows_feelings(language: str) -> bool:
    """Have the shipped models been measured on feelings in this language?"""
    return bool(shipped().measured([language], "emotion")[0])


def shown(texts: Sequence[str], language: str) -> list[Sign]:
    """What each text shows by itself, as a message of the user."""
    if len(_kept) > KEPT:
        _kept.clear()
    new = [text for text in dict.fromkeys(texts) if (text, language) not in _kept]
    if new:
        keys = [(text, language) for text in new]
        _kept.update(zip(keys, _read(new, language), strict=True))
    return [_kept[text, language] for text in texts]


def _read(texts: Sequence[str], language: str) -> Iterator[Sign]:
    found = annotate(texts, [language] * len(texts))
    forward, pressing = np.nan_to_num(found.forward), np.nan_to_num(found.pressing)
    for index, text in enumerate(texts):
        words = f" {normalised(text)} "
        emotion, uptake = found.emotions[index], float(found.uptake[index])
        yield Sign(
            "user",
            _known(float(found.closeness[index])),
            float(forward[index]),
            _uptake(text, uptake, language),
            float(pressing[index]),
            emotion,
            emotion in LOW or bool(found.low[index]),
            rebuffs=any(holds(words, phrase) for phrase in rebuffs(language)),
            cool=_is_cool(text, words, uptake),
        )


def _known(value: float) -> float | None:
    if math.isnan(value):
        return None
    return value


def _uptake(text: str, measured: float, language: str) -> float:
    """Above 0 it takes up what was said before it; by length and phrases where no model knows."""
    if not math.isnan(measured):
        return measured
    return 1.0 if takes_up(text, rebuffs(language)) else -1.0


def _is_cool(text: str, words: str, uptake: float) -> bool:
    """Is there next to nothing in an answer, and no question?"""
    if "?" in text or "？" in text:
        return False
    return length(words) <= SHORT_ANSWER or uptake < COOL_UPTAKE


def _places(findings: Iterable[Finding]) -> set[int | None]:
    return {finding.message for finding in findings}


def _farewells(reading: Reading) -> Iterator[int]:
    for place in {hit.message for hit in reading.hits["goodbye"]}:
        if length(reading.line(place)) <= FAREWELL_WORDS:
            yield place
