"""WhatsApp's exported chats (text), with a phone's or a computer's way of writing the time.

12/31/20, 9:15 PM - Ada: Happy new year!
[31.12.20, 21:15:03] Ada: Happy new year!
2024/10/31 下午3:50 - Ada: 你好

A line without a time continues the message before it. Notices of the app, with and without a
speaker, deleted messages, calls and media are counted and left out. Signal's text exports look like
this too. A silence of six hours begins a new conversation; a file is one group.
"""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from typing import NamedTuple

from pipeline.collect.shapes.common import clock
from pipeline.collect.shapes.common.silence import Entry, LeftOut, TimedTurn, split
from pipeline.collect.shapes.messengers import whatsapp_texts
from pipeline.collect.shapes.transcript import (
    About,
    Place,
    Transcript,
    Unread,
)

ABOUT = About("WhatsApp and Signal, exported as text", ("names", "times", "groups"), private=True)

MARKS = clock.MARKS
IN_BRACKETS = re.compile(
    rf"^[{MARKS}]*\[ ?(?P<stamp>[^\[\]]{{10,48}}?) ?\][ \t]?(?P<rest>.*)$", re.S
)
BEFORE_DASH = re.compile(
    rf"^[{MARKS}]*(?P<stamp>\d[^\[\]]{{9,46}}?)[\s\u202f][-–—] (?P<rest>.*)$", re.S
)
SPEAKER = re.compile(r"(?P<name>[^\n]{1,100}?)[ \u00a0\u202f]?:(?:[ \n]|$)")
QUOTES = re.compile('["“”„«»]')
LEVELS = {"DEBUG", "INFO", "NOTICE", "WARN", "WARNING", "ERROR", "FATAL", "CRITICAL", "TRACE"}
HEAD = 10_000  # messages that show how dates are written


class LogLine(NamedTuple):
    """A line with a time, and those below it without one. stamp: None before the first time."""

    stamp: clock.Stamp | None
    rest: str
    brackets: bool = False


def recognise(head: list[str]) -> bool:
    found = [line for line in map(_line, head) if line]
    names = [match["name"] for line in found if (match := SPEAKER.match(line.rest))]
    is_program = bool(names) and all(name in LEVELS for name in names)
    return bool(names) and len(found) * 3 > len(head) and not is_program


def read(lines: Iterable[str], place: Place) -> Iterator[Transcript | Unread]:
    log = _joined(lines)
    head = list(islice(log, HEAD))
    day_first, assumed = clock.days_first([line.stamp for line in head if line.stamp])
    return split(_entries(chain(head, log), day_first, _speakers(head)), assumed=assumed)


def _line(line: str) -> LogLine | None:
    match, brackets = IN_BRACKETS.match(line), True
    if match is None:
        match, brackets = BEFORE_DASH.match(line), False
    stamp = clock.parse(match["stamp"]) if match else None
    if match is None or stamp is None:
        return None
    return LogLine(stamp, match["rest"].rstrip("\r\n"), brackets)


def _joined(lines: Iterable[str]) -> Iterator[LogLine]:
    """The lines with a time, each with those that continue it."""
    parts: list[str] = []
    latest: LogLine | None = None
    for line in lines:
        if found := _line(line):
            if latest:
                yield latest._replace(rest="\n".join(parts))
            latest, parts = found, [found.rest]
        elif latest:
            parts.append(line.rstrip())
        elif line.strip():
            yield LogLine(None, line.strip())
    if latest:
        yield latest._replace(rest="\n".join(parts))


def _speakers(head: list[LogLine]) -> set[str]:
    """Who speaks more than once."""
    matches = [SPEAKER.match(line.rest) for line in head if line.stamp]
    counts = Counter(match["name"] for match in matches if match)
    return {name for name, count in counts.items() if count > 1} | {"You"}


def _entries(log: Iterable[LogLine], day_first: bool, speakers: set[str]) -> Iterator[Entry]:
    is_first = True
    for line in log:
        match = SPEAKER.match(line.rest)
        if line.stamp is None:
            yield LeftOut("line before the first message")
            continue
        if match is None or _is_notice(match["name"], line.rest[match.end() :], speakers, is_first):
            yield LeftOut("notice")
        else:
            moment = clock.moment(line.stamp, day_first)
            yield from _message(moment, match["name"], line.rest[match.end() :])
        is_first = False


def _is_notice(name: str, text: str, speakers: set[str], is_first: bool) -> bool:
    """Whether the app wrote the line, though a colon stands in it.

    Joakim: Messages and calls are end-to-end encrypted.      the first line, as of the chat's name
    Ada named the group “Choir: the low notes”                the colon stands in a quotation
    Ada changed the description: no smoking                   a speaker's name, and more words
    """
    if is_first and len(text) > 40 and whatsapp_texts.ENCRYPTED.search(text):
        return True
    if len(QUOTES.findall(name)) % 2 == 1:
        return True
    words = name.split()
    heads = (" ".join(words[:count]) for count in range(1, len(words)) if words[count].islower())
    return name not in speakers and any(head in speakers for head in heads)


def _message(moment: dt.datetime | None, name: str, text: str) -> Iterator[Entry]:
    """The message of a line, and what else stands there."""
    parts = whatsapp_texts.take_apart(text)
    yield from map(LeftOut, parts.left_out)
    if parts.text:
        speaker = clock.NO_MARKS.sub("", name).lstrip("~").strip()
        yield TimedTurn(moment, speaker, parts.text)
    elif not parts.left_out:
        yield LeftOut("message without text")
