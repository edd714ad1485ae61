"""Conversations that Pidgin or Gaim kept as text.

Conversation with ben@example.org at Thu 25 Apr 2024 06:00:00 PM CEST on ada@example.org (jabber)
(06:00:10 PM) Ada: Hello!
(06:01:00 PM) ben@example.org/home: Good evening.
(06:02:00 PM) ben@example.org logged out.

A line without a time continues the message before it; notices are counted and left out. A silence
of six hours begins a new conversation; a file is one group.
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

ABOUT = About("Pidgin's logs", ("names", "times", "groups"), private=True)

TITLE = re.compile(
    r"^Conversation with (?P<with>.+?) at (?P<date>.+?) on (?P<account>\S+) \(\w+\)\s*$"
)
LINE = re.compile(
    r"^\((?:(?P<day>[\d./-]{8,10}) )?(?P<clock>\d{1,2}:\d\d:\d\d(?: [AP]M)?)\) (?P<rest>.*)$"
)
SPEAKER = re.compile(r"^(?P<name>[^:\n]{1,80}?)(?: <AUTO-REPLY>)?: (?P<text>.*)$", re.S)
ACTION = re.compile(r"^\*\*\*(?P<name>\S+) (?P<text>.*)$", re.S)


def recognise(head: list[str]) -> bool:
    return bool(head) and TITLE.match(head[0].lstrip("\ufeff")) is not None


def read(lines: Iterable[str], place: Place) -> Iterator[Transcript | Unread]:
    return split(_entries(lines))


def _entries(lines: Iterable[str]) -> Iterator[Entry]:
    day, last = dt.date.min, dt.time()
    waiting: list[str] = []
    for line in lines:
        title = TITLE.match(line.lstrip("\ufeff"))
        match = LINE.match(line.rstrip())
        if (title or match) and waiting:
            yield _entry(dt.datetime.combine(day, last), "\n".join(waiting))
            waiting = []
        if title:
            day, last = _day(title["date"]) or day, dt.time()
        elif match:
            time = clock.of_day(match["clock"]) or last
            if time < last:  # past midnight
                day += dt.timedelta(days=1)
            day, last = _day(f"{match['day']} 0:00") or day, time
            waiting = [match["rest"]]
        elif waiting:
            waiting.append(line.rstrip())
    if waiting:
        yield _entry(dt.datetime.combine(day, last), "\n".join(waiting))


def _entry(moment: dt.datetime, text: str) -> TimedTurn | LeftOut:
    match = ACTION.match(text)
    if match:
        return TimedTurn(moment, match["name"], f"*{match['text'].rstrip()}*")
    match = SPEAKER.match(text)
    if match is None:
        return LeftOut("notice")
    # An account is written with the place where it is logged in: ada@example.org/home
    name = re.sub(r"(@[^\s/]+)/.*", r"\1", match["name"])
    return TimedTurn(moment, name, match["text"].rstrip())


def _day(text: str) -> dt.date | None:
    stamp = clock.parse(re.sub(r"^[A-Z][a-z]{2} | [A-Z]{3,5}$", "", text.strip()))
    moment = clock.moment(stamp, clock.days_first([stamp])[0]) if stamp else None
    return moment.date() if moment else None
