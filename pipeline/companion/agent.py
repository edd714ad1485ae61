"""A companion: a character, the wording of its language, and how it is to talk."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline import UserError
from pipeline.companion import words
from pipeline.companion.words import CompanionWords
from pipeline.conversation import Message, Persona
from pipeline.formats import cards
from pipeline.formats.card_files import card_files
from pipeline.formats.cards import Character
from pipeline.generate import prompts
from pipeline.generate.check import ADULT, underage
from pipeline.generate.personas import bundled
from pipeline.generate.prompts import Prompts
from pipeline.recipe.companion import CompanionSettings
from pipeline.rules.language.detect import detect
from pipeline.rules.reading.reading import read
from pipeline.rules.safety.underage import underage as signs_of_a_minor

NO_SETTINGS = CompanionSettings()


@dataclass(frozen=True, slots=True)
class Companion:
    """Somebody to talk with. persona: as the rules read it, macros filled in."""

    character: Character
    persona: Persona
    prompts: Prompts
    words: CompanionWords
    settings: CompanionSettings

    @property
    def language(self) -> str:
        return self.prompts.language

    @property
    def name(self) -> str:
        return self.character.name

    @property
    def greeting(self) -> str | None:
        """The first message, where the card has one."""
        return self.persona.greeting


def companion(character: Character, settings: CompanionSettings = NO_SETTINGS) -> Companion:
    """A companion of a character. Raises UserError: a minor, or a language without prompts."""
    language = settings.language or _language(character)
    wording, own = prompts.load(language), words.load(language)
    found = Companion(character, character.persona(own.user), wording, own, settings)
    sign = _sign_of_a_minor(found)
    if sign:
        raise UserError(
            f"{character.name} is no adult ({sign}); companions are. Correct the card, or leave "
            "it out."
        )
    return found


def companions(place: Path, settings: CompanionSettings = NO_SETTINGS) -> list[Companion]:
    """Those of a card file, or of all cards in a folder. Raises UserError that names the file."""
    if not place.exists():
        raise UserError(f"There is no card {place}: name a .json, .png or .charx file.")
    found = [companion(_character(path), settings) for path in card_files(place)]
    if not found:
        raise UserError(f"{place} holds no card: no .json, .png or .charx file.")
    return found


def seed(settings: CompanionSettings = NO_SETTINGS) -> Companion:
    """The first of the bundled characters of a language."""
    return companion(bundled(settings.language or "en").characters[0], settings)


def _character(path: Path) -> Character:
    try:
        return cards.read(path)
    except (ValueError, OSError) as error:
        raise UserError(f"{path} is no character card that can be read: {error}.") from None


def _language(character: Character) -> str:
    """The language of a card, where there are prompts for it; else English."""
    parts = _texts(character)
    found = detect([parts], prompts.known())[0].language
    return found.code if found and found.code in prompts.known() else "en"


def _texts(character: Character) -> list[str]:
    parts = (character.description, character.greeting, character.scenario)
    return [part for part in parts if part]


def _sign_of_a_minor(found: Companion) -> str | None:
    """What in a card says that the character is under 18."""
    age = found.character.age
    if age is not None and age < ADULT:
        return f"age {age}"
    said = (underage(text, found.prompts) for text in _texts(found.character))
    return next((one for one in said if one), None) or next(_by_rules(found), None)


def _by_rules(found: Companion) -> Iterator[str]:
    opening = [Message("assistant", found.greeting or "")]
    for finding in signs_of_a_minor(read(opening, found.persona)):
        yield finding.evidence or finding.rule


def by_name(found: Sequence[Companion]) -> dict[str, Companion]:
    """Companions by the names that clients choose them by: the name in small letters and hyphens, a
    number behind it where two have the same."""
    named: dict[str, Companion] = {}
    for one in found:
        plain = "-".join(one.name.lower().split())
        number = sum(name.rstrip("0123456789-") == plain for name in named)
        named[f"{plain}-{number + 1}" if number else plain] = one
    return named
