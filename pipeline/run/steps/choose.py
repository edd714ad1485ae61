"""Choosing, for `publish`, in three passes: cut and list each part, choose among all rows, apply it
to each part. Rows inside the cuts have a store of their own, so that another choice cuts nothing
again."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa

from pipeline import publish
from pipeline.conversation import Conversation, Drop
from pipeline.publish import choose, listing
from pipeline.publish.choice import Choice
from pipeline.recipe.publish import PublishSettings
from pipeline.run.context import StageContext
from pipeline.store.counts import Counts
from pipeline.store.files import digest
from pipeline.store.store import Mark, Part, Store, parts_of

CUT = "cut"  # the store inside the stage's own
CUTTING = {"cut", "private_rows"}  # the settings that it depends on


def run(context: StageContext) -> Choice:
    """The three passes; returns what came of it."""
    settings: PublishSettings = context.settings
    cut = Store(context.output.root, f"{context.output.folder}/{CUT}")
    cutting = settings.model_dump(mode="json", include=CUTTING)
    key = digest(context.before, {**context.ingredients, "settings": cutting, "reads": None})
    context.prepare(cut, key)
    jobs = [(context.source, cut, part, key, settings) for part in context.parts]
    context.map(_cut_part, jobs, context.is_little)
    parts = cut.parts()
    found = choose.chosen([_listed(cut, part) for part in parts], settings.choose)
    decided = [
        (cut, context.output, part, context.key, reasons)
        for part, reasons in zip(parts, found.reasons, strict=True)
    ]
    context.results.extend(context.map(_apply_part, decided, context.is_little))
    return found.choice


def _cut_part(source: Store, cut: Store, part: Part, key: str, settings: PublishSettings) -> Counts:
    """Cut the rows of a part, and list those that are left."""
    counts = cut.write(part.name, key, publish.work(source.read(part), settings))
    if cut.finished(_unit_of(part), key) is None:
        (kept,) = cut.parts_of_unit(part.name)
        file = cut.write_arrow(_file_of(part), listing.listed(cut.columns(kept, listing.COLUMNS)))
        cut.finish(_unit_of(part), Mark(key, Counts(), {_file_of(part): file}))
    return counts


def _unit_of(part: Part) -> str:
    return f"listed-{part.name}"


def _file_of(part: Part) -> str:
    return f"listed-{part.name}.arrow"


def _listed(cut: Store, part: Part) -> pa.Table:
    mark = cut.mark(_unit_of(part))
    assert mark is not None
    return cut.arrow(_file_of(part), mark.files[_file_of(part)])


def _apply_part(cut: Store, output: Store, part: Part, key: str, reasons: pa.Table) -> Counts:
    return output.write(part.name, key, _rows(cut, part, reasons))


def _rows(cut: Store, part: Part, reasons: pa.Table) -> Iterator[Conversation | Drop]:
    """The rows of a part: those that were cut, and those that were chosen or not."""
    mark = cut.mark(part.name)
    assert mark is not None
    for dropped in parts_of([mark], "dropped"):
        yield from map(Drop, cut.read(dropped))
    yield from choose.applied(cut.read(part), reasons)
