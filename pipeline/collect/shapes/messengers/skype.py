"""Skype and Teams (personal): a conversation of `messages.json`, as the account's export gives it.

{"id": "8:ben", "displayName": "Ben", "MessageList": [
    {"id": "2", "displayName": "Ben", "originalarrivaltime": "2024-04-25T18:01:00.000Z",
     "messagetype": "RichText", "content": "Good &amp; you?", "from": "8:ben"},
    {"id": "1", "displayName": null, "originalarrivaltime": "2024-04-25T18:00:00.000Z",
     "messagetype": "Text", "content": "How are you?", "from": "8:live:ada"}]}

The newest message stands first. Texts are HTML; quotations of earlier messages are left out of
them. Calls, files and notices are counted and left out. A silence of six hours begins a new
conversation; a chat is one group.
"""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.collect.shapes.common import clock, markup
from pipeline.collect.shapes.common.silence import (
    Entry,
    LeftOut,
    TimedTurn,
    distinct,
    entries,
    in_time,
    objects,
    split,
)
from pipeline.collect.shapes.transcript import (
    About,
    Fields,
    Transcript,
    Unread,
    dict_of,
    list_of,
    record_id,
    text_of,
)

ABOUT = About("Skype and Teams, exported", ("names", "times", "groups"), private=True)

SPOKEN = ("Text", "RichText", "RichText/Html")


def recognise(record: object) -> bool:
    return isinstance(record, dict) and isinstance(record.get("MessageList"), list)


def read(record: object) -> Iterator[Transcript | Unread]:
    chat = dict_of(record, "the record")
    items = list_of(chat.get("MessageList"), "MessageList")
    people = distinct(_people(chat, items))

    def turn(fields: Fields, where: str) -> Iterator[Entry]:
        return _message(fields, where, people)

    return split(in_time(entries(items, turn)), group=record_id(chat, "id", "displayName"))


def _people(chat: Fields, items: list[object]) -> Iterator[tuple[str, str]]:
    """(id, name): as a message names its writer, else as the chat is called, else the id."""
    records = objects(items)
    named = [item for item in records if item.get("displayName")]
    yield from ((_sender(item), str(item["displayName"])) for item in named)
    if chat.get("id") and chat.get("displayName"):
        yield str(chat["id"]), str(chat["displayName"])
    yield from ((_sender(item), _account(_sender(item))) for item in records)


def _sender(item: Fields) -> str:
    """The writer's id; Teams gives it as an address that ends with it."""
    return str(item.get("from") or "").rpartition("/")[2]


def _account(sender: str) -> str:
    """8:live:ada → ada"""
    return sender.rpartition(":")[2]


def _message(fields: Fields, where: str, people: dict[str, str]) -> Iterator[Entry]:
    kind = str(fields.get("messagetype") or "")
    if kind not in SPOKEN:
        is_file = kind.startswith("RichText/")
        yield LeftOut("attachment" if is_file else "notice")
        return
    text = text_of(fields.get("content"), f"the content of {where}")
    if kind != "Text":
        text = markup.visible(text)
    if text.strip():
        time = clock.iso(fields.get("originalarrivaltime"))
        name = people[_sender(fields)] or None
        yield TimedTurn(time, name, text.strip(), record_id(fields, "id"))
    else:
        yield LeftOut("deleted message")
