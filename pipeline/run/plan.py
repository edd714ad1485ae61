"""What a run would do and what it would cost."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from pipeline.recipe.settings import Recipe
from pipeline.run import steps
from pipeline.run.context import Job
from pipeline.run.runner import passages, remembered


def plan(job: Job) -> list[dict[str, Any]]:
    """What a run would do, room by room: state (cached, resumes, runs), rows where they are known, and model calls."""
    planned = []
    fresh = False
    recipe = remembered(job.recipe, job.out)
    for passage in passages(replace(job, recipe=recipe)):
        report = passage.outbox.read_json("report.json")
        stands = not fresh and report is not None and report["key"] == passage.key
        cached = stands and report is not None and not report["passing"]
        begun = stands or any(
            passage.outbox.done(unit, passage.key) for unit in passage.outbox.units()
        )
        fresh = fresh or not cached
        state = "cached" if cached else "resumes" if begun else "runs"
        calls = (
            _expected(recipe, job.out) if passage.stage.name == "generate" and not cached else {}
        )
        planned.append(
            {
                "stage": passage.stage.name,
                "state": state,
                "rows": report["kept"] if cached and report else None,
            }
            | calls
        )
    return planned


def _expected(recipe: Recipe, out: str) -> dict[str, Any]:
    """Calls, tokens and dollars of the room that asks models, and what this folder has spent already.

    The cost is None where a price is unknown. over: the limits of the budget that the whole would exceed.
    """
    if not recipe.generate.wanted:
        return {}
    from pipeline import generate

    every = generate.expected(recipe.generate, recipe.models, recipe.seed, recipe.folder).values()
    costs = [one.cost for one in every]
    prompt, completion = (
        sum(one.prompt_tokens for one in every),
        sum(one.completion_tokens for one in every),
    )
    cost = sum(cost for cost in costs if cost is not None) if None not in costs else None
    spent_tokens, spent = steps.spent(out)
    limits = {
        "max_cost": (recipe.budget.max_cost, cost or 0),
        "max_tokens": (recipe.budget.max_tokens, prompt + completion),
    }
    return {
        "calls": sum(one.calls for one in every),
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "cost": cost,
        "spent": spent,
        "spent_tokens": spent_tokens,
        "over": [
            name for name, (limit, wanted) in limits.items() if limit is not None and wanted > limit
        ],
    }
