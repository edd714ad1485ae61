"""What stands beside the data: the card, its charts, croissant.json, the licence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from pipeline.publish.card import card
from pipeline.publish.card_parts import Made
from pipeline.publish.charts import FOLDER, charts
from pipeline.publish.choice import Choice
from pipeline.publish.croissant import FILE as CROISSANT
from pipeline.publish.croissant import croissant
from pipeline.publish.drawing import Drawing
from pipeline.publish.fates import of_real_rows
from pipeline.publish.gates import licences
from pipeline.publish.summary import Summary
from pipeline.run.calibration import calibration
from pipeline.run.context import StageContext
from pipeline.run.steps import making
from pipeline.store.counts import total
from pipeline.store.files import FileMark
from pipeline.store.report import FunnelRow, counted, funnel_row
from pipeline.store.store import Store


def describe(
    context: StageContext,
    dataset: Store,
    summary: Summary,
    refused: Sequence[str],
    choice: Choice,
) -> None:
    """Write all of it. refused: why the dataset may not be released, a sentence each."""
    recipe = context.job.recipe
    made = replace(making.made(context, dataset), charts=charts(summary))
    funnel, agreements = _funnel(context, made), calibration(recipe)
    text = card(recipe.name, summary, funnel, refused, choice, agreements, made)
    _write_text(dataset, "README.md", text)
    _write_text(dataset, CROISSANT, croissant(recipe.name, summary, marks(dataset, "")))
    _write_text(dataset, licences.FILE, licences.file_of(summary.licences))
    _write_charts(dataset, made.charts)


def _funnel(context: StageContext, made: Made) -> list[FunnelRow]:
    """Rows by stage, this one included, without those of the rehearsal model."""
    own = funnel_row(counted(context.stage.name, context.rows_in, total(context.results)))
    rehearsed = making.is_rehearsed(context.job.recipe)
    return of_real_rows([*context.funnel, own], made.fates, rehearsed)


def _write_charts(dataset: Store, drawings: Mapping[str, Drawing]) -> None:
    for name, drawing in drawings.items():
        dataset.write_text(f"{FOLDER}/{name}.svg", drawing.svg())
        with dataset.committed(f"{FOLDER}/{name}.png") as file:
            file.write(drawing.png())


def _write_text(dataset: Store, name: str, text: str | None) -> None:
    if text is not None:
        dataset.write_text(name, text)


def marks(output: Store, folder: str) -> dict[str, FileMark]:
    """The files below a folder of the store, with what they hold now."""
    prefix = f"{output.path}/"
    found = {}
    for path in sorted(output.files.find(f"{prefix}{folder}".rstrip("/"))):
        name = str(path).removeprefix(prefix)
        found[name] = FileMark(0, output.size_of(name) or 0, output.digest_of(name))
    return found
