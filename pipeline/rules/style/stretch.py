"""A stretch of a text that a machine left: what finders of remains give to rules and repairs."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from pipeline.rules.reading.phrases import Hit
from pipeline.rules.reading.signs import holds

if TYPE_CHECKING:
    from pipeline.rules.reading.reading import Reading


class Stretch(NamedTuple):
    """From which character to which. whole: whether its end is known: what follows is the reply."""

    start: int
    end: int
    whole: bool = True


def between(text: str, opening: re.Pattern[str], closing: re.Pattern[str]) -> Iterator[Stretch]:
    """From each opening to its closing; without one, to the end of the text."""
    done = 0
    while opened := opening.search(text, done):
        closed = closing.search(text, opened.end())
        if not closed:
            yield Stretch(opened.start(), len(text), False)
            return
        done = closed.end()
        yield Stretch(opened.start(), done)


def stretches(
    reading: Reading, find: Callable[[str], list[Stretch]], signs: Sequence[str]
) -> Iterator[Hit]:
    """What a finder finds in the messages that are judged; nobody speaks a system message.

    signs: one of them stands in every message in which it finds anything; most have none.
    """
    if not holds(reading.text, signs):
        return
    for message in reading.judged:
        role, content = reading.messages[message][:2]
        if role != "system" and holds(content, signs):
            for found in find(content):
                yield Hit(message, found.start, found.end)
