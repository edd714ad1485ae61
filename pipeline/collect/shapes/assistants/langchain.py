"""LangChain, stored messages: `type` human, ai or system, and the text under `data` or `kwargs`.

[{"type": "human", "data": {"content": "Which tea?"}},
 {"type": "ai", "data": {"content": "Darjeeling.", "additional_kwargs": {}}}]
{"id": "c1", "messages": [{"type": "human", "content": "Which tea?"},
                          {"type": "ai", "content": "Darjeeling."}]}
[{"lc": 1, "type": "constructor", "id": ["langchain", "schema", "messages", "HumanMessage"],
  "kwargs": {"content": "Which tea?"}}]

They are read as `messages` are: calls of tools and pictures make a record unreadable.
"""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.collect.shapes.general import messages
from pipeline.collect.shapes.transcript import About, Fields, Transcript, dict_of, dicts_of

ABOUT = About("LangChain, stored messages", ("roles", "names"))

TYPES = {"human": "user", "ai": "assistant", "system": "system", "tool": "tool"}
TYPES |= {f"{kind}message": role for kind, role in TYPES.items()}
TYPES |= {f"{kind}messagechunk": role for kind, role in TYPES.items() if "message" not in kind}
INNER = ("data", "kwargs")
EMPTY = ("additional_kwargs", "response_metadata", "example", "type", "lc")  # of the program itself


def recognise(record: object) -> bool:
    return _place(record) is not None


def read(record: object) -> Iterator[Transcript]:
    if isinstance(record, list):
        record = {"messages": record}
    fields = dict_of(record, "the record")
    place = _place(fields) or "messages"
    found = [_plain(one) for one in dicts_of(fields.get(place), place, "message")]
    yield messages.transcript(fields | {place: found}, place, "role")


def _place(record: object) -> str | None:
    """The field with the messages; "" where the record itself is the list."""
    if isinstance(record, list):
        return "" if _are_messages(record) else None
    if not isinstance(record, dict):
        return None
    return next((place for place in messages.PLACES if _are_messages(record.get(place))), None)


def _are_messages(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(map(_is_message, value))


def _is_message(item: object) -> bool:
    if not isinstance(item, dict) or _type(item) not in TYPES:
        return False
    return "content" in _inner(item) and "role" not in item


def _type(message: Fields) -> str:
    """The kind of a message; in the longer form it is the last word of the id."""
    word, path = message.get("type"), message.get("id")
    if word == "constructor" and isinstance(path, list) and path:
        word = path[-1]
    return str(word).lower()


def _inner(message: Fields) -> Fields:
    found = (message.get(name) for name in INNER)
    return next((one for one in found if isinstance(one, dict)), message)


def _plain(message: Fields) -> Fields:
    """The message as {"role": .., "content": .., and what it holds besides}."""
    inner = _inner(message)
    further = {name: value for name, value in inner.items() if name not in EMPTY and value}
    calls = inner.get("additional_kwargs")
    called = dict_of(calls or {}, "additional_kwargs")
    role = TYPES.get(_type(message))
    return called | further | {"role": role, "content": inner.get("content")}
