"""What another limit would change, from what is stored; nothing is measured again."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Literal, TypedDict

import numpy as np

from pipeline import UserError
from pipeline.look.index import bins
from pipeline.look.index.columns import RowNumbers
from pipeline.look.limits import CUT, THRESHOLD, Changed, Fires, Limit, limit_of, names_of
from pipeline.look.state import Look, RuleChoice

LIMITS = 1000  # of a curve
NEAR = 0.05  # of a limit, as a share of it; our choice
ASKED = re.compile(r"(?P<rule>[\w.]+)@(?P<limit>[-+.\de]+)")


class WhatIf(TypedDict):
    """The record of `GET api/whatif`. limits, dropped: a curve."""

    rule: str
    unit: str
    fires: Fires
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


def what_if(look: Look, rule: str, asked: float | None, rows: RowNumbers | None) -> WhatIf:
    """rows: of the frame, to which it is limited. Raises UserError for an unknown rule."""
    limit = limit_of(look, rule)
    if rows is not None:
        limit = _limited(limit, rows, look.frame.rows)
    chosen = limit.limit if asked is None else asked
    changed = limit.changed(chosen)
    edges, counts = _histogram(limit)
    limits, dropped = curve(limit)
    name = f"{limit.rule}@{chosen or 0:g}"
    return WhatIf(
        rule=limit.rule,
        unit=limit.unit,
        fires=limit.fires,
        decision=limit.decision,
        limit=limit.limit,
        asked=chosen,
        fixed=limit.fixed,
        rows=limit.total,
        edges=edges,
        counts=counts,
        limits=limits,
        dropped=dropped,
        dropped_now=int(limit.dropped_now.sum()),
        dropped_then=int(limit.beyond(chosen).sum()),
        newly_dropped=len(changed.dropped),
        newly_kept=len(changed.kept),
        where_dropped=f"newly_dropped={name}",
        where_kept=f"newly_kept={name}",
        recipe=recipe_lines(limit, chosen),
        note=limit.note,
    )


def _histogram(limit: Limit) -> tuple[list[float], list[int]]:
    """Edges and counts of all that was measured."""
    known = limit.values[~np.isnan(limit.values)]
    edges = bins.edges_of(known)
    counts = np.bincount(bins.coded(known, edges), minlength=len(edges))
    return edges.tolist(), counts[1:].tolist()


def _limited(limit: Limit, rows: RowNumbers, size: int) -> Limit:
    """The same on some rows of the frame alone."""
    inside = np.zeros(size + 1, np.bool_)  # the last is that of rows without a place
    inside[rows] = True
    own = inside[limit.rows]
    return replace(
        limit,
        rows=limit.rows[own],
        values=limit.values[own],
        otherwise=limit.otherwise[own],
        total=len(rows),
    )


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
    more = ", decision: drop" * (limit.decision != "drop")
    return f"filter:\n  rules:\n    {limit.rule}: {{limit: {value}{more}}}\n"


# --- the rules to choose from


def choices(look: Look) -> list[RuleChoice]:
    """What can be asked, the rules with most rows beyond their limit first."""
    found = [_choice(look, name) for name in names_of(look)]
    found.sort(key=lambda one: (-one["rows"], one["rule"]))
    return found


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


def newly_dropped(look: Look, value: str) -> RowNumbers:
    """The rows of `newly_dropped=RULE@LIMIT`. Raises UserError."""
    return _asked(look, value).dropped


def newly_kept(look: Look, value: str) -> RowNumbers:
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
