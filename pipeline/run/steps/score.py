"""`score`: rows are measured part by part; then the judge rates them, where there is one."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import closing
from functools import partial
from itertools import islice
from typing import Any

import pyarrow.compute as pc

from pipeline import score
from pipeline.conversation import Conversation, Row
from pipeline.judge import Jury, rate, refuse_own_family
from pipeline.recipe.score import ScoreSettings
from pipeline.run.context import Progress, StageContext
from pipeline.run.steps import part_by_part
from pipeline.run.steps.asking import Asking
from pipeline.store.counts import total
from pipeline.store.store import Part

# Rows that are measured before their requests are sent, and that are judged at the same time. Our
# choice: with fewer, the last answers of a group would be waited for too often.
TOGETHER = 1_024


def run(context: StageContext) -> dict[str, Any] | None:
    """Measure every part, and ask the judge. Returns what that took."""
    settings: ScoreSettings = context.settings
    if not settings.judge.wanted:
        part_by_part.run(context)
        return None
    output, models = context.output, context.job.recipe.models
    refuse_own_family(settings.judge, models, _writers(context))
    with Asking(context.job) as asking:
        jury = Jury(asking.client, models, settings.judge)
        for parts in _groups(_unfinished(context)):
            rows = list(_measured(context, parts))
            with closing(asking.drained(_judged(rows, jury, context))) as judged:
                for part in parts:
                    counts = output.write(part.name, context.key, islice(judged, part.rows))
                    context.results.append(counts)
        return {"usage": asking.usage()}


def _writers(context: StageContext) -> list[str]:
    """The models that have written rows, as their servers name them."""
    found: set[str] = set()
    for part in context.parts:
        assert context.source is not None
        source = context.source.columns(part, ["source.models"]).column("source")
        models = pc.list_flatten(pc.struct_field(source.combine_chunks(), "models"))
        found.update(models.unique().to_pylist())
    return sorted(found)


def _unfinished(context: StageContext) -> Iterator[Part]:
    """The parts that a stopped run has not finished; those that it has are only counted."""
    for part in context.parts:
        mark = context.output.finished(part.name, context.key)
        if mark is None:
            yield part
        else:
            context.results.append(mark.counts)


def _groups(parts: Iterator[Part]) -> Iterator[list[Part]]:
    """Parts that together have rows enough to ask for many at once."""
    group: list[Part] = []
    for part in parts:
        group.append(part)
        if sum(one.rows for one in group) >= TOGETHER:
            yield group
            group = []
    if group:
        yield group


def _measured(context: StageContext, parts: Sequence[Part]) -> Iterator[Conversation]:
    """The rows of parts as they are without a judge."""
    for part in parts:
        assert context.source is not None
        yield from score.work(context.source.read(part), context.settings)


async def _judged(
    rows: Sequence[Conversation], jury: Jury, context: StageContext
) -> AsyncGenerator[Row, None]:
    """The rows with what the judge says of them, in order; many are asked about at once."""
    done = total(context.results).rows_in
    _show(context, done)
    async for row in jury.client.each(rows, partial(rate, jury=jury), TOGETHER):
        done += 1
        _show(context, done)
        yield row


def _show(context: StageContext, done: int) -> None:
    context.job.progress(Progress(context.stage.name, "rows", done, context.rows_in))
