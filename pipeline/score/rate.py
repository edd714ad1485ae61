"""From what was measured to criteria."""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.conversation import Conversation, Score


def scores(row: Conversation) -> Iterator[Score]:
    """The offline scorers' values of every criterion that they serve."""
    yield from ()
