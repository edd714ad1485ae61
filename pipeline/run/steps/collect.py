"""`collect`: a unit is a file, a few small files, a piece of a Hub dataset, or a crawl."""

from __future__ import annotations

from pathlib import Path

from pipeline import collect
from pipeline.recipe.collect import CollectSettings
from pipeline.run.context import LITTLE_BYTES, StageContext
from pipeline.store.counts import Counts
from pipeline.store.store import Store


def run(context: StageContext) -> None:
    """Read every unit of every source."""
    recipe = context.job.recipe
    units = collect.units(context.settings, recipe.folder)
    jobs = [
        (context.output, f"{number:05d}", context.key, unit, context.settings, context.job.folder)
        for number, unit in enumerate(units)
    ]
    little = collect.size(units) < LITTLE_BYTES
    context.results.extend(context.map(_read_unit, jobs, little))


def _read_unit(
    output: Store,
    name: str,
    key: str,
    unit: collect.Unit,
    settings: CollectSettings,
    folder: Path,
) -> Counts:
    return output.write(name, key, collect.read(unit, settings, folder))
