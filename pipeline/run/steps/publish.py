"""`publish`: rows are cut part by part, and the best are chosen among all; then the dataset and its
card are written."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from itertools import chain
from typing import TYPE_CHECKING, Any, TypeVar

import pyarrow as pa

from pipeline import publish
from pipeline.formats import card_files, cards, realm
from pipeline.publish import related, release, split, taken_down
from pipeline.publish.card import card
from pipeline.publish.charts import FOLDER, charts
from pipeline.publish.choice import Choice
from pipeline.publish.configs import CONFIGS, Config
from pipeline.publish.croissant import FILE as CROISSANT
from pipeline.publish.croissant import croissant
from pipeline.publish.drawing import Drawing
from pipeline.publish.fates import of_real_rows
from pipeline.publish.files import Written, shard_count, write
from pipeline.publish.infos import ConfigInfo, SplitInfo, loaded_bytes
from pipeline.publish.summary import COLUMNS, Summary, Tally
from pipeline.recipe.publish import PublishSettings, TakenDown
from pipeline.run.calibration import calibration
from pipeline.run.context import StageContext
from pipeline.run.steps import choose, making, released
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
    choice = _selected(context, _taken_down(context))
    output, recipe = context.output, context.job.recipe
    dataset = Store(output.root, f"{output.folder}/{DATASET}")
    dataset.remove()
    summary = _written(context, dataset)
    refused = _refused(context, summary)
    _describe(context, dataset, summary, refused, choice)
    if context.settings.layout == REALM:
        _write_realm(output, recipe)
    files = _marks(output, DATASET) | _marks(output, REALM)
    configs = list(map(asdict, summary.configs))
    return {"files": files, "configs": configs, "refused": refused, "choice": asdict(choice)}


def _written(context: StageContext, dataset: Store) -> Summary:
    """Write the kept rows into every config."""
    output, parts = context.output, context.output.parts()
    now = _placed(context, parts)
    settings = with_tokenizer(context.settings, context.job.recipe)
    jobs = []
    for name, config in CONFIGS.items():
        if _concerns(config, now.placed):
            jobs.append((name, output, dataset, parts, now, settings))
    configs = _of_each(context, _write_config, jobs)
    released.write(
        output,
        context.settings,
        context.job.recipe.seed,
        now,
    )
    summary = _tally(context, parts).summary(now.placed.rows(), configs)
    return replace(summary, tokenizer=context.settings.tokenizer)


def _describe(
    context: StageContext,
    dataset: Store,
    summary: Summary,
    refused: Sequence[str],
    choice: Choice,
) -> None:
    """Write the card, its charts and croissant.json."""
    recipe = context.job.recipe
    made = replace(making.made(context, dataset), charts=charts(summary))
    own = funnel_row(
        counted(
            context.stage.name,
            context.rows_in,
            total(context.results),
        )
    )
    rehearsed = making.is_rehearsed(recipe)
    funnel = of_real_rows(
        [*context.funnel, own],
        made.fates,
        rehearsed,
    )
    text = card(
        recipe.name,
        summary,
        funnel,
        refused,
        choice,
        calibration(recipe),
        made,
    )
    dataset.write_text("README.md", text)
    _write_beside(
        dataset,
        made.charts,
        croissant(recipe.name, summary, _marks(dataset, "")),
    )


def _write_beside(
    dataset: Store,
    drawings: Mapping[str, Drawing],
    about: str | None,
) -> None:
    """What stands beside the card. about: the text of croissant.json."""
    if about:
        dataset.write_text(CROISSANT, about)
    for name, drawing in drawings.items():
        dataset.write_text(f"{FOLDER}/{name}.svg", drawing.svg())
        with dataset.committed(f"{FOLDER}/{name}.png") as file:
            file.write(drawing.png())


def _tally(context: StageContext, parts: Sequence[Part]) -> Tally:
    """The counts of all parts; in their order, as sums of fractions depend on it."""
    tally = Tally()
    for counted_part in _of_each(
        context,
        _tally_of_part,
        [(context.output, p) for p in parts],
    ):
        tally.merge(counted_part)
    return tally


def _tally_of_part(
    number: int,
    output: Store,
    part: Part,
) -> Named[Tally]:
    tally = Tally()
    tally.add(output.columns(part, COLUMNS))
    return number, tally


def _placed(context: StageContext, parts: Sequence[Part]) -> released.Released:
    """Where every row stands, and how many files there are; as it was for what was released."""
    output = context.output
    settings = context.settings
    seed = context.job.recipe.seed
    before = released.read(output, settings, seed)
    tables = _of_each(
        context,
        _keys_of_part,
        [(output, part) for part in parts],
    )
    known = choose.joined_rows(context)
    clusters = related.NO_CLUSTERS if known is None else related.clustered(known)
    placed = split.placed(
        pa.concat_tables(tables),
        settings,
        seed,
        before.placed,
        clusters,
    )
    return released.Released(
        placed,
        _shard_counts(
            parts,
            placed,
            before.counts,
        ),
    )


def _of_each(
    context: StageContext, function: Callable[..., Named[T]], jobs: Sequence[tuple[object, ...]]
) -> list[T]:
    """What `function` gives for every job, in their order."""
    named = [(number, *job) for number, job in enumerate(jobs)]
    found = dict(
        context.job.engine.map(
            function,
            named,
            context.is_little,
        )
    )
    return [found[number] for number in range(len(jobs))]


def _keys_of_part(
    number: int,
    output: Store,
    part: Part,
) -> Named[pa.Table]:
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
) -> Named[ConfigInfo]:
    rows = map(output.read, parts)
    written = write(
        CONFIGS[name],
        rows,
        now.placed,
        now.counts,
        settings,
        dataset.committed,
    )
    return number, described(dataset, written)


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
    left_out, changed = written.left_out, written.changed
    return ConfigInfo(
        written.name, splits, written.came, written.used, left_out, changed, written.tokens
    )


def _selected(context: StageContext, gone: frozenset[str]) -> Choice:
    """Put the rows that are published into the stage's store, and those that are dropped. gone:
    ids of those that are taken down."""
    if context.settings.choose.chooses:
        return choose.run(context, gone)
    context.each_part(_publish_part, gone)
    return Choice()


def _taken_down(context: StageContext) -> frozenset[str]:
    """The ids of the rows that are taken down."""
    wanted = context.settings.taken_down
    if not wanted:
        return frozenset()
    jobs = [(context.source, part, wanted) for part in context.parts]
    return frozenset(
        chain.from_iterable(
            _of_each(
                context,
                _taken_down_of_part,
                jobs,
            )
        )
    )


def _taken_down_of_part(
    number: int, source: Store, part: Part, wanted: Sequence[TakenDown]
) -> Named[list[str]]:
    return number, taken_down.ids(source.read(part), wanted)


def _refused(context: StageContext, summary: Summary) -> list[str]:
    """Why the dataset may not be released; a person sees it at once."""
    refused = release.refusals(summary, context.settings)
    for sentence in refused:
        context.job.notice(f"publish: {sentence}")
    return refused


def _publish_part(
    source: Store,
    output: Store,
    part: Part,
    key: str,
    settings: PublishSettings,
    gone: frozenset[str],
) -> Counts:
    rows = publish.work(source.read(part), settings)
    return output.write(
        part.name,
        key,
        taken_down.without(rows, gone),
    )


def _marks(output: Store, folder: str) -> dict[str, FileMark]:
    """The files below a folder of the store, with what they hold now."""
    prefix = f"{output.path}/"
    found = {}
    for path in sorted(output.files.find(f"{prefix}{folder}".rstrip("/"))):
        name = str(path).removeprefix(prefix)
        found[name] = FileMark(
            0,
            output.size_of(name) or 0,
            output.digest_of(name),
        )
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
