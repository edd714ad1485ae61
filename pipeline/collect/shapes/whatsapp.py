"""WhatsApp's exported chats (text), with a phone's or a computer's way of writing the time.

12/31/20, 9:15 PM - Ada: Happy new year!
[31.12.20, 21:15:03] Ada: Happy new year!

A line without a time continues the message before it. Notices of the app (no speaker) and media
that were not exported are left out. A silence of six hours begins a new conversation; a file is one
group.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Iterator
from itertools import chain, islice

from pipeline.collect.shapes.silence import TimedTurn, split
from pipeline.collect.shapes.transcript import (
    About,
    Place,
    Transcript,
    Unread,
)

ABOUT = About("WhatsApp, exported as text", ("names", "times", "groups"), private=True)

LINE = re.compile(
    r"^[\u200e\u200f\ufeff]*\[?"
    r"(?P<first>\d{1,4})[./-](?P<second>\d{1,2})[./-](?P<third>\d{1,4}),?\s+"
    r"(?P<hour>\d{1,2})[:.](?P<minute>\d{2})(?:[:.](?P<seconds>\d{2}))?"
    r"(?:[\s\u202f]*(?P<half>[AaPp])\.?[\s\u202f]*[Mm]\.?)?"
    r"(?:\]|\s+[-–])\s*(?P<message>.*)$",
    re.S,
)
OMITTED = re.compile(r"^\u200e?<[^<>]{3,40}>$|^\u200e?\w[\w ]{2,20} omitted$")
HEAD = 1000  # lines that show how dates are written


def recognise(head: list[str]) -> bool:
    return sum(bool(LINE.match(line)) for line in head) * 3 > len(head)


def read(lines: Iterable[str], place: Place) -> Iterator[Transcript | Unread]:
    lines = iter(lines)
    head = list(islice(lines, HEAD))
    return split(_turns(chain(head, lines), _day_first(head)))


def _turns(lines: Iterable[str], day_first: bool) -> Iterator[TimedTurn]:
    waiting: TimedTurn | None = None  # until it is known whether the next line continues it
    for line in lines:
        match = LINE.match(line)
        if match:
            if waiting:
                yield waiting
            waiting = _turn(match, day_first)
        elif waiting:
            waiting = waiting._replace(text=f"{waiting.text}\n{line.rstrip()}")
    if waiting:
        yield waiting


def _turn(match: re.Match[str], day_first: bool) -> TimedTurn | None:
    """The message of a line; None for a notice and for media that were not exported."""
    name, colon, text = match["message"].partition(": ")
    text = text.strip().strip("\u200e")
    if not colon or OMITTED.match(text):
        return None
    return TimedTurn(_time(match, day_first), name.strip("\u200e "), text)


def _time(match: re.Match[str], day_first: bool) -> dt.datetime | None:
    hour = int(match["hour"])
    if match["half"]:
        hour = hour % 12 + 12 * (match["half"].lower() == "p")  # 12 PM is noon
    minute, second = int(match["minute"]), int(match["seconds"] or 0)
    try:
        return dt.datetime(*_date(match, day_first), hour, minute, second)
    except ValueError:
        return None


def _date(match: re.Match[str], day_first: bool) -> tuple[int, int, int]:
    """(year, month, day)"""
    first, second, third = int(match["first"]), int(match["second"]), int(match["third"])
    # A number over 31 in front can only be a year.
    if first > 31:
        year, month, day = first, second, third
    elif day_first:
        day, month, year = first, second, third
    else:
        month, day, year = first, second, third
    return year + 2000 if year < 100 else year, month, day


def _day_first(head: list[str]) -> bool:
    """Whether days stand before months: a number over 12 shows it, else a clock of 24 hours."""
    found = [match for match in map(LINE.match, head) if match]
    if any(int(match["first"]) > 12 for match in found):
        return True
    if any(int(match["second"]) > 12 for match in found):
        return False
    return not any(match["half"] for match in found)
