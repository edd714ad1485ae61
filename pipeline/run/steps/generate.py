"""`generate`: parts are passed on as they are; one further unit holds what the models wrote."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Any

from pipeline import generate
from pipeline.conversation import Conversation, Quarantine, Row
from pipeline.generate import diversity
from pipeline.generate.personas import talking
from pipeline.recipe.generate import GenerateSettings
from pipeline.run.context import Progress, StageContext
from pipeline.run.steps.asking import Asking
from pipeline.store.counts import Counts, given_up
from pipeline.store.store import Part, Store


def run(context: StageContext) -> dict[str, Any] | None:
    """Pass on what was collected, then add what the models wrote. Returns what that took."""
    context.each_part(_pass_on)
    if not context.settings.wanted:
        return None
    recipe = context.job.recipe
    with Asking(context.job) as asking:
        written = generate.work(recipe.generate, asking.client, recipe.seed, recipe.folder)
        tally = diversity.TalkTally()
        with closing(asking.drained(written)) as rows:
            shown = _counted(_with_progress(rows, context), tally)
            context.results.append(context.output.write(_next_unit(context), context.key, shown))
        return {"usage": asking.usage(), "diversity": diversity.report(tally)}


def _counted(rows: Iterator[Row], tally: diversity.TalkTally) -> Iterator[Row]:
    """The same rows; the talks that are kept are added to the tally."""
    for row in rows:
        if isinstance(row, Conversation):
            tally.add(row)
        yield row


def _pass_on(source: Store, output: Store, part: Part, key: str, _: GenerateSettings) -> Counts:
    return output.pass_on(part, key, source)


def _next_unit(context: StageContext) -> str:
    """The unit after all that were passed on."""
    units = [int(part.name[:5]) for part in context.parts]
    return f"{max(units, default=-1) + 1:05d}"


def _with_progress(rows: Iterator[Row], context: StageContext) -> Iterator[Row]:
    """The same rows; each slot that is filled or given up is shown as progress."""
    settings: GenerateSettings = context.settings
    recipe = context.job.recipe
    each = generate.sittings_of_all(settings, recipe.seed)
    wanted = each * talking(settings, recipe.folder)
    done = 0
    _show(context, done, wanted)
    for row in rows:
        yield row
        lost = given_up(row)
        if isinstance(row, Quarantine) and not row.where.startswith("generated/"):  # an invention
            wanted -= lost * each if row.where.startswith("characters/") else 0
        elif lost or isinstance(row, Conversation):
            done += 1
            _show(context, done, wanted)


def _show(context: StageContext, done: int, wanted: int) -> None:
    context.job.progress(Progress(context.stage.name, "talks", done, wanted))
