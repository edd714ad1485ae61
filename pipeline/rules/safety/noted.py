"""Self-harm, coercion and slurs: noted and counted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipeline.conversation import Finding
    from pipeline.rules.reading.reading import Reading


_NOTED = {
    "safety.self_harm": "self_harm",
    "safety.coercion": "coercion",
    "safety.slur": "slur",
}


def noted(reading: Reading) -> Iterator[Finding]:
    """Self-harm, coercion and slurs."""
    for rule, name in _NOTED.items():
        yield from reading.first_places(rule, reading.hits[name])
