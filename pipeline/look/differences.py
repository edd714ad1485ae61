"""How two lists of messages differ, message by message; and two texts, word by word."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from typing import Literal, NamedTuple

from pipeline.conversation import Message

LONG = 4_000  # words of both texts; longer ones are compared by their equal beginning and end
WORD = re.compile(r"\s+|\w+|[^\w\s]")
TextPiece = tuple[Literal["same", "gone", "new"], str]


def pieces(before: str, after: str) -> list[TextPiece]:
    """[same "I like ", gone "tea", new "coffee"]"""
    if before == after:
        return [("same", before)] * bool(before)
    old, new = WORD.findall(before), WORD.findall(after)
    if len(old) + len(new) > LONG:
        return _ends(before, after)
    found: list[TextPiece] = []
    matcher = SequenceMatcher(None, old, new, autojunk=False)
    for kind, start, end, other_start, other_end in matcher.get_opcodes():
        if kind == "equal":
            found.append(("same", "".join(old[start:end])))
            continue
        if end > start:
            found.append(("gone", "".join(old[start:end])))
        if other_end > other_start:
            found.append(("new", "".join(new[other_start:other_end])))
    return found


def _ends(before: str, after: str) -> list[TextPiece]:
    """An equal beginning and end, and all between."""
    shorter = min(len(before), len(after))
    start = next((n for n in range(shorter) if before[n] != after[n]), shorter)
    rest = range(1, shorter - start + 1)
    tail = next((n - 1 for n in rest if before[-n] != after[-n]), shorter - start)
    found: list[TextPiece] = [("same", before[:start])]
    found += [("gone", before[start : len(before) - tail])]
    found += [("new", after[start : len(after) - tail])]
    found += [("same", before[len(before) - tail :])]
    return [piece for piece in found if piece[1]]


class MessageBlock(NamedTuple):
    """Messages that are equal, or stand in the place of each other."""

    kind: Literal["equal", "replace", "delete", "insert"]
    left: range
    right: range


def blocks(left: Sequence[Message], right: Sequence[Message]) -> Iterator[MessageBlock]:
    first, second = ([one.content for one in side] for side in (left, right))
    matcher = SequenceMatcher(None, first, second, autojunk=False)
    for kind, start, end, other_start, other_end in matcher.get_opcodes():
        yield MessageBlock(kind, range(start, end), range(other_start, other_end))


def text_at(messages: Sequence[Message], index: int | None) -> str:
    """A message's text; empty where there is none."""
    return "" if index is None else messages[index].content
