"""The rule that no recipe can change: no speaker and no character under 18.

    a speaker says so                                       minors.py
    a card or a system message says so                      cards.py
    an explicit message beside any sign of a minor          here

A sign is wider than what a speaker says: "the 15-year-old girl", "my little sister", "schoolgirl",
a school year; in any message, card or system message, of whomever it is said.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain
from typing import TYPE_CHECKING

from pipeline.rules.reading.phrases import Hit
from pipeline.rules.safety import ages
from pipeline.rules.safety.cards import cards
from pipeline.rules.safety.minors import minors
from pipeline.rules.safety.sexual import explicit

if TYPE_CHECKING:
    from pipeline.conversation import Finding
    from pipeline.rules.reading.reading import Reading

# The lists whose phrases are signs of a minor, whoever is meant.
SIGNS = ("minor", "minor_card", "minor_youth", "minor_school", "minor_sign")
# Lists: a message without their phrases is neither explicit nor a sign.
RELEVANT = frozenset([*SIGNS, "sexual"])
_TAG = re.compile(r"\b(?:loli|shota|underage|preteen|schoolgirl|schoolboy)", re.IGNORECASE)


def underage(reading: Reading) -> Iterator[Finding]:
    """Speakers under 18: by what they write, by their cards, and signs beside explicit messages.

    Of a new message the cards are not judged.
    """
    yield from minors(reading)
    if reading.earlier is None:
        yield from cards(reading)
    yield from beside_explicit(reading)


def beside_explicit(reading: Reading) -> Iterator[Finding]:
    """Each message that is explicit or has a sign, where the row has both."""
    places = explicit(reading)
    described = _described(reading)
    if not (places or any(map(explicit, described))):
        return
    signs = _signs(reading)
    if signs or any(map(_signs, described)) or _is_tagged(reading):
        yield from reading.first_places("safety.minor", [*places, *signs])
        if not places:
            yield reading.of_row_with_note("safety.minor", 1, "an explicit card beside a minor")


def _described(reading: Reading) -> list[Reading]:
    """Cards and system messages; beside a new message only where it is explicit itself."""
    if reading.earlier is not None and "sexual" not in reading.hits:
        return []
    return [text for _, text in reading.described]


def _signs(reading: Reading) -> list[Hit]:
    """Where a sign of somebody under 18 stands, whoever is meant."""
    hits = chain.from_iterable(reading.hits[name] for name in SIGNS)
    return [hit for hit in hits if _is_sign(reading.line(hit.message), hit)]


def _is_sign(line: str, hit: Hit) -> bool:
    """Not "五" of "二十五岁", nor "15" of "15 minutes"."""
    return not (ages.is_in_number(line, hit.start) or ages.is_other_number(line, hit.end))


def _is_tagged(reading: Reading) -> bool:
    """Does a card have a tag for a minor in its JSON?"""
    cards_beside = (reading.persona, reading.user_persona)
    return any(bool(_TAG.search(card.card)) for card in cards_beside if card and card.card)
