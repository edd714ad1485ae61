"""`publish`: rows are cut part by part, and the best are chosen among all; then the dataset and its
card are written."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any, TypeVar

import pyarrow as pa

from pipeline import publish
from pipeline.formats import card_files, cards, realm
from pipeline.publish import related, release, split
from pipeline.publish.card import card
from pipeline.publish.choice import Choice
from pipeline.publish.configs import CONFIGS, Config
from pipeline.publish.cut import BesideRows
from pipeline.publish.files import Written, shard_count, write
from pipeline.publish.gates import licences
from pipeline.publish.gates.data_tests import RowsForTests
from pipeline.publish.gates.refusal import Refusal
from pipeline.publish.gates.tally import GateTally
from pipeline.publish.infos import ConfigInfo, SplitInfo, loaded_bytes
from pipeline.publish.summary import Summary, Tally
from pipeline.recipe.publish import PublishSettings
from pipeline.run.calibration import calibration
from pipeline.run.context import StageContext
from pipeline.run.steps import choose, gates, released
from pipeline.run.steps.beside import beside
from pipeline.run.tokenizer import with_tokenizer
from pipeline.store.columns import from_table
from pipeline.store.counts import Counts, total
from pipeline.store.files import FileMark
from pipeline.store.report import counted, funnel_row
from pipeline.store.store import Part, Store

if TYPE_CHECKING:
    from pipeline.recipe.settings import Recipe

DATASET = "dataset"
REALM = "realm"
T = TypeVar("T")
Named = tuple[int, T]  # a result with the number of its job


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
    _write_card(context, dataset, replace(summary, allowed=allowed), refused, choice)
    if context.settings.layout == REALM:
        _write_realm(output, context.job.recipe)
    files = _marks(output, DATASET) | _marks(output, REALM)
    configs = list(map(asdict, summary.configs))
    return {"files": files, "configs": configs, "refused": refused, "choice": asdict(choice)}


def _write_card(
    context: StageContext,
    dataset: Store,
    summary: Summary,
    refused: Sequence[str],
    choice: Choice,
) -> None:
    """The card, and the licence where the Hub has no name for it."""
    recipe = context.job.recipe
    own = funnel_row(counted(context.stage.name, context.rows_in, total(context.results)))
    funnel = [*context.funnel, own]
    text = card(recipe.name, summary, funnel, refused, choice, calibration(recipe))
    dataset.write_text("README.md", text)
    licence = licences.file_of(summary.licences)
    if licence is not None:
        dataset.write_text(licences.FILE, licence)


def _written(context: StageContext, dataset: Store) -> tuple[Summary, list[Refusal]]:
    """Write the kept rows into every config; and what keeps them from being released."""
    keys, now = _placed(context, context.output.parts())
    configs, refused = _write_configs(context, dataset, now)
    released.write(context.output, context.settings, context.job.recipe.seed, now)
    tally, counts, tests = _counted(context)
    summary = replace(
        tally.summary(now.placed.rows(), configs),
        tokenizer=context.settings.tokenizer,
        licences=counts.licences,
        grades=counts.grades,
    )
    found = [
        *counts.refusals(),
        *refused,
        *gates.lost(context),
        *gates.leaking(context, keys, now.placed),
        *tests.refusals(now.placed.places),
    ]
    return summary, found


def _write_configs(
    context: StageContext, dataset: Store, now: released.Released
) -> tuple[list[ConfigInfo], list[Refusal]]:
    """Every config, and what chat templates do not take of them."""
    settings = with_tokenizer(context.settings, context.job.recipe)
    given = (context.output, dataset, context.output.parts(), now, settings)
    names = [name for name, config in CONFIGS.items() if _concerns(config, now.placed)]
    written = _of_each(context, _write_config, [(name, *given) for name in names])
    refused = [one for _, several in written for one in several]
    return [config for config, _ in written], refused


def _counted(context: StageContext) -> tuple[Tally, GateTally, RowsForTests]:
    """What card, gates and tests count over the kept rows."""
    settings, output = context.settings, context.output
    found = (Tally(), GateTally(settings), RowsForTests(settings))
    for part in output.parts():
        table = output.table(part)
        for one in found:
            one.add(table)
    return found


def _placed(context: StageContext, parts: Sequence[Part]) -> tuple[pa.Table, released.Released]:
    """The `related.KEYS` of every row, where it stands, and how many files there are; as it was for
    what was released."""
    output = context.output
    settings = context.settings
    seed = context.job.recipe.seed
    before = released.read(output, settings, seed)
    tables = _of_each(context, _keys_of_part, [(output, part) for part in parts])
    known = choose.joined_rows(context)
    clusters = related.NO_CLUSTERS if known is None else related.clustered(known)
    keys = pa.concat_tables(tables)
    placed = split.placed(keys, settings, seed, before.placed, clusters)
    return keys, released.Released(placed, _shard_counts(parts, placed, before.counts))


def _of_each(
    context: StageContext, function: Callable[..., Named[T]], jobs: Sequence[tuple[object, ...]]
) -> list[T]:
    """What `function` gives for every job, in their order."""
    named = [(number, *job) for number, job in enumerate(jobs)]
    found = dict(context.job.engine.map(function, named, context.is_little))
    return [found[number] for number in range(len(jobs))]


def _keys_of_part(number: int, output: Store, part: Part) -> Named[pa.Table]:
    rows = from_table(output.columns(part, related.COLUMNS), part.file)
    return number, related.keys(rows)


def _concerns(config: Config, placed: split.Placement) -> bool:
    """Are there rows that the config could be made of?"""
    is_rehearsal = placed.places == split.AT_REHEARSAL
    return bool((is_rehearsal == config.rehearsal).any())


def _shard_counts(
    parts: Sequence[Part], placed: split.Placement, before: Mapping[str, int]
) -> dict[str, int]:
    """How many files each split has. Rows of the rehearsal model stand in `train` of their own
    configs."""
    rows = placed.rows()
    size = sum(part.mark.size for part in parts)
    counts = {}
    for name in split.SPLITS:
        own = rows.get(name, 0)
        share = size * own // max(1, len(placed))
        counts[name] = shard_count(own, share, before.get(name, 0))
    return counts


def _write_config(
    number: int,
    name: str,
    output: Store,
    dataset: Store,
    parts: Sequence[Part],
    now: released.Released,
    settings: PublishSettings,
) -> Named[tuple[ConfigInfo, list[Refusal]]]:
    rows = map(output.read, parts)
    written = write(CONFIGS[name], rows, now.placed, now.counts, settings, dataset.committed)
    return number, (described(dataset, written), written.refusals())


def described(dataset: Store, written: Written) -> ConfigInfo:
    """A config with the bytes of its files, on disk and loaded."""
    splits = {}
    for name, own in written.splits.items():
        loaded = size = 0
        for file in own.files:
            with dataset.files.open(f"{dataset.path}/{file}", "rb") as opened:
                loaded += loaded_bytes(opened)
            size += dataset.size_of(file) or 0
        splits[name] = SplitInfo(own.rows, loaded, size)
    return ConfigInfo(
        written.name,
        splits,
        written.came,
        written.used,
        written.left_out,
        written.changed,
        written.tokens,
        written.licences,
    )


def _selected(context: StageContext) -> Choice:
    """Put the rows that are published into the stage's store, and those that are dropped."""
    known = beside(context)
    if context.settings.choose.chooses:
        return choose.run(context, known)
    context.each_part(_publish_part, known)
    return Choice()


def _show(context: StageContext, refused: Sequence[str]) -> None:
    """A person sees at once why the dataset may not be released."""
    for sentence in refused:
        context.job.notice(f"publish: {sentence}")


def _publish_part(
    source: Store,
    output: Store,
    part: Part,
    key: str,
    settings: PublishSettings,
    known: BesideRows,
) -> Counts:
    return output.write(part.name, key, publish.work(source.read(part), settings, known))


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
