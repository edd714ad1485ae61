"""Threats and pressure on the other: force, blackmail, isolation, "nobody will believe you".

If you leave me I will find you.     → safety.coercion
Do it or I'll post the pictures.     → safety.coercion
I'll beat you at chess next time!    → nothing
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pipeline.rules.safety import standing

if TYPE_CHECKING:
    from pipeline.conversation import Finding
    from pipeline.rules.reading.reading import Reading


def coercion(reading: Reading) -> Iterator[Finding]:
    """Threats and pressure; not in jest, and not in a game: coercion_not_after.txt."""
    threats = standing.not_undone(reading, "coercion")
    meant = [hit for hit in threats if not standing.is_joke(reading.line(hit.message), hit.end)]
    yield from standing.findings(reading, "safety.coercion", meant)
