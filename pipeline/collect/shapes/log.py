"""Plain chat logs: `Name: text`, a turn a line.

Ada: Hello!
Ben: Good evening.
  How are you?

A line without a speaker continues the turn before it. A conversation ends at an empty line (unless
nearly every line is followed by one), or at a line of dashes, stars or equal signs. A file is one
group.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import chain, islice

from pipeline.collect.shapes import cell
from pipeline.collect.shapes.transcript import (
    About,
    Place,
    Transcript,
    Unread,
)

ABOUT = About("plain logs, `Name: text`", ("names", "groups"))

RULE = re.compile(r"^\s*([-=*_#])\1{2,}\s*$")  # a horizontal one
HEAD = 1000  # lines that show what an empty line means


def recognise(head: list[str]) -> bool:
    labels = [match[1] for match in map(cell.SPEAKER.match, head) if match]
    speakers = set(labels)
    lines = sum(bool(line.strip()) for line in head)
    comes_back = len(speakers) < len(labels)
    # Three lines are too few for a speaker to come back.
    is_most = len(labels) * 2 > lines
    return is_most and len(speakers) >= 2 and (comes_back or len(labels) < 4)


def read(lines: Iterable[str], place: Place) -> Iterator[Transcript | Unread]:
    lines = iter(lines)
    head = list(islice(lines, HEAD))
    filled = sum(bool(line.strip()) for line in head)
    blank_separates = (len(head) - filled) * 3 < filled
    for block in _blocks(chain(head, lines), blank_separates):
        text = "\n".join(block)
        turns = cell.turns_of(text)
        if turns:
            yield Transcript(turns)
        else:
            yield Unread("record.unreadable", "no line of the form `Name: text`", text)


def _blocks(lines: Iterable[str], blank_separates: bool) -> Iterator[list[str]]:
    block: list[str] = []
    for line in lines:
        is_blank = not line.strip()
        if RULE.match(line) or (is_blank and blank_separates):
            if block:
                yield block
            block = []
        elif not is_blank:
            block.append(line.rstrip())
    if block:
        yield block
