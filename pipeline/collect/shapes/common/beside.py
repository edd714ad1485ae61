"""What stands beside a list of messages: the system prompt, and who the two sides are.

{"system": "Stay in the inn.", "char_name": "Ada", "char_persona": "A librarian, 40 years old.",
 "user_persona": {"name": "Ben", "age": 31}, "scenario": "A winter night.", "messages": [..]}

Names are compared without case and punctuation: `systemPrompt` is `system_prompt`. A field whose
value is neither a text nor made of texts is not used and stays for `extra`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from pipeline.collect.shapes.common.described import (
    PARTS,
    PersonaPart,
    add_all,
    persona_of,
    plain,
)
from pipeline.collect.shapes.transcript import (
    ROLE_WORDS,
    Fields,
    Turn,
    Unclear,
    description,
)
from pipeline.conversation import Persona, Role

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
SIDES: dict[str, tuple[str, ...]] = {
    "assistant": ("char", "character", "bot", "assistant", "npc", "role"),
    "user": ("user", "human"),
}
# those that have the assistant's persona without naming a side
ALONE = ("persona", "personality", "profile", "greeting", "firstmes", "scenario", "worldscenario")
WHOLE = ("character", "char", "bot", "card", "charactercard", "charcard", "botcard")
LOOSE = ("name", "description")
SEVERAL = ("personas", "profiles", "personalities", "characterprofiles", "characters")
# objects in a record that may hold the prompt and the personas
INNER = ("meta", "metadata", "config", "settings", "params", "parameters", "options", "header")
PROMPTS = ("prompt", "context")
OF_WRITERS = ("instruction", "instructions")  # in such an object they are for those who wrote it
DESCRIBED = ("personas", "persona", "profile", "personality", "description")


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

    loose: `name` and `description`, which are the character's only where another field is. inner:
    objects that may hold the same. described: fields that may describe a speaker by name.
    """

    system: tuple[str, ...]
    personas: tuple[_Place, ...]
    loose: tuple[_Place, ...]
    several: tuple[str, ...]
    inner: tuple[str, ...]
    described: tuple[str, ...]
    prompt: tuple[str, ...]


def found(record: Mapping[str, object], turns: list[Turn], *used: str) -> Beside:
    """The turns of a record with the system prompt and the personas that stand beside them.

    used: fields that the shape itself reads, and that mean something else here.
    """
    plan = _plan(tuple(record), used)
    if plan is None:
        return Beside(turns, {})
    system, system_fields = _system(record, plan)
    people, people_fields, assumed = _people(record, turns, plan)
    for inner in _inner_ones(record, plan, turns):
        system = system or inner.turns[: len(inner.turns) - len(turns)]
        people = inner.personas | people
    if not system and plan.prompt:
        system, system_fields = _prompt(record, plan.prompt, turns)
        assumed += tuple(f"`{name}` is the system prompt" for name in system_fields)
    return Beside(
        [*_new(system, turns), *_with_sides(turns, people)],
        people,
        (*system_fields, *people_fields),
        assumed,
        _group(people),
    )


def _inner_ones(record: Mapping[str, object], plan: _Plan, turns: list[Turn]) -> Iterator[Beside]:
    """What objects such as `meta` hold of prompts and personas."""
    for field in plan.inner:
        value = record[field]
        if isinstance(value, dict):
            yield found(value, turns, *OF_WRITERS, *INNER, *PROMPTS)


def _prompt(
    record: Mapping[str, object], fields: Sequence[str], turns: list[Turn]
) -> tuple[list[Turn], list[str]]:
    """A text `prompt` or `context` beside the messages of a user and a model, and none of them.

    Unclear where `prompt` may be the first message.
    """
    roles = [role for _, _, role in turns]
    texts = {text.strip() for _, text, _ in turns}
    for field in fields:
        value = record[field]
        if not isinstance(value, str) or value.strip() in texts or not _is_prompt(value):
            continue
        if set(roles) != {"user", "assistant"}:
            continue
        if plain(field) == "prompt" and roles[0] == "assistant":
            raise Unclear(f"`{field}` may be the first message, or the system prompt")
        return [(None, value, "system")], [field]
    return [], []


def _is_prompt(text: str) -> bool:
    """Whether a text is more than one word, as no name of a prompt is."""
    return len(text.split()) > 1 or not text.isascii()


@lru_cache(maxsize=256)
def _plan(fields: tuple[str, ...], used: tuple[str, ...]) -> _Plan | None:
    """None when no field is of interest."""
    names = {field: plain(field) for field in fields if field not in used}
    plan = _Plan(
        _called(names, SYSTEM),
        tuple(filter(None, map(_place, names, names.values()))),
        tuple(_Place(field, "assistant", PARTS[names[field]]) for field in _called(names, LOOSE)),
        _called(names, SEVERAL),
        _called(names, INNER),
        tuple(field for field, name in names.items() if any(word in name for word in DESCRIBED)),
        _called(names, PROMPTS),
    )
    return plan if any((*plan._replace(loose=()),)) else None


def _called(fields: Mapping[str, str], names: Sequence[str]) -> tuple[str, ...]:
    """The fields that have one of these plain names."""
    return tuple(field for field, name in fields.items() if name in names)


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
            add_all(people, several)
            used.append(field)
            if not _is_named(record[field]):
                assumed = (f"`{field}` are in the order in which the two sides speak",)
    used += _add_places(people, plan.personas, record, turns)
    used += _add_described(people, plan.described, record, turns)
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
        one = None if several else persona_of(record[field], part)
        add_all(people, several or ({_key(side, turns): one} if one else {}))
        if several or one:
            used.append(field)
    return used


def _add_described(
    people: BySpeaker, fields: Iterable[str], record: Mapping[str, object], turns: list[Turn]
) -> list[str]:
    """Add the personas of fields with a speaker's name: `persona_a`, `user 1 personas`."""
    used = []
    speakers = {plain(speaker): speaker for speaker, _, _ in turns if speaker}
    for field in fields:
        name = plain(field)
        word = next(word for word in DESCRIBED if word in name)
        speaker = speakers.get(name.replace(word, "", 1))
        about = persona_of(record[field], "description") if speaker else None
        if speaker and about:
            add_all(people, {_key(speaker, turns): about})
            used.append(field)
    return used


# --- whose persona it is


def _several(value: object, turns: list[Turn]) -> BySpeaker:
    """The personas of a list or object of them; {} where it is not clear whose they are."""
    if isinstance(value, dict):
        return _by_speaker(value, turns) or _all_named(value)
    if not isinstance(value, list):
        return {}
    people = [persona_of(item, "description") for item in value]
    if _is_named(value):
        keys = (_key_of(item, turns) for item in value)
        return {key: one for key, one in zip(keys, people, strict=True) if one}
    sides = _sides(turns)
    if len(people) == len(sides) == 2:
        return {side: one for side, one in zip(sides, people, strict=True) if one}
    text = description(value)
    return {None: Persona(description=text)} if text else {}


def _key_of(item: Fields, turns: list[Turn]) -> str | None:
    """The speaker of a persona in a list; its own `role` decides over its name."""
    role = ROLE_WORDS.get(str(item.get("role")).lower())
    if role == "assistant":
        return None
    if role == "user":
        return "user"
    return _key(str(item.get("name")), turns)


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
    people = {name: persona_of(one, "description") for name, one in value.items()}
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
