"""Everybody there is: seeds, cards and the invented; and the situations that bring them together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from pipeline.conversation import Quarantine
from pipeline.generate import cards, invent
from pipeline.generate.cards import Character
from pipeline.generate.check import underage
from pipeline.generate.invent import User, read_character, read_situation, read_user
from pipeline.generate.prompts import Prompts
from pipeline.llm import Line
from pipeline.recipe import GenerateSettings, UserError, configs


@dataclass(frozen=True, slots=True)
class Cast:
    """Who talks, to whom, about what."""

    characters: Sequence[Character]
    users: Sequence[User]
    situations: Sequence[str]


def bundled(language: str) -> Cast:
    """The seeds of `configs/personas`."""
    return Cast(
        [read_character(raw) for raw in _entries(f"{language}.yaml")],
        [read_user(raw) for raw in _entries(f"users-{language}.yaml")],
        [read_situation(raw) for raw in _entries(f"situations-{language}.yaml")],
    )


async def assemble(
    settings: GenerateSettings, line: Line, prompts: Prompts, seed: int, folder: Path
) -> tuple[Cast, list[Quarantine]]:
    """The cast a recipe asks for, and everything that was unfit for it. folder: where paths of cards begin."""
    seeds = bundled(settings.language)
    if settings.seeds > len(seeds.characters):
        raise UserError(
            f"generate.seeds: {settings.seeds} are wanted, but configs/personas/{settings.language}.yaml has "
            f"{len(seeds.characters)}. Ask for fewer, and for the rest with generate.characters."
        )
    known, spoilt = _from_cards([folder / Path(place).expanduser() for place in settings.cards], prompts)
    asked = (line, settings, prompts, seed)
    people, unfit = await invent.invent(invent.CHARACTERS, settings.characters, [*seeds.characters, *known], *asked)
    users, unfit_users = await invent.invent(invent.USERS, settings.users, seeds.users, *asked)
    situations, unfit_situations = await invent.invent(invent.SITUATIONS, settings.situations, seeds.situations, *asked)
    cast = Cast(
        [*seeds.characters[: settings.seeds], *known, *people],
        [*seeds.users, *users],
        [*seeds.situations, *situations],
    )
    return cast, spoilt + unfit + unfit_users + unfit_situations


def _from_cards(places: list[Path], prompts: Prompts) -> tuple[list[Character], list[Quarantine]]:
    """The characters of card files and folders; a card that cannot be read, or is no adult's, is quarantined."""
    read: list[Character] = []
    spoilt: list[Quarantine] = []
    for path in (path for place in places for path in card_files(place)):
        try:
            character, _ = cards.read(path)
            if told := underage(f"{character.description}\n{character.scenario or ''}", prompts):
                raise ValueError(f"adults only: {told}")
            read.append(character)
        except ValueError as error:
            raw = path.read_bytes()[:100_000].decode("utf-8", "replace")
            spoilt.append(Quarantine(f"cards/{path}", f"card: {error}", raw))
    return read, spoilt


def card_files(place: Path) -> Iterator[Path]:
    """The card files at a path: itself, or those in it. Raises UserError when there is nothing."""
    if place.is_dir():
        yield from sorted(p for p in place.iterdir() if p.suffix.lower() in (".json", ".png"))
    elif place.exists():
        yield place
    else:
        raise UserError(f"generate.cards: {place} does not exist.")


def _entries(name: str) -> list[Any]:
    path = configs() / "personas" / name
    try:
        return list(yaml.safe_load(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise UserError(f"{path} is missing: generate needs it.") from None
