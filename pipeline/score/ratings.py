"""What people said of conversations.

A record holds it under `ratings`, for each criterion a number or one for each rater, and who wrote
the assistant's messages under one of `SYSTEMS`. `collect` keeps both in `extra`:

    {
      "messages": […],
      "ratings": {"engaging": [4, 5, null], "pacing": 2},
      "system_id": "model a"
    }
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from math import isfinite, isnan, nan

from pipeline import UserError
from pipeline.conversation import Conversation

RATINGS = "ratings"
SYSTEMS = ("system_id", "system", "model")  # the first that a record has

Marks = tuple[float, ...]  # a value for each rater, NaN where one said nothing


@dataclass(frozen=True, slots=True)
class Rated:
    """A row that people have rated.

    group: its system, else its source. ratings: what was rated → by whom how.
    """

    row: Conversation
    group: str
    ratings: Mapping[str, Marks]

    def mean(self, rating: str) -> float | None:
        """What people said on average; None where nobody said anything."""
        said = self.said(rating)
        return sum(said) / len(said) if said else None

    def said(self, rating: str) -> list[float]:
        """What those said who said anything."""
        marks = self.ratings.get(rating, ())
        return [mark for mark in marks if not isnan(mark)]


def rated(
    rows: Iterable[Conversation],
    ratings: str = RATINGS,
    system: str | None = None,
) -> Iterator[Rated]:
    """The rows that have ratings.

    ratings, system: the fields of a record that hold them. Raises UserError where ratings are no
    numbers, and where no rated row has the field `system`.
    """
    systems = SYSTEMS if system is None else (system,)
    seen = named = False
    for row in rows:
        extra = json.loads(row.extra or "{}")
        given = extra.get(ratings)
        if given is None:
            continue
        found = [extra[name] for name in systems if extra.get(name) is not None]
        seen, named = True, named or bool(found)
        group, *_ = (*found, row.source.name)
        yield Rated(row, str(group), _ratings(row, ratings, given))
    if system is not None and seen and not named:
        raise UserError(
            f"No rated record has a field `{system}` that nothing else is read from; "
            "`system`, `bot` or `character` beside messages say who the assistant is."
        )


def _ratings(row: Conversation, field: str, given: object) -> dict[str, Marks]:
    where = f"{row.source.ref}: "
    if not isinstance(given, dict):
        raise UserError(
            f"{where}`{field}` must hold a value for each criterion, as "
            '{"engaging": 4, "pacing": [2, 3]}; --ratings names another field.'
        )
    found = {}
    for name, value in given.items():
        marks = value if isinstance(value, list) else [value]
        about = f"{where}{field}.{name}"
        found[str(name)] = tuple(_mark(about, mark) for mark in marks)
    return found


def _mark(where: str, value: object) -> float:
    """The number of one rater."""
    if value is None:
        return nan
    if isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value):
        return float(value)
    raise UserError(f"{where} is {value!r}; a rating is a number, or a list of numbers.")
