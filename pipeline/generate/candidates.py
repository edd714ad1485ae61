"""What can be invented: characters, users and situations.

Each has a prompt of its own in `configs/prompts`. The seed files in `configs/personas` hold
them in the same form in which a model is asked to write them, so both have one reader.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from pipeline.conversation import Message, Role, normalised
from pipeline.formats.cards import Character, JsonObject, fill_macros
from pipeline.generate.check import ADULT
from pipeline.generate.context import JsonSchema
from pipeline.generate.novelty import words_of
from pipeline.generate.plan import Side
from pipeline.pacing.uptake import length

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class User:
    """Who writes to a character."""

    name: str
    age: int
    description: str
    style: str
    archetype: str | None = None


@dataclass(frozen=True, slots=True)
class Invention(Generic[T]):
    """One kind of thing to invent: how it is asked for, read and checked.

    key: names the prompt, and the list in the answer. per_call: candidates of one call.
    shown: examples in a prompt. properties: of the JSON object of a candidate; none: a text.
    read: a candidate from its JSON; raises ValueError. show: the JSON of a candidate.
    texts: what is checked, by part. marks: what must not be used too often.
    """

    key: str
    per_call: int
    shown: int
    properties: JsonSchema
    read: Callable[[object], T]
    show: Callable[[T], object]
    texts: Callable[[T], dict[str, str]]
    marks: Callable[[T], dict[str, str]]


def schema_of(invention: Invention[T]) -> JsonSchema:
    """The JSON schema of an answer."""
    item = TEXT
    if invention.properties:
        item = _object(invention.properties)
    return _object({invention.key: _list_of(item)})


def _object(properties: JsonSchema) -> JsonSchema:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _list_of(item: JsonSchema) -> JsonSchema:
    return {"type": "array", "items": item}


# --- reading a candidate


def _fields(raw: object) -> JsonObject:
    """The fields of a candidate; empty where it is not an object."""
    return raw if isinstance(raw, dict) else {}


def _text(fields: JsonObject, key: str, fewest: int = 1) -> str:
    """A text of a candidate. Raises ValueError below the fewest words."""
    value = fields.get(key)
    if not isinstance(value, str):
        raise ValueError(f"{key} is not a text")
    if length(normalised(value)) < fewest:
        raise ValueError(f"{key} has fewer than {fewest} words")
    return value.strip()


def _optional_text(fields: JsonObject, key: str) -> str | None:
    value = fields.get(key)
    return value.strip() if isinstance(value, str) else None


def _texts(fields: JsonObject, key: str) -> tuple[str, ...]:
    """The texts of a list; empty where there is no list."""
    values = fields.get(key)
    if not isinstance(values, list):
        return ()
    stripped = (value.strip() for value in values if isinstance(value, str))
    return tuple(filter(None, stripped))


def _age(fields: JsonObject) -> int:
    """The age in years. Raises ValueError when it is missing or below 18."""
    age = fields.get("age")
    if isinstance(age, str) and age.strip().isdecimal():
        age = int(age)
    if isinstance(age, bool) or not isinstance(age, int):
        raise ValueError("age is not a whole number")
    if age < ADULT:
        raise ValueError(f"age {age}: adults only")
    return age


def _examples(fields: JsonObject) -> tuple[Message, ...]:
    """The example dialogue. Raises ValueError when a message is not an object with a text."""
    values = fields.get("example_dialogue")
    if not isinstance(values, list):
        return ()
    return tuple(map(_example, values))


def _example(raw: object) -> Message:
    fields = _fields(raw)
    content = _optional_text(fields, "content")
    if content is None:
        raise ValueError(f"example_dialogue: {str(raw)[:80]} is not {{role, content}}")
    role: Side = "user" if fields.get("role") == "user" else "assistant"
    return Message(role, content)


def first_words(text: str, count: int) -> str:
    """How a text begins, to compare openings."""
    return " ".join(words_of(text)[:count])


def _first_name(name: str) -> str:
    """Of Chinese, where the family name comes first and without a blank, the whole name."""
    return " ".join(normalised(name).split()[:1])


# --- the three kinds

TEXT: JsonSchema = {"type": "string"}
NUMBER: JsonSchema = {"type": "integer"}
SIDE: JsonSchema = {"type": "string", "enum": ["user", "character"]}
ROLES: dict[Role, str] = {"user": "user", "assistant": "character", "system": "character"}


def read_character(raw: object) -> Character:
    """A character as prompt and seed files describe it. Raises ValueError."""
    fields = _fields(raw)
    return Character(
        name=_text(fields, "name"),
        age=_age(fields),
        description=_text(fields, "description", fewest=15),
        greeting=_text(fields, "greeting", fewest=2),
        scenario=_optional_text(fields, "scenario"),
        archetype=_optional_text(fields, "archetype"),
        example_dialogue=_examples(fields),
        topics=_texts(fields, "topics"),
        other_greetings=_texts(fields, "other_greetings"),
        origin="invented",
    )


def _show_character(character: Character) -> JsonObject:
    return {
        "name": character.name,
        "age": character.age,
        "archetype": character.archetype or "",
        "description": character.description,
        "greeting": character.greeting,
        "other_greetings": list(character.other_greetings),
        "scenario": character.scenario,
        "example_dialogue": list(map(_show_example, character.example_dialogue)),
        "topics": list(character.topics),
    }


def _show_example(message: Message) -> JsonObject:
    return {"role": ROLES[message.role], "content": message.content}


def texts_of_character(character: Character) -> dict[str, str]:
    """Every text of a character that a talk is made from, by part; its macros are filled in."""
    dialogue = [message.content for message in character.example_dialogue]
    texts = {
        "description": character.description,
        "greeting": character.greeting or "",
        "other_greetings": "\n".join(character.other_greetings),
        "scenario": character.scenario or "",
        "archetype": character.archetype or "",
        "example_dialogue": "\n".join(dialogue),
        "topics": "\n".join(character.topics),
        "lore": "\n".join(entry.content for entry in character.lore.entries),
    }
    name = character.name
    filled = {part: fill_macros(text, name, "Sam") for part, text in texts.items() if text}
    return {"name": name, **filled}


def _marks_of_character(character: Character) -> dict[str, str]:
    return {
        "name": _first_name(character.name),
        "opening": first_words(character.greeting or "", 3),
        "archetype": normalised(character.archetype or ""),
    }


CHARACTERS: Invention[Character] = Invention(
    key="characters",
    per_call=2,
    shown=2,
    properties={
        "name": TEXT,
        "age": NUMBER,
        "archetype": TEXT,
        "description": TEXT,
        "greeting": TEXT,
        "other_greetings": _list_of(TEXT),
        "scenario": TEXT,
        "example_dialogue": _list_of(_object({"role": SIDE, "content": TEXT})),
        "topics": _list_of(TEXT),
    },
    read=read_character,
    show=_show_character,
    texts=texts_of_character,
    marks=_marks_of_character,
)


def read_user(raw: object) -> User:
    """A user as prompt and seed files describe it. Raises ValueError."""
    fields = _fields(raw)
    return User(
        name=_text(fields, "name"),
        age=_age(fields),
        description=_text(fields, "description", fewest=6),
        style=_text(fields, "style", fewest=3),
        archetype=_optional_text(fields, "archetype"),
    )


def _show_user(user: User) -> JsonObject:
    return {
        "name": user.name,
        "age": user.age,
        "description": user.description,
        "style": user.style,
    }


def _texts_of_user(user: User) -> dict[str, str]:
    return {
        "name": user.name,
        "description": user.description,
        "style": user.style,
        "archetype": user.archetype or "",
    }


def _marks_of_user(user: User) -> dict[str, str]:
    return {
        "name": _first_name(user.name),
        "archetype": normalised(user.archetype or ""),
    }


USERS: Invention[User] = Invention(
    key="users",
    per_call=4,
    shown=4,
    properties={
        "name": TEXT,
        "age": NUMBER,
        "archetype": TEXT,
        "description": TEXT,
        "style": TEXT,
    },
    read=read_user,
    show=_show_user,
    texts=_texts_of_user,
    marks=_marks_of_user,
)


def read_situation(raw: object) -> str:
    """A situation: one sentence. Raises ValueError."""
    return _text({"situation": raw}, "situation", fewest=5)


SITUATIONS: Invention[str] = Invention(
    key="situations",
    per_call=8,
    shown=6,
    properties={},
    read=read_situation,
    show=lambda situation: situation,
    texts=lambda situation: {"situation": situation},
    marks=lambda situation: {"opening": first_words(situation, 4)},
)
