"""Signal, exported by signal-export: `data.json`, a message a line.

{"date": "2024-04-25 18:00:00", "sender": "Ada", "body": "Hello!", "quote": "", "sticker": "",
 "reactions": [], "attachments": []}

Stickers and attachments are counted and left out, reactions are kept. A silence of six hours begins
a new conversation; a chat has a folder of its own, which is the group.
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
    numbered,
    split,
)
from pipeline.collect.shapes.transcript import (
    About,
    Fields,
    Place,
    Records,
    Transcript,
    Unread,
    rest,
    text_of,
)

ABOUT = About("Signal, by signal-export", ("names", "times", "groups"), private=True)

FIELDS = {"date", "sender", "body"}
OWN_FIELDS = {"quote", "sticker", "reactions", "attachments"}


def recognise(head: list[object]) -> bool:
    return all(map(_is_message, head))


def _is_message(record: object) -> bool:
    if not isinstance(record, dict) or not record.keys() >= FIELDS:
        return False
    return len(record.keys() & OWN_FIELDS) >= 2 and record.keys() <= FIELDS | OWN_FIELDS


def read(records: Records, place: Place) -> Iterator[tuple[int, Transcript | Unread]]:
    log = in_time(entries((row for _, row in records), _message))
    return numbered(split(log, group=place.path))


def _message(fields: Fields, where: str) -> Iterator[Entry]:
    attachments = fields.get("attachments")
    carried = ["attachment"] * len(attachments) if isinstance(attachments, list) else []
    if fields.get("sticker"):
        carried.append("sticker")
    yield from map(LeftOut, carried)
    text = text_of(fields.get("body"), f"the body of {where}").strip()
    name = text_of(fields.get("sender"), f"the sender of {where}")
    if text:
        more = rest({"reactions": fields.get("reactions")})
        yield TimedTurn(clock.iso(fields.get("date")), name, text, more=more)
    elif not carried:
        yield LeftOut("message without text")
