"""How a dataset was made, for its card: what became of the rows of each source, the resolved
recipe, versions, an example."""

from __future__ import annotations

import importlib.metadata
import platform
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq
import yaml

from pipeline import __version__
from pipeline.publish.card_parts import Made, example_text
from pipeline.publish.fates import DROPPED, KEPT, Fate, FateCounts
from pipeline.publish.taken_down import RULE
from pipeline.run.about import about
from pipeline.run.context import StageContext
from pipeline.run.stages import NAMES, STAGES
from pipeline.store.store import Store

if TYPE_CHECKING:
    from pipeline.recipe.settings import Recipe

LOOKED_AT = 200  # rows among which a short one is the example
SHORT = 900  # characters: it is seen beside licence and rows without scrolling
# what a recipe holds and no card shows: addresses, names of keys, whom a takedown names, and files
# on this disk, which messengers name by who has written
HIDDEN = {"base_url", "key", "extra", "taken_down", "files"}


def made(context: StageContext, dataset: Store) -> Made:
    """All of it but the charts."""
    recipe = context.job.recipe
    found = fates(context)
    return Made(
        fates=found,
        taken_down=sum(fate.reasons.get(RULE, 0) for fate in found),
        recipe=recipe_text(recipe),
        versions=versions(context),
        about=about(recipe),
        contact=recipe.publish.contact,
        example=example(dataset),
    )


def fates(context: StageContext) -> list[Fate]:
    """Of every source in every stage of the run, this one included."""
    root = context.output.root
    names = [*(row["stage"] for row in context.funnel), context.stage.name]
    jobs = [(root, name) for name in names]
    found = dict(
        context.job.engine.map(
            fates_of_stage,
            jobs,
            context.is_little,
        )
    )
    return [fate for name in names for fate in found[name]]


def fates_of_stage(root: str, stage: str) -> tuple[str, list[Fate]]:
    """Counted from the parts of its store."""
    store, counts = Store(root, f"{NAMES.index(stage) + 1}-{stage}"), FateCounts()
    for kind, columns in (("kept", KEPT), ("dropped", DROPPED)):
        for part in store.parts(kind):
            counts.add(kind, store.columns(part, columns))
    return stage, list(counts.fates(stage))


def is_rehearsed(recipe: Recipe) -> bool:
    """Does the rehearsal model write what `generate` adds?"""
    return any(recipe.models[name].is_rehearsal for name in recipe.generate.models)


def versions(context: StageContext) -> dict[str, str]:
    """Of this program, of Python, and of the packages that the stages stand on."""
    names = {row["stage"] for row in context.funnel} | {context.stage.name}
    packages = {one for stage in STAGES if stage.name in names for one in stage.packages}
    found = {"rapport": __version__, "python": platform.python_version()}
    return found | {name: importlib.metadata.version(name) for name in sorted(packages)}


def recipe_text(recipe: Recipe) -> str:
    """The recipe as YAML, without what concerns nobody else: see `HIDDEN`. Of paths only the last
    part is shown."""
    values = recipe.model_dump(mode="json", exclude_defaults=True)
    return yaml.safe_dump(
        _public(values),
        sort_keys=False,
        allow_unicode=True,
    )


def _public(value: object) -> object:
    if isinstance(value, Mapping):
        return {key: _public(one) for key, one in value.items() if key not in HIDDEN}
    if isinstance(value, list):
        return [_public(one) for one in value]
    if isinstance(value, str) and value.startswith(("/", "~", "file:")):
        return Path(value).name
    return value


def example(dataset: Store) -> dict[str, Any] | None:
    """A short row of `default`; None where there is none."""
    names = dataset.files.glob(f"{dataset.path}/default/train-00000-*.parquet")
    if not names:
        return None
    with dataset.files.open(names[0], "rb") as file:
        batch = next(pq.ParquetFile(file).iter_batches(LOOKED_AT))
    rows: list[dict[str, Any]] = batch.to_pylist()
    for row in rows:
        if len(example_text(row)) <= SHORT:
            return row
    return rows[0]
