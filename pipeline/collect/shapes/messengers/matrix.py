"""A chat of Matrix, as Element exports it in JSON.

{"room_name": "Ferry", "messages": [
    {"type": "m.room.member", "state_key": "@ada:example.org", "sender": "@ada:example.org",
     "content": {"membership": "join", "displayname": "Ada"}, "origin_server_ts": 1714000000000},
    {"type": "m.room.message", "event_id": "$1", "sender": "@ada:example.org",
     "content": {"msgtype": "m.text", "body": "Hello!"}, "origin_server_ts": 1714000001000}]}

Names are those of the members. An edited message has its last text. Other events, encrypted and
deleted messages and attachments are counted and left out. A silence of six hours begins a new
conversation; a chat is one group.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from pipeline.collect.shapes.common import clock
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
    first_of,
    list_of,
    record_id,
    text_of,
)

ABOUT = About("Matrix, exported by Element", ("names", "times", "groups"), private=True)

LISTS = ("messages", "chunk")
SPOKEN = ("m.text", "m.emote", "m.notice")
QUOTATION = re.compile(r"\A(?:> [^\n]*\n)+\n?")  # what a reply repeats of the message before it


def recognise(record: object) -> bool:
    if not isinstance(record, dict):
        return False
    items = record.get(first_of(LISTS, record) or "")
    return isinstance(items, list) and any(map(_is_message, items))


def _is_message(item: object) -> bool:
    if not isinstance(item, dict):
        return False
    return item.get("type") in ("m.room.message", "m.room.encrypted") and "sender" in item


def read(record: object) -> Iterator[Transcript | Unread]:
    chat = dict_of(record, "the record")
    name = first_of(LISTS, chat) or ""
    items = list_of(chat.get(name), name)
    events = objects(items)
    people = distinct((str(event.get("sender")), _name(event)) for event in _named_first(events))
    edits = dict(_edits(events))

    def turn(event: Fields, where: str) -> Iterator[Entry]:
        return _event(event, where, people, edits)

    group = record_id(chat, "room_id", "room_name") or next(_chats(events), None)
    return split(in_time(entries(items, turn)), group=group)


def _chats(events: list[Fields]) -> Iterator[str]:
    return (str(event["room_id"]) for event in events if event.get("room_id"))


# --- who


def _named_first(events: list[Fields]) -> list[Fields]:
    """Events that name a member before those of a member without a name."""
    return sorted(events, key=lambda event: not _member_name(event))


def _name(event: Fields) -> str:
    return _member_name(event) or str(event.get("sender"))


def _member_name(event: Fields) -> str:
    content = _content(event)
    if event.get("type") == "m.room.member" and event.get("state_key") == event.get("sender"):
        return str(content.get("displayname") or "")
    return ""


# --- what


def _content(event: Fields) -> Fields:
    content = event.get("content")
    return content if isinstance(content, dict) else {}


def _relation(event: Fields) -> Fields:
    relation = _content(event).get("m.relates_to")
    return relation if isinstance(relation, dict) else {}


def _edits(events: list[Fields]) -> Iterator[tuple[str, str]]:
    """(message, its new text), the last edit last."""
    changes = [event for event in events if _relation(event).get("rel_type") == "m.replace"]
    for event in sorted(
        changes, key=lambda event: str(event.get("origin_server_ts", "")).zfill(20)
    ):
        text = _content({"content": _content(event).get("m.new_content")}).get("body")
        if isinstance(text, str):
            yield str(_relation(event).get("event_id")), text


def _event(
    event: Fields, where: str, people: dict[str, str], edits: dict[str, str]
) -> Iterator[Entry]:
    kind = event.get("type")
    if kind == "m.room.encrypted":
        yield LeftOut("encrypted message")
    elif kind != "m.room.message":
        yield LeftOut("notice")
    elif not _content(event):
        yield LeftOut("deleted message")
    elif _relation(event).get("rel_type") == "m.replace":
        yield LeftOut("edit")
    elif _content(event).get("msgtype") not in SPOKEN:
        yield LeftOut("attachment")
    else:
        yield _message(event, where, people, edits)


def _message(
    event: Fields, where: str, people: dict[str, str], edits: dict[str, str]
) -> TimedTurn | LeftOut:
    key = record_id(event, "event_id")
    text = text_of(_content(event).get("body"), f"the body of {where}")
    answers = dict_of(_relation(event).get("m.in_reply_to") or {}, "m.in_reply_to")
    text = edits.get(key or "", text)
    if answers:
        text = QUOTATION.sub("", text)
    if not text.strip():
        return LeftOut("message without text")
    if _content(event).get("msgtype") == "m.emote":
        text = f"*{text}*"
    time = clock.since_1970(event.get("origin_server_ts"), per_second=1000)
    name = people[str(event.get("sender"))]
    return TimedTurn(time, name, text, key, record_id(answers, "event_id"))
