"""Telegram's exported chats (`result.json`), one chat or a whole account.

{"name": "Ada", "type": "personal_chat", "id": 7, "messages": [
    {"id": 1, "type": "message", "date": "2020-12-31T21:15:03", "from": "Ada",
     "from_id": "user7", "text": "Hello"},
    {"id": 2, "type": "message", "date": "2020-12-31T21:16:00", "from": "Ben",
     "from_id": "user8", "text": ["see ", {"type": "link", "text": "example.org"}]}]}

Notices (`type: service`) and messages without text (stickers, photographs) are counted and left
out; reactions and what a message answers are kept. A silence of six hours begins a new
conversation; a chat is one group.
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
    rest,
    text_of,
)

ABOUT = About("Telegram, exported as JSON", ("names", "times", "groups"), private=True)

# The field that shows what a message carries, beside or instead of a text.
CARRIES = {
    "media_type": "attachment",
    "photo": "attachment",
    "file": "attachment",
    "contact_information": "contact",
    "location_information": "location",
    "poll": "poll",
    "game_title": "game",
    "invoice_information": "invoice",
    "dice": "dice",
}
KEPT = ("forwarded_from", "reactions", "via_bot")


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
    people = distinct(map(_person, objects(items)))

    def turn(fields: Fields, where: str) -> Iterator[Entry]:
        return _message(fields, where, people)

    return split(in_time(entries(items, turn)), group=record_id(chat, "id", "name"))


def _person(fields: Fields) -> tuple[str, str]:
    """(id, name); a deleted account has only an id."""
    name = str(fields.get("from") or fields.get("from_id") or "")
    return str(fields.get("from_id") or name), name


def _message(fields: Fields, where: str, people: dict[str, str]) -> Iterator[Entry]:
    if fields.get("type", "message") != "message":
        yield LeftOut("notice")
        return
    text = _text(fields.get("text"), where)
    carried = [CARRIES[name] for name in CARRIES if fields.get(name)]
    if fields.get("media_type") == "sticker":
        carried = ["sticker"]
    yield from map(LeftOut, carried[:1])
    if text.strip():
        yield TimedTurn(
            clock.iso(fields.get("date")),
            people[_person(fields)[0]] or None,
            text,
            record_id(fields, "id"),
            record_id(fields, "reply_to_message_id"),
            rest({name: fields.get(name) for name in KEPT}),
        )
    elif not carried:
        yield LeftOut("message without text")


def _text(value: object, where: str) -> str:
    """A text, or the joined parts of one: plain strings, and links and the like as objects."""
    if not isinstance(value, list):
        return text_of(value, f"the text of {where}")
    return "".join(_part(part, where) for part in value)


def _part(part: object, where: str) -> str:
    if isinstance(part, str):
        return part
    return text_of(dict_of(part, where).get("text"), where)
