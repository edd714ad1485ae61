"""ShareGPT: `conversations` of `from` and `value`.

{"id": "identity_0", "system": "You are Ada.",
 "conversations": [{"from": "human", "value": "Who are you?"},
                   {"from": "gpt", "value": "Ada, the librarian."}]}

`from` is human or user, gpt or assistant (and the like), system, or the name of a character.
"""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.collect.shapes.messages import plain_turns, rest_of_turns
from pipeline.collect.shapes.transcript import (
    About,
    Transcript,
    Turn,
    dict_of,
    from_columns,
    list_of,
    record_id,
    rest,
    text_of,
    turn_by,
)

ABOUT = About("ShareGPT", ("roles", "names"))

PLACES = ("conversations", "conversation", "messages", "dialogue", "items")


def recognise(record: object) -> bool:
    return _place(record) is not None


def read(record: object) -> Iterator[Transcript]:
    fields = dict_of(record, "the record")
    place = _place(fields) or "conversations"
    messages = list_of(fields.get(place), place)
    turns = _turns(messages)
    prompt = fields.get("system")
    if isinstance(prompt, str) and prompt.strip():
        turns.insert(0, (None, prompt, "system"))
    extra = rest(fields, place, "id", "system") | rest_of_turns(messages, "from", "value")
    yield Transcript(turns, record=record_id(fields, "id"), extra=extra)


def _turns(messages: list[object]) -> list[Turn]:
    try:
        return plain_turns(messages, "from", "value")
    except (KeyError, TypeError):
        return [_turn(number, message) for number, message in enumerate(messages, 1)]


def _turn(number: int, message: object) -> Turn:
    where = f"message {number}"
    fields = dict_of(message, where)
    name = text_of(fields.get("from"), f"`from` of {where}")
    return turn_by(name, text_of(fields.get("value"), f"the value of {where}"))


def _place(record: object) -> str | None:
    if not isinstance(record, dict):
        return None
    for place in PLACES:
        if place in record and _holds_messages(from_columns(record[place])):
            return place
    return None


def _holds_messages(value: object) -> bool:
    return isinstance(value, list) and any(map(_is_message, value))


def _is_message(item: object) -> bool:
    return isinstance(item, dict) and "from" in item and "value" in item
