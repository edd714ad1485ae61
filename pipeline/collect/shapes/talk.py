"""What every shape is read into: one talk, before it is known who of the speakers is the assistant."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from pipeline.conversation import Annotation, Persona, Role

# (speaker as the source writes it, text, role where the source itself says who is the model)
Turn = tuple[str | None, str, Role | None]

# What sources call the two sides. Anything else is a name, and a rule decides (see admit.py).
ROLE_WORDS: dict[str, Role] = {
    "system": "system", "developer": "system",
    "user": "user", "human": "user", "prompter": "user", "customer": "user", "client": "user", "you": "user",
    "assistant": "assistant", "gpt": "assistant", "chatgpt": "assistant", "bot": "assistant", "chatbot": "assistant",
    "ai": "assistant", "model": "assistant", "char": "assistant", "character": "assistant", "agent": "assistant",
    "bing": "assistant", "bard": "assistant", "claude": "assistant", "gemini": "assistant",
}  # fmt: skip


@dataclass(slots=True)  # not frozen: that doubles the time to make one
class Talk:
    """One talk as its source tells it.

    personas: by speaker, since only the role rule knows who is the assistant; under None the assistant's.
    record: the foreign record's own id. group: what must never be split (document, thread); by default the talk itself.
    annotations: one per turn or none. extra: all that the record knew and the fields above do not hold.
    merged: further foreign records joined into this talk. notes: what was changed while reading, for `edits`.
    """

    turns: list[Turn]
    personas: Mapping[str | None, Persona] = field(default_factory=dict)
    record: str | None = None
    group: str | None = None
    annotations: tuple[Annotation, ...] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)
    merged: int = 0
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Unread:
    """What could not be read, and its raw form: it becomes one row of the quarantine."""

    error: str
    raw: Any


def with_machine(turns: list[Turn]) -> list[Turn]:
    """Turns of a source whose `system` answers the user (SGD, Taskmaster): then nobody else is the assistant.

    Where somebody else is, what the system says is a prompt.
    """
    if any(role == "assistant" for _, _, role in turns):
        return turns
    return [(name, text, "assistant" if role == "system" else role) for name, text, role in turns]


def text_of(value: Any, where: str) -> str:
    """The text of a turn. Raises ValueError when it is none: never guess `3` or `null` to be something said."""
    if isinstance(value, str):
        return value
    raise ValueError(f"{where} is {_kind(value)}, not text")


def items(value: Any) -> Any:
    """A list of objects from an object of lists, which is how `datasets` may write one; anything else as it is."""
    if (
        not isinstance(value, dict)
        or not value
        or not all(isinstance(column, list) for column in value.values())
    ):
        return value
    return [dict(zip(value, row, strict=False)) for row in zip(*value.values(), strict=False)]


def list_of(value: Any, where: str) -> list[Any]:
    value = items(value)
    if isinstance(value, list):
        return value
    raise ValueError(f"{where} is {_kind(value)}, not a list")


def dict_of(value: Any, where: str) -> dict[str, Any]:
    if isinstance(value, dict):
        return value
    raise ValueError(f"{where} is {_kind(value)}, not an object")


def record_id(record: Mapping[str, Any], *names: str) -> str | None:
    """The record's own id, as a string, under the first of these names that it has."""
    for name in names:
        value = record.get(name)
        if isinstance(value, str | int) and not isinstance(value, bool):
            return str(value)
    return None


def id_field(record: Mapping[str, Any], *names: str) -> str | None:
    """The name under which a record has its id: a second id is for `extra`."""
    return next((name for name in names if record_id(record, name) is not None), None)


def rest(record: Mapping[str, Any], *used: str | None) -> dict[str, Any]:
    """The fields that a shape has not used and that hold something."""
    return {
        key: value
        for key, value in record.items()
        if key not in used and value not in (None, "", [], {})
    }


def beside(messages: list[Any], *used: str) -> dict[str, Any]:
    """What messages know besides, as a field for `extra`: {"turns": [one object a message]}; {} where they do not."""
    if list(map(len, messages)).count(2) == len(messages):  # the common case: who and what
        return {}
    known = [rest(message, *used) for message in messages]
    return {"turns": known} if any(known) else {}


def as_json(value: Any) -> str:
    """JSON of anything that came out of a file: what is neither text, number nor container as text."""
    try:
        return orjson.dumps(value, default=str, option=orjson.OPT_NON_STR_KEYS).decode()
    except TypeError:  # numbers of more than 64 bits, half characters
        return json.dumps(value, default=str)


def described(value: Any) -> str | None:
    """A persona's text from a list of sentences or one text; null when there is none."""
    if isinstance(value, list):
        value = "\n".join(line.strip() for line in value if isinstance(line, str))
    return value.strip() or None if isinstance(value, str) else None


def _kind(value: Any) -> str:
    return "missing" if value is None else type(value).__name__
