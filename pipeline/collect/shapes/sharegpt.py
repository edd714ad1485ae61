"""ShareGPT: `conversations` of `from` and `value`.

{"id": "identity_0", "system": "You are Ada.", "conversations": [{"from": "human", "value": "Who are you?"},
                                                                 {"from": "gpt", "value": "Ada, the librarian."}]}

`from` is human or user, gpt or assistant (and the like), system, or the name of a character.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pipeline.collect.shapes.messages import plain
from pipeline.collect.shapes.talk import (
    ROLE_WORDS,
    Talk,
    Turn,
    beside,
    dict_of,
    items,
    list_of,
    record_id,
    rest,
    text_of,
)

PLACES = ("conversations", "conversation", "messages", "dialogue", "items")


def recognise(record: Any) -> bool:
    return _place(record) is not None


def read(record: Any) -> Iterator[Talk]:
    place = _place(dict_of(record, "the record")) or "conversations"
    said = list_of(record.get(place), place)
    turns = _turns(said)
    prompt = record.get("system")
    if isinstance(prompt, str) and prompt.strip():
        turns.insert(0, (None, prompt, "system"))
    extra = rest(record, place, "id", "system") | beside(said, "from", "value")
    yield Talk(turns, record=record_id(record, "id"), extra=extra)


def _turns(messages: list[Any]) -> list[Turn]:
    try:  # the common case first: half of the reading time is spent here
        return plain([m["value"] for m in messages], [ROLE_WORDS[m["from"]] for m in messages])
    except (KeyError, TypeError):
        return [_turn(n, message) for n, message in enumerate(messages, 1)]


def _turn(number: int, message: Any) -> Turn:
    where = f"message {number}"
    speaker = text_of(dict_of(message, where).get("from"), f"`from` of {where}")
    role = ROLE_WORDS.get(speaker.lower())
    return None if role else speaker, text_of(message.get("value"), f"the value of {where}"), role


def _place(record: Any) -> str | None:
    if not isinstance(record, dict):
        return None
    return next(
        (place for place in PLACES if place in record and _holds(items(record[place]))), None
    )


def _holds(value: Any) -> bool:
    if not isinstance(value, list):
        return False
    at_once = value and isinstance(value[0], dict) and "from" in value[0] and "value" in value[0]
    return at_once or any("from" in m and "value" in m for m in value if isinstance(m, dict))
