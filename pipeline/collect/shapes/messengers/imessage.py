"""Messages of an iPhone or a Mac, exported as text by imessage-exporter.

Apr 25, 2024  6:00:00 PM
Ada
Hello!

Apr 25, 2024  6:01:00 PM (Read by you after 5 seconds)
Ben
Good evening.
Tapbacks:
    Loved by Ada

Notices, attachments and tapbacks are counted and left out; a reply that stands below the message it
answers is left out there, because it comes again in its own place. A silence of six hours begins a
new conversation; a file is one group.
"""

from __future__ import annotations

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

ABOUT = About("iMessage, by imessage-exporter", ("names", "times", "groups"), private=True)

TIME = re.compile(
    r"^(?P<stamp>[A-Z][a-z]{2} \d{1,2}, \d{4}  ?\d{1,2}:\d\d:\d\d [AP]M)"
    r"(?: \((?:Read|Delivered|Edited)[^\n]*\))?(?: (?P<notice>\S.*))?$"
)
ATTACHMENT = re.compile(r"^(?:/|attachments/|~/Library)\S.*\.\w{2,5}$|^Attachment missing!?.*$")
BELOW = "    "  # of what stands below a message
REMARKS = {
    "This message responded to an earlier message.",
    "Sent with Loud",
    "Sent with Balloons",
}


def recognise(head: list[str]) -> bool:
    return any(map(TIME.match, (line.rstrip() for line in head[:3])))


def read(lines: Iterable[str], place: Place) -> Iterator[Transcript | Unread]:
    return split(_entries(lines))


def _entries(lines: Iterable[str]) -> Iterator[Entry]:
    match: re.Match[str] | None = None
    block: list[str] = []
    for line in lines:
        found = TIME.match(line.rstrip())
        if found is None:
            block.append(line.rstrip())
            continue
        if match:
            yield from _block(match, block)
        match, block = found, []
    if match:
        yield from _block(match, block)


def _block(match: re.Match[str], block: list[str]) -> Iterator[Entry]:
    """The message of a time, a name and lines of text."""
    name = block[0].strip() if block else ""
    if match["notice"] or not name:
        yield LeftOut("notice")
        return
    words: list[str] = []
    found: list[str] = []
    for line in block[1:]:
        if line == "Tapbacks:":
            break
        if ATTACHMENT.match(line):
            found.append("attachment")
        elif line not in REMARKS and not line.startswith(BELOW):
            words.append(line)
    found += ["tapback"] * sum(" by " in line for line in block if line.startswith(BELOW))
    yield from map(LeftOut, found)
    text = "\n".join(words).strip()
    stamp = clock.parse(match["stamp"])
    if text:
        yield TimedTurn(clock.moment(stamp, False) if stamp else None, name, text)
    elif not found:
        yield LeftOut("message without text")
