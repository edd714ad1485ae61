"""What has a limit, and what was measured by it on every row.

style.cliches            a rule of `filter`: all that it has measured on each row
dedup.threshold          how similar each near-duplicate is to its partner; only upwards, as
                         pairs below the limit are not stored
publish.questions.min    a measure or criterion of the rows that came to `publish`
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np

from pipeline import UserError
from pipeline.look.index.columns import BESIDE, RowNumbers
from pipeline.look.index.fields import NUMBERS, SIMILARITY
from pipeline.look.index.flat import AnyArray
from pipeline.look.index.frame import Frame
from pipeline.look.rulevalues import MeasuredValues, RuleValues, rule_values
from pipeline.look.search import Mask
from pipeline.look.state import Look
from pipeline.recipe.settings import Recipe
from pipeline.rules import Rule
from pipeline.run.reports import recipe_of

THRESHOLD = "dedup.threshold"
CUT = re.compile(r"publish\.(?P<number>\w+)\.(?P<side>min|max)")
NOTE = "From stored measures: nothing is measured again."
NOTE_THRESHOLD = "Pairs below the limit of the run are not stored: only a higher one can be asked."
Fires = Literal["above", "below"]
SIDES: dict[str, Fires] = {"min": "below", "max": "above"}


@dataclass(frozen=True)
class Limit:
    """Something with a limit, and what it was measured on. rows: of the frame, -1 where it has
    none. values: float, NaN where not known. otherwise: dropped by the same stage for another
    reason. drops: does it drop at all now?"""

    rule: str
    unit: str
    fires: Fires
    limit: float | None
    decision: str
    fixed: bool
    rows: RowNumbers
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

    def changed(self, limit: float | None) -> Changed:
        """The rows of the frame that another limit drops, or keeps."""
        then, now = self.beyond(limit), self.dropped_now
        return Changed(
            self.rows[then & ~now & ~self.otherwise], self.rows[now & ~then & ~self.otherwise]
        )


class Changed(NamedTuple):
    dropped: RowNumbers
    kept: RowNumbers


def limit_of(look: Look, rule: str) -> Limit:
    """Raises UserError where nothing of that name was measured."""
    recipe = known_recipe(look)
    cut = CUT.fullmatch(rule)
    if rule == THRESHOLD:
        return _threshold(look.frame, recipe)
    if cut and cut["number"] in NUMBERS:
        return _cut(look.frame, recipe, cut["number"], cut["side"])
    limits, known = recipe.filter.limits(), known_values(look)
    if known is None or rule not in known.by_rule or rule not in limits:
        found = ", ".join(known.by_rule) if known else "none"
        raise UserError(f"Nothing is stored of what `{rule}` measures. There are: {found}.")
    return _of_rule(look, known, rule, limits)


def known_values(look: Look) -> RuleValues | None:
    if look.subject.kind == "dataset":
        return None
    key = ("rule values", look.frame.number)
    path = look.subject.path
    return look.totals.get(key, lambda: rule_values(path, look.subject.index))


def known_recipe(look: Look) -> Recipe:
    """The recipe of what is looked at; one without any settings where it has none."""
    return recipe_of(str(look.subject.path)) or Recipe(name="none")


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


def _places(look: Look, known: RuleValues) -> RowNumbers:
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


def _beyond(values: MeasuredValues, rule: Rule) -> Mask:
    if rule.fires == "above":
        return np.asarray(values.highest > rule.limit, np.bool_)
    return np.asarray(values.lowest < rule.limit, np.bool_)


def _threshold(frame: Frame, recipe: Recipe) -> Limit:
    values = frame.columns.arrays.get(SIMILARITY, np.zeros(0, np.float32))
    near = _rows_dropped_by(frame, "dedup.near") if len(values) else np.zeros(0, np.int64)
    return Limit(
        rule=THRESHOLD,
        unit="Jaccard similarity of two rows",
        fires="above",
        limit=recipe.dedup.threshold,
        decision="drop",
        fixed=False,
        rows=near,
        values=values[near],
        otherwise=np.zeros(len(near), np.bool_),
        total=len(near),
        note=NOTE_THRESHOLD,
    )


def _rows_dropped_by(frame: Frame, rule: str) -> RowNumbers:
    names = frame.columns.values["reason"]
    if rule not in names:
        return np.zeros(0, np.int64)
    return np.flatnonzero(frame.columns.arrays["reason"] == names.index(rule))


def _cut(frame: Frame, recipe: Recipe, number: str, side: str) -> Limit:
    limit = getattr(recipe.publish.cut.get(number), side, None)
    rows = _rows_of_stage(frame, "publish")
    values = frame.columns.arrays.get(number)
    own = np.full(len(rows), np.nan, np.float32) if values is None else values[rows]
    rule = f"publish.{number}"
    return Limit(
        rule=f"{rule}.{side}",
        unit=NUMBERS[number],
        fires=SIDES[side],
        limit=limit,
        decision="drop",
        fixed=False,
        rows=rows,
        values=own,
        otherwise=_dropped_otherwise(frame, rows, rule),
        total=len(rows),
    )


def _rows_of_stage(frame: Frame, stage: str) -> RowNumbers:
    if not frame.rows or stage not in frame.columns.values["stage"]:
        return np.zeros(0, np.int64)
    code = frame.columns.values["stage"].index(stage)
    return np.flatnonzero(frame.columns.arrays["stage"] == code)


def _dropped_otherwise(frame: Frame, rows: RowNumbers, rule: str) -> Mask:
    """Rows that were dropped, and not by this cut alone."""
    if not frame.rows:
        return np.zeros(0, np.bool_)
    columns = frame.columns
    others = [_other_cuts(values, rule) for values in columns.values["rule"]]
    reasons = [reason not in ("", rule) for reason in columns.values["reason"]]
    own = columns.arrays["reason"][rows]
    by_others = np.array(others, np.bool_)[columns.arrays["rule"][rows]]
    found: Mask = (by_others | np.array(reasons, np.bool_)[own]) & (own > 0)
    return found


def _other_cuts(rules: str, rule: str) -> bool:
    """Is there another cut in a set of rules?"""
    return any(one.startswith("publish.") and one != rule for one in rules.split(BESIDE))


def names_of(look: Look) -> list[str]:
    """What can be asked."""
    recipe, known = known_recipe(look), known_values(look)
    names = [name for name in recipe.filter.limits() if known and name in known.by_rule]
    for number, cut in recipe.publish.cut.items():
        names += [f"publish.{number}.{side}" for side, limit in cut if limit is not None]
    if SIMILARITY in look.frame.columns.arrays:
        names.append(THRESHOLD)
    return names
