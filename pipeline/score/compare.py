"""Two sets of conversations compared, criterion by criterion.

Conversations with the same id in both are compared in pairs, which tells more of fewer: a hard
card is hard for both. Where ids do not match, the sets are compared as two groups.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from pipeline.conversation import CRITERIA, Conversation
from pipeline.criteria import score_of
from pipeline.score.certainty import Array, interval
from pipeline.store.agreement import Interval

LEAST = 5  # values; of fewer no interval means anything; our choice
MATCHING = 0.5  # of the smaller set; ids that match by chance, as `1` and `2`, pair nothing

ByName = Mapping[str, Conversation]


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
class Comparison:
    """rows: of each set. pairs: conversations with the same id in both; 0: two groups."""

    rows: tuple[int, int]
    pairs: int
    differences: tuple[Difference, ...]


def as_record(found: Comparison) -> dict[str, Any]:
    """A comparison as JSON has it."""
    return asdict(found) | {"differences": [_as_record(one) for one in found.differences]}


def _as_record(one: Difference) -> dict[str, Any]:
    interval = one.difference
    return asdict(one) | {"difference": interval and interval._asdict()}


def compare(first: Sequence[Conversation], second: Sequence[Conversation]) -> Comparison:
    """What both sets are like, and how far they differ."""
    names = _shared(first, second)
    rows = (len(first), len(second))
    if not names:
        found = [_apart(criterion, first, second) for criterion in CRITERIA]
        return Comparison(rows, 0, tuple(found))
    left, right = _by_name(first), _by_name(second)
    pairs = [(left[name], right[name]) for name in names]
    return Comparison(rows, len(names), tuple(_paired(one, pairs) for one in CRITERIA))


def _shared(first: Sequence[Conversation], second: Sequence[Conversation]) -> list[str]:
    """The ids of both sets, where enough are: in order, so that the interval is always the same."""
    left, right = _by_name(first), _by_name(second)
    if len(left) < len(first) or len(right) < len(second):
        return []
    names = sorted(left.keys() & right.keys())
    enough = MATCHING * min(len(left), len(right))
    return names if len(names) >= enough else []


def _by_name(rows: Sequence[Conversation]) -> dict[str, Conversation]:
    return {row.source.record or row.id: row for row in rows}


def _paired(criterion: str, pairs: Sequence[tuple[Conversation, Conversation]]) -> Difference:
    found = [(_value(one, criterion), _value(other, criterion)) for one, other in pairs]
    known = np.array([pair for pair in found if None not in pair], np.float64).reshape(-1, 2)
    return _difference(criterion, known[:, 0], known[:, 1], in_pairs=True)


def _apart(
    criterion: str, first: Sequence[Conversation], second: Sequence[Conversation]
) -> Difference:
    return _difference(criterion, _values(first, criterion), _values(second, criterion))


def _values(rows: Sequence[Conversation], criterion: str) -> Array:
    found = [_value(row, criterion) for row in rows]
    return np.array([value for value in found if value is not None], np.float64)


def _value(row: Conversation, criterion: str) -> float | None:
    score = score_of(row, criterion)
    return score.value if score else None


def _difference(criterion: str, first: Array, second: Array, in_pairs: bool = False) -> Difference:
    n = (len(first), len(second))
    if min(n) == 0:
        return Difference(criterion, n, None, None)
    means = (float(first.mean()), float(second.mean()))
    if min(n) < LEAST:
        return Difference(criterion, n, means, None)
    if in_pairs:
        found = interval(lambda drawn: float(drawn[0].mean()), [second - first])
    else:
        found = interval(lambda drawn: float(drawn[1].mean() - drawn[0].mean()), [first, second])
    return Difference(criterion, n, means, found)
