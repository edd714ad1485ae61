"""The chat that Zoom saves beside a meeting.

18:00:00 From Ada to Everyone:
        Hello!
18:01:00	 From  Ben : Good evening.
18:02:00 From Ben to Ada (Direct Message): Is this boring?

00:10:04	Ada:	Hello!        of a recording in Zoom's cloud

A line without a time continues the message before it. What is written to everyone and what is
written to one person are conversations of their own. Reactions and files are counted and left out;
a file is one group.
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

ABOUT = About("Zoom's saved chats", ("names", "times", "groups"), private=True)

LINE = re.compile(
    r"^(?:\d{4}-\d\d-\d\d )?(?P<clock>\d{1,2}:\d\d:\d\d)\s+From\s+(?P<name>.{1,80}?)"
    r"(?:\s+[tT]o\s+(?P<to>.{1,80}?))?\s*:(?:\s(?P<text>.*))?$"
)
OF_CLOUD = re.compile(
    r"^(?P<clock>\d\d:\d\d:\d\d)\t\s*(?P<name>[^\t:]{1,80}?)(?P<to>(?!))?:\t(?P<text>.*)$"
)
PRIVATE = re.compile(r"\s*\((?:Direct Message|Privately)\)$", re.I)
REACTION = re.compile(r'(?:Reacted to|Removed a \S+ reaction from) [“"].*', re.S)
REPLY = re.compile(r'^Replying to [“"].*?[”"]\s*\n\s*', re.S)
DAY = dt.date(1, 1, 1)  # of a meeting, which the file does not give


def recognise(head: list[str]) -> bool:
    filled = sum(bool(line.strip()) for line in head)
    messages = sum(bool(_matched(line)) for line in head)
    return messages > 0 and messages * 4 > filled


def read(lines: Iterable[str], place: Place) -> Iterator[Transcript | Unread]:
    apart: dict[str, list[Entry]] = {}
    for audience, entry in _entries(lines):
        apart.setdefault(audience, []).append(entry)
    for log in apart.values():
        yield from split(log)


def _entries(lines: Iterable[str]) -> Iterator[tuple[str, Entry]]:
    match: re.Match[str] | None = None
    parts: list[str] = []
    for line in lines:
        found = _matched(line)
        if found is None:
            if match:
                parts.append(line.strip())
            elif line.strip():
                yield "everyone", LeftOut("line before the first message")
            continue
        if match:
            yield _audience(match), _entry(match, parts)
        match, parts = found, [found["text"] or ""]
    if match:
        yield _audience(match), _entry(match, parts)


def _matched(line: str) -> re.Match[str] | None:
    return LINE.match(line.rstrip()) or OF_CLOUD.match(line.rstrip())


def _audience(match: re.Match[str]) -> str:
    """Everyone, or the two who write to each other, whoever writes."""
    to = (match["to"] or "everyone").strip()
    if to.lower() in ("everyone", "all", "all panelists and attendees"):
        return "everyone"
    return "\n".join(sorted((match["name"].strip(), PRIVATE.sub("", to))))


def _entry(match: re.Match[str], parts: list[str]) -> TimedTurn | LeftOut:
    text = REPLY.sub("", "\n".join(parts).strip())
    if REACTION.fullmatch(text):
        return LeftOut("reaction")
    if not text:
        return LeftOut("message without text")
    time = clock.of_day(match["clock"])
    moment = dt.datetime.combine(DAY, time) if time else None
    return TimedTurn(moment, match["name"].strip(), text)
