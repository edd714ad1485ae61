"""Tricks with characters that a reader of the text does not see; `repairs.characters` undoes them.

"Come in.\\u200b"    zero-width sign        "Cоmе in"    Cyrillic letters in a Latin word
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pipeline.rules.reading.lookalikes import is_suspect, plain, visible
from pipeline.rules.reading.phrases import Hit

if TYPE_CHECKING:
    from pipeline.conversation import Finding
    from pipeline.rules.reading.reading import Reading

_CODE = "```"


def tricks(reading: Reading) -> Iterator[Finding]:
    """Messages with unseen signs or letters in disguise, from the first of them on."""
    if not is_suspect(reading.text):
        return
    found = []
    for message in reading.spoken:
        content = reading.messages[message].content
        shown = plain(visible(content))
        if shown != content and _CODE not in content:
            found.append(Hit(message, _first_difference(content, shown), len(content)))
    yield from reading.first_places("style.unicode", found)


def _first_difference(one: str, other: str) -> int:
    pairs = enumerate(zip(one, other, strict=False))
    return next((place for place, (old, new) in pairs if old != new), min(len(one), len(other)))
