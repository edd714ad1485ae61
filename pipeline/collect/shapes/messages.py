"""OpenAI messages, as a field of a record or as the record itself.

{"id": "a1", "messages": [{"role": "system", "content": "You are Ada."},
                          {"role": "user", "content": "Hello"},
                          {"role": "assistant", "content": "Good evening."}]}
[{"role": "user", "content": "Hello"}, {"role": "assistant", "name": "Ada", "content": "Evening."}]

`content` may be a list of parts; their texts are joined. The further fields of a message go to
`extra`. The list is looked for under `messages`, `conversation`, `conversations`, `dialogue`,
`dialog`, `chat` and `chosen`. A role that is not a known word (`ROLE_WORDS`) is a speaker's name.
Messages of tools make a record unreadable: without them the conversation would not make sense.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import repeat
from typing import cast

from pipeline.collect.shapes.transcript import (
    ROLE_WORDS,
    About,
    Fields,
    Transcript,
    Turn,
    dict_of,
    from_columns,
    id_field,
    if_any,
    list_of,
    record_id,
    rest,
    text_of,
    turn_by,
)

ABOUT = About("OpenAI messages", ("roles", "names"))

PLACES = ("messages", "conversation", "conversations", "dialogue", "dialog", "chat", "chosen")
TOOLS = ("tool", "function", "ipython", "observation", "environment")  # roles of no speaker
IDS = ("id", "conversation_id", "conversation_hash", "uuid", "prompt_id")


def recognise(record: object) -> bool:
    return _place(record) is not None


def read(record: object) -> Iterator[Transcript]:
    if isinstance(record, list):
        record = {"messages": record}
    fields = dict_of(record, "the record")
    place = _place(fields) or "messages"
    messages = list_of(fields.get(place), place)
    found = turns(messages)
    further = rest_of_turns(messages, "role", "content", "name")
    extra = rest(fields, place, id_field(fields, *IDS)) | further
    yield Transcript(found, record=record_id(fields, *IDS), extra=extra)


def turns(messages: list[object]) -> list[Turn]:
    """A list of messages as turns; ValueError names the first that is not a message."""
    try:
        if not any(message.get("name") for message in cast("list[Fields]", messages)):
            return plain_turns(messages, "role", "content")
    except (AttributeError, KeyError, TypeError):
        pass  # not so plain: each is looked at by itself
    return [_turn(number, message) for number, message in enumerate(messages, 1)]


def plain_turns(messages: list[object], who: str, what: str) -> list[Turn]:
    """The turns of messages of which each holds a role word under `who` and a text under `what`.

    KeyError or TypeError where one does not. Half of the reading time is spent on such messages,
    so they are not looked at one by one: `join` finds what is not text.
    """
    plain: list[dict[str, str]] = messages  # type: ignore[assignment] # what it raises shows it
    texts = [message[what] for message in plain]
    roles = [ROLE_WORDS[message[who]] for message in plain]
    "".join(texts)
    return list(zip(repeat(None), texts, roles, strict=False))


def rest_of_turns(messages: list[object], *used: str) -> Fields:
    """The fields of messages beyond these, as `turns` of `extra`: one object a message."""
    objects: list[Fields] = messages  # type: ignore[assignment] # they have been read as turns
    if list(map(len, objects)).count(2) == len(objects):  # the common case: who and what
        return {}
    return if_any("turns", [rest(message, *used) for message in objects])


def _turn(number: int, message: object) -> Turn:
    where = f"message {number}"
    fields = dict_of(message, where)
    content, role, name = fields.get("content"), fields.get("role"), fields.get("name")
    if isinstance(content, list):
        content = _joined(content, where)
    if content is None and fields.get("tool_calls"):
        raise ValueError(f"{where} is a tool call and has no text")
    if not isinstance(role, str) or role.lower() in TOOLS:
        expected = "system, user, assistant or a speaker's name"
        raise ValueError(f"{where} has the role {role!r}, expected {expected}")
    own_name = name if isinstance(name, str) else None
    return turn_by(role, text_of(content, f"the content of {where}"), own_name)


def _joined(parts: list[object], where: str) -> str:
    part = f"a part of {where}"
    return "\n".join(text_of(dict_of(item, part).get("text"), part) for item in parts)


def _place(record: object) -> str | None:
    """The field that holds the messages; "" where the record itself is the list."""
    if isinstance(record, list):
        return "" if _holds_messages(record) else None
    if not isinstance(record, dict):
        return None
    for place in PLACES:
        if place in record and _holds_messages(from_columns(record[place])):
            return place
    return None


def _holds_messages(value: object) -> bool:
    if not isinstance(value, list):
        return False
    return any("role" in item and "content" in item for item in value if isinstance(item, dict))
