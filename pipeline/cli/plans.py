"""What a run would do and what it would cost, for a terminal."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from pipeline.cli.render import table

if TYPE_CHECKING:
    from rich.table import Table

    from pipeline.run.plan import PlannedStage

UNTIL = "dedup"  # the stage after which the number of rows is known that a judge rates
# column of the table → key of a planned stage
PLAN = {
    "stage": "stage",
    "what happens": "state",
    "rows": "rows",
    "model calls": "calls",
    "tokens in": "prompt_tokens",
    "tokens out": "completion_tokens",
    "cost in all, $": "cost",
    "spent so far, $": "spent",
}


def plan(planned: Iterable[PlannedStage]) -> Table:
    """A row a stage: what would happen to it, and what its models would cost."""
    return table(tuple(PLAN), [[_cell(row.get(key)) for key in PLAN.values()] for row in planned])


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.4f}"
    return str(value)


def families(planned: Iterable[PlannedStage]) -> Iterator[str]:
    """A line for each stage that asks models, with the families of these."""
    for row in planned:
        named = [f"{name} ({family})" for name, family in row.get("families", {}).items()]
        if named:
            yield f"{row['stage']} asks these models (of this family): {', '.join(named)}"
        if named and row["state"] != "cached" and "calls" not in row:
            yield f"  how often, is known once there are rows: rapport run … --until {UNTIL}"


def over_budget(planned: Iterable[PlannedStage]) -> Iterator[str]:
    """A warning for each limit of the budget that lies below the estimate."""
    for row in planned:
        for limit in row.get("over", ()):
            exceeds = f"Careful: the estimate exceeds `budget.{limit}`"
            yield f"{exceeds}. The run will stop there, cleanly; with a higher limit it goes on."


def encoding(planned: Iterable[PlannedStage]) -> Iterator[str]:
    """How long sentence vectors take, where they are wanted."""
    for row in planned:
        if "encoder" not in row:
            continue
        rate = f"about {row['rate']} messages a second on each core"
        yield f"{row['stage']} reads every message with {row['encoder']}: {rate}"
        if "seconds" in row:
            left = dt.timedelta(seconds=round(row["seconds"]))
            yield f"  {row['messages']:,} messages are left: {left} on {row['workers']} of them"
        else:
            yield f"  how long, is known once there are rows: rapport run … --until {UNTIL}"
