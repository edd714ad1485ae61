"""Viber's chats as text: a time, `From`, a name and a text.

18:00:54, From: Ada     , Hello!
18:01:54, From: Ben     , Good evening.

A line without a time continues the message before it. A silence of six hours begins a new
conversation; a file is one group.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Iterator

from pipeline.collect.shapes.common import clock
from pipeline.collect.shapes.common.silence import Entry, LeftOut, TimedTurn, split
from pipeline.collect.shapes.transcript import (
    About,
    Place,
    Transcript,
    Unread,
)

ABOUT = About("Viber, extracted as text", ("names", "times", "groups"), private=True)

LINE = re.compile(r"^(?P<clock>\d{1,2}:\d\d:\d\d), From: (?P<name>[^,\n]{1,60}?)\s*, (?P<text>.*)$")


def recognise(head: list[str]) -> bool:
    filled = sum(bool(line.strip()) for line in head)
    return sum(bool(LINE.match(line.rstrip())) for line in head) * 2 > filled


def read(lines: Iterable[str], place: Place) -> Iterator[Transcript | Unread]:
    return split(_entries(lines))


def _entries(lines: Iterable[str]) -> Iterator[Entry]:
    # The file gives no date: the days are counted by the clock passing midnight.
    moment = dt.datetime.min
    waiting: TimedTurn | None = None
    for line in lines:
        match = LINE.match(line.rstrip())
        if match:
            if waiting:
                yield waiting
            moment = _after(moment, clock.of_day(match["clock"]))
            waiting = TimedTurn(moment, match["name"], match["text"])
        elif waiting:
            waiting = waiting._replace(text=f"{waiting.text}\n{line.rstrip()}".rstrip())
        elif line.strip():
            yield LeftOut("line before the first message")
    if waiting:
        yield waiting


def _after(moment: dt.datetime, time: dt.time | None) -> dt.datetime:
    """The next moment at which the clock shows this time."""
    if time is None:
        return moment
    later = dt.datetime.combine(moment.date(), time)
    return later if later >= moment else later + dt.timedelta(days=1)
