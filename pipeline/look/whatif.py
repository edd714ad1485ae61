"""What another limit would change, from what is stored; nothing is measured again.

    style.cliches            a rule of `filter`: all that it has measured on each row
    dedup.threshold          how similar each near-duplicate is to its partner; only upwards, as
                             pairs below the limit are not stored
    publish.questions.min    a measure or criterion of the rows that came to `publish`
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypedDict

import numpy as np

from pipeline import UserError
from pipeline.look.index import bins
from pipeline.look.index.columns import BESIDE, Numbers
from pipeline.look.index.fields import NUMBERS, SIMILARITY
from pipeline.look.index.flat import AnyArray
from pipeline.look.index.frame import Frame
from pipeline.look.rulevalues import RuleValues, Values, rule_values
from pipeline.look.search import Mask
from pipeline.look.state import Look, RuleChoice
from pipeline.recipe.settings import Recipe
from pipeline.rules import RULES, Rule, beyond
from pipeline.run.reports import recipe_of

LIMITS = 1000  # of a curve
NEAR = 0.05  # of a limit, as a share of it; our choice
THRESHOLD = "dedup.threshold"
CUT = re.compile(r"publish\.(?P<number>\w+)\.(?P<side>min|max)")
ASKED = re.compile(r"(?P<rule>[\w.]+)@(?P<limit>[-+.\de]+)")
NOTE = "From stored measures: nothing is measured again."
NOTE_THRESHOLD = "Pairs below the limit of the run are not stored: only a higher one can be asked."
Side = Literal["above", "below"]


class WhatIf(TypedDict):
    """The record of `GET api/whatif`. limits, dropped: a curve."""

    rule: str
    unit: str
    fires: Side
    decision: str
    limit: float | None
    asked: float | None
    fixed: bool
    rows: int
    edges: list[float]
    counts: list[int]
    limits: list[float]
    dropped: list[int]
    dropped_now: int
    dropped_then: int
    newly_dropped: int
    newly_kept: int
    where_dropped: str
    where_kept: str
    recipe: str
    note: str


@dataclass(frozen=True)
class Limit:
    """Something with a limit, and what it was measured on. rows: of the frame, -1 where it has
    none. values: float, NaN where not known. otherwise: dropped by the same stage for another
    reason. drops: does it drop at all now?"""

    rule: str
    unit: str
    fires: Side
    limit: float | None
    decision: str
    fixed: bool
    rows: Numbers
    values: AnyArray
    otherwise: Mask
    total: int
    note: str = NOTE

    def beyond(self, limit: float | None) -> Mask:
        """Which values lie beyond a limit."""
        if limit is None:
            return np.zeros(len(self.values), np.bool_)
        if self.fires == "above":
            return self.values >= limit if self.rule == THRESHOLD else self.values > limit
        return self.values < limit

    @property
    def dropped_now(self) -> Mask:
        is_beyond = self.beyond(self.limit)
        return is_beyond if self.decision == "drop" else np.zeros_like(is_beyond)

    def changed(self, limit: float) -> Changed:
        """The rows of the frame that another limit drops, or keeps."""
        then, now = self.beyond(limit), self.dropped_now
        return Changed(
            self.rows[then & ~now & ~self.otherwise], self.rows[now & ~then & ~self.otherwise]
        )


class Changed(NamedTuple):
    dropped: Numbers
    kept: Numbers


def what_if(look: Look, rule: str, asked: float | None, rows: Numbers | None) -> WhatIf:
    """rows: of the frame, to which it is limited. Raises UserError for an unknown rule."""
    limit = limit_of(look, rule)
    if rows is not None:
        limit = _limited(limit, rows, look.frame.rows)
    chosen = limit.limit if asked is None else asked
    changed = limit.changed(chosen) if chosen is not None else Changed(limit.rows[:0], limit.rows[:0])
    known = limit.values[~np.isnan(limit.values)]
    edges = bins.edges_of(known)
    codes = bins.coded(known, edges)
    limits, dropped = curve(limit)
    shown = f"{limit.rule}@{chosen if chosen is not None else 0:g}"
    return WhatIf(
        rule=limit.rule,
        unit=limit.unit,
        fires=limit.fires,
        decision=limit.decision,
        limit=limit.limit,
        asked=chosen,
        fixed=limit.fixed,
        rows=limit.total,
        edges=edges.tolist(),
        counts=np.bincount(codes, minlength=len(edges))[1:].tolist(),
        limits=limits,
        dropped=dropped,
        dropped_now=int(limit.dropped_now.sum()),
        dropped_then=int(limit.beyond(chosen).sum()),
        newly_dropped=len(changed.dropped),
        newly_kept=len(changed.kept),
        where_dropped=f"newly_dropped={shown}",
        where_kept=f"newly_kept={shown}",
        recipe=recipe_lines(limit, chosen),
        note=limit.note,
    )


def _limited(limit: Limit, rows: Numbers, size: int) -> Limit:
    """The same on some rows of the frame alone."""
    inside = np.zeros(size + 1, np.bool_)  # the last is that of rows without a place
    inside[rows] = True
    own = inside[limit.rows]
    known = {"rows": limit.rows[own], "values": limit.values[own]}
    return _replaced(limit, **known, otherwise=limit.otherwise[own], total=len(rows))


def curve(limit: Limit) -> tuple[list[float], list[int]]:
    """Up to `LIMITS` limits, and how many values lie beyond each."""
    each = np.sort(limit.values[~np.isnan(limit.values)])
    limits = np.unique(each)
    if len(limits) > LIMITS:
        limits = limits[np.linspace(0, len(limits) - 1, LIMITS).astype(np.int64)]
    if limit.fires == "below":
        dropped = np.searchsorted(each, limits, side="left")
    else:
        side: Literal["left", "right"] = "left" if limit.rule == THRESHOLD else "right"
        dropped = len(each) - np.searchsorted(each, limits, side=side)
    return limits.tolist(), dropped.tolist()


def recipe_lines(limit: Limit, asked: float | None) -> str:
    """The lines of a recipe that set a limit."""
    value = "null" if asked is None else f"{asked:g}"
    if limit.rule == THRESHOLD:
        return f"dedup:\n  threshold: {value}\n"
    cut = CUT.fullmatch(limit.rule)
    if cut:
        return f"publish:\n  cut:\n    {cut['number']}: {{{cut['side']}: {value}}}\n"
    more = "" if limit.decision == "drop" else ", decision: drop"
    return f"filter:\n  rules:\n    {limit.rule}: {{limit: {value}{more}}}\n"


# --- what has a limit


def limit_of(look: Look, rule: str) -> Limit:
    """Raises UserError where nothing of that name was measured."""
    recipe = recipe_of(str(look.subject.path)) if look.subject.kind == "run" else None
    cut = CUT.fullmatch(rule)
    if rule == THRESHOLD:
        return _threshold(look.frame, recipe)
    if cut and cut["number"] in NUMBERS:
        return _cut(look.frame, recipe, cut["number"], cut["side"])
    limits, known = _limits(recipe), _rule_values(look)
    if known is None or rule not in known.by_rule or rule not in limits:
        found = ", ".join(known.by_rule) if known else "none"
        raise UserError(f"Nothing is stored of what `{rule}` measures. There are: {found}.")
    return _of_rule(look, known, rule, limits)


def _rule_values(look: Look) -> RuleValues | None:
    if look.subject.kind == "dataset":
        return None
    key = ("rule values", look.frame.number)
    path = look.subject.path
    return look.totals.get(key, lambda: rule_values(path, look.subject.index))


def _limits(recipe: Recipe | None) -> Mapping[str, Rule]:
    return recipe.filter.limits() if recipe else RULES


def _of_rule(look: Look, known: RuleValues, rule: str, limits: Mapping[str, Rule]) -> Limit:
    about, values = limits[rule], known.by_rule[rule]
    places = _places(look, known)
    dropping = _dropping(known, limits, rule)
    extreme = values.highest if about.fires == "above" else values.lowest
    return Limit(
        rule=rule,
        unit=about.unit,
        fires=about.fires,
        limit=about.limit,
        decision=about.decision,
        fixed=about.fixed,
        rows=places[values.rows],
        values=extreme,
        otherwise=dropping[values.rows],
        total=len(known.ids),
    )


def _places(look: Look, known: RuleValues) -> Numbers:
    """(rows of `filter`,) the row of the frame."""
    frame = look.frame
    key = ("places", frame.number)
    return look.totals.get(key, lambda: frame.rows_of(known.ids))


def _dropping(known: RuleValues, limits: Mapping[str, Rule], but: str) -> Mask:
    """(rows of `filter`,) does another rule drop it?"""
    found = np.zeros(len(known.ids), np.bool_)
    for name, values in known.by_rule.items():
        about = limits.get(name)
        if about is not None and about.decision == "drop" and name != but:
            found[values.rows[_beyond(values, about)]] = True
    return found


def _beyond(values: Values, rule: Rule) -> Mask:
    if rule.fires == "above":
        return np.asarray(values.highest > rule.limit, np.bool_)
    return np.asarray(values.lowest < rule.limit, np.bool_)


def _threshold(frame: Frame, recipe: Recipe | None) -> Limit:
    values = frame.columns.arrays.get(SIMILARITY, np.zeros(0, np.float32))
    near = _rows_dropped_by(frame, "dedup.near") if len(values) else np.zeros(0, np.int64)
    return Limit(
        rule=THRESHOLD,
        unit="Jaccard similarity of two rows",
        fires="above",
        limit=recipe.dedup.threshold if recipe else None,
        decision="drop",
        fixed=False,
        rows=near,
        values=values[near],
        otherwise=np.zeros(len(near), np.bool_),
        total=len(near),
        note=NOTE_THRESHOLD,
    )


def _rows_dropped_by(frame: Frame, rule: str) -> Numbers:
    names = frame.columns.values["reason"]
    if rule not in names:
        return np.zeros(0, np.int64)
    return np.flatnonzero(frame.columns.arrays["reason"] == names.index(rule))


def _cut(frame: Frame, recipe: Recipe | None, number: str, side: str) -> Limit:
    cuts = recipe.publish.cut if recipe else {}
    limit = getattr(cuts.get(number), side, None)
    rows = _rows_of_stage(frame, "publish")
    values = frame.columns.arrays.get(number)
    own = np.full(len(rows), np.nan, np.float32) if values is None else values[rows]
    rule = f"publish.{number}"
    return Limit(
        rule=f"{rule}.{side}",
        unit=NUMBERS[number],
        fires="below" if side == "min" else "above",
        limit=limit,
        decision="drop",
        fixed=False,
        rows=rows,
        values=own,
        otherwise=_dropped_otherwise(frame, rows, rule),
        total=len(rows),
    )


def _rows_of_stage(frame: Frame, stage: str) -> Numbers:
    if not frame.rows or stage not in frame.columns.values["stage"]:
        return np.zeros(0, np.int64)
    code = frame.columns.values["stage"].index(stage)
    return np.flatnonzero(frame.columns.arrays["stage"] == code)


def _dropped_otherwise(frame: Frame, rows: Numbers, rule: str) -> Mask:
    """Rows that were dropped, and not by this cut alone."""
    if not frame.rows:
        return np.zeros(0, np.bool_)
    sets = [set(values.split(BESIDE)) for values in frame.columns.values["rule"]]
    others = [{one for one in own if one.startswith("publish.")} - {rule} for own in sets]
    has_others = np.array(list(map(bool, others)), np.bool_)
    outcome = frame.columns.values["outcome"]
    dropped = frame.columns.arrays["outcome"][rows] == (
        outcome.index("dropped") if "dropped" in outcome else -1
    )
    return dropped & has_others[frame.columns.arrays["rule"][rows]]


def _replaced(limit: Limit, **changes: object) -> Limit:
    return Limit(**{**vars(limit), **changes})  # type: ignore[arg-type]


# --- the rules to choose from


def choices(look: Look) -> list[RuleChoice]:
    """What can be asked, the rules with most rows beyond their limit first."""
    found = [_choice(look, name) for name in _names(look)]
    found.sort(key=lambda one: (-one["rows"], one["rule"]))
    return found


def _names(look: Look) -> list[str]:
    names: list[str] = []
    known = _rule_values(look)
    if look.subject.kind != "dataset":
        recipe = recipe_of(str(look.subject.path))
        names += [name for name in (known.by_rule if known else ()) if name in _limits(recipe)]
        for number, cut in (recipe.publish.cut if recipe else {}).items():
            sides = [side for side in ("min", "max") if getattr(cut, side) is not None]
            names += [f"publish.{number}.{side}" for side in sides]
    if SIMILARITY in look.frame.columns.arrays:
        names.append(THRESHOLD)
    return names


def _choice(look: Look, name: str) -> RuleChoice:
    limit = limit_of(look, name)
    return RuleChoice(
        rule=name,
        limit=limit.limit,
        unit=limit.unit,
        fires=limit.fires,
        decision=limit.decision,
        fixed=limit.fixed,
        rows=int(limit.beyond(limit.limit).sum()),
        near=near_limit(limit),
    )


def near_limit(limit: Limit) -> int:
    """Values within `NEAR` of the limit; 0 where it is 0, of which there is no share."""
    if not limit.limit:
        return 0
    return int((np.abs(limit.values - limit.limit) <= NEAR * abs(limit.limit)).sum())


def newly_dropped(look: Look, value: str) -> Numbers:
    """The rows of `newly_dropped=RULE@LIMIT`. Raises UserError."""
    return _asked(look, value).dropped


def newly_kept(look: Look, value: str) -> Numbers:
    """The rows of `newly_kept=RULE@LIMIT`. Raises UserError."""
    return _asked(look, value).kept


def _asked(look: Look, value: str) -> Changed:
    match = ASKED.fullmatch(value)
    try:
        limit = float(match["limit"]) if match else float("nan")
    except ValueError:
        limit = float("nan")
    if match is None or limit != limit:
        raise UserError(f"`{value}`: write RULE@LIMIT, as in style.cliches@14.")
    return limit_of(look, match["rule"]).changed(limit)
