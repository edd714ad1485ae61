"""The messages of the AI SDK (Vercel), as applications store them: a role and typed parts.

{"id": "c1", "messages": [
    {"id": "1", "role": "user", "parts": [{"type": "text", "text": "Which tea?"}]},
    {"id": "2", "role": "assistant", "parts": [
        {"type": "step-start"}, {"type": "reasoning", "text": "Black or green?"},
        {"type": "text", "text": "Darjeeling.", "state": "done"}]}]}

Thoughts go to `extra`; calls of tools, files, sources and data are left out and counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from pipeline.collect.shapes.common import branches
from pipeline.collect.shapes.common.parts import Content, content_of
from pipeline.collect.shapes.transcript import (
    ROLE_WORDS,
    About,
    Fields,
    Transcript,
    dict_of,
    dicts_of,
    fields_in,
    if_any,
    items_in,
    record_id,
    rest,
)

ABOUT = About("AI SDK (Vercel), stored messages", ("roles", "times"))

SILENT = ("step-start", "step-end")  # parts that hold nothing
OTHERS = {"source": "source", "data-": "data", "tool-": "tool call", "dynamic-tool": "tool call"}


def recognise(record: object) -> bool:
    return any(map(is_message, items_in(fields_in(record).get("messages"))))


def is_message(message: object) -> bool:
    if not isinstance(message, dict) or "role" not in message:
        return False
    parts = items_in(message.get("parts"))
    return bool(parts) and all(isinstance(part, dict) and "type" in part for part in parts)


def read(record: object) -> Iterator[Transcript]:
    fields = dict_of(record, "the record")
    messages = dicts_of(fields.get("messages"), "messages", "message")
    found = Transcript([], record=record_id(fields, "id"))
    left_out: Counter[str] = Counter()
    further: list[Fields] = []
    for number, message in enumerate(messages, 1):
        left_out.update(_add(found, message, further, f"message {number}"))
    found.left_out, found.extra = left_out, if_any("turns", further)
    used = branches.with_prompt({"system": fields.get("system")}, found)
    found.extra = {**rest(fields, "messages", "id", *used), **found.extra}
    yield found


def _add(found: Transcript, message: Fields, further: list[Fields], where: str) -> list[str]:
    """Add a message, unless it has no text. Returns what else it holds."""
    role = ROLE_WORDS.get(str(message.get("role")).lower())
    if role is None:
        raise ValueError(f"{where} has the role {message.get('role')!r}")
    content = _content(message, where)
    text = "\n".join(content.texts)
    if not text.strip():
        return content.left_out or ["empty message"]
    found.turns.append((None, text, role))
    time = branches.moment(message.get("createdAt"))
    further.append(branches.about(time, None, content.thoughts))
    return content.left_out


def _content(message: Fields, where: str) -> Content:
    """The texts and thoughts of a message's parts, and what the others are."""
    spoken: list[Fields] = []
    left_out: list[str] = []
    for part in dicts_of(message.get("parts") or [], f"the parts of {where}", "part"):
        kind = str(part.get("type"))
        other = _other(kind)
        if other:
            left_out.append(other)
        elif kind not in SILENT:
            spoken.append(part)
    content = content_of(spoken, where)
    return content._replace(left_out=[*left_out, *content.left_out])


def _other(kind: str) -> str | None:
    """What a part is that is neither text nor thought."""
    return next((what for start, what in OTHERS.items() if kind.startswith(start)), None)
