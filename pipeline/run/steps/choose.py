"""Choosing, for `publish`, in three passes: cut and list each part, choose among all rows, apply it
to each part. Rows inside the cuts have a store of their own, so that another choice cuts nothing
again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

import pyarrow as pa

from pipeline import publish
from pipeline.conversation import Conversation, Drop
from pipeline.publish import choose, listing, taken_down
from pipeline.publish.choice import Choice
from pipeline.publish.clusters import joined, with_clusters
from pipeline.publish.cut import BesideRows
from pipeline.recipe.publish import PublishSettings
from pipeline.run.context import PAIRS, StageContext
from pipeline.run.steps.beside import name_of
from pipeline.store.counts import Counts
from pipeline.store.files import FileMark, digest
from pipeline.store.report import Report
from pipeline.store.store import Mark, Part, Store, parts_of

DEDUP = "4-dedup"
CUT = "cut"  # the store inside the stage's own
# the settings that it depends on
CUTTING = {"cut", "private_rows", "consent", "rating"}


def run(context: StageContext, beside: BesideRows, gone: frozenset[str]) -> Choice:
    """The three passes; returns what came of it. gone: ids of rows that are taken down, which
    compete as before: no row takes their place."""
    cut = Store(context.output.root, f"{context.output.folder}/{CUT}")
    _cut(context, cut, beside)
    parts = cut.parts()
    known = joined_rows(context) if context.settings.choose.at_most.cluster else None
    tables = [with_clusters(_listed(cut, part), known) for part in parts]
    found = choose.chosen(tables, context.settings.choose)
    jobs = [
        (cut, context.output, part, context.key, reasons, gone)
        for part, reasons in zip(parts, found.reasons, strict=True)
    ]
    counts = context.map(_apply_part, jobs, context.is_little)
    context.results.extend(counts)
    return found.choice


def joined_rows(context: StageContext) -> pa.Table | None:
    """The rows that `dedup` of this run has joined; None where the run has none."""
    store = Store(context.output.root, DEDUP)
    report = cast("Report | None", store.read_record("report.json"))
    if report is None:
        return None
    return joined(store.read_table(PAIRS, FileMark(**report["files"][PAIRS])))


def _cut(context: StageContext, cut: Store, beside: BesideRows) -> None:
    """Cut and list every part."""
    settings: PublishSettings = context.settings
    cutting = settings.model_dump(mode="json", include=CUTTING)
    made_from = {**context.ingredients, "settings": cutting, "reads": name_of(beside)}
    key = digest(context.before, made_from)
    context.prepare(cut, key)
    jobs = [(context.source, cut, part, key, settings, beside) for part in context.parts]
    context.map(_cut_part, jobs, context.is_little)


def _cut_part(
    source: Store, cut: Store, part: Part, key: str, settings: PublishSettings, beside: BesideRows
) -> Counts:
    rows = publish.work(source.read(part), settings, beside)
    counts = cut.write(part.name, key, rows)
    unit, name = f"listed-{part.name}", _file_of(part)
    if cut.finished(unit, key) is None:
        (kept,) = cut.parts_of_unit(part.name)
        table = listing.listed(cut.columns(kept, listing.COLUMNS))
        cut.finish(unit, Mark(key, Counts(), {name: cut.write_arrow(name, table)}))
    return counts


def _file_of(part: Part) -> str:
    return f"listed-{part.name}.arrow"


def _listed(cut: Store, part: Part) -> pa.Table:
    name = _file_of(part)
    mark = cut.mark(f"listed-{part.name}")
    assert mark is not None
    return cut.arrow(name, mark.files[name])


def _apply_part(
    cut: Store,
    output: Store,
    part: Part,
    key: str,
    reasons: pa.Table,
    gone: frozenset[str],
) -> Counts:
    return output.write(part.name, key, taken_down.without(_rows(cut, part, reasons), gone))


def _rows(cut: Store, part: Part, reasons: pa.Table) -> Iterator[Conversation | Drop]:
    """The rows of a part: those that were cut, and those that were chosen or not."""
    mark = cut.mark(part.name)
    assert mark is not None
    for dropped in parts_of([mark], "dropped"):
        yield from map(Drop, cut.read(dropped))
    yield from choose.applied(cut.read(part), reasons)
