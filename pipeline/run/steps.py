"""How each room is walked: which units of work it has and what is done with one, by this or a worker process."""

from __future__ import annotations

import dataclasses
import json
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pyarrow as pa

from pipeline import UserError
from pipeline.conversation import Conversation, Quarantine
from pipeline.recipe.settings import CollectSettings
from pipeline.run.context import LITTLE_BYTES, StageContext
from pipeline.run.keys import cards, digest
from pipeline.store.counts import Counts, given_up
from pipeline.store.store import Store

CALLS = "calls.sqlite"  # every model call and its answer


def walk_collect(passage: StageContext) -> None:
    from pipeline import collect

    settings, outbox = passage.settings, passage.outbox
    units = collect.units(settings, passage.job.recipe.folder)
    state = passage.job.folder
    jobs = [
        (outbox, f"{number:05d}", passage.key, unit, settings, state)
        for number, unit in enumerate(units)
    ]
    passage.map(_read_unit, jobs, collect.size(units) < LITTLE_BYTES)


def _read_unit(outbox: Store, name: str, key: str, unit: Any, settings: Any, state: Path) -> Counts:
    from pipeline import collect

    return outbox.write(name, key, collect.read(unit, settings, state))


def walk_generate(passage: StageContext) -> dict[str, Any] | None:
    """Pass on what was collected, then add what the models say. Answers with what that took."""
    passage.each_part(_pass_on)
    job = passage.job
    if not passage.settings.wanted:
        return None
    from pipeline import generate
    from pipeline.llm import Client, rehearsal

    line = Client(
        job.recipe.models,
        job.folder / CALLS,
        job.recipe.budget,
        job.secrets,
        job.recipe.seed,
        rehearsal.answer,
    )

    async def rows() -> Any:
        async with line:
            async for row in generate.work(
                passage.settings, line, job.recipe.seed, job.recipe.folder
            ):
                yield row

    assert passage.inbox is not None
    unit = f"{max((int(part[:5]) for part in passage.inbox.parts()), default=-1) + 1:05d}"  # after what passed on
    passage.outbox.write(unit, passage.key, _watched(_drain(rows()), passage))
    tokens, dollars = spent(job.out)
    return {"usage": vars(line.usage) | {"all_tokens": tokens, "all_cost": dollars}}


def spent(out: str) -> tuple[int, float]:
    """Tokens and US dollars of every request that was ever made for a run folder."""
    from pipeline.llm.calls import Calls

    shelf = Store(out)
    if not shelf.local or not Path(shelf.path, CALLS).exists():
        return 0, 0.0
    calls = Calls(Path(shelf.path, CALLS))
    try:
        return calls.spent()
    finally:
        calls.close()


def _watched(rows: Iterator[Any], passage: StageContext) -> Iterator[Any]:
    """The rows; each slot that is filled or given up is told as progress."""
    wanted = passage.settings
    total, done = (
        wanted.talks * (wanted.seeds + wanted.characters + len(cards(passage.job.recipe))),
        0,
    )
    passage.job.progress("generate, talks", 0, total)
    for row in rows:
        yield row
        lost = given_up(row)
        if isinstance(row, Quarantine) and not row.where.startswith("generated/"):  # an invention
            total -= lost * wanted.talks * row.where.startswith("characters/")
        elif lost or isinstance(row, Conversation):
            done += 1
            passage.job.progress("generate, talks", done, total)


def _pass_on(inbox: Store, outbox: Store, part: str, key: str, _settings: Any) -> Counts:
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


def walk_filter(passage: StageContext) -> dict[str, Any]:
    """Measured rows have a shelf of their own under a key without limits: a changed limit only decides anew."""
    from pipeline.filter.openings import Tally

    measuring = passage.settings.measuring()
    code = passage.ingredients() | {"settings": measuring}
    measured, key = Store(passage.outbox.address, "measured"), digest(passage.before, code)
    if any(measured.done(unit, key) is None for unit in measured.units()):
        measured.clear()
    passage.each_part(_filter_part, measured, key)
    tally = Tally()
    for part in passage.outbox.parts():
        tally.add_table(passage.outbox.table(part, columns=["messages", "source", "language"]))
    return {"openings": [dataclasses.asdict(found) for found in tally.openings()]}


def _filter_part(
    inbox: Store,
    outbox: Store,
    part: str,
    key: str,
    settings: Any,
    measured: Store,
    measuring_key: str,
) -> Counts:
    from pipeline import filter as room

    measured.write(part, measuring_key, room.measure(inbox.read(part), settings))
    return outbox.write(part, key, room.decide(measured.read(part), settings))


