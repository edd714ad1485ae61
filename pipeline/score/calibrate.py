"""How far each scorer agrees with people, on rows that people have rated.

A scorer that only tells good systems from bad ones, or people from models, says nothing of a
single conversation. So each correlation is also taken within each system alone (without one,
within each source) and averaged. Only this one decides whether a scorer is called useful.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from math import nan

import numpy as np

from pipeline.conversation import CRITERIA, Conversation
from pipeline.score.certainty import (
    Array,
    averaged,
    ceiling,
    interval,
    spearman,
)
from pipeline.score.ratings import Marks, Rated
from pipeline.store.agreement import (
    Agreement,
    Agreements,
    Interval,
    Usefulness,
)

LENGTH = "words of the assistant"
RATERS = "raters, each against the others"
NOBODY = "no scorer"
LEAST_ROWS = 20  # of fewer nothing is called useful; our choice
LEAST_GROUP = 5  # rows; smaller systems do not count within; our choice

Predictor = Callable[[Conversation], float | None]


def calibrate(rows: Sequence[Rated]) -> Agreements:
    """Each scorer on each criterion that was rated, beside what it must be seen beside."""
    named = _named(rows)
    found: list[Agreement] = []
    for criterion in CRITERIA:
        if criterion in named:
            found += _of_criterion(rows, criterion)
    sources = dict.fromkeys(one.row.source.name for one in rows)
    return Agreements(len(rows), tuple(sources), tuple(found))


def not_criteria(rows: Sequence[Rated]) -> list[str]:
    """What was rated and is no criterion."""
    return sorted(_named(rows) - set(CRITERIA))


def _named(rows: Sequence[Rated]) -> set[str]:
    return {name for one in rows for name in one.ratings}


def _of_criterion(rows: Sequence[Rated], criterion: str) -> Iterator[Agreement]:
    for by in _scorers(rows, criterion) or [NOBODY]:
        value = partial(value_by, criterion, by)
        yield agreement(rows, criterion, by, value)
    length = agreement(rows, criterion, LENGTH, assistant_words)
    yield replace(length, verdict=None)
    yield from _of_raters(rows, criterion)


def _scorers(rows: Sequence[Rated], criterion: str) -> list[str]:
    scores = (score for one in rows for score in one.row.scores)
    return sorted({one.by for one in scores if one.criterion == criterion})


def value_by(criterion: str, by: str, row: Conversation) -> float | None:
    """What a scorer says of a criterion."""
    for score in row.scores:
        if score.criterion == criterion and score.by == by:
            return score.value
    return None


def assistant_words(row: Conversation) -> float:
    """How many words the assistant writes."""
    own = (one.content for one in row.messages if one.role == "assistant")
    return sum(len(text.split()) for text in own)


def agreement(
    rows: Sequence[Rated],
    rating: str,
    by: str,
    value: Predictor,
) -> Agreement:
    """How far a value of rows goes with what people said."""
    groups: defaultdict[str, list[Marks]] = defaultdict(list)
    nulls = 0
    for one in rows:
        mark, given = one.mean(rating), value(one.row)
        if mark is None:
            continue
        if given is None:
            nulls += 1
        else:
            groups[one.group].append((given, mark))
    about = Agreement(rating, by, 0, nulls, None, None, 0)
    return _measured(about, groups, spearman)


def _of_raters(rows: Sequence[Rated], criterion: str) -> Iterator[Agreement]:
    """What raters reach among themselves, where rows have several."""
    several = [one for one in rows if len(one.said(criterion)) > 1]
    if not several:
        return
    most = max(len(one.ratings[criterion]) for one in several)
    groups: defaultdict[str, list[Marks]] = defaultdict(list)
    for one in several:
        marks = one.ratings[criterion]
        filled = (*marks, *[nan] * (most - len(marks)))
        groups[one.group].append(filled)
    nulls = len(rows) - len(several)
    about = Agreement(criterion, RATERS, 0, nulls, None, None, 0)
    yield replace(_measured(about, groups, ceiling), verdict=None)


def _measured(
    about: Agreement,
    groups: Mapping[str, Sequence[Marks]],
    one: Callable[[Array], float | None],
) -> Agreement:
    """An agreement with its numbers. one: the statistic of a group of rows."""
    arrays = [np.array(rows, np.float64) for rows in groups.values()]
    large = [rows for rows in arrays if len(rows) >= LEAST_GROUP]
    whole = [np.concatenate(arrays)] if arrays else []
    mean = partial(averaged, one)
    within = interval(mean, large)
    return replace(
        about,
        n=sum(map(len, arrays)),
        pooled=interval(mean, whole),
        within=within,
        groups=len(large),
        verdict=_usefulness(large, within),
    )


def _usefulness(
    groups: Sequence[Array],
    within: Interval | None,
) -> Usefulness:
    if sum(map(len, groups)) < LEAST_ROWS:
        return "too few"
    if within is None or within.low <= 0:
        return "not shown"
    return "useful"
