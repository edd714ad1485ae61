"""`score`: rows are measured, then rated, part by part; then the judge rates them, where there is
one."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from functools import partial
from itertools import islice
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.conversation import Conversation, Row
from pipeline.judge import Jury, refuse_own_family
from pipeline.judge import rate as judge_row
from pipeline.llm.prices import is_local
from pipeline.llm.protocol import OPENAI
from pipeline.recipe.base import plural
from pipeline.recipe.score import ScoreSettings
from pipeline.run.classifiers import with_classifiers
from pipeline.run.context import Progress, StageContext
from pipeline.run.steps.asking import Asking
from pipeline.run.steps.measured import Measured, measured, with_column
from pipeline.score.rate import rate
from pipeline.store.columns import from_table, to_column
from pipeline.store.counts import Counts, total
from pipeline.store.store import Part, Store

# Rows that are rated before their requests are sent, and that are judged at the same time. Our
# choice: with fewer, the last answers of a group would be waited for too often.
TOGETHER = 1_024
IN_A_BATCH = 20_000  # the same where all requests of a group are one batch, which may take a day


def run(context: StageContext) -> dict[str, Any] | None:
    """Measure and rate every part, and ask the judge. Returns what that took."""
    settings = with_classifiers(context.settings, context.job.recipe)
    context = replace(context, settings=settings)
    known = measured(context)
    context.prepare(known.store, known.key)
    if not settings.judge.wanted:
        context.each_part(_rate_part, known, slow=settings.encoder is not None)
        return None
    models = context.job.recipe.models
    refuse_own_family(settings.judge, models, _writers(context))
    _warn_of_private(context)
    _measure(context, known)
    with Asking(context.job) as asking:
        jury = Jury(asking.client, models, settings.judge)
        for parts in _groups(_unfinished(context), _width(jury)):
            rows = list(_rated(context, parts, known))
            _judge(parts, rows, jury, asking, context)
    return {"usage": asking.usage()}


def _rate_part(
    source: Store,
    output: Store,
    part: Part,
    key: str,
    settings: ScoreSettings,
    known: Measured,
) -> Counts:
    """Rate a part, after it is measured. What neither changes is taken over as it stands."""
    before = output.finished(part.name, key)
    if before is not None:
        return before.counts
    started = time.perf_counter()
    table, counts = _rated_table(source.table(part), part, settings, known)
    counts = replace(counts, seconds=time.perf_counter() - started)
    return output.write_counted(part.name, key, table, counts)


def _rated_table(
    table: pa.Table,
    part: Part,
    settings: ScoreSettings,
    known: Measured,
) -> tuple[pa.Table, Counts]:
    counts, rows = known.add(table, part, settings)
    table = known.joined(table, part)
    scores = [row.scores for row in rate(rows or from_table(table))]
    return with_column(table, "scores", to_column("scores", scores)), counts


# --- with a judge


def _measure(context: StageContext, known: Measured) -> None:
    """Measure all parts that are not judged yet: workers share this, as they do not the asking."""
    waiting = [
        (context.source, part, context.settings, known)
        for part in context.parts
        if context.output.finished(part.name, context.key) is None
    ]
    slow = context.settings.encoder is not None
    context.map(_measure_part, waiting, context.is_little and not slow)


def _measure_part(source: Store, part: Part, settings: ScoreSettings, known: Measured) -> Counts:
    counts, _ = known.add(source.table(part), part, settings)
    return counts


def _judge(
    parts: Sequence[Part],
    rows: Sequence[Conversation],
    jury: Jury,
    asking: Asking,
    context: StageContext,
) -> None:
    """Ask about the rows of some parts, all at once, and write them."""
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


def _rated(context: StageContext, parts: Sequence[Part], known: Measured) -> Iterator[Conversation]:
    """The rows of parts as they are without a judge."""
    for part in parts:
        assert context.source is not None
        table = known.joined(context.source.table(part), part)
        yield from rate(from_table(table))


async def _judged(
    rows: Sequence[Conversation], jury: Jury, context: StageContext
) -> AsyncGenerator[Row, None]:
    """The rows with what the judge says of them, in order; many are asked about at once."""
    done = total(context.results).rows_in
    _show(context, done)
    async for row in jury.client.each(rows, partial(judge_row, jury=jury), _width(jury)):
        done += 1
        _show(context, done)
        yield row


def _show(context: StageContext, done: int) -> None:
    context.job.progress(Progress(context.stage.name, "rows", done, context.rows_in))
