"""Two sets of conversations compared, criterion by criterion.

Conversations with the same id in both are compared in pairs, which tells more of fewer: a hard
card is hard for both. Where ids do not match, the sets are compared as two groups.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from pipeline.conversation import CRITERIA, Conversation
from pipeline.criteria import score_of
from pipeline.score.certainty import Array, interval
from pipeline.store.agreement import Interval

LEAST = 5  # values; of fewer no interval means anything; our choice
MATCHING = 0.5  # of the smaller set; ids that match by chance, as `1` and `2`, pair nothing

Conversations = Sequence[Conversation]


@dataclass(frozen=True, slots=True)
class Difference:
    """One criterion in both sets: values, their means, and second less first.

    n: of each set those with a value; in pairs, those where both have one. difference: None where
    these are too few.
    """

    criterion: str
    n: tuple[int, int]
    means: tuple[float, float] | None
    difference: Interval | None


@dataclass(frozen=True, slots=True)
class Differences:
    """rows: of each set. pairs: conversations with the same id in both; 0: two groups."""

    rows: tuple[int, int]
    pairs: int
    differences: tuple[Difference, ...]


def as_record(found: Differences) -> dict[str, Any]:
    """A comparison as JSON has it."""
    return asdict(found) | {"differences": [_as_record(one) for one in found.differences]}


def _as_record(one: Difference) -> dict[str, Any]:
    interval = one.difference
    return asdict(one) | {"difference": interval and interval._asdict()}


def compare(first: Conversations, second: Conversations) -> Differences:
    """What both sets are like, and how far they differ."""
    names = _shared(first, second)
    left, right = first, second
    if names:
        by_name = _by_name(first), _by_name(second)
        left, right = ([rows[name] for name in names] for rows in by_name)
    found = [_difference(one, left, right, bool(names)) for one in CRITERIA]
    return Differences((len(first), len(second)), len(names), tuple(found))


def _shared(first: Conversations, second: Conversations) -> list[str]:
    """The ids of both sets, where enough are, in order: an interval is always the same."""
    left, right = _by_name(first), _by_name(second)
    if len(left) < len(first) or len(right) < len(second):
        return []
    names = sorted(left.keys() & right.keys())
    enough = MATCHING * min(len(left), len(right))
    return names if len(names) >= enough else []


def _by_name(rows: Conversations) -> dict[str, Conversation]:
    return {row.source.record or row.id: row for row in rows}


def _difference(
    criterion: str,
    first: Conversations,
    second: Conversations,
    in_pairs: bool,
) -> Difference:
    one, other = _values(first, criterion), _values(second, criterion)
    if in_pairs:
        both = ~np.isnan(other - one)
        one, other = one[both], other[both]
    one, other = one[~np.isnan(one)], other[~np.isnan(other)]
    n = (len(one), len(other))
    if min(n) == 0:
        return Difference(criterion, n, None, None)
    means = (float(one.mean()), float(other.mean()))
    if min(n) < LEAST:
        return Difference(criterion, n, means, None)
    if in_pairs:
        return Difference(criterion, n, means, interval(_mean, [other - one]))
    return Difference(criterion, n, means, interval(_mean_apart, [one, other]))


def _values(rows: Conversations, criterion: str) -> Array:
    """What is said of a criterion, NaN where nobody can say."""
    return np.array([_value(row, criterion) for row in rows], np.float64)


def _value(row: Conversation, criterion: str) -> float | None:
    score = score_of(row, criterion)
    return score.value if score else None


def _mean(drawn: Sequence[Array]) -> float:
    return float(drawn[0].mean())


def _mean_apart(drawn: Sequence[Array]) -> float:
    return float(drawn[1].mean() - drawn[0].mean())
