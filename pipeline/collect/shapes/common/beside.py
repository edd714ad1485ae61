"""What stands beside a list of messages: the system prompt, and who the two sides are.

{"system": "Stay in the inn.", "char_name": "Ada", "char_persona": "A librarian, 40 years old.",
 "user_persona": {"name": "Ben", "age": 31}, "scenario": "A winter night.", "messages": [..]}

Names are compared without case and punctuation: `systemPrompt` is `system_prompt`. A field whose
value is neither a text nor made of texts is not used and stays for `extra`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Literal, NamedTuple

from pipeline.collect.shapes.transcript import ROLE_WORDS, Fields, Turn, as_json, description
from pipeline.conversation import Persona, Role

PersonaPart = Literal["name", "description", "greeting", "scenario"]
BySpeaker = dict[str | None, Persona]  # by speaker; under None the assistant's

SYSTEM = (
    "system",
    "systemprompt",
    "systemmessage",
    "systeminstruction",
    "systeminstructions",
    "sysprompt",
    "preamble",
    "instruction",
    "instructions",
)
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
SIDES: dict[str, tuple[str, ...]] = {
    "assistant": ("char", "character", "bot", "assistant", "npc"),
    "user": ("user", "human"),
}
# those that have the assistant's persona without naming a side
ALONE = ("persona", "personality", "profile", "greeting", "firstmes", "scenario", "worldscenario")
WHOLE = ("character", "char", "bot", "card", "charactercard", "charcard", "botcard")
LOOSE = ("name", "description")
SEVERAL = ("personas", "profiles", "personalities", "characterprofiles", "characters")
NAME_LENGTH = 60  # characters; what is longer, or has several lines, describes somebody


class Beside(NamedTuple):
    """A list of messages with what stands beside it.

    turns: the system prompt, then the messages; a speaker who is the character has a role. used:
    the names of the fields that are in here. assumed: as in `Transcript`. group: the character's
    name, where more than the name is known.
    """

    turns: list[Turn]
    personas: BySpeaker
    used: tuple[str, ...] = ()
    assumed: tuple[str, ...] = ()
    group: str | None = None


class _Place(NamedTuple):
    """What one field holds. part: None where the value is a whole persona, or a name."""

    field: str
    side: str
    part: PersonaPart | None


class _Plan(NamedTuple):
    """Which fields of a record are of interest; the same for all records with these fields.

    loose: `name` and `description`, which are the character's only where another field is.
    """

    system: tuple[str, ...]
    personas: tuple[_Place, ...]
    loose: tuple[_Place, ...]
    several: tuple[str, ...]


def found(record: Mapping[str, object], turns: list[Turn], *used: str) -> Beside:
    """The turns of a record with the system prompt and the personas that stand beside them.

    used: fields that the shape itself reads, and that mean something else here.
    """
    plan = _plan(tuple(record), used)
    if plan is None:
        return Beside(turns, {})
    system, system_fields = _system(record, plan)
    people, people_fields, assumed = _people(record, turns, plan)
    return Beside(
        [*_new(system, turns), *_with_sides(turns, people)],
        people,
        (*system_fields, *people_fields),
        assumed,
        _group(people),
    )


@lru_cache(maxsize=256)
def _plan(fields: tuple[str, ...], used: tuple[str, ...]) -> _Plan | None:
    """None when no field is of interest."""
    plain = {field: _plain(field) for field in fields if field not in used}
    plan = _Plan(
        _called(plain, SYSTEM),
        tuple(filter(None, map(_place, plain, plain.values()))),
        tuple(_Place(field, "assistant", PARTS[plain[field]]) for field in _called(plain, LOOSE)),
        _called(plain, SEVERAL),
    )
    return plan if plan.system or plan.personas or plan.several else None


def _called(plain: Mapping[str, str], names: Sequence[str]) -> tuple[str, ...]:
    """The fields that have one of these plain names."""
    return tuple(field for field, name in plain.items() if name in names)


def _plain(name: object) -> str:
    return re.sub(r"[\W_]", "", str(name).lower())


def _place(field: str, name: str) -> _Place | None:
    if name in ALONE:
        return _Place(field, "assistant", PARTS[name])
    if name in WHOLE:
        return _Place(field, "assistant", None)
    for side, prefixes in SIDES.items():
        for prefix in prefixes:
            part = PARTS.get(name.removeprefix(prefix))
            if name.startswith(prefix) and part:
                return _Place(field, side, part)
    return None


# --- the system prompt


def _system(record: Mapping[str, object], plan: _Plan) -> tuple[list[Turn], list[str]]:
    texts = {field: prompt_text(record[field]) for field in plan.system}
    used = [field for field, text in texts.items() if text.strip()]
    different = dict.fromkeys(texts[field] for field in used)
    return [(None, text, "system") for text in different], used


def prompt_text(value: object) -> str:
    """A prompt that is a text, a message, or parts of one; "" when there is none."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return "\n".join(filter(None, map(prompt_text, value)))
    if isinstance(value, dict):
        inner = (value.get(name) for name in ("text", "content", "parts", "value"))
        return next(filter(None, map(prompt_text, inner)), "")
    return ""


def _new(system: list[Turn], turns: list[Turn]) -> list[Turn]:
    """The prompts that do not stand among the turns themselves (as their first question, say)."""
    known = {text.strip() for _, text, _ in turns}
    return [turn for turn in system if turn[1].strip() not in known]


# --- the personas


