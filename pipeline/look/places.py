"""Places in texts as JavaScript counts them: UTF-16 units, of which an emoji takes two."""

from __future__ import annotations

PLAIN = "\uffff"  # the last character of one unit


def units(text: str, place: int | None) -> int | None:
    """The place of a character, counted in units."""
    if place is None or text.isascii():
        return place
    before = text[:place]
    return place + sum(1 for one in before if one > PLAIN)
