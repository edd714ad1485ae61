"""How each room is walked: which units of work it has and what is done with one, by this or a worker process."""

from __future__ import annotations

import dataclasses
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

from pipeline.conversation import Conversation, Quarantine
from pipeline.counts import Counts, given_up
from pipeline.engine import Engine
from pipeline.keys import cards, digest, ingredients
from pipeline.recipe import CollectSettings, Recipe, UserError
from pipeline.shelf import Shelf

LITTLE_ROWS = 2_000  # rows that one process has done before a second one has begun
LITTLE_BYTES = 4_000_000  # the same for files

CALLS = "calls.sqlite"  # every model call and its answer

Progress = Callable[[str, int, int], None]  # room, units done, units in all


@dataclass(frozen=True)
class Room:
    """One stage. `code` and `packages`: what makes its shelf stale when edited or upgraded, besides its settings.

    walk: may return what else its report says.
    """

    name: str
    walk: Callable[[Passage], dict[str, Any] | None]
    code: tuple[str, ...]
    packages: tuple[str, ...] = ()


@dataclass(frozen=True)
class Run:
    """One pass over a recipe. secrets: values by the name of their environment variable, handed in by the caller."""

    recipe: Recipe
    out: str
    engine: Engine
    progress: Progress = lambda room, done, total: None
    secrets: Mapping[str, str] = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        """Where pages and answers are kept. Of no use in an object store, where `run` lets nobody crawl or generate."""
        return Path(Shelf(self.out).path)


@dataclass(frozen=True)
class Passage:
    """What a room is given: where rows come from, where they go, and the key they stand under."""

    run: Run
    room: Room
    inbox: Shelf | None
    outbox: Shelf
    key: str
    before: str
    way: Sequence[Mapping[str, Any]] = ()  # the funnel so far

    @property
    def settings(self) -> Any:
        return getattr(self.run.recipe, self.room.name)

    def ingredients(self) -> dict[str, Any]:
        return ingredients(self.room.name, self.run.recipe, self.room.code, self.room.packages)

    def flow(self) -> dict[str, Any]:
        """What became of the room's rows. Raises AssertionError when one is not accounted for: that is a bug."""
        units = (self.outbox.done(unit, self.key) for unit in self.outbox.units())
        total = Counts.total(counts for counts in units if counts)
        rows_in = sum(map(self.inbox.count, self.inbox.parts())) if self.inbox else total.rows_in
        added = total.rows_in - rows_in
        if added < 0 or (added and self.room.name != "generate"):
            raise AssertionError(f"{self.room.name}: {rows_in} rows in, {total.rows_in} accounted for")
        names = ("kept", "dropped", "merged", "quarantined", "edited", "missing", "passing")
        numbers = {name: getattr(total, name) for name in names}
        reasons = {"reasons": _ordered(total.reasons), "findings": _ordered(total.findings)}
        return {"room": self.room.name, "in": rows_in, "added": added, **numbers, **reasons}

    def map(self, function: Callable[..., Counts], jobs: Sequence[tuple[object, ...]], little: bool = False) -> None:
        if jobs:
            self.run.progress(self.room.name, 0, len(jobs))
        for done, _ in enumerate(self.run.engine.map(function, jobs, little), 1):
            self.run.progress(self.room.name, done, len(jobs))

    def each_part(self, function: Callable[..., Counts], *more: object) -> None:
        """`function(inbox, outbox, part, key, settings, *more)` for every part of the room before."""
        assert self.inbox is not None
        jobs = [(self.inbox, self.outbox, part, self.key, self.settings, *more) for part in self.inbox.parts()]
        self.map(function, jobs, self.little())

    def little(self) -> bool:
        return self.inbox is not None and sum(map(self.inbox.count, self.inbox.parts())) < LITTLE_ROWS


def walk_collect(passage: Passage) -> None:
    from pipeline import collect

    settings, outbox = passage.settings, passage.outbox
    units = collect.units(settings, passage.run.recipe.folder)
    state = passage.run.folder
    jobs = [(outbox, f"{number:05d}", passage.key, unit, settings, state) for number, unit in enumerate(units)]
    passage.map(_read_unit, jobs, collect.size(units) < LITTLE_BYTES)


def _read_unit(outbox: Shelf, name: str, key: str, unit: Any, settings: Any, state: Path) -> Counts:
    from pipeline import collect

    return outbox.write(name, key, collect.read(unit, settings, state))


