"""The best of several good messages: the one that comes closer least, and repeats least.

`pacing` follows the talk with each of them as its last message. A message of the character counts
the better the less it rushes, one of the user the better the more it takes up what was said before.
In a language that has not been measured only what is repeated decides.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pipeline.annotate import annotate
from pipeline.conversation import Message, normalised
from pipeline.pacing.course import Said, course

SAD = ("sadness", "fear")  # emotions that are answered, not pressed
RUN = 3  # words that, in the same order, count as a repetition; our choice


def best(earlier: Sequence[Message], good: Sequence[Message], language: str) -> int:
    """The index of the best of some good messages; the first of several that are equal.

    earlier: the talk before them.
    """
    if len(good) == 1:
        return 0
    said = _said([*earlier, *good], language)
    known = said[: len(earlier)]
    before = _runs(" ".join(normalised(message.content) for message in earlier))

    def rank(index: int) -> tuple[float, float]:
        rush = course([*known, said[len(earlier) + index]]).rush or 0.0
        own = _runs(normalised(good[index].content))
        repeated = len(own & before) / max(1, len(own))
        return rush + repeated, repeated

    return min(range(len(good)), key=rank)


def is_low(text: str, language: str) -> bool:
    """Does a message show sadness or fear? False in a language that has not been measured."""
    return annotate([text], [language]).emotions[0] in SAD


def _said(messages: Sequence[Message], language: str) -> list[Said]:
    """The messages as `pacing` sees them."""
    found = annotate([message.content for message in messages], [language] * len(messages))
    roles = [message.role for message in messages]
    closeness = map(_known, found.closeness.tolist())
    forward, uptake, pressing = (
        np.nan_to_num(values).tolist() for values in (found.forward, found.uptake, found.pressing)
    )
    sad = [emotion in SAD for emotion in found.emotions]
    return list(map(Said, roles, closeness, forward, uptake, pressing, sad))


def _known(value: float) -> float | None:
    return None if value != value else value


def _runs(text: str) -> set[tuple[str, ...]]:
    words = text.split()
    return {tuple(words[place : place + RUN]) for place in range(len(words) - RUN + 1)}
