"""Numbers and labels on rows, from word lists and counts; this room drops nothing.

Per message: the emotion named most often, and how close its words are, from -1 (formal) to 1 (intimate). Per row: the
share of emotional messages, and how fast closeness grows. What no list has a word for stays null. How far these agree
with people's ratings is measured by `benchmarks/score.py`; do not read more into them.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from statistics import fmean

from pipeline.conversation import Conversation, Label
from pipeline.recipe import ScoreSettings, configs
from pipeline.rules.kernel import numbers
from pipeline.rules.structure import measures
from pipeline.rules.view import view

WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")
LONGEST = 4  # words of the longest phrase that a list may hold


def work(part: Iterable[Conversation], settings: ScoreSettings) -> Iterator[Conversation]:
    """Every row again, with measures (where `filter` has not taken them), labels and how closeness moves."""
    for row in part:
        yield _scored(row, settings)


def _scored(row: Conversation, settings: ScoreSettings) -> Conversation:
    labels = tuple(label(m.content, row.language.code if row.language else None) for m in row.messages)
    found = dict(row.measures) or _measured(row)
    spoken = [label for label, m in zip(labels, row.messages, strict=True) if m.role != "system"]
    felt = [label.emotion for label in spoken if label.emotion is not None]
    if felt:
        found["emotional"] = sum(emotion != "neutral" for emotion in felt) / len(felt)
    if (steps := closeness_steps(spoken, settings.window)) is not None:
        found["closeness"], found["closeness_step"] = steps
    told = sum(label.closeness is not None or label.emotion not in (None, "neutral") for label in spoken)
    edit = f"score: labelled {told} of {len(spoken)} messages"
    return replace(row, labels=labels, measures=found, edits=(*row.edits, edit))


def _measured(row: Conversation) -> dict[str, float]:
    seen = view(row.messages)
    return measures(seen, numbers(seen.text, seen.starts, row.messages))


def label(text: str, language: str | None) -> Label:
    """What one message shows. Null where there is no list for its language, or none of its words is on it."""
    emotions, weights = _words("emotion", language), _words("intimate", language)
    said = [word.casefold().replace("’", "'") for word in WORD.findall(text)]
    felt = Counter(emotions[phrase] for phrase in _phrases(said, emotions))
    near = [float(weights[phrase]) for phrase in _phrases(said, weights)]
    emotion = min(felt, key=lambda name: (-felt[name], name)) if felt else "neutral"
    return Label(closeness=fmean(near) if near else None, emotion=emotion if emotions else None)


def closeness_steps(labels: Sequence[Label], window: int) -> tuple[float, float] | None:
    """(closeness of the last `window` messages that show any, largest rise from one such window to the next).

    None where fewer than two windows of messages show any closeness.
    """
    shown = [label.closeness for label in labels if label.closeness is not None]
    if len(shown) < 2 * window:
        return None
    means = [fmean(shown[n : n + window]) for n in range(0, len(shown) - window + 1)]
    return means[-1], max(later - earlier for earlier, later in zip(means, means[window:], strict=False))


def _phrases(said: Sequence[str], known: Mapping[str, str]) -> Iterator[str]:
    """Listed phrases in a message, the longest first at every place, none inside another."""
    place = 0
    while place < len(said):
        for length in range(min(LONGEST, len(said) - place), 0, -1):
            phrase = " ".join(said[place : place + length])
            if phrase in known:
                yield phrase
                break
        else:
            length = 1
        place += length


@cache
def _words(name: str, language: str | None) -> Mapping[str, str]:
    """A list of configs/words: phrase → what stands behind the tab. Empty for a language that has none."""
    path = configs() / "words" / f"{name}-{language}.txt"
    if not path.is_file():
        return {}
    lines = (line.split("#")[0].strip() for line in path.read_text("utf-8").splitlines())
    pairs = (line.split("\t") for line in lines if line)
    return {phrase.casefold().strip(): value.strip() for phrase, value in pairs}
