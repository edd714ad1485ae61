"""Two runs, or two releases, side by side: which rows only one has, and which fared otherwise."""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Iterator
from typing import TypedDict, cast

import numpy as np

from pipeline import UserError
from pipeline.look.index.columns import RowNumbers
from pipeline.look.index.flat import AnyArray
from pipeline.look.index.frame import Frame
from pipeline.look.opened import StageState
from pipeline.look.search import Mask
from pipeline.look.state import Look
from pipeline.look.subject import Subject
from pipeline.store.counts import total

OUTCOMES = ("kept", "dropped", "quarantined")
MOVED = re.compile(r"(?:(?P<before>\w+)>(?P<after>\w+)|(?P<only>only))@(?P<name>.+)")


class Compared(TypedDict):
    name: str
    rows: int
    outcomes: dict[str, int]


# Rows that one run has otherwise than the other. reason: the most frequent.
OutcomeMove = TypedDict(
    "OutcomeMove", {"from": str, "to": str, "count": int, "reason": str | None, "where": str}
)


class StageCounts(TypedDict):
    kept: int
    dropped: int
    quarantined: int


class StagePair(TypedDict):
    stage: str
    a: StageCounts | None
    b: StageCounts | None


class RulePair(TypedDict):
    rule: str
    a: int
    b: int


class NumberPair(TypedDict):
    """Of kept rows: means, and histograms with the same bins."""

    name: str
    a: float | None
    b: float | None
    edges: list[float]
    counts_a: list[int]
    counts_b: list[int]


class Comparison(TypedDict):
    a: Compared
    b: Compared
    both: int
    only_a: int
    only_b: int
    moves: list[OutcomeMove]
    stages: list[StagePair]
    reasons: list[RulePair]
    numbers: list[NumberPair]
    recipe: list[str]


def comparison(look: Look, name: str) -> Comparison:
    """This run (a) and another one beside it (b). Raises UserError where there is no such run."""
    return compared(look, look.other(name))


def compared(look: Look, other: Look) -> Comparison:
    """Two that are indexed."""
    first, second = look.frame, other.frame
    partner = _partner(look, other)
    both = int((partner >= 0).sum())
    return Comparison(
        a=_about(look),
        b=_about(other),
        both=both,
        only_a=first.rows - both,
        only_b=second.rows - len(np.unique(partner[partner >= 0])),
        moves=list(_moves(look, other, partner)),
        stages=list(_stages(look, other)),
        reasons=_reasons(first, second),
        numbers=list(_numbers(first, second)),
        recipe=_recipe(look.subject, other.subject),
    )


def _about(look: Look) -> Compared:
    return Compared(
        name=look.subject.name, rows=look.frame.rows, outcomes=values_of(look.frame, "outcome")
    )


def values_of(frame: Frame, facet: str) -> dict[str, int]:
    """How often each value comes, over all rows."""
    if not frame.rows:
        return {}
    values = frame.columns.values[facet]
    counts = np.bincount(frame.columns.arrays[facet], minlength=len(values)).tolist()
    pairs = zip(values, counts, strict=True)
    return {value: count for value, count in pairs if value and count}


def _partner(look: Look, other: Look) -> RowNumbers:
    """(rows of a,) the row of b with the same id, -1 where there is none."""
    key = ("partner", look.frame.number, other.subject.path, other.frame.number)
    first, second = look.frame, other.frame
    if not first.rows:
        return np.zeros(0, np.int64)
    return look.answers.get(key, lambda: second.rows_of(first.columns.arrays["id"]))


def _outcomes(frame: Frame, rows: RowNumbers) -> RowNumbers:
    """What became of rows, as a number of `OUTCOMES`."""
    values = frame.columns.values["outcome"]
    known = [OUTCOMES.index(value or OUTCOMES[0]) for value in values]
    return np.array(known, np.int64)[frame.columns.arrays["outcome"][rows]]


