"""CoSER: conversations of a book's characters, with their motives and profiles.

{"book": "The Pass", "character_profiles": {"Ada": "Keeps the inn."}, "conversation": [
    {"scenario": "A storm.", "key_characters": [{"name": "Ada", "motivation": "to be kind"}],
     "dialogues": [{"character": "Ada", "message": "Sit."},
                   {"character": "Ben", "message": "Gladly."}]}]}

The conversations may also stand in `plots`, or be records by themselves. A book is one group.
"""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.collect.shapes.transcript import (
    About,
    Fields,
    Transcript,
    Turn,
    Unread,
    description,
    dict_of,
    dicts_of,
    record_id,
    rest,
    text_of,
    unreadable,
)
from pipeline.conversation import Persona

ABOUT = About("CoSER", ("names", "personas", "groups"))

DIALOGUES = "dialogues"
INNER = ("conversation", "plots", "character_profiles", "book")
ABOUT_CHARACTER = ("profile", "description", "summary", "motivation")


def recognise(record: object) -> bool:
    return isinstance(record, dict) and any(map(_holds_dialogues, _conversations(record)))


def read(record: object) -> Iterator[Transcript | Unread]:
    book = dict_of(record, "the record")
    for conversation in _conversations(book):
        try:
            yield _transcript(book, conversation)
        except ValueError as error:
            yield unreadable(error, conversation)


def _conversations(book: Fields) -> Iterator[Fields]:
    """The objects with `dialogues`: the record itself, those of `conversation` and of `plots`."""
    if DIALOGUES in book:
        yield book
    for place in ("conversation", "plots"):
        inner = book.get(place)
        for item in inner if isinstance(inner, list) else ():
            if isinstance(item, dict):
                yield from _conversations(item)


def _transcript(book: Fields, conversation: Fields) -> Transcript:
    items = dicts_of(conversation.get(DIALOGUES), DIALOGUES, "message")
    turns = [_turn(item, f"message {number}") for number, item in enumerate(items, 1)]
    used = (DIALOGUES, "key_characters", "scenario", *INNER)
    extra = rest(book, *used) | rest(conversation, *used)
    name = record_id(book, "book")
    if name:
        extra |= {"book": name}
    return Transcript(turns, _personas(book, conversation, turns), group=name, extra=extra)


def _turn(item: Fields, where: str) -> Turn:
    name = text_of(item.get("character"), f"the character of {where}")
    return name, text_of(item.get("message"), where), None


def _personas(book: Fields, conversation: Fields, turns: list[Turn]) -> dict[str | None, Persona]:
    scenario = description(conversation.get("scenario"))
    found: dict[str | None, Persona] = {}
    for name in dict.fromkeys(name for name, _, _ in turns):
        about = [*_in_profiles(book, name), *_in_profiles(conversation, name)]
        about += _as_key_character(conversation, name)
        texts = dict.fromkeys(filter(None, map(description, about)))
        found[name] = Persona(name, "\n".join(texts) or None, scenario=scenario)
    return found


def _in_profiles(fields: Fields, name: str | None) -> list[object]:
    profiles = fields.get("character_profiles")
    return [profiles.get(name)] if isinstance(profiles, dict) else []


def _as_key_character(conversation: Fields, name: str | None) -> list[object]:
    """What a conversation says of one of its characters."""
    key_characters = conversation.get("key_characters")
    if not isinstance(key_characters, list):
        return []
    own = [one for one in key_characters if isinstance(one, dict) and one.get("name") == name]
    return [one.get(field) for one in own for field in ABOUT_CHARACTER]


def _holds_dialogues(conversation: Fields) -> bool:
    items = conversation.get(DIALOGUES)
    if not isinstance(items, list):
        return False
    return any(isinstance(item, dict) and {"character", "message"} <= item.keys() for item in items)
