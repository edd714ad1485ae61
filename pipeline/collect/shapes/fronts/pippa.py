"""PIPPA: a bot with a greeting, and messages that say whether a human wrote them.

{"bot_id": "b1", "bot_name": "Ada", "bot_greeting": "Good evening.",
 "bot_description": "A librarian.", "bot_definitions": "{{char}}: Do sit.",
 "conversation": [{"message": "Good evening.", "is_human": false},
                  {"message": "Hello", "is_human": true}]}

`conversation` may be an object of two lists, as `datasets` writes it. A bot is one group. Its
name stands in the place of {{char}}.
"""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.collect.shapes.common import placeholders
from pipeline.collect.shapes.transcript import (
    About,
    Fields,
    Transcript,
    Turn,
    description,
    dict_of,
    from_columns,
    list_of,
    record_id,
    rest,
    text_of,
)
from pipeline.conversation import Persona

ABOUT = About("PIPPA", ("roles", "personas", "groups"))

USED = ("bot_name", "bot_greeting", "bot_description", "bot_definitions", "conversation", "id")


def recognise(record: object) -> bool:
    if not isinstance(record, dict):
        return False
    messages = from_columns(record.get("conversation"))
    return isinstance(messages, list) and any(map(_says_who, messages))


def _says_who(message: object) -> bool:
    return isinstance(message, dict) and "is_human" in message


def read(record: object) -> Iterator[Transcript]:
    fields = dict_of(record, "the record")
    messages = list_of(fields.get("conversation"), "conversation")
    persona = _persona(fields)
    bot = record_id(fields, "bot_id") or persona.name
    turns = [_turn(number, message) for number, message in enumerate(messages, 1)]
    own_id, extra = record_id(fields, "id"), rest(fields, *USED)
    transcript = Transcript(turns, {None: persona}, own_id, bot, extra=extra)
    yield placeholders.fill(transcript, {"assistant": persona.name})


def _persona(record: Fields) -> Persona:
    name = description(record.get("bot_name"))
    greeting = description(record.get("bot_greeting"))
    about = [description(record.get(field)) for field in ("bot_description", "bot_definitions")]
    return Persona(name, "\n".join(filter(None, about)) or None, greeting)


def _turn(number: int, message: object) -> Turn:
    where = f"message {number}"
    fields = dict_of(message, where)
    is_human = fields.get("is_human")
    if not isinstance(is_human, bool):
        raise ValueError(f"{where} does not say whether a human wrote it")
    return None, text_of(fields.get("message"), where), "user" if is_human else "assistant"
