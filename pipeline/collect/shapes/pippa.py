"""PIPPA: a bot with a greeting, and messages that say whether a human wrote them.

{"bot_id": "b1", "bot_name": "Ada", "bot_greeting": "Good evening.", "bot_description": "A librarian.",
 "bot_definitions": "{{char}}: Do sit.", "conversation": [{"message": "Good evening.", "is_human": false},
                                                          {"message": "Hello", "is_human": true}]}

`conversation` may be an object of two lists, as `datasets` writes it. A bot is one group.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pipeline.collect.shapes.talk import (
    Talk,
    Turn,
    described,
    dict_of,
    items,
    list_of,
    record_id,
    rest,
    text_of,
)
from pipeline.conversation import Persona

USED = ("bot_name", "bot_greeting", "bot_description", "bot_definitions", "conversation")


def recognise(record: Any) -> bool:
    said = items(record.get("conversation")) if isinstance(record, dict) else None
    return isinstance(said, list) and any(
        isinstance(item, dict) and "is_human" in item for item in said
    )


def read(record: Any) -> Iterator[Talk]:
    said = list_of(dict_of(record, "the record").get("conversation"), "conversation")
    about = filter(
        None, (described(record.get(name)) for name in ("bot_description", "bot_definitions"))
    )
    name = described(record.get("bot_name"))
    persona = Persona(name, "\n".join(about) or None, described(record.get("bot_greeting")))
    bot = record_id(record, "bot_id") or name
    turns = [_turn(n, item) for n, item in enumerate(said, 1)]
    yield Talk(
        turns, {None: persona}, record_id(record, "id"), bot, extra=rest(record, *USED, "id")
    )


def _turn(number: int, item: Any) -> Turn:
    human = dict_of(item, f"message {number}").get("is_human")
    if not isinstance(human, bool):
        raise ValueError(f"message {number} does not say whether a human wrote it")
    return None, text_of(item.get("message"), f"message {number}"), "user" if human else "assistant"
