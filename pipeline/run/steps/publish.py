"""`publish`: rows are cut part by part, and the best are chosen among all; then the dataset and its
card are written."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from pipeline import publish
from pipeline.formats import card_files, cards, realm
from pipeline.publish import release
from pipeline.publish.card import card
from pipeline.publish.choice import Choice
from pipeline.publish.summary import Summary
from pipeline.recipe.publish import PublishSettings
from pipeline.run.calibration import calibration
from pipeline.run.context import StageContext
from pipeline.run.steps import choose
from pipeline.store.counts import Counts, total
from pipeline.store.files import FileMark
from pipeline.store.report import counted, funnel_row
from pipeline.store.store import Part, Store

if TYPE_CHECKING:
    from pipeline.recipe.settings import Recipe

DATASET = "dataset"
REALM = "realm"
GROUPS = ["id", "split_group", "source"]  # columns that decide a row's split


def run(context: StageContext) -> dict[str, Any]:
    """Cut rows, choose, split them without leaks, write the dataset; the report names its files,
    what was chosen, and why it may not be released."""
    choice = _selected(context)
    output, recipe = context.output, context.job.recipe
    dataset = Store(output.root, f"{output.folder}/{DATASET}")
    dataset.remove()
    summary = _written(context, dataset)
    refused = _refused(context, summary)
    own = funnel_row(counted(context.stage.name, context.rows_in, total(context.results)))
    funnel = [*context.funnel, own]
    text = card(recipe.name, summary, funnel, refused, choice, calibration(recipe))
    dataset.write_text("README.md", text)
    if context.settings.layout == REALM:
        _write_realm(output, recipe)
    files = _marks(output, DATASET) | _marks(output, REALM)
    return {"files": files, "refused": refused, "choice": asdict(choice)}


def _written(context: StageContext, dataset: Store) -> Summary:
    """Write the kept rows, each into its split."""
    output = context.output
    parts = output.parts()
    groups = [output.columns(part, GROUPS) for part in parts]
    placed = publish.splits(groups, context.settings, context.job.recipe.seed)
    return publish.write(map(output.table, parts), placed, dataset.committed)


def _selected(context: StageContext) -> Choice:
    """Put the rows that are published into the stage's store, and those that are dropped."""
    if context.settings.choose.chooses:
        return choose.run(context)
    context.each_part(_publish_part)
    return Choice()


def _refused(context: StageContext, summary: Summary) -> list[str]:
    """Why the dataset may not be released; a person sees it at once."""
    refused = release.refusals(summary, context.settings)
    for sentence in refused:
        context.job.notice(f"publish: {sentence}")
    return refused


def _publish_part(
    source: Store, output: Store, part: Part, key: str, settings: PublishSettings
) -> Counts:
    return output.write(part.name, key, publish.work(source.read(part), settings))


def _marks(output: Store, folder: str) -> dict[str, FileMark]:
    """The files below a folder of the store, with what they hold now."""
    prefix = f"{output.path}/"
    found = {}
    for path in sorted(output.files.find(f"{prefix}{folder}")):
        name = str(path).removeprefix(prefix)
        found[name] = FileMark(0, output.size_of(name) or 0, output.digest_of(name))
    return found


def _jsonl(records: Iterable[Mapping[str, Any]]) -> str:
    return "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records)


def _write_realm(output: Store, recipe: Recipe) -> None:
    """The generated rows as gpt_roleplay_realm has them, one record a character, and the characters
    as V2 cards.

    What came as a PNG is written as one too.
    """
    places = card_files.card_places(recipe.folder, recipe.generate.cards)
    target = Store(output.root, f"{output.folder}/{REALM}")
    target.remove()
    target.write_text("characters.jsonl", _jsonl(realm.records(output.rows())))
    pictures = card_files.pictures(places)
    for number, character in enumerate(realm.characters(output.rows()), 1):
        target.write_text(f"cards/{number:05d}.json", cards.to_json(character))
        picture = pictures.get(character.card or "")
        if picture:
            with target.committed(f"cards/{number:05d}.png") as file:
                file.write(cards.to_png(character, picture.read_bytes()))
