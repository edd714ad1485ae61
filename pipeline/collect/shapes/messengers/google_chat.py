"""Google Chat, as Google Takeout gives it: `messages.json` in the folder of a group or a person.

{"messages": [
   {"creator": {"name": "Ada", "email": "ada@example.org", "user_type": "Human"},
    "created_date": "Thursday, April 25, 2024 at 6:00:00 PM UTC",
    "text": "Hello!", "topic_id": "t1", "message_id": "s1/t1/t1"}]}

A topic that other messages interrupt is one conversation; all others are split at silences of six
hours. A folder is one group. Messages without text are counted and left out.
"""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import PurePosixPath

from pipeline.collect.shapes.common import clock
from pipeline.collect.shapes.common.silence import (
    Entry,
    LeftOut,
    TimedTurn,
    distinct,
    entries,
    in_time,
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
    list_of,
    record_id,
    rest,
    text_of,
    unreadable,
)

ABOUT = About("Google Chat, by Google Takeout", ("names", "times", "groups"), private=True)

DATE = re.compile(r"^\w+, (?P<date>\w+ \d{1,2}, \d{4}) (?:at )?(?P<clock>[\d:]+ ?[AP]M)(?: UTC)?$")


def recognise(head: list[object]) -> bool:
    return bool(head) and all(map(_is_chat, head))


def _is_chat(record: object) -> bool:
    items = record.get("messages") if isinstance(record, dict) else None
    if not isinstance(items, list):
        return False
    return any(
        isinstance(item, dict) and {"creator", "created_date"} <= item.keys() for item in items
    )


def read(records: Records, place: Place) -> Iterator[tuple[int, Transcript | Unread]]:
    for number, record in records:
        if isinstance(record, Unread):
            yield number, record
            continue
        try:
            items = list_of(
                record.get("messages") if isinstance(record, dict) else None, "messages"
            )
        except ValueError as error:
            yield number, unreadable(error, record)
        else:
            yield from ((number, found) for found in _chat(items, place))


def _chat(items: list[object], place: Place) -> Iterator[Transcript | Unread]:
    people = distinct(map(_person, objects(items)))

    def turn(fields: Fields, where: str) -> Iterator[Entry]:
        return _message(fields, where, people)

    folder = PurePosixPath(place.path).parent
    group = place.path if str(folder) == "." else str(folder)
    # Between two people a topic is only a message that the next ones stand below.
    topics = {} if folder.name.startswith("DM ") else _topics(items)
    return split_with_threads(in_time(entries(items, turn)), topics, group)


def _topics(items: list[object]) -> dict[str, str]:
    """Message → its topic, where a topic has several messages."""
    belongs: dict[str, str] = {}
    for item in items:
        if isinstance(item, dict) and item.get("topic_id") and item.get("message_id"):
            belongs[str(item["message_id"])] = str(item["topic_id"])
    sizes = Counter(belongs.values())
    return {message: topic for message, topic in belongs.items() if sizes[topic] > 1}


def _person(fields: Fields) -> tuple[str, str]:
    creator = fields.get("creator")
    known = creator if isinstance(creator, dict) else {}
    name = str(known.get("name") or known.get("email") or "")
    return str(known.get("email") or name), name


def _message(fields: Fields, where: str, people: dict[str, str]) -> Iterator[Entry]:
    if fields.get("message_state") == "DELETED" or "deletion_metadata" in fields:
        yield LeftOut("deleted message")
        return
    files = fields.get("attached_files")
    carried = ["attachment"] * len(files) if isinstance(files, list) else []
    yield from map(LeftOut, carried)
    text = text_of(fields.get("text", ""), f"the text of {where}")
    if text.strip():
        time = _time(str(fields.get("created_date")))
        name = people[_person(fields)[0]] or None
        more = rest({"reactions": fields.get("reactions")})
        yield TimedTurn(time, name, text, record_id(fields, "message_id"), more=more)
    elif not carried:
        yield LeftOut("message without text")


def _time(text: str) -> dt.datetime | None:
    """Takeout writes dates in the account's language; the English one is read."""
    match = DATE.match(clock.BLANKS.sub(" ", text))
    stamp = clock.parse(f"{match['date']} {match['clock']}") if match else None
    return clock.moment(stamp, day_first=False) if stamp else clock.iso(text)
