"""How far two rankings agree, and how certain a number is that was found on a few rows.

Spearman's correlation is that of ranks; equal values share the mean of theirs:

    values   3  1  3  8
    ranks   2.5 1 2.5 4

An interval is found by drawing rows anew, from each group its own and with replacement (bootstrap,
percentiles of `DRAWS` draws, Efron 1979). The seed is fixed: the same rows give the same interval.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import sqrt
from statistics import fmean
from typing import Any

import numpy as np

from pipeline.store.agreement import Interval

Array = np.ndarray[Any, Any]
Statistic = Callable[[Sequence[Array]], float | None]

DRAWS = 1000
SEED = 0
PERCENTILES = (2.5, 97.5)
LEAST = 3  # rows; the ranks of two agree or they do not


def ranks(values: Array) -> Array:
    """The place of each value among all, from 1."""
    ordered = np.sort(values)
    below = np.searchsorted(ordered, values, "left")
    not_above = np.searchsorted(ordered, values, "right")
    shared: Array = (below + not_above + 1) / 2
    return shared


def spearman(pairs: Array) -> float | None:
    """pairs: (rows, 2). None where a side has too few values, or always the same."""
    if len(pairs) < LEAST:
        return None
    middle = (len(pairs) + 1) / 2
    first, second = ranks(pairs[:, 0]) - middle, ranks(pairs[:, 1]) - middle
    alone = float((first @ first) * (second @ second))
    return float(first @ second) / sqrt(alone) if alone else None


def averaged(one: Callable[[Array], float | None], groups: Sequence[Array]) -> float | None:
    """The mean of a statistic over groups, by their rows; None where no group has it."""
    found = [(one(group), len(group)) for group in groups]
    known = [(value, rows) for value, rows in found if value is not None]
    if not known:
        return None
    total = sum(rows for _, rows in known)
    return sum(value * rows for value, rows in known) / total


def ceiling(marks: Array) -> float | None:
    """How well raters agree among themselves: each against the mean of the others, averaged.

    marks: (rows, raters), NaN where a rater said nothing of a row.
    """
    found = [_against_others(marks, rater) for rater in range(marks.shape[1])]
    known = [value for value in found if value is not None]
    return fmean(known) if known else None


def _against_others(marks: Array, rater: int) -> float | None:
    own, others = marks[:, rater], np.delete(marks, rater, axis=1)
    both = ~np.isnan(own) & ~np.isnan(others).all(axis=1)
    if not both.any():
        return None
    return spearman(np.column_stack([own[both], np.nanmean(others[both], axis=1)]))


def interval(statistic: Statistic, groups: Sequence[Array]) -> Interval | None:
    """A statistic of groups of rows and its interval; None where it cannot be had."""
    value = statistic(groups)
    if value is None:
        return None
    chance = np.random.default_rng(SEED)
    drawn = [statistic([_drawn(group, chance) for group in groups]) for _ in range(DRAWS)]
    known = [one for one in drawn if one is not None]
    low, high = np.percentile([value, *known], PERCENTILES)
    # few rows drawn anew repeat each other, and may all lie on one side of the value
    return Interval(value, min(value, float(low)), max(value, float(high)))


def _drawn(group: Array, chance: np.random.Generator) -> Array:
    return group[chance.integers(0, len(group), len(group))]
