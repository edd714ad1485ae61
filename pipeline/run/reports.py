"""What a run reports: the funnel, the histograms, what is missing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import yaml
from pydantic import ValidationError

from pipeline import UserError
from pipeline.conversation import MEASURES, Conversation
from pipeline.recipe.settings import Recipe
from pipeline.run.standing import standing
from pipeline.store.report import FunnelRow, Report, funnel_row
from pipeline.store.store import Mark, Part, Store, parts_of

BINS = 20  # of a histogram
TOGETHER = 6  # measures whose values are held at a time
PERCENTILES = (5, 50, 95, 99)


def reports(out: str) -> list[Report]:
    """The report of every stage that is done, in order."""
    return list(standing(out).values())


def funnel(out: str) -> list[FunnelRow]:
    """One record a stage."""
    return [funnel_row(report) for report in reports(out)]


def measures_of(store: Store, marks: dict[str, Mark]) -> dict[str, dict[str, Any]]:
    """Percentiles and a histogram of every measure over all rows of a stage, the dropped ones
    included. A few measures are held at a time."""
    kinds = ("kept", "dropped")
    parts = [part for kind in kinds for part in parts_of(marks.values(), kind)]
    names, found = list(MEASURES), {}
    for start in range(0, len(names), TOGETHER):
        for name, values in _values(store, parts, names[start : start + TOGETHER]):
            if len(values):
                found[name] = _histogram(values)
    return found


def _values(
    store: Store,
    parts: Sequence[Part],
    names: Sequence[str],
) -> Iterator[tuple[str, pa.ChunkedArray]]:
    """What was measured, by measure; what was not is left out."""
    chunks: dict[str, list[pa.Array]] = {name: [] for name in names}
    for part in parts:
        table = store.columns(part, [f"measures.{name}" for name in names])
        if table.num_columns:
            measures = table["measures"].combine_chunks()
            for field in measures.type:
                chunks[field.name].append(measures.field(field.name).drop_null())
    for name in names:
        yield name, pa.chunked_array(chunks[name], pa.float64())


def _histogram(values: pa.ChunkedArray) -> dict[str, Any]:
    import numpy as np

    numbers = values.to_numpy()
    counts, edges = np.histogram(numbers, bins=BINS, range=_span(numbers.min(), numbers.max()))
    found = {"rows": len(numbers), "min": edges[0]}
    for rank, value in zip(PERCENTILES, np.percentile(numbers, PERCENTILES), strict=True):
        found[f"p{rank}"] = value
    found["max"] = edges[-1]
    rounded = {name: round(float(value), 6) for name, value in found.items()}
    return rounded | {"histogram": counts.tolist()}


def _span(least: float, most: float) -> tuple[float, float]:
    """From the least value to the largest, and a little wider where they are equal."""
    smallest = 1e-6 * max(1.0, abs(least))
    return float(least), float(max(most, least + smallest))


def recipe_of(out: str) -> Recipe | None:
    """The resolved recipe of the run in a folder; None where there is none that this version can
    read."""
    text = Store(out).read_text("recipe.yaml")
    try:
        return Recipe.model_validate(yaml.safe_load(text)) if text else None
    except (ValidationError, yaml.YAMLError):
        return None


def recipe_here(out: str) -> Recipe:
    """The same, with its relative paths starting where they did. Raises UserError where there is
    none."""
    recipe = recipe_of(out)
    machine = Store(out).read_record("run.json") or {}
    if recipe is None:
        raise UserError(f"{out}/recipe.yaml cannot be read by this version: run the recipe again.")
    recipe._folder = Path(str(machine.get("folder", "")))
    return recipe


def measured(out: str) -> Iterator[Conversation]:
    """The rows of a run as `filter` measured them, before any limit."""
    return Store(out, "3-filter/measured").rows()


def scored(out: str) -> Iterator[Conversation]:
    """The rows of a run as `score` has them."""
    return Store(out, "5-score").rows()


def unread(out: str) -> list[str]:
    """What `collect` could not read of a run's files: where each record stood, and why."""
    store = Store(out, "1-collect")
    tables = [store.table(part) for part in store.parts("quarantine")]
    records = [record for table in tables for record in table.to_pylist()]
    return [f"{one['where']}: {one['rule']}: {one['detail']}" for one in records]


def losses(funnel: Sequence[FunnelRow]) -> list[str]:
    """What was asked for and is missing, and whether asking again helps, in sentences."""
    missing = sum(row["missing"] for row in funnel)
    transient = sum(row["transient"] for row in funnel)
    empty = [name for row in funnel for name in row["empty"]]
    sentences = [
        f"Source {name} gave no row: what was passed over is listed with its reason, what could "
        "not be read is in the quarantine of `1-collect`."
        for name in empty
    ]
    if missing:
        sentences.append(f"{missing} of the rows asked for could not be made: see `rapport stats`.")
    if transient:
        sentences.append(
            f"{transient} failures may pass, as where a server was down: "
            "the same command asks again for what failed, and for nothing else."
        )
    return sentences


def a_dropped_row(out: str) -> str | None:
    """The id of some row that was dropped, as an example for `rapport why`."""
    for folder in standing(out):
        store = Store(out, folder)
        for part in store.parts("dropped"):
            return str(store.columns(part, ["id"]).column("id")[0])
    return None
