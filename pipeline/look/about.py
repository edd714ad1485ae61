"""What the page asks first, and how far a run is that is still at work."""

from __future__ import annotations

from typing import TypedDict

from pipeline.conversation import CRITERIA
from pipeline.criteria import criteria
from pipeline.look.compare import values_of
from pipeline.look.index.fields import FACETS, NUMBERS
from pipeline.look.limits import known_recipe
from pipeline.look.opened import StageState
from pipeline.look.state import Look
from pipeline.run.stages import NAMES
from pipeline.store.counts import total


class FacetAbout(TypedDict):
    name: str
    label: str
    several: bool
    values: int


class NumberAbout(TypedDict):
    name: str
    unit: str
    kind: str


class RuleAbout(TypedDict):
    unit: str
    fires: str
    limit: float
    decision: str
    fixed: bool
    stage: str


class CriterionAbout(TypedDict):
    definition: str
    needs: str
    levels: dict[str, str]


class StageProgress(TypedDict):
    """state: done, running or waiting. units: parts that are finished."""

    stage: str
    state: str
    kept: int
    dropped: int
    quarantined: int
    units: int


class RunProgress(TypedDict):
    live: bool
    indexing: bool
    version: int
    rows: int
    stages: list[StageProgress]


class AboutPage(TypedDict):
    name: str
    kind: str
    path: str
    version: int
    rows: int
    live: bool
    indexing: bool
    problems: list[str]
    reviewer: str
    can_review: bool
    outcomes: dict[str, int]
    stages: list[str]
    facets: list[FacetAbout]
    numbers: list[NumberAbout]
    rules: dict[str, RuleAbout]
    criteria: dict[str, CriterionAbout]
    others: list[str]


def about(look: Look) -> AboutPage:
    moment = look.index.moment
    frame = moment.frame
    numbers = []
    for name in frame.numbers:
        kind = "criterion" if name in CRITERIA else "measure"
        numbers.append(NumberAbout(name=name, unit=NUMBERS[name], kind=kind))
    return AboutPage(
        name=look.subject.name,
        kind=look.subject.kind,
        path=str(look.subject.path),
        version=frame.number,
        rows=frame.rows,
        live=look.subject.is_live(),
        indexing=not moment.is_whole,
        problems=look.index.problems,
        reviewer=look.reviewer,
        can_review=look.subject.can_review,
        outcomes=values_of(frame, "outcome"),
        stages=list(NAMES),
        facets=_facets(look),
        numbers=numbers,
        rules=_rules(look),
        criteria=_criteria(),
        others=look.subject.others(),
    )


def _facets(look: Look) -> list[FacetAbout]:
    """The facets that some row has a value of."""
    found = []
    for name, facet in FACETS.items():
        values = 1 if name == "review" else len(values_of(look.frame, name))
        if values:
            about = FacetAbout(name=name, label=facet.label, several=facet.several, values=values)
            found.append(about)
    return found


def _rules(look: Look) -> dict[str, RuleAbout]:
    """The rules of `filter`, with the limits of the recipe."""
    found = {}
    for name, rule in known_recipe(look).filter.limits().items():
        found[name] = RuleAbout(
            unit=rule.unit,
            fires=rule.fires,
            limit=rule.limit,
            decision=rule.decision,
            fixed=rule.fixed,
            stage="filter",
        )
    return found


def _criteria() -> dict[str, CriterionAbout]:
    found = {}
    for name, one in criteria().items():
        levels = {str(level): text for level, text in one.levels.items()}
        found[name] = CriterionAbout(definition=one.definition, needs=one.needs, levels=levels)
    return found


def progress(look: Look) -> RunProgress:
    moment = look.index.moment
    states = {name: StageState(name, "", None, {}) for name in NAMES}
    states |= {state.stage: state for state in moment.content.stages}
    return RunProgress(
        live=look.subject.is_live(),
        indexing=not moment.is_whole,
        version=moment.frame.number,
        rows=moment.frame.rows,
        stages=list(map(_stage, states.values())),
    )


def _stage(state: StageState) -> StageProgress:
    counts = total(mark.counts for mark in state.marks.values())
    word = "waiting"
    if state.report:
        word = "done"
    elif state.marks:
        word = "running"
    return StageProgress(
        stage=state.stage,
        state=word,
        kept=counts.kept,
        dropped=counts.dropped,
        quarantined=counts.quarantined,
        units=len(state.marks),
    )
