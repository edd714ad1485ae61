"""Microsoft Teams: messages of chats and channels, as its interface (Graph) gives them.

{"@odata.context": "https://graph.example.org/v1.0/$metadata#chats('19:a')/messages", "value": [
    {"id": "2", "chatId": "19:a", "messageType": "message", "from": {"user": {"id": "u2",
     "displayName": "Ben"}}, "createdDateTime": "2024-04-25T18:01:00Z",
     "body": {"contentType": "html", "content": "<p>Gladly.</p>"}},
    {"id": "1", "chatId": "19:a", "messageType": "message", "from": {"user": {"id": "u1",
     "displayName": "Ada"}}, "createdDateTime": "2024-04-25T18:00:00Z",
     "body": {"contentType": "text", "content": "Tea?"}}]}

The list may stand by itself, or each message on a line. Notices, deleted messages and attachments
are counted and left out. A thread that other messages interrupt is one conversation; a silence of
six hours begins a new one in the others. A chat or a channel is one group.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from pipeline.collect.shapes.common import clock, markup
from pipeline.collect.shapes.common.silence import (
    Entry,
    LeftOut,
    TimedTurn,
    distinct,
    entries,
    in_time,
    numbered,
    objects,
    split_with_threads,
)
from pipeline.collect.shapes.transcript import (
    About,
    Fields,
    Place,
    Records,
    Transcript,
    Unread,
    dict_of,
    fields_in,
    items_in,
    record_id,
    rest,
    text_of,
)

ABOUT = About("Microsoft Teams, by its interface", ("names", "times", "groups"), private=True)

LISTS = ("value", "messages")
SENDERS = ("user", "application", "device")
EMOJI = re.compile(r"<emoji\b[^>]*\balt=\"([^\"]*)\"[^>]*>")


def recognise(head: list[object]) -> bool:
    items = [item for record in head for item in _items(record)]
    return bool(items) and sum(map(_is_message, items)) * 2 > len(items)


def _items(record: object) -> list[object]:
    """The messages of a record: one, or those of an answer of the interface."""
    if isinstance(record, dict):
        listed = next((record[name] for name in LISTS if name in record), None)
        if isinstance(listed, list):
            return listed
    return [record]


def _is_message(item: object) -> bool:
    if not isinstance(item, dict):
        return False
    return {"messageType", "body", "createdDateTime"} <= item.keys()


def read(records: Records, place: Place) -> Iterator[tuple[int, Transcript | Unread]]:
    items = [item for _, record in records for item in _items(record)]
    people = distinct(map(_person, objects(items)))

    def turn(fields: Fields, where: str) -> Iterator[Entry]:
        return _message(fields, where, people)

    for chat, own in _by_chat(items).items():
        log = in_time(entries(own, turn), True)
        yield from numbered(split_with_threads(log, _threads(objects(own)), chat or place.path))


def _by_chat(items: list[object]) -> dict[str, list[object]]:
    """The messages of each chat; those that name none belong to the first."""
    names = [_chat_of(item) for item in items]
    first = next(filter(None, names), "")
    chats: dict[str, list[object]] = {}
    for name, item in zip(names, items, strict=True):
        chats.setdefault(name or first, []).append(item)
    return chats


def _chat_of(item: object) -> str:
    fields = fields_in(item)
    channel = fields_in(fields.get("channelIdentity"))
    return str(fields.get("chatId") or channel.get("channelId") or "")


def _person(item: Fields) -> tuple[str, str]:
    """(id, name) of the writer, be it a program; ("", "") of a notice."""
    several = fields_in(item.get("from"))
    one = fields_in(next((several[name] for name in SENDERS if several.get(name)), None))
    name = str(one.get("displayName") or one.get("id") or "")
    return str(one.get("id") or name), name


def _threads(items: list[Fields]) -> dict[str, str]:
    """Message → the first message of its thread, for the threads that have answers."""
    parents = {str(item.get("id")): str(item.get("replyToId") or item.get("id")) for item in items}
    sizes = Counter(parents.values())
    return {message: first for message, first in parents.items() if sizes[first] > 1}


def _message(fields: Fields, where: str, people: dict[str, str]) -> Iterator[Entry]:
    if fields.get("messageType") != "message":
        yield LeftOut("notice")
        return
    if fields.get("deletedDateTime"):
        yield LeftOut("deleted message")
        return
    carried = ["attachment"] * len(items_in(fields.get("attachments")))
    yield from map(LeftOut, carried)
    text = _text(dict_of(fields.get("body"), f"the body of {where}"), where)
    if text.strip():
        time = clock.iso(fields.get("createdDateTime"))
        more = rest({"reactions": fields.get("reactions")})
        name = people.get(_person(fields)[0]) or None
        key, answers = record_id(fields, "id"), record_id(fields, "replyToId")
        yield TimedTurn(time, name, text.strip(), key, answers, more)
    elif not carried:
        yield LeftOut("message without text")


def _text(body: Fields, where: str) -> str:
    text = text_of(body.get("content"), f"the body of {where}")
    if body.get("contentType") != "html":
        return text
    return markup.visible(EMOJI.sub(r"\1", text))
