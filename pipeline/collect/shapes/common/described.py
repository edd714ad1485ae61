"""A persona from what a field holds of it: a text, or an object with a name and more.

"Ada"    "A librarian, 40 years old."    {"name": "Ben", "age": 31}
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Literal

from pipeline.collect.shapes.transcript import ROLE_WORDS, Fields, as_json, description
from pipeline.conversation import Persona

PersonaPart = Literal["name", "description", "greeting", "scenario"]

# the fields of one persona, as they are called in an object
PARTS: dict[str, PersonaPart] = {
    "name": "name",
    "persona": "description",
    "personality": "description",
    "description": "description",
    "profile": "description",
    "definition": "description",
    "definitions": "description",
    "greeting": "greeting",
    "firstmes": "greeting",
    "firstmessage": "greeting",
    "scenario": "scenario",
    "worldscenario": "scenario",
}
NAME_LENGTH = 60  # characters; what is longer, or has several lines, describes somebody


def plain(name: object) -> str:
    """A name in small letters and without anything else: `systemPrompt` is `system_prompt`."""
    return re.sub(r"[\W_]", "", str(name).lower())


def persona_of(value: object, part: PersonaPart | None) -> Persona | None:
    """What one field holds of a persona; None when it holds no text."""
    if isinstance(value, dict):
        return None if part == "scenario" else _of_object(value)  # a scene of parts is a task's
    text = description(value)
    if text is None:
        return None
    if part is None:
        part = "description" if len(text) > NAME_LENGTH or "\n" in text else "name"
    return _made({part: [text]})


def _of_object(value: Fields) -> Persona | None:
    """A persona of an object; what it holds besides is a line each of the description.

    {"name": "Ben", "age": 31}   →   name "Ben", description "age: 31"
    """
    data = value.get("data")
    if isinstance(data, dict):  # a character card, V2 and later
        inner = _of_object(data)
        return inner and replace(inner, card=as_json(value))
    texts: dict[PersonaPart, list[str]] = {}
    for field, item in value.items():
        part = PARTS.get(plain(field))
        text = str(item) if isinstance(item, int | float) else description(item)
        if text and part:
            texts.setdefault(part, []).append(text)
        elif text and not (plain(field) == "role" and text.lower() in ROLE_WORDS):
            texts.setdefault("description", []).append(f"{field}: {text}")
    return _made(texts) if texts else None


def _made(texts: Mapping[PersonaPart, Sequence[str]]) -> Persona:
    joined = {part: "\n".join(dict.fromkeys(lines)) for part, lines in texts.items()}
    return Persona(**joined)


def _texts(persona: Persona) -> tuple[str | None, ...]:
    return persona.name, persona.description, persona.greeting, persona.scenario


def joined(one: Persona, other: Persona) -> Persona:
    """Two halves of a persona as one; a text that both have stands once."""
    pairs = zip(_texts(one), _texts(other), strict=True)
    name, about, greeting, scenario = (
        "\n".join(dict.fromkeys(filter(None, pair))) or None for pair in pairs
    )
    return Persona(one.name or name, about, greeting, scenario, one.card or other.card)


def add_all(people: dict[str | None, Persona], more: Mapping[str | None, Persona]) -> None:
    for speaker, persona in more.items():
        known = people.get(speaker)
        people[speaker] = joined(known, persona) if known else persona
