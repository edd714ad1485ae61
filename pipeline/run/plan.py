"""What a run would do and what it would cost."""

from __future__ import annotations

from dataclasses import replace
from typing import TypedDict

from pipeline.recipe.settings import Recipe
from pipeline.run.context import Job, StageContext
from pipeline.run.runner import (
    Finished,
    context_of,
    finished,
    outputs,
    standing_report,
    with_noted_commits,
)


class ModelUse(TypedDict, total=False):
    """Calls, tokens and dollars that a stage would take. cost: None where a price is unknown.

    spent, spent_tokens: by all runs in this folder so far. over: limits of the budget that all this
    would exceed.
    """

    calls: int
    prompt_tokens: int
    completion_tokens: int
    cost: float | None
    spent: float
    spent_tokens: int
    over: list[str]


class PlannedStage(ModelUse, total=False):
    """What would happen to a stage. state: cached, resumes or runs. rows: kept, where that is
    known."""

    stage: str
    state: str
    rows: int | None


def plan(job: Job) -> list[PlannedStage]:
    """What a run would do, stage by stage. Runs nothing."""
    recipe = with_noted_commits(job.recipe, job.out)
    job = replace(job, recipe=recipe)
    planned: list[PlannedStage] = []
    before: Finished | None = Finished()
    for stage, output in outputs(job.out):
        # after a stage that has to run, the keys of the next ones are not known yet
        context = context_of(job, stage, output, before) if before is not None else None
        one, before = _planned(context, stage.name)
        if stage.name == "generate" and one["state"] != "cached":
            one |= _estimate(recipe, job)  # type: ignore[typeddict-item]
        planned.append(one)
    return planned


def _planned(context: StageContext | None, name: str) -> tuple[PlannedStage, Finished | None]:
    """What would happen to a stage, and what it hands on where it would not run."""
    if context is None:
        return PlannedStage(stage=name, state="runs", rows=None), None
    report = standing_report(context)
    if report is not None and not report["transient"]:
        handed_on = finished(context.output, report)
        return PlannedStage(stage=name, state="cached", rows=report["kept"]), handed_on
    begun = any(context.output.finished(unit, context.key) for unit in context.output.units())
    return PlannedStage(stage=name, state="resumes" if begun else "runs", rows=None), None


def _estimate(recipe: Recipe, job: Job) -> ModelUse:
    """What the models would take, and what this folder has spent already."""
    if not recipe.generate.wanted:
        return {}
    from pipeline import generate
    from pipeline.llm.spent import spent

    uses = generate.expected(recipe.generate, recipe.models, recipe.seed, recipe.folder).values()
    costs = [use.cost for use in uses]
    known = [cost for cost in costs if cost is not None]
    spent_tokens, spent_dollars = spent(job.folder)
    found = ModelUse(
        calls=sum(use.calls for use in uses),
        prompt_tokens=sum(use.prompt_tokens for use in uses),
        completion_tokens=sum(use.completion_tokens for use in uses),
        cost=sum(known) if len(known) == len(costs) else None,
        spent=spent_dollars,
        spent_tokens=spent_tokens,
    )
    tokens = found["prompt_tokens"] + found["completion_tokens"]
    found["over"] = _limits_exceeded(recipe, {"max_cost": sum(known), "max_tokens": tokens})
    return found


def _limits_exceeded(recipe: Recipe, wanted: dict[str, float]) -> list[str]:
    """The limits of the budget that lie below what is wanted."""
    exceeded = []
    for name, amount in wanted.items():
        limit = getattr(recipe.budget, name)
        if limit is not None and amount > limit:
            exceeded.append(name)
    return exceeded