def _moves(look: Look, other: Look, partner: RowNumbers) -> Iterator[OutcomeMove]:
    """Rows that fared otherwise, the most frequent way first."""
    rows = np.flatnonzero(partner >= 0)
    if not len(rows):
        return
    size = len(OUTCOMES)
    codes = _outcomes(look.frame, rows) * size + _outcomes(other.frame, partner[rows])
    for code, _ in Counter(codes.tolist()).most_common():
        own = rows[codes == code]
        if code // size != code % size:
            reason = _commonest(other.frame, partner[own]) or _commonest(look.frame, own)
            yield _move(OUTCOMES[code // size], OUTCOMES[code % size], len(own), reason, other)


def _move(before: str, after: str, count: int, reason: str | None, other: Look) -> OutcomeMove:
    where = f"moved={before}>{after}@{other.subject.path.name}"
    return {"from": before, "to": after, "count": count, "reason": reason, "where": where}


def _commonest(frame: Frame, rows: RowNumbers) -> str | None:
    """The rule that most of the rows were dropped by."""
    codes = frame.columns.arrays["reason"][rows]
    known = codes[codes > 0]
    if not len(known):
        return None
    return frame.columns.values["reason"][int(np.bincount(known).argmax())]


def _stages(look: Look, other: Look) -> Iterator[StagePair]:
    first = _by_name(look.index.moment.content.stages)
    second = _by_name(other.index.moment.content.stages)
    for stage in dict.fromkeys([*first, *second]):
        yield StagePair(stage=stage, a=first.get(stage), b=second.get(stage))


def _by_name(states: tuple[StageState, ...]) -> dict[str, StageCounts]:
    found = {}
    for state in states:
        counts = total(mark.counts for mark in state.marks.values())
        found[state.stage] = StageCounts(
            kept=counts.kept, dropped=counts.dropped, quarantined=counts.quarantined
        )
    return found


def _reasons(first: Frame, second: Frame) -> list[RulePair]:
    """The rules that dropped rows, those that differ most first."""
    own, others = values_of(first, "reason"), values_of(second, "reason")
    names = dict.fromkeys([*own, *others])
    found = [RulePair(rule=name, a=own.get(name, 0), b=others.get(name, 0)) for name in names]
    found.sort(key=lambda one: (-abs(one["a"] - one["b"]), one["rule"]))
    return found


def _numbers(first: Frame, second: Frame) -> Iterator[NumberPair]:
    for name in first.numbers:
        edges = first.edges[name]
        own, others = _kept_values(first, name), _kept_values(second, name)
        yield NumberPair(
            name=name,
            a=_mean(own),
            b=_mean(others),
            edges=edges.tolist(),
            counts_a=_histogram(own, edges),
            counts_b=_histogram(others, edges),
        )


def _kept_values(frame: Frame, name: str) -> AnyArray:
    """A number of the rows that are kept, where it is known."""
    if name not in frame.columns.arrays or "kept" not in frame.columns.values["outcome"]:
        return np.zeros(0, np.float32)
    code = frame.columns.values["outcome"].index("kept")
    own = frame.columns.arrays[name][frame.columns.arrays["outcome"] == code]
    known: AnyArray = own[~np.isnan(own)]
    return known


def _mean(values: AnyArray) -> float | None:
    return float(values.mean(dtype=np.float64)) if len(values) else None


def _histogram(values: AnyArray, edges: AnyArray) -> list[int]:
    """With the bins of the first run; what lies outside is in the first or the last."""
    places = np.searchsorted(edges[1:-1], values, side="right")
    return cast("list[int]", np.bincount(places, minlength=len(edges) - 1).tolist())


def _recipe(first: Subject, second: Subject) -> list[str]:
    """The lines of the two recipes that differ."""
    own, others = _recipe_lines(first), _recipe_lines(second)
    differing = difflib.unified_diff(own, others, lineterm="", n=0)
    return [line for line in differing if not line.startswith(("---", "+++", "@@"))]


def _recipe_lines(subject: Subject) -> list[str]:
    file = subject.path / "recipe.yaml"
    return file.read_text("utf-8").splitlines() if file.is_file() else []


def moved(look: Look, value: str) -> RowNumbers:
    """The rows of `moved=kept>dropped@OTHER`, or `only@OTHER`. Raises UserError."""
    match = MOVED.fullmatch(value)
    if match is None:
        raise UserError(f"`{value}`: write kept>dropped@RUN or only@RUN.")
    other = look.other(match["name"])
    partner = _partner(look, other)
    if match["only"]:
        return np.flatnonzero(partner < 0)
    rows = np.flatnonzero(partner >= 0)
    before, after = _code(match["before"]), _code(match["after"])
    own: Mask = _outcomes(look.frame, rows) == before
    others: Mask = _outcomes(other.frame, partner[rows]) == after
    return rows[own & others]


def _code(outcome: str) -> int:
    if outcome not in OUTCOMES:
        raise UserError(f"`{outcome}`: a row is {', '.join(OUTCOMES)}.")
    return OUTCOMES.index(outcome)
