"""Words of noise, runs of symbols, characters that were lost."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipeline.conversation import Finding
    from pipeline.rules.reading.reading import Reading


_SYMBOLS = re.compile(r"[#$%^&*@|\\~+=<>{}\[\]]{6,}")
_LOST = re.compile("\ufffd+")


def gibberish(reading: Reading) -> Iterator[Finding]:
    """The longest run of words of noise, and runs of mixed symbols."""
    noise = reading.noise
    if noise.words:
        yield reading.of_place("style.gibberish", noise.words, reading.hit(noise.start, noise.end))
    for match in _SYMBOLS.finditer(reading.text):
        if len(set(match[0])) >= 4:
            hit = reading.hit(*match.span())
            yield reading.of_place("style.gibberish", len(match[0]), hit)


def damaged(reading: Reading) -> Iterator[Finding]:
    """Characters that were lost by wrong decoding."""
    if reading.text.isascii():
        return
    starts = [match.start() for match in _LOST.finditer(reading.text)]
    lost = [reading.hit(start, start + 1) for start in starts]
    yield from reading.first_places("style.damaged", lost)
