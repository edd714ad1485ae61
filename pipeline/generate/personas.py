"""Who may talk, and about what: the seeds of `configs/personas`, character cards, inventions."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pipeline import UserError, texts
from pipeline.conversation import Quarantine
from pipeline.formats import cards
from pipeline.formats.card_files import card_files, card_places
from pipeline.formats.cards import Character
from pipeline.generate import candidates, people
from pipeline.generate.candidates import CHARACTERS, SITUATIONS, USERS, User
from pipeline.generate.check import ADULT, Objection, objection_to, underage
from pipeline.generate.context import GenerateContext
from pipeline.generate.invent import RAW, invent
from pipeline.generate.prompts import Prompts
from pipeline.recipe.generate import GenerateSettings

FOLDER = "personas"


@dataclass(frozen=True, slots=True)
class Personas:
    """Characters, the users who write to them, and situations that bring the two together; later:
    those of people who have met before."""

    characters: Sequence[Character]
    users: Sequence[User]
    situations: Sequence[str]
    later: Sequence[str]


def bundled(language: str, beside: Path | None = None) -> Personas:
    """The seeds of `configs/personas`. beside: a folder whose files come first."""
    characters = texts.values(FOLDER, f"{language}.yaml", beside)
    users = texts.values(FOLDER, f"users-{language}.yaml", beside)
    situations = texts.values(FOLDER, f"situations-{language}.yaml", beside)
    later = texts.values(FOLDER, f"later-{language}.yaml", beside)
    return Personas(
        list(map(candidates.read_character, characters)),
        list(map(candidates.read_user, users)),
        list(map(candidates.read_situation, situations)),
        list(map(candidates.read_situation, later)),
    )


async def assemble(context: GenerateContext, folder: Path) -> tuple[Personas, list[Quarantine]]:
    """The personas that a recipe asks for, and every card and candidate that was rejected.

    folder: where relative paths of cards begin.
    """
    settings = context.settings
    seeds = bundled(settings.language, settings.texts_in(folder))
    _check_seeds(settings.seeds, settings.language, len(seeds.characters))
    given, writers, rejected = _given(settings, folder, context.prompts)
    known = replace(seeds, characters=[*seeds.characters, *given])
    invented, lost = await _invented(known, context)
    personas = Personas(
        [*seeds.characters[: settings.seeds], *given, *invented.characters],
        [*(writers or seeds.users), *invented.users],
        [*seeds.situations, *invented.situations],
        seeds.later,
    )
    return personas, [*rejected, *lost]


async def _invented(known: Personas, context: GenerateContext) -> tuple[Personas, list[Quarantine]]:
    """What is invented beside those that are known, and every candidate that was rejected."""
    settings = context.settings
    characters, rejected = await invent(CHARACTERS, settings.characters, known.characters, context)
    users, lost = await invent(USERS, settings.users, known.users, context)
    rejected += lost
    situations, lost = await invent(SITUATIONS, settings.situations, known.situations, context)
    rejected += lost
    return Personas(characters, users, situations, ()), rejected


def _given(
    settings: GenerateSettings, folder: Path, prompts: Prompts
) -> tuple[list[Character], list[User], list[Quarantine]]:
    """The characters of cards and files, the users of files, and what cannot be used of them."""
    carded, rejected = _from_cards(card_places(folder, settings.cards), prompts)
    characters, lost = people.characters(settings, folder, prompts)
    rejected += lost
    users, lost = people.users(settings, folder, prompts)
    return [*carded, *characters], users, [*rejected, *lost]


def talking(settings: GenerateSettings, folder: Path) -> int:
    """How many characters shall talk, before any of them is read closely."""
    places = card_places(folder, settings.cards)
    carded = sum(len(list(card_files(place))) for place in places)
    return settings.seeds + settings.characters + carded + people.count(settings, folder)


def _check_seeds(wanted: int, language: str, available: int) -> None:
    if wanted > available:
        raise UserError(
            f"generate.seeds: {wanted} are wanted, but configs/personas/{language}.yaml has "
            f"{available}. Ask for fewer, and for the rest with generate.characters."
        )


# --- cards


def _from_cards(places: list[Path], prompts: Prompts) -> tuple[list[Character], list[Quarantine]]:
    """The characters of card files; a card that cannot be read or used is quarantined."""
    characters: list[Character] = []
    rejected: list[Quarantine] = []
    for place in places:
        for path in card_files(place):
            card = _read_card(path, prompts)
            if isinstance(card, Quarantine):
                rejected.append(card)
            else:
                characters.append(card)
    return characters, rejected


def _read_card(path: Path, prompts: Prompts) -> Character | Quarantine:
    try:
        character = cards.read(path)
    except ValueError as error:
        return _rejected(path, str(error))
    objection = _objection_to_card(character, prompts)
    if objection:
        return _rejected(path, f"{objection.rule}: {objection.detail}")
    return character


def _rejected(path: Path, detail: str) -> Quarantine:
    raw = path.read_bytes()[:RAW].decode("utf-8", "replace")
    return Quarantine(f"cards/{path}", "card", detail, raw)


def _objection_to_card(character: Character, prompts: Prompts) -> Objection | None:
    """Why a card must not be used.

    All of it is published with its rows, so no part of it may be of a minor.
    """
    if character.age is not None and character.age < ADULT:
        return Objection("safety.minor", f"age {character.age}")
    data = json.loads(cards.to_json(character))["data"]
    for part in (data["mes_example"], *data["tags"]):
        words = underage(part, prompts)
        if words:
            return Objection("safety.minor", words)
    return objection_to(candidates.texts_of_character(character), prompts)
