"""`publish`: rows are cut part by part, and the best are chosen among all; then the dataset and its
card are written."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from itertools import chain
from typing import TYPE_CHECKING, Any

from pipeline import publish
from pipeline.formats import card_files, cards, realm
from pipeline.publish import release, taken_down
from pipeline.publish.choice import Choice
from pipeline.publish.cut import BesideRows
from pipeline.publish.gates.refusal import Refusal
from pipeline.publish.summary import Summary
from pipeline.recipe.publish import PublishSettings, TakenDown
from pipeline.run.context import StageContext
from pipeline.run.steps import choose, gates, released, writing
from pipeline.run.steps.beside import beside, known_people
from pipeline.run.steps.counting import counted
from pipeline.run.steps.describing import describe, marks
from pipeline.store.counts import Counts
from pipeline.store.store import Part, Store

if TYPE_CHECKING:
    from pipeline.recipe.settings import Recipe

DATASET = "dataset"
REALM = "realm"


def run(context: StageContext) -> dict[str, Any]:
    """Cut rows, choose, split them without leaks, write the dataset; the report names its files,
    what each config has and leaves out, what was chosen, and why it may not be released."""
    choice = _selected(context)
    output = context.output
    dataset = Store(output.root, f"{output.folder}/{DATASET}")
    dataset.remove()
    summary, found = _written(context, dataset)
    refused, allowed = release.parted(found, context.settings)
    _show(context, refused)
    describe(context, dataset, replace(summary, allowed=allowed), refused, choice)
    if context.settings.layout == REALM:
        _write_realm(output, context.job.recipe)
    files = marks(output, DATASET) | marks(output, REALM)
    configs = list(map(asdict, summary.configs))
    return {"files": files, "configs": configs, "refused": refused, "choice": asdict(choice)}


def _written(context: StageContext, dataset: Store) -> tuple[Summary, list[Refusal]]:
    """Write the kept rows into every config; and what keeps them from being released."""
    keys, now = writing.placed(context)
    configs, refused = writing.write_configs(context, dataset, now)
    released.write(context.output, context.settings, context.job.recipe.seed, now)
    counts = counted(context)
    summary = replace(
        counts.card.summary(now.placed.rows(), configs),
        tokenizer=context.settings.tokenizer,
        licences=counts.gates.licences,
        grades=counts.gates.grades,
    )
    found = [
        *counts.gates.refusals(),
        *_named_after_speakers(context),
        *refused,
        *gates.lost(context),
        *gates.leaking(context, keys, now.placed),
        *counts.tests.refusals(now.placed.places),
    ]
    return summary, found


def _named_after_speakers(context: StageContext) -> Iterator[Refusal]:
    """Private sources that may be released, and bear a speaker's name."""
    for source in known_people(context).sources_that_tell():
        if source in context.settings.consent:
            yield Refusal(
                "private",
                f"the name of the source {source} is that of a speaker, and stands in every row",
                "give the source another one (`collect: {sources: [{name: …}]}`)",
            )


def _show(context: StageContext, refused: Sequence[str]) -> None:
    """A person sees at once why the dataset may not be released."""
    for sentence in refused:
        context.job.notice(f"publish: {sentence}")


# --- which rows


def _selected(context: StageContext) -> Choice:
    """Put the rows that are published into the stage's store, and those that are dropped."""
    known, gone = beside(context), _taken_down(context)
    if context.settings.choose.chooses:
        return choose.run(context, known, gone)
    context.each_part(_publish_part, known, gone)
    return Choice()


def _publish_part(
    source: Store,
    output: Store,
    part: Part,
    key: str,
    settings: PublishSettings,
    known: BesideRows,
    gone: frozenset[str],
) -> Counts:
    rows = publish.work(source.read(part), settings, known)
    return output.write(part.name, key, taken_down.without(rows, gone))


def _taken_down(context: StageContext) -> frozenset[str]:
    """The ids of the rows that are taken down."""
    wanted = context.settings.taken_down
    if not wanted:
        return frozenset()
    jobs = [(context.source, part, wanted) for part in context.parts]
    found = context.of_each(_taken_down_of_part, jobs)
    return frozenset(chain.from_iterable(found))


def _taken_down_of_part(
    number: int, source: Store, part: Part, wanted: Sequence[TakenDown]
) -> tuple[int, list[str]]:
    return number, taken_down.ids(source.read(part), wanted)


# --- in the form of another dataset


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
