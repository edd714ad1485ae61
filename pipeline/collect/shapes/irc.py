"""IRC-like logs: a time, then <nick> and the message.

--- Day changed Thu Dec 31 2020
21:15 <ada> happy new year
[21:16] <@ben> thanks!
21:16  * ada waves

Actions (`* ada waves`) are turns between asterisks; joins, parts and other notices are left out. A
silence of six hours begins a new conversation; a file is one group.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Iterator

from pipeline.collect.shapes.silence import TimedTurn, split
from pipeline.collect.shapes.transcript import (
    About,
    Place,
    Transcript,
    Unread,
)

ABOUT = About("IRC clients", ("names", "times", "groups"))

LINE = re.compile(
    r"^\[?(?:(?P<year>\d{4})-(?P<month>\d\d)-(?P<day>\d\d)[T ])?"
    r"(?P<hour>\d{1,2}):(?P<minute>\d\d)(?::(?P<second>\d\d))?(?:[.+Z]\S*)?\]?\s+"
    r"(?:<[ @+%&~]?(?P<nick>[^<>\s]{1,40})>\s?(?P<text>.*)"
    r"|\*\s+(?P<actor>\S{1,40})\s+(?P<action>.*))$"
)


def recognise(head: list[str]) -> bool:
    return sum("<" in line and bool(LINE.match(line.rstrip())) for line in head) * 3 > len(head)


def read(lines: Iterable[str], place: Place) -> Iterator[Transcript | Unread]:
    return split(_turns(lines))


def _turns(lines: Iterable[str]) -> Iterator[TimedTurn]:
    # Most logs give no date: days are then counted from any day, by the clock passing midnight.
    day, last = dt.date(1970, 1, 1), dt.time()
    for line in lines:
        match = LINE.match(line.rstrip())
        if not match:
            continue
        try:
            time = dt.time(*_numbers(match, "hour", "minute", "second"))
            if match["year"]:
                day = dt.date(*_numbers(match, "year", "month", "day"))
        except ValueError:  # not a valid time or date
            time = last
        if not match["year"] and time < last:
            day += dt.timedelta(days=1)
        last = time
        moment = dt.datetime.combine(day, time)
        if match["nick"]:
            yield TimedTurn(moment, match["nick"], match["text"])
        else:
            yield TimedTurn(moment, match["actor"], f"*{match['action']}*")


def _numbers(match: re.Match[str], first: str, second: str, third: str) -> tuple[int, int, int]:
    return int(match[first]), int(match[second]), int(match[third] or 0)
