"""WhatsApp's exported chats (text), with a phone's or a computer's way of writing the time.

12/31/20, 9:15 PM - Ada: Happy new year!
[31.12.20, 21:15:03] Ada: Happy new year!

Lines without a time go on with the message before. Notices of the app (no speaker) and left-out media are left out. A
silence of six hours begins a new talk; a file is one group.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Iterator
from itertools import chain, islice

from pipeline.collect.shapes.silence import Said, talks
from pipeline.collect.shapes.talk import Talk, Unread

LINE = re.compile(
    r"^[\u200e\u200f\ufeff]*\[?(\d{1,4})[./-](\d{1,2})[./-](\d{1,4}),?\s+(\d{1,2})[:.](\d{2})(?:[:.](\d{2}))?"
    r"(?:[\s\u202f]*([AaPp])\.?[\s\u202f]*[Mm]\.?)?(?:\]|\s+[-–])\s*(.*)$",
    re.S,
)
OMITTED = re.compile(r"^\u200e?<[^<>]{3,40}>$|^\u200e?\w[\w ]{2,20} omitted$")


def recognise(head: list[str]) -> bool:
    return sum(bool(LINE.match(line)) for line in head) * 3 > len(head)


def read(lines: Iterable[str]) -> Iterator[Talk | Unread]:
    lines = iter(lines)
    head = list(islice(lines, 1000))
    return talks(_said(chain(head, lines), _day_first(head)))


def _said(lines: Iterable[str], day_first: bool) -> Iterator[Said]:
    waiting: Said | None = None
    for line in lines:
        match = LINE.match(line)
        if not match:
            waiting = waiting and (waiting[0], waiting[1], f"{waiting[2]}\n{line.rstrip()}")
            continue
        if waiting:
            yield waiting
        name, colon, text = match[8].partition(": ")
        text = text.strip().strip("\u200e")
        waiting = (
            (_time(match, day_first), name.strip("\u200e "), text)
            if colon and not OMITTED.match(text)
            else None
        )
    if waiting:
        yield waiting


def _time(match: re.Match[str], day_first: bool) -> dt.datetime | None:
    first, second, third = int(match[1]), int(match[2]), int(match[3])
    year, month, day = (
        (first, second, third)
        if first > 31
        else (third, second, first)
        if day_first
        else (third, first, second)
    )
    hour = int(match[4]) % 12 + 12 * (match[7].lower() == "p") if match[7] else int(match[4])
    try:
        return dt.datetime(
            year + 2000 if year < 100 else year, month, day, hour, int(match[5]), int(match[6] or 0)
        )
    except ValueError:
        return None


def _day_first(head: list[str]) -> bool:
    """Whether days stand before months: told by a number over 12, else by a clock of 24 hours."""
    found = [m for m in map(LINE.match, head) if m]
    if any(int(m[1]) > 12 for m in found):
        return True
    return not any(int(m[2]) > 12 for m in found) and not any(m[7] for m in found)
