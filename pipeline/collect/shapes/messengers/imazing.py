"""Messages of a telephone, as iMazing exports them in CSV.

Chat Session,Message Date,Service,Type,Sender ID,Sender Name,Status,Text,Attachment,Attachment type
Ben,2024-04-25 18:00:00,iMessage,Outgoing,,,Read,Hello!,,
Ben,2024-04-25 18:01:00,iMessage,Incoming,+15550100,Ben,Read,Good evening.,,
Ben,2024-04-25 18:01:30,iMessage,Notification,+15550100,Ben,,Ben changed the background.,,

What is outgoing was sent by the telephone's owner, whom the file does not name: "Me". Notifications
and attachments are counted and left out. A silence of six hours begins a new conversation; a
session is one group.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from pipeline.collect.shapes.common import clock
from pipeline.collect.shapes.common.silence import (
    Entry,
    LeftOut,
    TimedTurn,
    distinct,
    entries,
    in_time,
    numbered,
    objects,
    split,
)
from pipeline.collect.shapes.transcript import (
    About,
    Fields,
    Place,
    Records,
    Transcript,
    Unread,
    text_of,
)

ABOUT = About("iMessage, WhatsApp and SMS, by iMazing", ("names", "times", "groups"), private=True)

COLUMNS = {"Chat Session", "Message Date", "Type", "Sender Name", "Text"}
OWNER = "Me"


def recognise(head: list[object]) -> bool:
    return bool(head) and all(isinstance(row, dict) and row.keys() >= COLUMNS for row in head)


def read(records: Records, place: Place) -> Iterator[tuple[int, Transcript | Unread]]:
    rows = [row for _, row in records]
    people = distinct(map(_person, objects(rows)))
    sessions: dict[str, list[object]] = {}
    for row in rows:
        session = row.get("Chat Session") if isinstance(row, dict) else None
        sessions.setdefault(str(session or place.path), []).append(row)

    def turn(row: Fields, where: str) -> Iterator[Entry]:
        return _message(row, where, people)

    for session, log in sessions.items():
        yield from numbered(split(in_time(entries(log, turn)), group=session))


def _person(row: Fields) -> tuple[str, str]:
    name = str(row.get("Sender Name") or row.get("Sender ID") or OWNER)
    return str(row.get("Sender ID") or name), name


def _message(row: Fields, where: str, people: dict[str, str]) -> Iterator[Entry]:
    kind = row.get("Type")
    if kind not in ("Incoming", "Outgoing"):
        yield LeftOut("notice")
        return
    has_attachment = bool(row.get("Attachment"))
    yield from [LeftOut("attachment")] * has_attachment
    text = text_of(row.get("Text"), f"the text of {where}")
    if text.strip():
        name = OWNER if kind == "Outgoing" else people[_person(row)[0]]
        yield TimedTurn(_time(str(row.get("Message Date"))), name, text)
    elif not has_attachment:
        yield LeftOut("message without text")


def _time(text: str) -> dt.datetime | None:
    stamp = clock.parse(text)
    return clock.moment(stamp, day_first=True) if stamp else clock.iso(text)
