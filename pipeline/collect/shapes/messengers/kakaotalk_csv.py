"""Chats of KakaoTalk, exported as CSV.

Date,User,Message
2024-04-25 18:00:00,"Ada","Hello!"
2024-04-25 18:01:00,"Ben","Good evening."

Read as in `kakaotalk`: notices and photographs are counted and left out, and a silence of six hours
begins a new conversation; a file is one group.
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
from pipeline.collect.shapes.messengers import kakaotalk
from pipeline.collect.shapes.transcript import (
    About,
    Fields,
    Place,
    Records,
    Transcript,
    Unread,
    text_of,
)

ABOUT = About("KakaoTalk, exported as CSV", ("names", "times", "groups"), private=True)

COLUMNS = {"Date", "User", "Message"}


def recognise(head: list[object]) -> bool:
    rows = [row for row in head if isinstance(row, dict) and row.keys() == COLUMNS]
    dates = [clock.iso(row["Date"]) or clock.parse(str(row["Date"])) for row in rows]
    return bool(rows) and len(rows) == len(head) and all(dates)


def read(records: Records, place: Place) -> Iterator[tuple[int, Transcript | Unread]]:
    log = in_time(entries((row for _, row in records), _message))
    return numbered(split(log, group=place.path))


def _message(row: Fields, where: str) -> Iterator[Entry]:
    text = text_of(row.get("Message"), f"the message of {where}")
    if kakaotalk.NOTICE.fullmatch(text.strip()):
        yield LeftOut("notice")
        return
    date = str(row.get("Date"))
    stamp = clock.parse(date)
    time = clock.moment(stamp, day_first=False) if stamp else clock.iso(date)
    yield kakaotalk.entry_of(TimedTurn(time, str(row.get("User")), text))
