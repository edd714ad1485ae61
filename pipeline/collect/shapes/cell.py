"""A whole talk in one text, a turn a line, as in a cell of Synthetic-Persona-Chat.

user 1 personas,user 2 personas,Best Generated Conversation
"I bake.","I surf.","User 1: Hi!
User 2: Hello!"

The text may stand under any field name; a line begins with its speaker (`User 1:`, `Human:`, `### Assistant:`, `Ada:`).
A line without a speaker goes on with the turn before. `<speaker> personas` (or `persona`) describes that speaker.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

from pipeline.collect.shapes.talk import (
    ROLE_WORDS,
    Talk,
    Turn,
    described,
    dict_of,
    id_field,
    record_id,
    rest,
    text_of,
)
from pipeline.conversation import Persona

# A speaker at the head of a line: up to 30 characters and four words, no sentence marks; markdown around it is dropped.
SPEAKER = re.compile(
    r"^[\s>#*_-]*([^\W_](?:[^\n:：*!?,;\"]{0,28}[^\n:：*!?,;\"\s_])?)[*_]*\s*[:：][*_]*[ \t]*", re.M
)
PERSONA = re.compile(r"(.+) personas?")
IDS = ("id", "conversation_id", "dialogue_id", "dialog_id", "")


def recognise(record: Any) -> bool:
    return isinstance(record, dict) and _place(record) is not None


def read(record: Any) -> Iterator[Talk]:
    place = _place(dict_of(record, "the record"))
    if place is None:
        raise ValueError("no field holds lines of the form `Speaker: text` by two speakers")
    turns = spoken(text_of(record[place], place))
    personas: dict[str | None, Persona] = {}
    used: list[str] = []
    sides = {role or str(name).lower(): name for name, _, role in turns}
    for field, value in record.items():
        label = PERSONA.fullmatch(str(field).lower())
        side = ROLE_WORDS.get(label[1], label[1]) if label else None
        if side in sides and described(value):
            personas[None if side == "assistant" else sides[side] or side] = Persona(
                description=described(value)
            )
            used.append(field)
    yield Talk(
        turns,
        personas,
        record_id(record, *IDS),
        extra=rest(record, place, *used, id_field(record, *IDS)),
    )


def spoken(text: str) -> list[Turn]:
    """Lines `Speaker: text` as turns. Only labels that come back, or that are role words, are speakers."""
    heads = [m for m in SPEAKER.finditer(text) if len(m[1].split()) <= 4]
    if not heads:
        return []
    first = heads[0][1].strip()
    often = Counter(m[1].strip() for m in heads)
    speakers = {name for name, times in often.items() if times > 1 or _usual(name) or name == first}
    if len(speakers) < 2:
        speakers = set(often)
    heads = [m for m in heads if m[1].strip() in speakers]
    ends = [m.start() for m in heads[1:]] + [len(text)]
    said = [
        (m[1].strip(), text[m.end() : end].strip(" \t\r\n*_" if "*" in m[0] else None))
        for m, end in zip(heads, ends, strict=True)
    ]
    roles = [ROLE_WORDS.get(name.lower()) for name, _ in said]
    return [
        (None if role else name, words, role)
        for (name, words), role in zip(said, roles, strict=True)
    ]


def _usual(name: str) -> bool:
    return name.lower() in ROLE_WORDS or name[-1].isdigit()


def _place(record: dict[Any, Any]) -> str | None:
    texts = [
        (name, value)
        for name, value in record.items()
        if isinstance(value, str) and ("\n" in value or len(value) > 40)
    ]
    for name, value in sorted(texts, key=lambda item: (item[0] != "chosen", -len(item[1]))):
        if len({m[1].strip() for m in SPEAKER.finditer(value)}) >= 2:
            return str(name)
    return None
