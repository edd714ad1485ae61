"""Who does not want to live, plans to or hurts himself; and who urges the other to.

    I don't want to live anymore.        → safety.self_harm
    Everyone would be happier without me → safety.self_harm
    just kill yourself already           → safety.self_harm
    I want to die laughing               → nothing
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pipeline.rules.safety import standing

if TYPE_CHECKING:
    from pipeline.conversation import Finding
    from pipeline.rules.reading.reading import Reading


def self_harm(reading: Reading) -> Iterator[Finding]:
    """Self-harm, the speaker's own or what the other is urged to."""
    hits = standing.not_undone(reading, "self_harm")
    yield from standing.findings(reading, "safety.self_harm", hits)
