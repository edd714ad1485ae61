"""A Discord channel as DiscordChatExporter writes it in plain text.

==============================================================
Guild: Direct Messages
Channel: Ben
==============================================================

[4/1/2024 6:00 PM] ada_x
Hello!

[4/1/2024 6:01 PM] ben_x (pinned)
Good evening.

{Reactions}
👍 (1)

Messages copied from Teams look like this too, without the title. Notices, attachments and embeds
are counted and left out. A silence of six hours begins a new conversation; a file is one group.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from pipeline.collect.shapes.common import clock
from pipeline.collect.shapes.common.silence import Entry, LeftOut, TimedTurn, in_time, split
from pipeline.collect.shapes.messengers.discord_csv import NOTICE
from pipeline.collect.shapes.transcript import (
    About,
    Place,
    Transcript,
    Unread,
)

ABOUT = About(
    "Discord, by DiscordChatExporter; Teams, copied", ("names", "times", "groups"), private=True
)

RULE = re.compile(r"^={20,}$")
TITLE = re.compile(r"^(?:Guild|Channel): ")
LINE = re.compile(r"^\[(?P<stamp>[^\[\]]{10,30})\] (?P<name>.{1,60}?)(?: \(pinned\))?$")
PART = re.compile(r"^\{(?P<what>Attachments|Embed|Stickers|Reactions|Poll)\}$")
COUNTED = {
    "Attachments": "attachment",
    "Embed": "embed",
    "Stickers": "sticker",
    "Reactions": "reaction",
    "Poll": "poll",
}
Posting = tuple[clock.Stamp, str, list[str]]  # time, speaker, lines


def recognise(head: list[str]) -> bool:
    plain = [line.lstrip("\ufeff").rstrip() for line in head]
    if any(map(RULE.match, plain[:2])):
        return any(map(TITLE.match, plain[:4]))
    begun = _begins(next(filter(None, plain), ""))
    return begun is not None and ":" not in begun[1] and len(plain) > 1


def read(lines: Iterable[str], place: Place) -> Iterator[Transcript | Unread]:
    blocks = list(_blocks(lines))
    day_first, assumed = clock.days_first([stamp for stamp, _, _ in blocks])
    log = [entry for block in blocks for entry in _entries(block, day_first)]
    return split(in_time(log), assumed=assumed)


def _blocks(lines: Iterable[str]) -> Iterator[Posting]:
    block: Posting | None = None
    for line in lines:
        if begun := _begins(line):
            if block:
                yield block
            block = begun
        elif RULE.match(line.rstrip()):  # the end
            if block:
                yield block
            block = None
        elif block:
            block[2].append(line.rstrip())
    if block:
        yield block


def _begins(line: str) -> Posting | None:
    """The time and the speaker of a line that begins a message."""
    match = LINE.match(line.rstrip())
    stamp = clock.parse(match["stamp"]) if match else None
    return (stamp, match["name"], []) if match and stamp else None


def _entries(block: Posting, day_first: bool) -> Iterator[Entry]:
    stamp, name, lines = block
    found = [match["what"] for match in map(PART.match, lines) if match]
    ends = next((at for at, line in enumerate(lines) if PART.match(line)), len(lines))
    text = "\n".join(lines[:ends]).strip()
    yield from (LeftOut(COUNTED[what]) for what in found)
    if NOTICE.fullmatch(text):
        yield LeftOut("notice")
    elif text:
        yield TimedTurn(clock.moment(stamp, day_first), name, text)
    elif not found:
        yield LeftOut("message without text")
