"""Numbers and labels on rows, from word lists and counts; this room drops nothing.

Per message: the emotion named most often, and how close its words are, from -1 (formal) to 1 (intimate). Per row: the
share of emotional messages and of empathic replies, and how fast closeness grows. What no list has a word for is null.

These are counts of words. How far they agree with people (`benchmarks/score.py`), on texts that nobody looked at when
the lists were written: closeness, Pearson .47 with the intimacy of 225 questions; emotion, macro F1 .25 over five
classes of 1,078 lines of TV dialogue (always `neutral`: .11). Read no more into them.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import fields, replace
from functools import cache
from statistics import fmean

from pipeline.conversation import Annotation, Conversation
from pipeline.recipe.settings import ScoreSettings
from pipeline.rules.reading.reading import read
from pipeline.rules.structure import measures
from pipeline.texts import configs

WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")


def work(part: Iterable[Conversation], settings: ScoreSettings) -> Iterator[Conversation]:
    """Every row again, with measures (where `filter` has not taken them), labels and how closeness moves."""
    for row in part:
        yield _scored(row, settings)


def _scored(row: Conversation, settings: ScoreSettings) -> Conversation:
    code = row.language.code if row.language else None
    labels = tuple(label(m.content, code) for m in row.messages)
    if row.annotations:
        labels = tuple(map(_filled, row.annotations, labels))
    found = dict(row.measures) or _measured(row)
    spoken = [label for label, m in zip(labels, row.messages, strict=True) if m.role != "system"]
    felt = [label.emotion for label in spoken if label.emotion is not None]
    if felt:
        found["emotional"] = sum(emotion != "neutral" for emotion in felt) / len(felt)
    if (share := _empathy(row)) is not None:
        found["empathy"] = share
    if (steps := closeness_steps(spoken, settings.window)) is not None:
        found["closeness"], found["closeness_step"] = steps
    told = sum(
        label.closeness is not None or label.emotion not in (None, "neutral") for label in spoken
    )
    edit = f"score: labelled {told} of {len(spoken)} messages"
    return replace(row, annotations=labels, measures=found, edits=(*row.edits, edit))


def _filled(known: Annotation, guessed: Annotation) -> Annotation:
    """What the source says of a message stays; only what it leaves open is guessed."""
    told = {field.name: getattr(known, field.name) for field in fields(Annotation)}
    return replace(guessed, **{name: value for name, value in told.items() if value is not None})


def _measured(row: Conversation) -> dict[str, float]:
    return measures(read(row.messages))


def _empathy(row: Conversation) -> float | None:
    """Share of the assistant's messages with a mark of empathy; None where there is no list for the language."""
    listed = _listed("empathy", row.language.code if row.language else None)
    replies = [_words(m.content) for m in row.messages if m.role == "assistant"]
    return (
        sum(any(True for _ in _found(said, listed)) for said in replies) / len(replies)
        if listed and replies
        else None
    )


def label(text: str, language: str | None) -> Annotation:
    """What one message shows. Null where there is no list for its language, or none of its words is on it."""
    emotions, weights = _listed("emotion", language), _listed("intimate", language)
    said = _words(text)
    felt = Counter(_found(said, emotions))
    near = [float(weight) for weight in _found(said, weights)]
    emotion = min(felt, key=lambda name: (-felt[name], name)) if felt else "neutral"
    return Annotation(
        closeness=fmean(near) if near else None, emotion=emotion if emotions else None
    )


def closeness_steps(labels: Sequence[Annotation], window: int) -> tuple[float, float] | None:
    """(closeness of the last `window` messages that show any, largest rise from one such window to the next).

    None where fewer than two windows of messages show any closeness.
    """
    shown = [label.closeness for label in labels if label.closeness is not None]
    if len(shown) < 2 * window:
        return None
    means = [fmean(shown[n : n + window]) for n in range(0, len(shown) - window + 1)]
    return means[-1], max(
        later - earlier for earlier, later in zip(means, means[window:], strict=False)
    )


def _words(text: str) -> list[str]:
    return [word.casefold().replace("’", "'") for word in WORD.findall(text)]


def _found(
    said: Sequence[str], listed: Mapping[str, Sequence[tuple[tuple[str, ...], str]]]
) -> Iterator[str]:
    """The values of listed phrases in a message: the longest at every place, none inside another."""
    free = 0
    for place, word in enumerate(said):
        for phrase, value in listed.get(word, ()) if place >= free else ():
            if tuple(said[place : place + len(phrase)]) == phrase:
                free = place + len(phrase)
                yield value
                break


@cache
def _listed(name: str, language: str | None) -> Mapping[str, Sequence[tuple[tuple[str, ...], str]]]:
    """A list of configs/words: first word → (words of the phrase, what stands behind the tab), the longest first.

    Empty for a language that has no list.
    """
    path = configs() / "words" / f"{name}-{language}.txt"
    if not path.is_file():
        return {}
    lines = (line.split("#")[0].strip() for line in path.read_text("utf-8").splitlines())
    pairs = sorted(
        (line.partition("\t")[::2] for line in lines if line),
        key=lambda pair: (-pair[0].count(" "), pair),
    )
    listed: dict[str, list[tuple[tuple[str, ...], str]]] = {}
    for phrase, value in pairs:
        words = tuple(_words(phrase))
        listed.setdefault(words[0], []).append((words, value.strip()))
    return listed
