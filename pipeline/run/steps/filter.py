"""`filter`: measured rows have a store of their own, so that a changed limit only decides anew."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from pipeline import filter as filtering
from pipeline.filter.openings import OpeningTally
from pipeline.recipe.filter import FilterSettings
from pipeline.run.context import StageContext
from pipeline.run.reviewed import REVIEWED, decisions_of
from pipeline.store.counts import Counts
from pipeline.store.files import digest
from pipeline.store.reviews import Decided
from pipeline.store.store import Part, Store

MEASURED = "measured"  # the store inside the stage's own


def run(context: StageContext) -> dict[str, Any]:
    """Measure and decide every part; report how much the first messages of a source resemble each
    other."""
    measured = Store(context.output.root, f"{context.output.folder}/{MEASURED}")
    measuring = context.settings.measuring().model_dump(mode="json")
    made_from = {**context.ingredients, "settings": measuring}
    made_from.pop(REVIEWED, None)  # what people decide is no reason to measure again
    key = digest(context.before, made_from)
    context.prepare(measured, key)
    context.each_part(_filter_part, measured, key, decisions_of(context.job.out))
    tally = OpeningTally()
    for part in context.output.parts():
        tally.add_table(context.output.columns(part, ["messages", "source", "language"]))
    return {"openings": [dataclasses.asdict(found) for found in tally.openings()]}


def _filter_part(
    source: Store,
    output: Store,
    part: Part,
    key: str,
    settings: FilterSettings,
    measured: Store,
    measuring_key: str,
    decided: Mapping[str, Decided],
) -> Counts:
    """Decide on the measured rows of a part; measure them first where that is not done."""
    before = output.finished(part.name, key)
    if before is not None:
        return before.counts
    measured.write(part.name, measuring_key, filtering.measure(source.read(part), settings))
    (measured_part,) = measured.parts_of_unit(part.name)
    rows = filtering.edited(measured.read(measured_part), decided, settings)
    decisions = filtering.reviewed(filtering.decide(rows, settings), decided, settings)
    return output.write(part.name, key, decisions)
