"""Telegram's exported chats (`result.json`), one chat or a whole account.

{"name": "Ada", "type": "personal_chat", "id": 7, "messages": [
    {"id": 1, "type": "message", "date": "2020-12-31T21:15:03", "from": "Ada",
     "from_id": "user7", "text": "Hello"},
    {"id": 2, "type": "message", "date": "2020-12-31T21:16:00", "from": "Ben",
     "from_id": "user8", "text": ["see ", {"type": "link", "text": "example.org"}]}]}

Notices (`type: service`) and messages without text (stickers, photographs) are left out. A silence
of six hours begins a new conversation; a chat is one group.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from pipeline.collect.shapes.silence import TimedTurn, split
from pipeline.collect.shapes.transcript import (
    About,
    Transcript,
    Unread,
    dict_of,
    list_of,
    record_id,
    text_of,
    unreadable,
)

ABOUT = About("Telegram, exported as JSON", ("names", "times", "groups"), private=True)


def recognise(record: object) -> bool:
    if not isinstance(record, dict):
        return False
    items = record.get("messages")
    return isinstance(items, list) and any(map(_is_message, items))


def _is_message(item: object) -> bool:
    return isinstance(item, dict) and "from_id" in item and "text" in item


def read(record: object) -> Iterator[Transcript | Unread]:
    chat = dict_of(record, "the record")
    items = list_of(chat.get("messages"), "messages")
    return split(_turns(items), group=record_id(chat, "id", "name"))


def _turns(items: list[object]) -> Iterator[TimedTurn | Unread]:
    for number, item in enumerate(items, 1):
        try:
            turn = _turn(item, f"message {number}")
        except ValueError as error:
            yield unreadable(error, item)
        else:
            if turn:
                yield turn


def _turn(item: object, where: str) -> TimedTurn | None:
    """The message; None for a notice and for a message without text."""
    fields = dict_of(item, where)
    if fields.get("type", "message") != "message":
        return None
    text = _text(fields.get("text"), where)
    if not text.strip():
        return None
    name = str(fields.get("from") or fields.get("from_id") or "")
    return TimedTurn(_time(fields.get("date")), name or None, text)


def _text(value: object, where: str) -> str:
    """A text, or the joined parts of one: plain strings, and links and the like as objects."""
    if not isinstance(value, list):
        return text_of(value, f"the text of {where}")
    return "".join(_part(part, where) for part in value)


def _part(part: object, where: str) -> str:
    if isinstance(part, str):
        return part
    return text_of(dict_of(part, where).get("text"), where)


def _time(value: object) -> dt.datetime | None:
    if not isinstance(value, str):
        return None
    try:
        return dt.datetime.fromisoformat(value).replace(tzinfo=None)
    except ValueError:
        return None
