"""Generate: new characters, users and situations by self-instruct, then two models really talking.

work → cast (seeds, cards, invent) → slots → talk or script → rows. Everything that was asked for and did not become a
row comes out as a Drop or a Quarantine with its reason.

prompts.py the wording · cards.py characters and card files · invent.py self-instruct · novelty.py is it new? ·
plan.py the course of a talk · talk.py the talk · check.py what is wrong with a message · slots.py filled or accounted
for · realm.py export in the schema of gpt_roleplay_realm · rehearse.py plays the models without a network
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import yaml

from pipeline.conversation import Quarantine
from pipeline.generate import cards, prompts
from pipeline.generate.cards import Character
from pipeline.generate.invent import CHARACTERS, SITUATIONS, USERS, invent, read_character, read_situation, read_user
from pipeline.generate.slots import Cast, Row, fill, reasons, slots
from pipeline.llm import Line
from pipeline.recipe import GenerateSettings, UserError, configs

__all__ = ["reasons", "work"]


async def work(settings: GenerateSettings, line: Line, seed: int) -> AsyncIterator[Row]:
    """All rows, slot by slot: the same settings, seed and answers give the same rows, whichever answer came first."""
    if not settings.wanted:
        return
    wording = prompts.load(settings.language)
    cast, rejected = await _cast(settings, line, wording, seed)
    for unfit in rejected:
        yield unfit
    filled = line.each(slots(cast, settings.talks), lambda slot: fill(slot, cast, line, settings, wording, seed))
    async with aclosing(filled) as answers:  # type: ignore[type-var]
        async for rows in answers:
            for row in rows:
                yield row


async def _cast(
    settings: GenerateSettings, line: Line, wording: prompts.Prompts, seed: int
) -> tuple[Cast, list[Quarantine]]:
    """Seeds, cards and the invented: who talks, to whom, about what."""
    language = settings.language
    seeds = [read_character(raw) for raw in _bundled(f"{language}.yaml")]
    known, spoilt = _from_cards(settings.cards)
    users = [read_user(raw) for raw in _bundled(f"users-{language}.yaml")]
    situations = [read_situation(raw) for raw in _bundled(f"situations-{language}.yaml")]
    asked = (line, settings, wording, seed)
    people, unfit = await invent(CHARACTERS, settings.characters, seeds + known, *asked)
    more_users, unfit_users = await invent(USERS, settings.users, users, *asked)
    more_situations, unfit_situations = await invent(SITUATIONS, settings.situations, situations, *asked)
    cast = Cast(seeds[: settings.seeds] + known + people, users + more_users, situations + more_situations)
    return cast, spoilt + unfit + unfit_users + unfit_situations


def _from_cards(places: list[str]) -> tuple[list[Character], list[Quarantine]]:
    """The characters of card files and folders; a card that cannot be read is quarantined."""
    read: list[Character] = []
    spoilt: list[Quarantine] = []
    for path in (path for place in places for path in _files(Path(place))):
        try:
            character, _ = cards.read(path)
            read.append(character)
        except ValueError as error:
            spoilt.append(
                Quarantine(str(path), f"card: {error}", path.read_bytes()[:100_000].decode("utf-8", "replace"))
            )
    return read, spoilt


def _files(place: Path) -> list[Path]:
    if place.is_dir():
        return sorted(p for p in place.iterdir() if p.suffix.lower() in (".json", ".png"))
    if not place.exists():
        raise UserError(f"generate.cards: {place} does not exist.")
    return [place]


def _bundled(name: str) -> list[Any]:
    path = configs() / "personas" / name
    try:
        return list(yaml.safe_load(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise UserError(f"{path} is missing: generate needs it.") from None
