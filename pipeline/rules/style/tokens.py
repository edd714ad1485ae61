"""Remains of a prompt format: tokens of chat templates."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipeline.conversation import Finding
    from pipeline.rules.reading.reading import Reading


def tokens(reading: Reading) -> Iterator[Finding]:
    """Tokens and phrases of prompts."""
    yield from reading.first_places("style.template", reading.hits["template"])
