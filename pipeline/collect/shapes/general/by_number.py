"""Lines that begin with the number of their speaker.

1 Did the ferry run?
2 Only the morning one.
1 So you stay?

Numbers that only count lines (1, 2, 3, and again from 1) are no speakers. A file is one
conversation.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator

from pipeline.collect.shapes.general import cell
from pipeline.collect.shapes.transcript import About, Place, Transcript, Turn, Unread

ABOUT = About("lines that begin with the number of a speaker", ("names",))

LINE = re.compile(r"\s*(\d{1,2})[ \t]+(\S[^\t]*?)\s*")
MOST = 20  # speakers
ONE_FILE = "the file is one conversation"


def recognise(head: list[str]) -> bool:
    lines = [line for line in head if line.strip()]
    matches = [match for match in map(LINE.fullmatch, lines) if match]
    numbers = [int(match[1]) for match in matches]
    if len(numbers) < 3 or len(numbers) < len(lines) or max(numbers) > MOST:
        return False
    sentences = sum(match[2][-1] in cell.ENDS for match in matches)  # a shopping list has none
    come_back = 1 < len(set(numbers)) < len(numbers)
    return come_back and sentences * 2 > len(matches) and not _count_lines(numbers)


def _count_lines(numbers: list[int]) -> bool:
    """Whether each number is one more than that before it, or 1, and some are above 2."""
    is_next = (now in (1, before + 1) for before, now in itertools.pairwise(numbers))
    return max(numbers) > 2 and numbers[0] in (0, 1) and all(is_next)


def read(lines: Iterable[str], place: Place) -> Iterator[Transcript | Unread]:
    turns: list[Turn] = []
    for line in lines:
        match = LINE.fullmatch(line)
        if match:
            turns.append((match[1], match[2], None))
        elif line.strip():
            yield Unread("record.unreadable", "the line has no number of a speaker", line)
    if turns:
        yield Transcript(turns, assumed=(ONE_FILE,))
