"""Plain chat logs: `Name: text`, a turn a line.

Ada: Hello!
Ben: Good evening.
  How are you?

A line without a speaker goes on with the turn before. Talks are parted by an empty line (unless nearly every line is
followed by one) or by a line of dashes, stars or equal signs. A file is one group.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import chain, islice

from pipeline.collect.shapes import cell
from pipeline.collect.shapes.talk import Talk, Unread

RULE = re.compile(r"^\s*([-=*_#])\1{2,}\s*$")


def recognise(head: list[str]) -> bool:
    said = [match[1] for match in map(cell.SPEAKER.match, head) if match]
    lines = sum(bool(line.strip()) for line in head)
    return (
        len(said) * 2 > lines
        and len(set(said)) >= 2
        and (len(set(said)) < len(said) or len(said) < 4)
    )


def read(lines: Iterable[str]) -> Iterator[Talk | Unread]:
    lines = iter(lines)
    head = list(islice(lines, 1000))
    blank_parts = sum(not line.strip() for line in head) * 3 < sum(
        bool(line.strip()) for line in head
    )
    for block in _blocks(chain(head, lines), blank_parts):
        text = "\n".join(block)
        turns = cell.spoken(text)
        yield Talk(turns) if turns else Unread("no line of the form `Name: text`", text)


def _blocks(lines: Iterable[str], blank_parts: bool) -> Iterator[list[str]]:
    block: list[str] = []
    for line in lines:
        if RULE.match(line) or (blank_parts and not line.strip()):
            if block:
                yield block
            block = []
        elif line.strip():
            block.append(line.rstrip())
    if block:
        yield block
