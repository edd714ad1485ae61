"""`score`: rows are measured part by part; then the judge rates them, where there is one."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import closing
from functools import partial
from itertools import islice
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from pipeline import score
from pipeline.conversation import Conversation, Row
from pipeline.judge import Jury, rate, refuse_own_family
from pipeline.llm.prices import is_local
from pipeline.llm.protocol import OPENAI
from pipeline.recipe.base import plural
from pipeline.recipe.score import ScoreSettings
from pipeline.run.context import Progress, StageContext
from pipeline.run.steps import part_by_part
from pipeline.run.steps.asking import Asking
from pipeline.store.counts import total
from pipeline.store.store import Part

# Rows that are measured before their requests are sent, and that are judged at the same time. Our
# choice: with fewer, the last answers of a group would be waited for too often.
TOGETHER = 1_024
IN_A_BATCH = 20_000  # the same where all requests of a group are one batch, which may take a day


def run(context: StageContext) -> dict[str, Any] | None:
    """Measure every part, and ask the judge. Returns what that took."""
    settings: ScoreSettings = context.settings
    if not settings.judge.wanted:
        part_by_part.run(context)
        return None
    models = context.job.recipe.models
    refuse_own_family(settings.judge, models, _writers(context))
    _warn_of_private(context)
    with Asking(context.job) as asking:
        jury = Jury(asking.client, models, settings.judge)
        for parts in _groups(_unfinished(context), _width(jury)):
            _judge(parts, jury, asking, context)
    return {"usage": asking.usage()}


def _judge(parts: Sequence[Part], jury: Jury, asking: Asking, context: StageContext) -> None:
    """Measure the rows of some parts, then ask about all of them at once."""
    rows = list(_measured(context, parts))
    with closing(asking.drained(_judged(rows, jury, context))) as judged:
        for part in parts:
            counts = context.output.write(part.name, context.key, islice(judged, part.rows))
            context.results.append(counts)


def _width(jury: Jury) -> int:
    """How many rows are judged at the same time."""
    batched = map(jury.client.batched, jury.settings.models)
    return IN_A_BATCH if any(batched) else TOGETHER


def _writers(context: StageContext) -> list[str]:
    """The models that have written rows, as their servers name them."""
    lists = _of_sources(context, "models")
    return sorted({name for values in lists for name in pc.list_flatten(values).to_pylist()})


def _warn_of_private(context: StageContext) -> None:
    """Say where chats of persons are sent to a server elsewhere."""
    judges = [context.job.recipe.models[name] for name in context.settings.judge.models]
    elsewhere = [judge for judge in judges if not (judge.is_rehearsal or is_local(judge))]
    places = [judge.base_url or OPENAI for judge in elsewhere]
    private = sum(pc.sum(values).as_py() or 0 for values in _of_sources(context, "private"))
    if private and places:
        where = " and ".join(dict.fromkeys(places))
        context.job.notice(
            f"score: {plural(private, 'private conversation')} will be sent to {where}."
        )


def _of_sources(context: StageContext, name: str) -> Iterator[pa.Array]:
    """One field of the sources of all rows, part by part."""
    for part in context.parts:
        assert context.source is not None
        table = context.source.columns(part, [f"source.{name}"])
        yield pc.struct_field(table.column("source").combine_chunks(), name)


def _unfinished(context: StageContext) -> Iterator[Part]:
    """The parts that a stopped run has not finished; those that it has are only counted."""
    for part in context.parts:
        mark = context.output.finished(part.name, context.key)
        if mark is None:
            yield part
        else:
            context.results.append(mark.counts)


def _groups(parts: Iterator[Part], width: int) -> Iterator[list[Part]]:
    """Parts that together have rows enough to ask for many at once."""
    group: list[Part] = []
    for part in parts:
        group.append(part)
        if sum(one.rows for one in group) >= width:
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
    async for row in jury.client.each(rows, partial(rate, jury=jury), _width(jury)):
        done += 1
        _show(context, done)
        yield row


def _show(context: StageContext, done: int) -> None:
    context.job.progress(Progress(context.stage.name, "rows", done, context.rows_in))