def walk_dedup(passage: StageContext) -> dict[str, Any]:
    """Sign each part, link them all, apply the decisions to each part; the report says what the linking met."""
    from pipeline.dedup import link, sign, verify

    assert passage.inbox is not None
    inbox, outbox, settings = passage.inbox, passage.outbox, passage.settings
    signing = {
        "view": settings.view,
        "sources": settings.sources,
        "bands": sign.bands(settings.threshold),
    }
    key = digest(passage.before, passage.ingredients() | {"settings": signing, "against": None})
    signed, parts = Store(outbox.address, "signed"), inbox.parts()
    against, against_key = _against(passage, key)
    passage.map(
        _sign_part, [(inbox, signed, part, key, settings) for part in parts], passage.little()
    )
    passage.map(
        _sign_part, [(against, against, part, against_key, settings) for part in against.parts()]
    )
    tables = [signed.arrow(f"part-{part}.arrow") for part in parts]
    others = [against.arrow(f"part-{part}.arrow") for part in against.parts()]
    decisions, report = link.link(tables, settings, others)
    outbox.write_table("pairs.parquet", decisions)
    wanted = decisions.slice(0, 0) if settings.only_report else decisions
    of_part = zip(parts, verify.by_part(wanted, len(parts)), strict=True)
    jobs = [(inbox, outbox, part, passage.key, settings, gone) for part, gone in of_part]
    passage.map(_apply_part, jobs, passage.little())
    return {"link": report}


def _against(passage: StageContext, signing: str) -> tuple[Store, str]:
    """The sets that the result must share nothing with, read through the same door as any source; and their key."""
    from pipeline import collect

    shelf, run = Store(passage.outbox.address, "against"), passage.job
    named = [source.model_dump(mode="json") for source in passage.settings.against]
    key = digest(signing, named, passage.ingredients().get("against"))
    if any(shelf.done(unit, key) is None for unit in shelf.units()):
        shelf.clear()
    settings = CollectSettings(sources=passage.settings.against)
    kept: Counter[str] = Counter()
    for number, unit in enumerate(collect.units(settings, run.recipe.folder)):
        kept[unit.source.name] += shelf.write(
            f"{number:05d}", key, collect.read(unit, settings, Path())
        ).kept
    if empty := [name for name, rows in kept.items() if not rows]:
        raise UserError(
            f"dedup: nothing can be read of {', '.join(empty)}, so there is nothing to compare with."
        )
    return shelf, key


def _sign_part(inbox: Store, signed: Store, part: str, key: str, settings: Any) -> Counts:
    from pipeline.dedup import sign

    if (before := signed.done(f"signed-{part}", key)) is not None:
        return before
    table = sign.sign(inbox.table(part, columns=sign.COLUMNS), settings)
    signed.write_arrow(f"part-{part}.arrow", table)
    return signed.mark(f"signed-{part}", key, Counts(kept=table.num_rows))


def _apply_part(
    inbox: Store, outbox: Store, part: str, key: str, settings: Any, decisions: pa.Table
) -> Counts:
    from pipeline.dedup import verify

    return outbox.write_tables(part, key, *verify.apply(inbox.table(part), decisions, settings))


def walk_score(passage: StageContext) -> None:
    passage.each_part(_score_part)


def _score_part(inbox: Store, outbox: Store, part: str, key: str, settings: Any) -> Counts:
    from pipeline import score

    return outbox.write(part, key, score.work(inbox.read(part), settings))


def walk_publish(passage: StageContext) -> None:
    from pipeline import publish
    from pipeline.publish.card import card

    passage.each_part(_publish_part)
    shelf, recipe = passage.outbox, passage.job.recipe
    dataset = Store(shelf.address, "dataset")
    dataset.remove()
    keys = [shelf.table(part, columns=["id", "split_group", "source"]) for part in shelf.parts()]
    placed = publish.splits(keys, passage.settings, recipe.seed)
    said = publish.write((shelf.table(part) for part in shelf.parts()), placed, dataset.committed)
    dataset.write_text(
        "README.md", card(recipe.name, funnel=[*passage.way, passage.flow()], **said)
    )
    if passage.settings.layout == "realm":
        _write_realm(
            shelf, [recipe.folder / Path(place).expanduser() for place in recipe.generate.cards]
        )


def _write_realm(shelf: Store, places: list[Path]) -> None:
    """The generated rows as gpt_roleplay_realm has them, one record a character, and the characters as V2 cards.

    places: where the recipe's cards are; what came as a PNG leaves as one too.
    """
    from pipeline.formats import cards, realm
    from pipeline.generate import personas

    target = Store(shelf.address, "realm")
    target.remove()
    records = (
        json.dumps(record, ensure_ascii=False) + "\n" for record in realm.records(shelf.rows())
    )
    target.write_text("characters.jsonl", "".join(records))
    pictures = personas.pictures(places)
    for number, character in enumerate(realm.characters(shelf.rows()), 1):
        target.write_text(f"cards/{number:05d}.json", cards.to_json(character))
        if picture := pictures.get(character.card or ""):
            with target.committed(f"cards/{number:05d}.png") as file:
                file.write(cards.to_png(character, picture.read_bytes()))


def _publish_part(inbox: Store, outbox: Store, part: str, key: str, settings: Any) -> Counts:
    from pipeline import publish

    return outbox.write(part, key, publish.work(inbox.read(part), settings))
