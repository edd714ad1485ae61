"""Chats of LINE, exported as text, in every language of the app.

[LINE] Chat history with Ben
Saved on: 2024/04/25 18:10

2024/04/25(Thu)
18:00	Ada	Hello!
18:01	Ben	"Good evening.
How are you?"
18:02	Ben	[Sticker]

Tabs part time, name and text; a text of several lines stands in quotation marks. Notices, calls and
`[Sticker]`, `[写真]` and the like are counted and left out. A silence of six hours begins a new
conversation; a file is one group.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Iterator
from itertools import chain, islice

from pipeline.collect.shapes.common import clock
from pipeline.collect.shapes.common.silence import Entry, LeftOut, TimedTurn, split
from pipeline.collect.shapes.transcript import (
    About,
    Place,
    Transcript,
    Unread,
)

ABOUT = About("LINE, exported as text", ("names", "times", "groups"), private=True)

DAY = re.compile(
    r"^\W*(?:[^\W\d]{2,12}, ?)?"
    r"(?P<day>\d{4}[./]\d{1,2}[./]\d{1,2}|\d{1,2}[./]\d{1,2}[./]\d{4})\.? ?"
    r"(?:[(（]?[^\W\d]{1,12}\.?[)）]?)?\s*$"
)
MESSAGE = re.compile(r"^(?P<clock>[^\t\d]{0,6}\d{1,2}:\d\d ?[^\t\d]{0,6})\t(?P<rest>.*)$")
STICKER = re.compile(r"\[[^\[\]\n]{1,30}\]|\([^()\n]{1,20}\)\[[^\[\]\n]{1,30}\]")
CALL = "☎"
HEAD = 10_000  # lines that show how dates are written


def recognise(head: list[str]) -> bool:
    plain = [line.lstrip("\ufeff").rstrip() for line in head]
    days = sum(bool(DAY.match(line)) for line in plain)
    messages = [match for match in map(MESSAGE.match, plain) if match]
    named = sum("\t" in match["rest"] for match in messages)
    has_title = any(line.startswith("[LINE]") for line in plain[:3])
    return named > 0 and days > 0 and (has_title or len(messages) * 2 > len(plain))


def read(lines: Iterable[str], place: Place) -> Iterator[Transcript | Unread]:
    lines = iter(lines)
    head = list(islice(lines, HEAD))
    days = [match["day"] for match in map(DAY.match, head) if match]
    stamps = filter(None, (clock.parse(f"{day} 0:00") for day in days))
    day_first, assumed = clock.days_first(list(stamps))
    return split(_entries(chain(head, lines), day_first), assumed=assumed)


def _entries(lines: Iterable[str], day_first: bool) -> Iterator[Entry]:
    day = dt.date.min
    for line in _joined(lines):
        if found := DAY.match(line):
            day = _day(found["day"], day_first) or day
        elif message := MESSAGE.match(line.partition("\n")[0]):
            time = clock.of_day(message["clock"])
            moment = dt.datetime.combine(day, time) if time else None
            yield _entry(line.partition("\t")[2], moment)
        elif line.strip():
            yield LeftOut("line before the first message")


def _joined(lines: Iterable[str]) -> Iterator[str]:
    """Lines; one with a message with those that continue it."""
    waiting: list[str] = []
    in_message = False
    for line in lines:
        plain = line.lstrip("\ufeff").rstrip("\r\n")
        is_message = bool(MESSAGE.match(plain))
        if is_message or not in_message or DAY.match(plain):
            yield "\n".join(waiting)
            waiting = []
            in_message = is_message
        waiting.append(plain)
    yield "\n".join(waiting)


def _entry(rest: str, moment: dt.datetime | None) -> TimedTurn | LeftOut:
    name, tab, text = rest.strip("\n").partition("\t")
    text = _unquoted(text.rstrip())
    if not tab or not name.strip():
        return LeftOut("notice")
    if text.startswith(CALL):
        return LeftOut("call")
    if STICKER.fullmatch(text):
        return LeftOut("attachment")
    if not text:
        return LeftOut("message without text")
    return TimedTurn(moment, name.strip(), text)


def _unquoted(text: str) -> str:
    if "\n" in text and text.startswith('"') and text.endswith('"'):
        return text[1:-1].replace('""', '"')
    return text


def _day(text: str, day_first: bool) -> dt.date | None:
    stamp = clock.parse(f"{text} 0:00")
    moment = clock.moment(stamp, day_first) if stamp else None
    return moment.date() if moment else None
