"""Everybody there is: seeds, cards and the invented; and the situations that bring them together."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from pipeline import UserError
from pipeline.conversation import Quarantine
from pipeline.formats import cards
from pipeline.formats.cards import Character
from pipeline.generate import invent
from pipeline.generate.check import ADULT, underage
from pipeline.generate.invent import User, read_character, read_situation, read_user
from pipeline.generate.prompts import Prompts
from pipeline.llm import Client
from pipeline.recipe.settings import GenerateSettings
from pipeline.texts import configs


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
    settings: GenerateSettings, line: Client, prompts: Prompts, seed: int, folder: Path
) -> tuple[Cast, list[Quarantine]]:
    """The cast a recipe asks for, and everything that was unfit for it. folder: where paths of cards begin."""
    seeds = bundled(settings.language)
    if settings.seeds > len(seeds.characters):
        raise UserError(
            f"generate.seeds: {settings.seeds} are wanted, but configs/personas/{settings.language}.yaml has "
            f"{len(seeds.characters)}. Ask for fewer, and for the rest with generate.characters."
        )
    known, spoilt = _from_cards(
        [folder / Path(place).expanduser() for place in settings.cards], prompts
    )
    asked = (line, settings, prompts, seed)
    people, unfit = await invent.invent(
        invent.CHARACTERS, settings.characters, [*seeds.characters, *known], *asked
    )
    users, unfit_users = await invent.invent(invent.USERS, settings.users, seeds.users, *asked)
    situations, unfit_situations = await invent.invent(
        invent.SITUATIONS, settings.situations, seeds.situations, *asked
    )
    cast = Cast(
        [*seeds.characters[: settings.seeds], *known, *people],
        [*seeds.users, *users],
        [*seeds.situations, *situations],
    )
    return cast, spoilt + unfit + unfit_users + unfit_situations


def _from_cards(places: list[Path], prompts: Prompts) -> tuple[list[Character], list[Quarantine]]:
    """The characters of card files and folders; a card that cannot be read or used is quarantined."""
    read: list[Character] = []
    spoilt: list[Quarantine] = []
    for path in (path for place in places for path in card_files(place)):
        try:
            character, repairs = cards.read(path)
            if told := _unfit(character, prompts):
                raise ValueError(told)
            read.append(replace(character, repairs=tuple(repairs)))
        except ValueError as error:
            raw = path.read_bytes()[:100_000].decode("utf-8", "replace")
            spoilt.append(Quarantine(f"cards/{path}", "card", str(error), raw))
    return read, spoilt


def pictures(places: list[Path]) -> dict[str, Path]:
    """The PNG cards at these places by the text they hold; what is gone or cannot be read is left out."""
    found: dict[str, Path] = {}
    for path in (path for place in places if place.exists() for path in card_files(place)):
        with suppress(ValueError):
            found[cards.png_text(path.read_bytes())] = path
    return found


def _unfit(character: Character, prompts: Prompts) -> str | None:
    """Why a card must not talk; whatever it holds goes out with its rows, so no part may be of a minor."""
    if character.age is not None and character.age < ADULT:
        return f"adults only: age {character.age}"
    data = json.loads(cards.to_json(character))["data"]
    for part in (data["mes_example"], *data["tags"]):
        if told := underage(part, prompts):
            return f"adults only: {told}"
    return invent.unfit(invent.texts_of_character(character), prompts)


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
