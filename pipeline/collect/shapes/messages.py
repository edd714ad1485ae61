"""OpenAI messages, as a field of a record or as the record itself.

{"id": "a1", "messages": [{"role": "system", "content": "You are Ada."},
                          {"role": "user", "content": "Hello"}, {"role": "assistant", "content": "Good evening."}]}
[{"role": "user", "content": "Hello"}, {"role": "assistant", "name": "Ada", "content": "Good evening."}]

`content` may be a list of parts; their texts are joined. What else a message knows goes to `extra`. The list is looked
for under `messages`, `conversation`, `conversations`, `dialogue`, `dialog`, `chat` and `chosen`. A role that is no
known word (`ROLE_WORDS`) is a speaker's name; what tools said makes a record unreadable, since the talk would not make
sense without it.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import repeat
from typing import Any

from pipeline.collect.shapes.talk import (
    ROLE_WORDS,
    Talk,
    Turn,
    beside,
    dict_of,
    id_field,
    items,
    list_of,
    record_id,
    rest,
    text_of,
)
from pipeline.conversation import Role

PLACES = ("messages", "conversation", "conversations", "dialogue", "dialog", "chat", "chosen")
UNSAID = ("tool", "function", "ipython", "observation", "environment")
IDS = ("id", "conversation_id", "conversation_hash", "uuid", "prompt_id")


def recognise(record: Any) -> bool:
    return _place(record) is not None


def read(record: Any) -> Iterator[Talk]:
    if isinstance(record, list):
        record = {"messages": record}
    place = _place(dict_of(record, "the record")) or "messages"
    said = list_of(record.get(place), place)
    found = turns(said)
    extra = rest(record, place, id_field(record, *IDS)) | beside(said, "role", "content", "name")
    yield Talk(found, record=record_id(record, *IDS), extra=extra)


def turns(messages: list[Any]) -> list[Turn]:
    """A list of messages as turns; raises ValueError naming the first one that is none."""
    try:  # the common case first: half of the reading time is spent here
        if not any(m.get("name") for m in messages):
            return plain(
                [m["content"] for m in messages], [ROLE_WORDS[m["role"]] for m in messages]
            )
    except (AttributeError, KeyError, TypeError):
        pass
    return [_turn(n, message) for n, message in enumerate(messages, 1)]


def plain(texts: list[Any], roles: list[Role]) -> list[Turn]:
    """Turns of nameless speakers; TypeError when one of the texts is none, which is then looked at more closely."""
    "".join(texts)
    return list(zip(repeat(None), texts, roles, strict=False))


def _turn(number: int, message: Any) -> Turn:
    where = f"message {number}"
    dict_of(message, where)
    content, role, name = message.get("content"), message.get("role"), message.get("name")
    if isinstance(content, list):
        content = "\n".join(
            text_of(dict_of(p, f"a part of {where}").get("text"), f"a part of {where}")
            for p in content
        )
    if content is None and message.get("tool_calls"):
        raise ValueError(f"{where} is a tool call, not something said")
    if not isinstance(role, str) or role.lower() in UNSAID:
        raise ValueError(
            f"{where} has the role {role!r}, expected system, user, assistant or a speaker's name"
        )
    known = ROLE_WORDS.get(role.lower())
    speaker = name if isinstance(name, str) else None if known else role
    return speaker, text_of(content, f"the content of {where}"), known


def _place(record: Any) -> str | None:
    if isinstance(record, list):
        return "" if _holds_messages(record) else None
    if not isinstance(record, dict):
        return None
    return next(
        (place for place in PLACES if place in record and _holds_messages(items(record[place]))),
        None,
    )


def _holds_messages(value: Any) -> bool:
    return isinstance(value, list) and any(
        "role" in m and "content" in m for m in value if isinstance(m, dict)
    )
