"""Instagram, as it was downloaded until 2020: `messages.json`, all chats of an account.

[{"participants": ["ada", "ben"], "conversation": [
    {"sender": "ben", "created_at": "2019-04-25T18:01:00+00:00", "text": "Gladly."},
    {"sender": "ada", "created_at": "2019-04-25T18:00:00+00:00", "text": "Tea?"}]}]

Later downloads are as Messenger's. The newest message stands first. Photographs, likes and shared
posts are counted and left out. A silence of six hours begins a new conversation; a chat is one
group.
"""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.collect.shapes.common import clock
from pipeline.collect.shapes.common.silence import (
    Entry,
    LeftOut,
    TimedTurn,
    entries,
    in_time,
    split,
)
from pipeline.collect.shapes.transcript import (
    About,
    Fields,
    Transcript,
    Unread,
    dict_of,
    list_of,
    text_of,
)

ABOUT = About("Instagram, downloaded until 2020", ("names", "times", "groups"), private=True)


def recognise(record: object) -> bool:
    if not isinstance(record, dict) or not isinstance(record.get("participants"), list):
        return False
    items = record.get("conversation")
    return isinstance(items, list) and any(map(_is_message, items))


def _is_message(item: object) -> bool:
    return isinstance(item, dict) and {"sender", "created_at"} <= item.keys()


def read(record: object) -> Iterator[Transcript | Unread]:
    chat = dict_of(record, "the record")
    items = list_of(chat.get("conversation"), "conversation")
    people = list_of(chat.get("participants"), "participants")
    group = ", ".join(sorted(map(str, people))) or None
    return split(in_time(entries(items, _message), True), group)


def _message(fields: Fields, where: str) -> Iterator[Entry]:
    text = text_of(fields.get("text") or "", f"the text of {where}")
    if text.strip():
        name = text_of(fields.get("sender"), f"the sender of {where}")
        yield TimedTurn(clock.iso(fields.get("created_at")), name, text)
    elif fields.get("heart") or fields.get("likes"):
        yield LeftOut("like")
    else:
        yield LeftOut("attachment")