def walk_generate(passage: Passage) -> dict[str, Any] | None:
    """Pass on what was collected, then add what the models say. Answers with what that took."""
    passage.each_part(_pass_on)
    job = passage.run
    if not passage.settings.wanted:
        return None
    from pipeline import generate
    from pipeline.generate import rehearse
    from pipeline.llm import Line

    line = Line(job.recipe.models, job.folder / CALLS, job.recipe.budget, job.secrets, job.recipe.seed, rehearse.answer)

    async def rows() -> Any:
        async with line:
            async for row in generate.work(passage.settings, line, job.recipe.seed, job.recipe.folder):
                yield row

    assert passage.inbox is not None
    unit = f"{max((int(part[:5]) for part in passage.inbox.parts()), default=-1) + 1:05d}"  # after what passed on
    passage.outbox.write(unit, passage.key, _watched(_drain(rows()), passage))
    tokens, dollars = spent(job.out)
    return {"usage": vars(line.usage) | {"all_tokens": tokens, "all_cost": dollars}}


def spent(out: str) -> tuple[int, float]:
    """Tokens and US dollars of every request that was ever made for a run folder."""
    from pipeline.llm.calls import Calls

    shelf = Shelf(out)
    if not shelf.local or not Path(shelf.path, CALLS).exists():
        return 0, 0.0
    calls = Calls(Path(shelf.path, CALLS))
    try:
        return calls.spent()
    finally:
        calls.close()


def _watched(rows: Iterator[Any], passage: Passage) -> Iterator[Any]:
    """The rows; each slot that is filled or given up is told as progress."""
    wanted = passage.settings
    total, done = wanted.talks * (wanted.seeds + wanted.characters + len(cards(passage.run.recipe))), 0
    passage.run.progress("generate, talks", 0, total)
    for row in rows:
        yield row
        lost = given_up(row)
        if isinstance(row, Quarantine) and not row.where.startswith("generated/"):  # an invention
            total -= lost * wanted.talks * row.where.startswith("characters/")
        elif lost or isinstance(row, Conversation):
            done += 1
            passage.run.progress("generate, talks", done, total)


def _pass_on(inbox: Shelf, outbox: Shelf, part: str, key: str, _settings: Any) -> Counts:
    return outbox.pass_on(part, key, inbox)


def _drain(rows: Any) -> Iterator[Any]:
    """The items of an asynchronous generator, one at a time, each before the next is asked for."""
    from pipeline.llm import runner as quick

    with quick() as runner:
        try:
            with suppress(StopAsyncIteration):
                while True:
                    yield runner.run(_next(rows))
        finally:
            runner.run(rows.aclose())


async def _next(rows: Any) -> Any:
    return await anext(rows)


def walk_filter(passage: Passage) -> dict[str, Any]:
    """Measured rows have a shelf of their own under a key without limits: a changed limit only decides anew."""
    from pipeline.filter.openings import Tally

    measuring = passage.settings.measuring()
    code = passage.ingredients() | {"settings": measuring}
    measured, key = Shelf(passage.outbox.address, "measured"), digest(passage.before, code)
    if any(measured.done(unit, key) is None for unit in measured.units()):
        measured.clear()
    passage.each_part(_filter_part, measured, key)
    tally = Tally()
    for part in passage.outbox.parts():
        tally.add_table(passage.outbox.table(part, columns=["messages", "source", "language"]))
    return {"openings": [dataclasses.asdict(found) for found in tally.openings()]}


def _filter_part(
    inbox: Shelf, outbox: Shelf, part: str, key: str, settings: Any, measured: Shelf, measuring_key: str
) -> Counts:
    from pipeline import filter as room

    measured.write(part, measuring_key, room.measure(inbox.read(part), settings))
    return outbox.write(part, key, room.decide(measured.read(part), settings))


def walk_dedup(passage: Passage) -> dict[str, Any]:
    """Sign each part, link them all, apply the decisions to each part; the report says what the linking met."""
    from pipeline.dedup import link, sign, verify

    assert passage.inbox is not None
    inbox, outbox, settings = passage.inbox, passage.outbox, passage.settings
    signing = {"view": settings.view, "sources": settings.sources, "bands": sign.bands(settings.threshold)}
    key = digest(passage.before, passage.ingredients() | {"settings": signing, "against": None})
    signed, parts = Shelf(outbox.address, "signed"), inbox.parts()
    against, against_key = _against(passage, key)
    passage.map(_sign_part, [(inbox, signed, part, key, settings) for part in parts], passage.little())
    passage.map(_sign_part, [(against, against, part, against_key, settings) for part in against.parts()])
    tables = [signed.arrow(f"part-{part}.arrow") for part in parts]
    others = [against.arrow(f"part-{part}.arrow") for part in against.parts()]
    decisions, report = link.link(tables, settings, others)
    outbox.write_table("pairs.parquet", decisions)
    wanted = decisions.slice(0, 0) if settings.only_report else decisions
    of_part = zip(parts, verify.by_part(wanted, len(parts)), strict=True)
    jobs = [(inbox, outbox, part, passage.key, settings, gone) for part, gone in of_part]
    passage.map(_apply_part, jobs, passage.little())
    return {"link": report}


