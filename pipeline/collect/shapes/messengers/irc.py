"""Logs of IRC clients: irssi, WeeChat, ZNC, mIRC, HexChat, Konversation, Textual and others.

--- Day changed Thu Dec 31 2020
21:15 <ada> happy new year
[21:16] <@ben> thanks!
21:16  * ada waves
2020-12-31 21:17:00	ada	and to you

Actions (`* ada waves`) are turns between asterisks; joins, parts and other notices are counted and
left out. A silence of six hours begins a new conversation; a file is one group. The day is that of
the lines, of a line of its own, or of the file's name.
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

ABOUT = About("IRC clients", ("names", "times", "groups"))

LINE = re.compile(
    r"^(?:\[?(?P<day>\d{4}-\d\d-\d\d|\d\d[./-]\d\d[./-]\d{4}|[A-Z][a-z]{2} \d\d|"
    r"(?:[A-Z][a-z]{2} )?\d\d? [A-Z][a-z]{2} \d{4})\]?[T ]\s?)?"
    r"[\[(]?(?P<clock>\d{1,2}:\d\d(?::\d\d)?)(?:[.,+Z-][\d:.+-]*)?(?: ?(?P<half>[AP]M))?[\])]?"
    r"(?P<gap>\s+)(?P<rest>\S.*)$"
)
MESSAGE = re.compile(r"^<[ @+%&~!]*(?P<nick>[^<>\s]{1,40})>\s?(?P<text>.*)$")
TABBED = re.compile(r"^(?P<nick>[^\t]{1,40})\t(?P<text>.*)$")
ACTION = re.compile(r"^(?:\*\s+|Action: )(?P<nick>[^\s*]{1,40})\s+(?P<text>.*)$")
# HexChat and mIRC write these like actions.
NOTICE = re.compile(
    r"^(?:\(?\S+@\S+\)? )?(?:\([^()]*@[^()]*\) )?(?:has (?:joined|left|quit|changed|set|kicked)\b|"
    r"(?:is|are) now known as\b|sets? mode\b|gives (?:channel|voice)|removes (?:channel|voice)|"
    r"changes topic\b|was kicked\b|Quit\b|quit\b|joined #|talking in #|sets (?:ban|topic)\b|"
    r"\S+ (?:is|set by|has been) )"
)
NOBODY = {"now", "topic", "disconnected", "users", "set", "mode", "you", "looking", "connected"}
DAY_LINE = re.compile(
    r"^\W*(?:Log opened|Day changed|Session Start|Session Time|BEGIN LOGGING AT|Log started|"
    r"Logging started)\W+(?P<day>.*?)\W*$",
    re.I,
)
IN_NAME = re.compile(r"(?<!\d)(?P<year>(?:19|20)\d\d)-?(?P<month>\d\d)-?(?P<day>\d\d)(?!\d)")
# colours and bold letters
CONTROL = re.compile(r"\x03(?:\d{1,2}(?:,\d{1,2})?)?|[\x02\x0f\x11\x16\x1d\x1e\x1f]")
DISORDER = 10 * 60  # seconds that a line may be older than the one before it, on the same day
UNKNOWN_DAY = dt.date(1, 1, 1)  # of a log without any date: only the distances count


def recognise(head: list[str]) -> bool:
    plain = (CONTROL.sub("", line).rstrip() for line in head)
    matches = [match for match in map(LINE.match, plain) if match]
    messages = sum(bool(MESSAGE.match(match["rest"].rstrip())) for match in matches)
    filled = sum(bool(line.strip()) for line in head)
    # Most lines of a quiet channel are notices, with a time as well.
    is_log = len(matches) * 2 > filled and messages * 10 > len(matches)
    return is_log or _has_columns(matches, filled)


def _has_columns(matches: list[re.Match[str]], lines: int) -> bool:
    """Whether it is a log of WeeChat: date, speaker and text, with tabs between them."""
    found = [
        TABBED.match(match["rest"]) for match in matches if match["day"] and "\t" in match["gap"]
    ]
    nicks = [match["nick"] for match in found if match]
    are_words = not any(" " in nick.strip() for nick in nicks)
    is_program = all(nick.isupper() for nick in nicks)
    return len(nicks) * 2 > lines and are_words and not is_program


def read(lines: Iterable[str], place: Place) -> Iterator[Transcript | Unread]:
    return split(_entries(lines, _day_of(place.path)))


def _day_of(path: str) -> dt.date:
    """The day in a file's name, as ZNC writes a file a day."""
    for match in reversed(list(IN_NAME.finditer(path))):
        try:
            return dt.date(int(match["year"]), int(match["month"]), int(match["day"]))
        except ValueError:
            continue
    return UNKNOWN_DAY


def _entries(lines: Iterable[str], day: dt.date) -> Iterator[Entry]:
    # Most logs give no date: days are then counted by the clock passing midnight.
    last = dt.time()
    for line in lines:
        match = LINE.match(CONTROL.sub("", line).rstrip())
        if match is None:
            if named := _day_named(line):
                day, last = named, dt.time()
            yield from [LeftOut("notice")] * bool(line.strip())
            continue
        time = _time(match) or last
        named = _day(match["day"], day) if match["day"] else None
        if named is None and _seconds(last) - _seconds(time) > DISORDER:
            day += dt.timedelta(days=1)
        day, last = named or day, time
        yield _entry(match, dt.datetime.combine(day, time))


def _entry(match: re.Match[str], moment: dt.datetime) -> TimedTurn | LeftOut:
    rest = match["rest"].rstrip()
    if message := MESSAGE.match(rest):
        return TimedTurn(moment, message["nick"], message["text"])
    action = ACTION.match(rest)
    if action and not _is_notice(action):
        return TimedTurn(moment, action["nick"], f"*{action['text']}*")
    column = TABBED.match(rest)
    if column and "\t" in match["gap"] and _is_nick(column["nick"]):
        return TimedTurn(moment, column["nick"].lstrip(" @+%&~"), column["text"])
    return LeftOut("notice")


def _is_notice(action: re.Match[str]) -> bool:
    is_nobody = action["nick"].lower().rstrip(":") in NOBODY
    return is_nobody or bool(NOTICE.match(action["text"]))


def _is_nick(text: str) -> bool:
    """Not an arrow, two dashes or the like, as WeeChat has them before a notice."""
    return bool(re.search(r"\w", text))


def _seconds(time: dt.time) -> int:
    return (time.hour * 60 + time.minute) * 60 + time.second


def _time(match: re.Match[str]) -> dt.time | None:
    return clock.of_day(f"{match['clock']} {match['half'] or ''}")


def _day(text: str, last: dt.date) -> dt.date | None:
    """The day of a line. A day without a year is of the year of the lines before."""
    if re.fullmatch(r"[A-Z][a-z]{2} \d\d", text):
        year = last.year
        if last.month == 12 and text.startswith("Jan"):
            year += 1
        text = f"{text} {year:04}"
    return _day_named(f"Log opened {text}")


def _day_named(line: str) -> dt.date | None:
    """The day that a line between the messages gives."""
    match = DAY_LINE.match(line.strip())
    if match is None:
        return None
    stamp = clock.parse(f"{match['day']} 0:00") or clock.parse(match["day"])
    moment = clock.moment(stamp, day_first=True) if stamp else None
    return moment.date() if moment else None
