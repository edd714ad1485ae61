"""Blind ratings of a run's rows, as `rapport calibrate score` takes them."""

from __future__ import annotations

from collections.abc import Iterator
from math import nan
from pathlib import Path

from pipeline.look.blind import ratings_by_row
from pipeline.run.reports import scored
from pipeline.score.ratings import Marks, Rated
from pipeline.store.reviews import Reviews


def rated_in_run(run: str) -> Iterator[Rated]:
    """The scored rows that somebody has rated, a value for each person. Raises UserError."""
    reviews = Reviews(Path(run))
    known = ratings_by_row(reviews.ratings())
    reviews.close()
    for row in scored(run):
        if row.id in known:
            marks = {name: _marks(values) for name, values in known[row.id].items()}
            yield Rated(row, row.source.name, marks)


def _marks(values: list[float | None]) -> Marks:
    return tuple(map(_mark, values))


def _mark(value: float | None) -> float:
    return nan if value is None else value