def _people(
    record: Mapping[str, object], turns: list[Turn], plan: _Plan
) -> tuple[BySpeaker, list[str], tuple[str, ...]]:
    """(personas, the fields that hold them, what was assumed)"""
    people: BySpeaker = {}
    assumed: tuple[str, ...] = ()
    used = []
    for field in plan.several:
        several = _several(record[field], turns)
        if several:
            _add_all(people, several)
            used.append(field)
            if not _is_named(record[field]):
                assumed = (f"`{field}` are in the order in which the two sides speak",)
    used += _add_places(people, plan.personas, record, turns)
    if None in people:
        used += _add_places(people, plan.loose, record, turns)
    return _under_names(people, turns), used, assumed


def _add_places(
    people: BySpeaker, places: Iterable[_Place], record: Mapping[str, object], turns: list[Turn]
) -> list[str]:
    """Add what fields hold of personas; returns the names of those that hold something."""
    used = []
    for field, side, part in places:
        several = _by_speaker(record[field], turns)
        one = None if several else _persona(record[field], part)
        _add_all(people, several or ({_key(side, turns): one} if one else {}))
        if several or one:
            used.append(field)
    return used


def _persona(value: object, part: PersonaPart | None) -> Persona | None:
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
        part = PARTS.get(_plain(field))
        text = str(item) if isinstance(item, int | float) else description(item)
        if text and part:
            texts.setdefault(part, []).append(text)
        elif text:
            texts.setdefault("description", []).append(f"{field}: {text}")
    return _made(texts) if texts else None


def _made(texts: Mapping[PersonaPart, Sequence[str]]) -> Persona:
    joined = {part: "\n".join(dict.fromkeys(lines)) for part, lines in texts.items()}
    return Persona(**joined)


def _texts(persona: Persona) -> tuple[str | None, ...]:
    return persona.name, persona.description, persona.greeting, persona.scenario


def _joined(one: Persona, other: Persona) -> Persona:
    """Two halves of a persona as one; a text that both have stands once."""
    pairs = zip(_texts(one), _texts(other), strict=True)
    name, about, greeting, scenario = (
        "\n".join(dict.fromkeys(filter(None, pair))) or None for pair in pairs
    )
    return Persona(one.name or name, about, greeting, scenario, one.card or other.card)


def _add_all(people: BySpeaker, more: Mapping[str | None, Persona]) -> None:
    for speaker, persona in more.items():
        known = people.get(speaker)
        people[speaker] = _joined(known, persona) if known else persona


# --- whose persona it is


def _several(value: object, turns: list[Turn]) -> BySpeaker:
    """The personas of a list or object of them; {} where it is not clear whose they are."""
    if isinstance(value, dict):
        return _by_speaker(value, turns) or _all_named(value)
    if not isinstance(value, list):
        return {}
    people = [_persona(item, "description") for item in value]
    if _is_named(value):
        return {_key(str(one.name), turns): one for one in people if one}
    sides = _sides(turns)
    if len(people) == len(sides) == 2:
        return {side: one for side, one in zip(sides, people, strict=True) if one}
    text = description(value)
    return {None: Persona(description=text)} if text else {}


def _is_named(value: object) -> bool:
    """Whether the personas say whose they are."""
    if isinstance(value, dict):
        return True
    items = value if isinstance(value, list) else []
    return bool(items) and all(isinstance(item, dict) and item.get("name") for item in items)


def _by_speaker(value: object, turns: list[Turn]) -> BySpeaker:
    """The personas of an object whose keys are the speakers; {} when they are anything else."""
    if not isinstance(value, dict) or not value:
        return {}
    known = {speaker for speaker, _, _ in turns} | ROLE_WORDS.keys()
    if not all(name in known or str(name).lower() in known for name in value):
        return {}
    return _all_named(value, turns)


def _all_named(value: Fields, turns: Iterable[Turn] = ()) -> BySpeaker:
    people = {name: _persona(one, "description") for name, one in value.items()}
    return {_key(name, turns): one for name, one in people.items() if one}


def _key(name: str, turns: Iterable[Turn]) -> str | None:
    """The speaker under whom a persona stands in `Transcript.personas`."""
    roles = {role for speaker, _, role in turns if speaker == name}
    role = next(filter(None, roles), ROLE_WORDS.get(name.lower()))
    return None if role == "assistant" else name


def _sides(turns: list[Turn]) -> list[str | None]:
    """The keys of those who speak, in the order in which they begin."""
    keys = [_key(speaker or role or "", turns) for speaker, _, role in turns if role != "system"]
    return list(dict.fromkeys(keys))


def _under_names(people: BySpeaker, turns: list[Turn]) -> BySpeaker:
    """The user's persona under the user's own name, where somebody of that name speaks."""
    user = people.get("user")
    if user and user.name and any(speaker == user.name for speaker, _, _ in turns):
        others = {key: one for key, one in people.items() if key != "user"}
        return {**others, user.name: user}
    return people


def _with_sides(turns: list[Turn], people: BySpeaker) -> list[Turn]:
    """The turns; a speaker without a role who has the character's or the user's name gets one."""
    sides: dict[str | None, Role] = {}
    for key, persona in people.items():
        if persona.name:
            sides[persona.name] = "assistant" if key is None else "user"
    if None not in people or people[None].name not in {speaker for speaker, _, _ in turns}:
        return turns
    return [(speaker, text, role or sides.get(speaker)) for speaker, text, role in turns]


def _group(people: BySpeaker) -> str | None:
    character = people.get(None)
    if character is None or not (character.description or character.greeting or character.card):
        return None
    return character.name
