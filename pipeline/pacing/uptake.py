"""Does an answer take up a step closer, or turn away from it?"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from pipeline import texts
from pipeline.conversation import normalised

SHORT_ANSWER = 3  # words; an answer this short, without a question, takes nothing up
SHORT_QUESTION = 1  # word: "What?" asks for no more than a repetition


@cache
def rebuffs(language: str | None) -> tuple[str, ...]:
    """The phrases of somebody who turns away, normalised; none for a language without a list."""
    name = f"rebuffs-{language}"
    if not texts.has_words(name):
        return ()
    return tuple(map(normalised, texts.words(name)))


def takes_up(answer: str, rebuffs: Sequence[str]) -> bool:
    """Does an answer take up a step closer: has it something to say, and does not turn away?

    rebuffs: normalised.
    """
    words = f" {normalised(answer)} "
    if any(holds(words, rebuff) for rebuff in rebuffs):
        return False
    count = length(words)
    return count > SHORT_ANSWER or ("?" in answer and count > SHORT_QUESTION)


def holds(words: str, phrase: str) -> bool:
    """Does a normalised text, with blanks around it, hold a phrase?"""
    if phrase[:1] > "\u2fff":  # a script without blanks between words
        return phrase in words
    return f" {phrase} " in words


def length(words: str) -> int:
    """Words of a normalised text; of scripts without blanks, about two letters are one. Korean has
    blanks."""
    wide = sum("\u2fff" < letter < "\uac00" for letter in words)
    return len(words.split()) + wide // 2
