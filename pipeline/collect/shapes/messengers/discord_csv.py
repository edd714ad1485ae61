"""A Discord channel as DiscordChatExporter writes it in CSV.

AuthorID,Author,Date,Content,Attachments,Reactions
"11","ada_x","2024-04-01T18:00:00.0000000+02:00","Hello","",""
"12","ben_x","2024-04-01T18:01:00.0000000+02:00","Hi!","","👍 (1)"

Notices and attachments are counted and left out. A silence of six hours begins a new conversation;
a file is one group.
"""

from __future__ import annotations

import datetime as dt
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
    rest,
    text_of,
)

ABOUT = About("Discord, by DiscordChatExporter", ("names", "times", "groups"), private=True)

COLUMNS = {"AuthorID", "Author", "Date", "Content"}
# What the exporter writes for a notice, word for word.
NOTICE = re.compile(
    r"Pinned a message\.|Joined the server\.|Started a thread\.|Left the group\.|"
    r"Changed the channel icon\.|Changed the channel name: [^\n]*|(?:Added|Removed) [^\n]{1,60} "
    r"(?:to|from) the group\.|Started a call that lasted [\d.,]+ minutes\."
)


def recognise(head: list[object]) -> bool:
    return all(isinstance(row, dict) and row.keys() >= COLUMNS for row in head)


def read(records: Records, place: Place) -> Iterator[tuple[int, Transcript | Unread]]:
    rows = [row for _, row in records]
    good = objects(rows)
    people = distinct((str(row.get("AuthorID")), str(row.get("Author"))) for row in good)
    stamps = filter(None, (clock.parse(str(row.get("Date"))) for row in good))
    day_first, assumed = clock.days_first(list(stamps))

    def turn(row: Fields, where: str) -> Iterator[Entry]:
        time = _time(str(row.get("Date")), day_first)
        return _message(row, where, people[str(row.get("AuthorID"))], time)

    log = in_time(entries(rows, turn))
    return numbered(split(log, group=place.path, assumed=assumed))


def _time(text: str, day_first: bool) -> dt.datetime | None:
    stamp = clock.parse(text)
    return clock.moment(stamp, day_first) if stamp else clock.iso(text)


def _message(row: Fields, where: str, name: str, time: dt.datetime | None) -> Iterator[Entry]:
    text = text_of(row.get("Content"), f"the content of {where}")
    has_attachments = bool(row.get("Attachments"))
    yield from [LeftOut("attachment")] * has_attachments
    if NOTICE.fullmatch(text.strip()):
        yield LeftOut("notice")
    elif text.strip():
        yield TimedTurn(time, name, text, more=rest({"reactions": row.get("Reactions")}))
    elif not has_attachments:
        yield LeftOut("message without text")