def _against(passage: Passage, signing: str) -> tuple[Shelf, str]:
    """The sets that the result must share nothing with, read through the same door as any source; and their key."""
    from pipeline import collect

    shelf, run = Shelf(passage.outbox.address, "against"), passage.run
    named = [source.model_dump(mode="json") for source in passage.settings.against]
    key = digest(signing, named, passage.ingredients().get("against"))
    if any(shelf.done(unit, key) is None for unit in shelf.units()):
        shelf.clear()
    settings = CollectSettings(sources=passage.settings.against)
    kept: Counter[str] = Counter()
    for number, unit in enumerate(collect.units(settings, run.recipe.folder)):
        kept[unit.source.name] += shelf.write(f"{number:05d}", key, collect.read(unit, settings, Path())).kept
    if empty := [name for name, rows in kept.items() if not rows]:
        raise UserError(f"dedup: nothing can be read of {', '.join(empty)}, so there is nothing to compare with.")
    return shelf, key


def _sign_part(inbox: Shelf, signed: Shelf, part: str, key: str, settings: Any) -> Counts:
    from pipeline.dedup import sign

    if (before := signed.done(f"signed-{part}", key)) is not None:
        return before
    table = sign.sign(inbox.table(part, columns=sign.COLUMNS), settings)
    signed.write_arrow(f"part-{part}.arrow", table)
    return signed.mark(f"signed-{part}", key, Counts(kept=table.num_rows))


def _apply_part(inbox: Shelf, outbox: Shelf, part: str, key: str, settings: Any, decisions: pa.Table) -> Counts:
    from pipeline.dedup import verify

    return outbox.write_tables(part, key, *verify.apply(inbox.table(part), decisions, settings))


def walk_score(passage: Passage) -> None:
    passage.each_part(_score_part)


def _score_part(inbox: Shelf, outbox: Shelf, part: str, key: str, settings: Any) -> Counts:
    from pipeline import score

    return outbox.write(part, key, score.work(inbox.read(part), settings))


def walk_publish(passage: Passage) -> None:
    from pipeline import publish
    from pipeline.publish.card import card

    passage.each_part(_publish_part)
    shelf, recipe = passage.outbox, passage.run.recipe
    dataset = Shelf(shelf.address, "dataset")
    dataset.remove()
    keys = [shelf.table(part, columns=["id", "group", "source"]) for part in shelf.parts()]
    placed = publish.splits(keys, passage.settings, recipe.seed)
    said = publish.write((shelf.table(part) for part in shelf.parts()), placed, dataset.committed)
    dataset.write_text("README.md", card(recipe.name, funnel=[*passage.way, passage.flow()], **said))
    if passage.settings.layout == "realm":
        _write_realm(shelf, [recipe.folder / Path(place).expanduser() for place in recipe.generate.cards])


def _write_realm(shelf: Shelf, places: list[Path]) -> None:
    """The generated rows as gpt_roleplay_realm has them, one record a character, and the characters as V2 cards.

    places: where the recipe's cards are; what came as a PNG leaves as one too.
    """
    from pipeline.generate import cards, cast, realm

    target = Shelf(shelf.address, "realm")
    target.remove()
    records = (json.dumps(record, ensure_ascii=False) + "\n" for record in realm.records(shelf.rows()))
    target.write_text("characters.jsonl", "".join(records))
    pictures = cast.pictures(places)
    for number, character in enumerate(realm.characters(shelf.rows()), 1):
        target.write_text(f"cards/{number:05d}.json", cards.to_json(character))
        if picture := pictures.get(character.card or ""):
            with target.committed(f"cards/{number:05d}.png") as file:
                file.write(cards.to_png(character, picture.read_bytes()))


def _publish_part(inbox: Shelf, outbox: Shelf, part: str, key: str, settings: Any) -> Counts:
    from pipeline import publish

    return outbox.write(part, key, publish.work(inbox.read(part), settings))


def _ordered(reasons: Mapping[str, int]) -> dict[str, int]:
    return dict(sorted(reasons.items(), key=lambda item: (-item[1], item[0])))
