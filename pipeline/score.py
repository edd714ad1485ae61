"""Measures and annotations from word lists and counts. This stage drops nothing.

Per message: the emotion that is named most often, and how close its words are, from -1 (formal) to
1 (intimate). Per row: the share of emotional messages and of empathic replies, and how fast
closeness grows. What no list has a word for is null.

These are counts of words. How far they agree with people (`benchmarks/score.py`), on texts that
nobody looked at when the lists were written: closeness, Pearson .47 with the intimacy of 225
questions; emotion, macro F1 .25 over five classes of 1,078 lines of TV dialogue (always `neutral`:
.11). Read no more into them.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import fields, replace
from functools import cache
from statistics import fmean
from typing import NamedTuple

from pipeline import texts
from pipeline.conversation import Annotation, Conversation
from pipeline.recipe.score import ScoreSettings
from pipeline.rules.reading.reading import read
from pipeline.rules.structure import measures

WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")


class ListedPhrase(NamedTuple):
    """An entry of a word list. value: what is behind its tab: an emotion, or a closeness."""

    words: tuple[str, ...]
    value: str


WordList = Mapping[str, Sequence[ListedPhrase]]  # first word → phrases, the longest first


def work(part: Iterable[Conversation], settings: ScoreSettings) -> Iterator[Conversation]:
    """Every row again, with measures (where `filter` has not taken them), annotations and how
    closeness moves."""
    for row in part:
        yield _scored(row, settings)


def _scored(row: Conversation, settings: ScoreSettings) -> Conversation:
    code = row.language.code if row.language else None
    annotations = tuple(annotation(message.content, code) for message in row.messages)
    if row.annotations:
        annotations = tuple(map(_filled, row.annotations, annotations))
    spoken = [
        found
        for found, message in zip(annotations, row.messages, strict=True)
        if message.role != "system"
    ]
    measured = dict(row.measures) or _measured(row)
    measured |= _course(spoken, settings.window) | _empathy(row, code)
    shown = sum(map(_shows_anything, spoken))
    edit = f"score: annotated {shown} of {len(spoken)} messages"
    return replace(row, annotations=annotations, measures=measured, edits=(*row.edits, edit))


def _shows_anything(found: Annotation) -> bool:
    return found.closeness is not None or found.emotion not in (None, "neutral")


def _filled(known: Annotation, guessed: Annotation) -> Annotation:
    """What the source says of a message stays; only what it leaves open is guessed."""
    given = {field.name: getattr(known, field.name) for field in fields(Annotation)}
    return replace(guessed, **{name: value for name, value in given.items() if value is not None})


def _measured(row: Conversation) -> dict[str, float]:
    return measures(read(row.messages))


def _course(spoken: Sequence[Annotation], window: int) -> dict[str, float]:
    """The measures `emotional`, `closeness` and `closeness_step` of a row, where they can be
    taken."""
    found: dict[str, float] = {}
    emotions = [shown.emotion for shown in spoken if shown.emotion is not None]
    if emotions:
        emotional = sum(emotion != "neutral" for emotion in emotions)
        found["emotional"] = emotional / len(emotions)
    steps = closeness_steps(spoken, window)
    if steps is not None:
        found["closeness"], found["closeness_step"] = steps
    return found


def _empathy(row: Conversation, language: str | None) -> dict[str, float]:
    """The share of the assistant's messages with a mark of empathy; nothing where the language has
    no list."""
    marks = _word_list("empathy", language)
    replies = [message.content for message in row.messages if message.role == "assistant"]
    if not marks or not replies:
        return {}
    empathic = sum(bool(_values_in(_words(reply), marks)) for reply in replies)
    return {"empathy": empathic / len(replies)}


def annotation(text: str, language: str | None) -> Annotation:
    """What one message shows. Null where there is no list for its language, or none of its words is
    on it."""
    words = _words(text)
    emotions, weights = _word_list("emotion", language), _word_list("intimate", language)
    named = Counter(_values_in(words, emotions))
    close = [float(weight) for weight in _values_in(words, weights)]
    emotion = min(named, key=lambda name: (-named[name], name)) if named else "neutral"
    return Annotation(
        closeness=fmean(close) if close else None,
        emotion=emotion if emotions else None,
    )


def closeness_steps(annotations: Sequence[Annotation], window: int) -> tuple[float, float] | None:
    """(closeness of the last `window` messages that show any, largest rise from one such window to
    the next).

        closeness of the messages that show any   -.5  -.4  -.3   .1   .2   .3     window 3
        means of windows                             -.4 … … .2                    rise .6

    None where fewer than two windows of messages show any closeness.
    """
    shown = [found.closeness for found in annotations if found.closeness is not None]
    if len(shown) < 2 * window:
        return None
    means = [fmean(shown[start : start + window]) for start in range(len(shown) - window + 1)]
    rises = [later - earlier for earlier, later in zip(means, means[window:], strict=False)]
    return means[-1], max(rises)


def _words(text: str) -> list[str]:
    return [word.casefold().replace("’", "'") for word in WORD.findall(text)]


def _values_in(words: Sequence[str], listed: WordList) -> list[str]:
    """The values of listed phrases in a message: the longest at every place, none inside
    another."""
    found: list[str] = []
    place = 0
    while place < len(words):
        phrase = _phrase_at(words, place, listed)
        if phrase is not None:
            found.append(phrase.value)
        place += len(phrase.words) if phrase is not None else 1
    return found


def _phrase_at(words: Sequence[str], place: int, listed: WordList) -> ListedPhrase | None:
    for phrase in listed.get(words[place], ()):
        if tuple(words[place : place + len(phrase.words)]) == phrase.words:
            return phrase
    return None


@cache
def _word_list(name: str, language: str | None) -> WordList:
    """A list of configs/words; empty for a language that has none."""
    if not texts.has_words(f"{name}-{language}"):
        return {}
    phrases = [_phrase(entry) for entry in texts.words(f"{name}-{language}")]
    listed: dict[str, list[ListedPhrase]] = {}
    for phrase in sorted(phrases, key=lambda phrase: (-len(phrase.words), phrase)):
        listed.setdefault(phrase.words[0], []).append(phrase)
    return listed


def _phrase(entry: str) -> ListedPhrase:
    words, _, value = entry.partition("\t")
    return ListedPhrase(tuple(_words(words)), value.strip())
