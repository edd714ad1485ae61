"""What a run reports: the funnel, the histograms, what is missing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import yaml
from pydantic import ValidationError

from pipeline import UserError
from pipeline.conversation import Conversation
from pipeline.recipe.settings import Recipe
from pipeline.store.store import Store

COLUMNS = (
    "stage",
    "in",
    "added",
    "kept",
    "dropped",
    "merged",
    "quarantined",
    "edited",
    "missing",
    "passing",
    "reasons",
    "seconds",
)


def standing(out: str) -> dict[str, dict[str, Any]]:
    """The report of every room that is done, by folder, in order. Raises UserError where there is no run."""
    top = Store(out)
    if top.read_text("recipe.yaml") is None:
        raise UserError(
            f"There is no run in {out}. A run folder has a recipe.yaml; see `rapport run --help`."
        )
    found: dict[str, dict[str, Any]] = {}
    before = ""
    for folder in (name for name in top.listing() if name[:1].isdigit()):
        report = Store(out, folder).read_json("report.json")
        if report and report["before"] == before:  # else: made from an older shelf
            found[folder], before = report, report["shelf"]
    return found


def reports(out: str) -> list[dict[str, Any]]:
    """The report of every room that is done, in order."""
    return list(standing(out).values())


def funnel(out: str) -> list[dict[str, Any]]:
    """One flat record a room: room, in, added, kept, dropped, merged, quarantined, edited, reasons, seconds."""
    return [row_of(report) for report in reports(out)]


def row_of(report: dict[str, Any]) -> dict[str, Any]:
    return {column: report[column] for column in COLUMNS}


def measures_of(shelf: Store) -> dict[str, Any]:
    """Percentiles and a 20-bin histogram of every measure over all rows of a room, the dropped ones included."""
    columns = [
        shelf.table(part, kind, ["measures"]).column("measures").combine_chunks()
        for kind in ("kept", "dropped")
        for part in shelf.parts(kind)
    ]
    if not columns:
        return {}
    every = pa.chunked_array(columns)
    found = {f.name: pc.struct_field(every, f.name).drop_null() for f in every.type}
    return {name: _histogram(values) for name, values in found.items() if len(values)}


def _histogram(values: pa.ChunkedArray) -> dict[str, Any]:
    import numpy as np

    numbers = values.to_numpy()
    least, most = float(numbers.min()), float(numbers.max())
    counts, edges = np.histogram(
        numbers, bins=20, range=(least, max(most, least + 1e-6 * max(1.0, abs(least))))
    )
    low, middle, high, top = np.percentile(numbers, [5, 50, 95, 99]).tolist()
    span = {
        "rows": len(numbers),
        "min": edges[0],
        "p5": low,
        "p50": middle,
        "p95": high,
        "p99": top,
        "max": edges[-1],
    }
    return {k: round(float(v), 6) for k, v in span.items()} | {"histogram": counts.tolist()}


def settings_of(out: str) -> Recipe | None:
    """The resolved recipe of the run that stands in a folder; None where there is none that this version can read."""
    text = Store(out).read_text("recipe.yaml")
    try:
        return Recipe.model_validate(yaml.safe_load(text)) if text else None
    except (ValidationError, yaml.YAMLError):
        return None


def measured(out: str) -> Iterator[Conversation]:
    """The rows of a run as `filter` measured them, before any limit."""
    return Store(out, "3-filter/measured").rows()


def losses(way: Sequence[dict[str, Any]]) -> list[str]:
    """What was asked for and is not there, and whether asking again helps, in sentences."""
    missing, passing = (sum(row[kind] for row in way) for kind in ("missing", "passing"))
    told = (
        [f"{missing} of the rows asked for could not be made: see `rapport stats`."]
        if missing
        else []
    )
    if passing:
        told.append(
            f"{passing} failures may be gone another time, as where a server was down: "
            "the same command asks again for what failed, and for nothing else."
        )
    return told


def a_dropped_row(out: str) -> str | None:
    """The id of some row that was sent away, to show what `rapport why` tells."""
    for folder in Store(out).listing():
        shelf = Store(out, folder)
        for part in shelf.parts("dropped"):
            return str(shelf.table(part, "dropped", ["id"]).column("id")[0])
    return None
