"""Rows with annotations, measures and scores."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import islice

from pipeline.conversation import Conversation
from pipeline.recipe.score import ScoreSettings
from pipeline.score.measure import measured
from pipeline.score.rate import scores

BATCH = 512  # rows that are measured together


def work(part: Iterable[Conversation], settings: ScoreSettings) -> Iterator[Conversation]:
    """Every row again. What its source or `generate` says of a message stays."""
    rows = iter(part)
    while batch := list(islice(rows, BATCH)):
        for row, followed in measured(batch, settings):
            yield replace(row, scores=(*row.scores, *scores(row, followed)))
