"""How far each scorer agrees with people, on rows that people have rated.

A record holds what people said under `ratings`, and who wrote the assistant's messages under one of
`SYSTEMS`; collect keeps both in `extra`:

    {"messages": […], "ratings": {"engaging": [4, 5, 3], "pacing": 2}, "system_id": "model a"}

A scorer that only tells good systems from bad ones, or people from models, says nothing of a single
conversation. So each correlation is also taken within each system alone (without one, within each
source) and averaged; only this one decides whether a scorer is called useful.
"""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import repeat

import numpy as np

from pipeline import UserError
from pipeline.conversation import CRITERIA, Conversation
from pipeline.score.certainty import Array, averaged, ceiling, interval, spearman
from pipeline.store.agreement import Agreement, Agreements, Interval, Usefulness

RATINGS = "ratings"
SYSTEMS = ("system_id", "system", "model")  # the first that a record has
LENGTH = "words of the assistant"
RATERS = "raters, each against the others"
NOBODY = "no scorer"
LEAST_ROWS = 20  # of fewer nothing is called useful; our choice
LEAST_GROUP = 5  # rows of a system; smaller ones do not count within; our choice

Predictor = Callable[[Conversation], float | None]


@dataclass(frozen=True, slots=True)
class Rated:
    """A row that people have rated. group: its system or source. ratings: by what was rated, a
    value for each rater, NaN where one said nothing."""

    row: Conversation
    group: str
    ratings: dict[str, tuple[float, ...]]


# --- what people said


def rated(
    rows: Iterable[Conversation], ratings: str = RATINGS, system: str | None = None
) -> Iterator[Rated]:
    """The rows that have ratings. ratings, system: the fields of a record that hold them.

    Raises UserError where ratings are no numbers, and where no rated row has the field `system`.
    """
    systems = SYSTEMS if system is None else (system,)
    seen = named = False
    for row in rows:
        extra = json.loads(row.extra or "{}")
        given = extra.get(ratings)
        if given is not None:
            found = [str(extra[name]) for name in systems if extra.get(name) is not None]
            seen, named = True, named or bool(found)
            yield Rated(row, (*found, row.source.name)[0], _ratings(row, ratings, given))
    if system is not None and seen and not named:
        raise UserError(
            f"No rated record has a field `{system}` that nothing else is read from; "
            "`system`, `bot` or `character` beside messages say who the assistant is."
        )


def _ratings(row: Conversation, field: str, given: object) -> dict[str, tuple[float, ...]]:
    if not isinstance(given, dict):
        raise UserError(
            f"{row.source.ref}: `{field}` must hold a value for each criterion, as "
            '{"engaging": 4, "pacing": [2, 3]}; --ratings names another field.'
        )
    marks = {str(name): value for name, value in given.items() if value is not None}
    return {name: _marks(f"{row.source.ref}: {field}.{name}", marks[name]) for name in marks}


def _marks(where: str, given: object) -> tuple[float, ...]:
    """The values of all raters: of one number, or of a list with null where one said nothing."""
    values = given if isinstance(given, list) else [given]
    return tuple(_mark(where, value) for value in values)


def _mark(where: str, value: object) -> float:
    if value is None:
        return math.nan
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise UserError(f"{where} is {value!r}; a rating is a number, or a list of numbers.")
    return float(value)


def mean_mark(rating: Sequence[float]) -> float | None:
    """What people said on average; None where nobody said anything."""
    said = [value for value in rating if not math.isnan(value)]
    return sum(said) / len(said) if said else None


# --- how far scorers agree with it


def calibrate(rows: Sequence[Rated]) -> Agreements:
    """Each scorer on each criterion that was rated, beside length and what raters reach among
    themselves."""
    named = {name for one in rows for name in one.ratings}
    found = [one for name in CRITERIA if name in named for one in _of_criterion(rows, name)]
    sources = dict.fromkeys(one.row.source.name for one in rows)
    return Agreements(len(rows), tuple(sources), tuple(found))


def not_criteria(rows: Sequence[Rated]) -> list[str]:
    """What was rated and is no criterion."""
    return sorted({name for one in rows for name in one.ratings} - set(CRITERIA))


def _of_criterion(rows: Sequence[Rated], criterion: str) -> Iterator[Agreement]:
    scores = (score for one in rows for score in one.row.scores if score.criterion == criterion)
    for by in sorted({score.by for score in scores}) or [NOBODY]:
        yield agreement(rows, criterion, by, partial(_value_by, criterion, by))
    yield replace(agreement(rows, criterion, LENGTH, assistant_words), verdict=None)
    yield from _of_raters(rows, criterion)


def _value_by(criterion: str, by: str, row: Conversation) -> float | None:
    found = (one.value for one in row.scores if (one.criterion, one.by) == (criterion, by))
    return next(found, None)


def assistant_words(row: Conversation) -> float | None:
    """How many words the assistant writes: what any scorer must be seen beside."""
    return sum(len(one.content.split()) for one in row.messages if one.role == "assistant")


def agreement(rows: Sequence[Rated], rating: str, by: str, value: Predictor) -> Agreement:
    """How far a value of rows goes with what people said."""
    groups: defaultdict[str, list[tuple[float, ...]]] = defaultdict(list)
    nulls = 0
    for one in rows:
        mark, given = mean_mark(one.ratings.get(rating, ())), value(one.row)
        if mark is not None and given is not None:
            groups[one.group].append((given, mark))
        else:
            nulls += mark is not None
    return _measured(Agreement(rating, by, 0, nulls, None, None, 0), groups, spearman)


def _of_raters(rows: Sequence[Rated], criterion: str) -> Iterator[Agreement]:
    """What raters reach among themselves, where a row has several."""
    marks = [(one.group, one.ratings.get(criterion, ())) for one in rows]
    several = [(group, given) for group, given in marks if len(given) - _silent(given) > 1]
    if several:
        most = max(len(given) for _, given in several)
        groups: defaultdict[str, list[tuple[float, ...]]] = defaultdict(list)
        for group, given in several:
            groups[group].append((*given, *repeat(math.nan, most - len(given))))
        found = Agreement(criterion, RATERS, 0, len(rows) - len(several), None, None, 0)
        yield replace(_measured(found, groups, ceiling), verdict=None)


def _silent(marks: Sequence[float]) -> int:
    return sum(map(math.isnan, marks))


def _measured(
    about: Agreement,
    groups: Mapping[str, Sequence[tuple[float, ...]]],
    one: Callable[[Array], float | None],
) -> Agreement:
    """An agreement with its numbers. one: the statistic of a group of rows."""
    arrays = [np.array(rows, np.float64) for rows in groups.values()]
    large = [rows for rows in arrays if len(rows) >= LEAST_GROUP]
    mean = partial(averaged, one)
    within = interval(mean, large)
    return replace(
        about,
        n=sum(map(len, arrays)),
        pooled=interval(mean, [np.concatenate(arrays)]) if arrays else None,
        within=within,
        groups=len(large),
        verdict=_usefulness(large, within),
    )


def _usefulness(groups: Sequence[Array], within: Interval | None) -> Usefulness:
    if sum(map(len, groups)) < LEAST_ROWS:
        return "too few"
    if within is None or within.low <= 0:
        return "not shown"
    return "useful"
