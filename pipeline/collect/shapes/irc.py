"""IRC-like logs: a time, then <nick> and what was said.

--- Day changed Thu Dec 31 2020
21:15 <ada> happy new year
[21:16] <@ben> thanks!
21:16  * ada waves

Actions (`* ada waves`) are turns between asterisks; joins, parts and other notices are left out. A silence of six hours
begins a new talk; a file is one group.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Iterator

from pipeline.collect.shapes.silence import Said, talks
from pipeline.collect.shapes.talk import Talk, Unread

LINE = re.compile(
    r"^\[?(?:(\d{4})-(\d\d)-(\d\d)[T ])?(\d{1,2}):(\d\d)(?::(\d\d))?(?:[.+Z]\S*)?\]?\s+"
    r"(?:<[ @+%&~]?([^<>\s]{1,40})>\s?(.*)|\*\s+(\S{1,40})\s+(.*))$"
)


def recognise(head: list[str]) -> bool:
    return sum("<" in line and bool(LINE.match(line.rstrip())) for line in head) * 3 > len(head)


def read(lines: Iterable[str]) -> Iterator[Talk | Unread]:
    return talks(_said(lines))


def _said(lines: Iterable[str]) -> Iterator[Said]:
    day, last = dt.date(1970, 1, 1), dt.time()
    for line in lines:
        match = LINE.match(line.rstrip())
        if not match:
            continue
        hour, minute, second = int(match[4]), int(match[5]), int(match[6] or 0)
        try:
            time = dt.time(hour, minute, second)
            day = dt.date(*map(int, match.group(1, 2, 3))) if match[1] else day
        except ValueError:
            time = last
        if not match[1] and time < last:  # a clock without a date has passed midnight
            day += dt.timedelta(days=1)
        last = time
        text = match[8] if match[7] else f"*{match[10]}*"
        yield dt.datetime.combine(day, time), match[7] or match[9], text
