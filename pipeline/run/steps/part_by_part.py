"""A stage that works part by part and does nothing else."""

from __future__ import annotations

from pipeline.run.context import StageContext
from pipeline.run.stages import function_of
from pipeline.store.counts import Counts
from pipeline.store.store import Part, Store


def run(context: StageContext) -> None:
    """The stage's `work` over every part."""
    context.each_part(_work, context.stage.work)


def _work(
    source: Store, output: Store, part: Part, key: str, settings: object, work: str
) -> Counts:
    return output.write(part.name, key, function_of(work)(source.read(part), settings))
