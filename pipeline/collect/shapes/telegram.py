"""Telegram's exported chats (`result.json`), one chat or a whole account.

{"name": "Ada", "type": "personal_chat", "id": 7, "messages": [
    {"id": 1, "type": "message", "date": "2020-12-31T21:15:03", "from": "Ada", "from_id": "user7", "text": "Hello"},
    {"id": 2, "type": "message", "date": "2020-12-31T21:16:00", "from": "Ben", "from_id": "user8",
     "text": ["see ", {"type": "link", "text": "example.org"}]}]}

Notices (`type: service`) and messages without text (stickers, photographs) are left out. A silence of six hours begins
a new talk; a chat is one group.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

from pipeline.collect.shapes.silence import Said, talks
from pipeline.collect.shapes.talk import Talk, Unread, dict_of, list_of, record_id, text_of


def recognise(record: Any) -> bool:
    items = record.get("messages") if isinstance(record, dict) else None
    return isinstance(items, list) and any(
        isinstance(m, dict) and "from_id" in m and "text" in m for m in items
    )


def read(record: Any) -> Iterator[Talk | Unread]:
    items = list_of(dict_of(record, "the record").get("messages"), "messages")
    return talks(_messages(items), group=record_id(record, "id", "name"))


def _messages(items: list[Any]) -> Iterator[Said | Unread]:
    for number, item in enumerate(items, 1):
        try:
            said = _said(item, f"message {number}")
        except ValueError as error:
            yield Unread(str(error), item)
            continue
        if said:
            yield said


def _said(item: Any, where: str) -> Said | None:
    if dict_of(item, where).get("type", "message") != "message":
        return None
    text = item.get("text")
    if isinstance(text, list):
        text = "".join(
            p if isinstance(p, str) else text_of(dict_of(p, where).get("text"), where) for p in text
        )
    if not text_of(text, f"the text of {where}").strip():
        return None
    name = item.get("from") or item.get("from_id")
    return _time(item.get("date")), str(name) if name else None, text


def _time(value: Any) -> dt.datetime | None:
    try:
        return dt.datetime.fromisoformat(value).replace(tzinfo=None)
    except (TypeError, ValueError):
        return None
