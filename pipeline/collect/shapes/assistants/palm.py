"""PaLM chat, tuning sets: a context, examples, and messages of `author` and `content`.

{"context": "You are Ada.", "messages": [{"author": "user", "content": "Which tea?"},
                                         {"author": "assistant", "content": "Darjeeling."}]}

The context is the system prompt; the examples go to `extra`.
"""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.collect.shapes.general import messages
from pipeline.collect.shapes.transcript import ROLE_WORDS, About, Transcript, dict_of

ABOUT = About("PaLM chat, tuning sets", ("roles",))

CONTEXT = "context"
AUTHORS = {*ROLE_WORDS} - {"agent", "customer", "client"}  # those may be people


def recognise(record: object) -> bool:
    found = record.get("messages") if isinstance(record, dict) else None
    return isinstance(found, list) and bool(found) and all(map(_is_message, found))


def _is_message(item: object) -> bool:
    if not isinstance(item, dict) or "content" not in item:
        return False
    return str(item.get("author")).lower() in AUTHORS


def read(record: object) -> Iterator[Transcript]:
    fields = dict_of(record, "the record")
    prompt = {"system": fields[CONTEXT]} if CONTEXT in fields else {}
    others = {name: value for name, value in fields.items() if name != CONTEXT}
    yield messages.transcript(prompt | others, "messages", "author")
