"""Rows with annotations, measures and scores."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pipeline.conversation import Conversation
from pipeline.recipe.score import ScoreSettings
from pipeline.score.measure import measure
from pipeline.score.rate import rate


def work(part: Iterable[Conversation], settings: ScoreSettings) -> Iterator[Conversation]:
    """Every row again. What its source or `generate` says of a message stays."""
    return rate(measure(part, settings))
