"""The word lists of feelings and closeness: features of a message, and what is shown as the reason.

    configs/words/emotion-en.txt     happy<TAB>joy          class of `joy`
    configs/words/intimate-en.txt    miss you<TAB>0.6       class of the weights above .4, up to .6

Behind the classes that are features stand those of `MARKS`, which are only noted:

    configs/words/empathy-en.txt     sorry to hear that     class of `empathy`
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from pipeline import texts

EMOTIONS = ("joy", "love", "sadness", "anger", "fear", "surprise", "disgust", "neutral")
WEIGHTS = (-0.6, -0.4, -0.1, 0.1, 0.2, 0.4, 0.6)  # borders between classes of closeness; our choice
CLASSES = len(EMOTIONS) - 1 + len(WEIGHTS) + 1  # features; nothing is a word of `neutral`
MARKS = ("empathy", "praise", "complaint")
LONGEST_PHRASE = 5  # words
_WORD = re.compile(r"[^\W_]+(?:['’][^\W\d_]+)*")


@cache
def listed() -> dict[str, list[int]]:
    """All listed phrases of all languages, each with its classes."""
    found: dict[str, list[int]] = {}
    for name in texts.word_lists("emotion"):
        for phrase, value in _entries(name):
            found.setdefault(phrase, []).append(EMOTIONS.index(value))
    for name in texts.word_lists("intimate"):
        for phrase, value in _entries(name):
            found.setdefault(phrase, []).append(len(EMOTIONS) - 1 + _class_of(float(value)))
    for number, mark in enumerate(MARKS, CLASSES):
        for name in texts.word_lists(mark):
            for phrase, _ in _entries(name):
                found.setdefault(phrase, []).append(number)
    return found


def _class_of(weight: float) -> int:
    """Among how many borders a weight lies above."""
    return sum(weight > border for border in WEIGHTS)


def _entries(name: str) -> Iterator[tuple[str, str]]:
    for entry in texts.words(name):
        phrase, _, value = entry.partition("\t")
        words = _words(phrase)
        if len(words) <= LONGEST_PHRASE:
            yield " ".join(words), value.strip()


def _words(text: str) -> list[str]:
    return [word.lower().replace("’", "'") for word in _WORD.findall(text)]


def named(text: str) -> list[str]:
    """The phrases of a text that are listed with a feeling or a closeness, in order, the longest at
    each place: what a reader is shown as a reason."""
    words, known = _words(text), listed()
    found: list[str] = []
    place = 0
    while place < len(words):
        phrase = _longest_at(words, place, known)
        if phrase is not None:
            found.append(phrase)
        place += len(phrase.split()) if phrase is not None else 1
    return found


def _longest_at(words: list[str], start: int, known: dict[str, list[int]]) -> str | None:
    for length in range(LONGEST_PHRASE, 0, -1):
        phrase = " ".join(words[start : start + length])
        if any(number < CLASSES for number in known.get(phrase, ())):
            return phrase
    return None
