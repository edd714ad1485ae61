"""Google Hangouts, as Google Takeout gives it: `Hangouts.json`, a conversation an object.

{"conversation": {"conversation": {"id": {"id": "c1"}, "participant_data": [
    {"id": {"gaia_id": "11"}, "fallback_name": "Ada"},
    {"id": {"gaia_id": "12"}, "fallback_name": "Ben"}]}},
 "events": [{"sender_id": {"gaia_id": "11"}, "timestamp": "1714000000000000",
    "event_type": "REGULAR_CHAT_MESSAGE", "chat_message": {"message_content": {
        "segment": [{"type": "TEXT", "text": "Hello!"}]}}}]}

Events of other types are notices; they are counted and left out. A silence of six hours begins a
new conversation; a chat is one group.
"""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.collect.shapes.common import clock
from pipeline.collect.shapes.common.silence import (
    Entry,
    LeftOut,
    TimedTurn,
    distinct,
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

ABOUT = About("Google Hangouts, by Google Takeout", ("names", "times", "groups"), private=True)

MICROSECONDS = 1_000_000


def recognise(record: object) -> bool:
    if not isinstance(record, dict) or not {"conversation", "events"} <= record.keys():
        return False
    events = record["events"]
    return isinstance(events, list) and any(
        isinstance(event, dict) and "event_type" in event for event in events
    )


def read(record: object) -> Iterator[Transcript | Unread]:
    fields = dict_of(record, "the record")
    outer = dict_of(fields.get("conversation"), "conversation")
    chat = dict_of(outer.get("conversation", outer), "conversation")
    people = distinct(_people(chat))

    def turn(event: Fields, where: str) -> Iterator[Entry]:
        return _event(event, where, people)

    events = list_of(fields.get("events"), "events")
    return split(in_time(entries(events, turn)), group=_id(chat.get("id")) or None)


def _people(chat: Fields) -> Iterator[tuple[str, str]]:
    listed = chat.get("participant_data")
    for person in listed if isinstance(listed, list) else []:
        if isinstance(person, dict):
            key = _id(person.get("id"))
            yield key, str(person.get("fallback_name") or key)


def _id(value: object) -> str:
    if not isinstance(value, dict):
        return str(value or "")
    return str(value.get("gaia_id") or value.get("chat_id") or value.get("id") or "")


def _event(event: Fields, where: str, people: dict[str, str]) -> Iterator[Entry]:
    if event.get("event_type") != "REGULAR_CHAT_MESSAGE":
        yield LeftOut("notice")
        return
    message = dict_of(event.get("chat_message"), f"chat_message of {where}")
    content = dict_of(message.get("message_content"), f"message_content of {where}")
    attachments = content.get("attachment")
    carried = ["attachment"] * len(attachments) if isinstance(attachments, list) else []
    yield from map(LeftOut, carried)
    text = _text(list_of(content.get("segment", []), f"segment of {where}"), where)
    if text.strip():
        sender = _id(event.get("sender_id"))
        time = clock.since_1970(event.get("timestamp"), MICROSECONDS)
        yield TimedTurn(time, people.get(sender, sender) or None, text)
    elif not carried:
        yield LeftOut("message without text")


def _text(segments: list[object], where: str) -> str:
    return "".join(_segment(dict_of(segment, f"a segment of {where}")) for segment in segments)


def _segment(segment: Fields) -> str:
    if segment.get("type") == "LINE_BREAK":
        return "\n"
    return text_of(segment.get("text"), "the text of a segment")
