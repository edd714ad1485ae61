"""Threats and pressure on the other: force, blackmail, isolation, "nobody will believe you".

If you leave me I will find you.     → safety.coercion
Do it or I'll post the pictures.     → safety.coercion
I'll beat you at chess next time!    → nothing
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from pipeline.rules.safety import standing

if TYPE_CHECKING:
    from pipeline.conversation import Finding
    from pipeline.rules.reading.phrases import Hit
    from pipeline.rules.reading.reading import Reading

_AS_YOU_LIKE = re.compile(  # "if you like, I'll show everybody your pictures"
    r"\b(?:if you (?:want|like|wish|need)|wenn du (?:willst|magst|möchtest)|если (?:хочешь|надо)"
    r"|si tu (?:veux|préfères)|si (?:quieres|prefieres)|se (?:vuoi|preferisci)"
    r"|se (?:você )?(?:quiser|quiseres))\b|如果你(?:想|愿意|需要)|よければ|원하면"
)


def coercion(reading: Reading) -> Iterator[Finding]:
    """Threats and pressure; not in jest, and not in a game: coercion_not_after.txt."""
    threats = standing.not_undone(reading, "coercion")
    meant = [hit for hit in threats if not _is_play(reading, hit)]
    yield from standing.findings(reading, "safety.coercion", meant)


def _is_play(reading: Reading, hit: Hit) -> bool:
    """Does somebody laugh, or leave it to the other?"""
    line = reading.line(hit.message)
    left_to_the_other = _AS_YOU_LIKE.search(line, hit.start, hit.end)
    return bool(left_to_the_other) or standing.is_joke(line, hit.end)
