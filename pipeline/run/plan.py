"""What a run would do and what it would cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import chain, islice
from typing import TYPE_CHECKING, TypedDict

import pyarrow.compute as pc

from pipeline.recipe.settings import Recipe
from pipeline.run.context import Job, StageContext
from pipeline.run.inputs import encoder_version
from pipeline.run.runner import (
    Finished,
    as_noted,
    context_of,
    finished,
    outputs,
    standing_report,
)
from pipeline.store.store import Part, Store

if TYPE_CHECKING:
    from pipeline.judge import RowSample
    from pipeline.llm import Estimate

SAMPLED = 200  # rows from which the judge's prompts are estimated


class ModelUse(TypedDict, total=False):
    """Calls, tokens and dollars that a stage would take. cost: None where a price is unknown.

    spent, spent_tokens: by all runs in this folder so far. over: limits of the budget that all this
    would exceed, with what the stages before would take.
    """

    calls: int
    prompt_tokens: int
    completion_tokens: int
    cost: float | None
    spent: float
    spent_tokens: int
    over: list[str]


class EncoderUse(TypedDict, total=False):
    """Sentence vectors that a stage would make. rate: messages a CPU-second. messages, seconds:
    that are left, and how long they take these workers; missing where no row is known."""

    encoder: str
    rate: int
    messages: int
    workers: int
    seconds: float


class PlannedStage(ModelUse, EncoderUse, total=False):
    """What would happen to a stage. state: cached, resumes or runs. rows: kept, where that is
    known. families: of the models that it asks, by the recipe's names."""

    stage: str
    state: str
    rows: int | None
    families: dict[str, str]


def plan(job: Job) -> list[PlannedStage]:
    """What a run would do, stage by stage. Runs nothing."""
    job = replace(job, recipe=as_noted(job.recipe, job.out))
    encoder_version(job.recipe.score)
    planned: list[PlannedStage] = []
    before: Finished | None = Finished()
    known = Finished()  # the last store that stands
    expected: list[Estimate] = []
    for stage, output in outputs(job.out):
        # after a stage that has to run, the keys of the next ones are not known yet
        context = context_of(job, stage, output, before) if before is not None else None
        one, before = _planned(context, stage.name)
        known = before or known
        one = _with_models(one, known, expected, job)
        one |= _encoder_use(one, known, context, job)  # type: ignore[typeddict-item]
        planned.append(one)
    return planned


def _encoder_use(
    one: PlannedStage,
    known: Finished,
    context: StageContext | None,
    job: Job,
) -> EncoderUse:
    """What the encoder would take, where the stage would ask it.

    known: the last store before the stage that stands. context: of the stage, where all before it
    stand.
    """
    encoder = job.recipe.score.encoder
    if one["stage"] != "score" or one["state"] == "cached" or encoder is None:
        return {}
    from pipeline.annotate.encoder import RATE
    from pipeline.run.steps.measured import measured

    found = EncoderUse(encoder=encoder, rate=RATE)
    if known.store is None:
        return found
    parts = list(known.parts)
    if context is not None:
        done = measured(context)
        parts = [part for part in parts if done.mark(part) is None]
    messages = sum(_spoken(known.store, part) for part in parts)
    workers = max(1, min(job.engine.workers, len(parts)))
    found |= {"messages": messages, "workers": workers, "seconds": messages / RATE / workers}
    return found


def _spoken(store: Store, part: Part) -> int:
    """Messages of user and assistant in a part."""
    roles = store.columns(part, ["messages.list.element.role"])["messages"].combine_chunks()
    spoken = pc.not_equal(pc.struct_field(roles.flatten(), "role"), "system")
    return pc.sum(spoken).as_py() or 0


def _with_models(
    one: PlannedStage,
    known: Finished,
    expected: list[Estimate],
    job: Job,
) -> PlannedStage:
    """With what the models of a stage would take, if it asks any.

    expected: what those of the stages before would take; these are added.
    """
    recipe = job.recipe
    asked = _asked(recipe, one["stage"])
    if not asked:
        return one
    one["families"] = {name: recipe.models[name].kin for name in asked}
    if one["state"] != "cached":
        uses = _estimates(recipe, one["stage"], known)
        expected += uses
        one |= _use(uses, expected, job)  # type: ignore[typeddict-item]
    return one


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


def _asked(recipe: Recipe, stage: str) -> list[str]:
    """The models that a stage would ask, by the recipe's names."""
    if stage == "generate":
        return recipe.generate.models
    if stage == "score":
        return recipe.score.judge.models
    return []


def _estimates(recipe: Recipe, stage: str, known: Finished) -> list[Estimate]:
    """What each model would take. known: the last store before the stage that stands."""
    from pipeline import generate, judge

    if stage == "generate":
        uses = generate.expected(recipe.generate, recipe.models, recipe.seed, recipe.folder)
    else:
        samples = [_sample(known)]
        if known.store is None or known.store.stage == "collect":
            talks, count = generate.expected_talks(recipe.generate, recipe.seed, recipe.folder)
            samples.append(judge.RowSample(talks, count))
        uses = judge.expected(recipe.score.judge, recipe.models, samples)
    return list(uses.values())


def _sample(known: Finished) -> RowSample:
    """Some rows of a store, for all that are in it."""
    from pipeline.judge import RowSample

    store = known.store
    if store is None:
        return RowSample([], 0)
    rows = chain.from_iterable(store.read(part) for part in known.parts)
    return RowSample(list(islice(rows, SAMPLED)), sum(part.rows for part in known.parts))


def _use(uses: Sequence[Estimate], expected: Sequence[Estimate], job: Job) -> ModelUse:
    """What the models of a stage would take, and what this folder has spent already.

    expected: the same of this stage and those before it.
    """
    from pipeline.llm.spent import spent

    costs = [use.cost for use in uses]
    known = [cost for cost in costs if cost is not None]
    spent_tokens, spent_dollars = spent(job.folder)
    found = ModelUse(spent=spent_dollars, spent_tokens=spent_tokens)
    if uses:
        found |= ModelUse(
            calls=sum(use.calls for use in uses),
            prompt_tokens=sum(use.prompt_tokens for use in uses),
            completion_tokens=sum(use.completion_tokens for use in uses),
            cost=sum(known) if len(known) == len(costs) else None,
        )
    tokens = sum(use.prompt_tokens + use.completion_tokens for use in expected)
    dollars = sum(use.cost or 0.0 for use in expected)
    found["over"] = _limits_exceeded(job.recipe, {"max_cost": dollars, "max_tokens": tokens})
    return found


def _limits_exceeded(recipe: Recipe, wanted: dict[str, float]) -> list[str]:
    """The limits of the budget that lie below what is wanted."""
    exceeded = []
    for name, amount in wanted.items():
        limit = getattr(recipe.budget, name)
        if limit is not None and amount > limit:
            exceeded.append(name)
    return exceeded
