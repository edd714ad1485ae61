"""Plain chat logs: `Name: text`, a turn a line.

Ada: Hello!
Ben: Good evening.
  How are you?

A line without a speaker continues the turn before it. A conversation ends at an empty line (unless
nearly every line is followed by one), or at a line of dashes, stars or equal signs, also one with
a heading in it (`=== Chat 2 ===`), at `Conversation 2` or at `<|endoftext|>`. A file is one group.
What stands before the first speaker goes to `extra`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import chain, islice, pairwise

from pipeline.collect.shapes.general import cell
from pipeline.collect.shapes.transcript import (
    ROLE_WORDS,
    About,
    Place,
    Transcript,
    Unread,
)

ABOUT = About("plain logs, `Name: text`", ("names", "groups"))

TALK = r"(?i:chat|conversation|dialogue|dialog|session|talk|thread|transcript|scene|episode)"
# a horizontal one, or a heading that begins another conversation, or the mark of an end
RULE = re.compile(
    rf"\s*(?:([-=*_#~])\1{{2,}}|"
    rf"([-=#~])\2{{2,}} *[^\n]*?(?:\d|{TALK})[^\n]* *(?:\2{{3,}})|"
    rf"(?:#+ *)?(?=[A-Z]){TALK} *[#№]? *\d+ *:?|"
    r"<\|(?:endoftext|end_of_text|eot)\|>|</s>|<eos>)\s*"
)
HEAD = 1000  # lines that show what an empty line means
ONE = "the file is one conversation"
SEVERAL = "an empty line or a rule ends a conversation"


def recognise(head: list[str]) -> bool:
    parts = [_labels(block) for block in _blocks(head, _blank_separates(head))]
    labels = [label for part in parts for label in part]
    lines = sum(bool(line.strip()) for line in head)
    if _are_headings(head):
        return True
    if len(labels) * 2 <= lines:
        return False
    # In a form, a label stands once in each block, and no sentence after it.
    comes_back = any(len(set(part)) < len(part) for part in parts)
    are_few = max(map(len, parts)) < 4 and cell.are_sentences(head)
    is_known = len(labels) < 4 or are_few or sum(map(cell.is_usual, set(labels))) > 1
    is_talk = cell.are_speakers(labels) and not cell.is_form("".join(head))
    return (comes_back or is_known) and is_talk


def _are_headings(head: list[str]) -> bool:
    """Whether both sides stand alone on lines, each above a text: `You said:`, `ChatGPT said:`."""
    bare = [line.strip().removesuffix(":").lower() for line in head if line.strip().endswith(":")]
    sides = [ROLE_WORDS[name] for name in bare if name in ROLE_WORDS]
    return {"user", "assistant"} <= {*sides} and all(a != b for a, b in pairwise(sides))


def _labels(lines: list[str]) -> list[str]:
    labels = [match[1].strip() for match in map(cell.head_of, lines) if match]
    return cell.without_numbers(labels)


def read(lines: Iterable[str], place: Place) -> Iterator[Transcript | Unread]:
    lines = iter(lines)
    head = list(islice(lines, HEAD))
    blank_separates = _blank_separates(head)
    is_several = any(RULE.fullmatch(line) for line in head)
    is_several |= blank_separates and _has_blank_inside(head)
    for block in _blocks(chain(head, lines), blank_separates):
        text = "\n".join(block)
        turns = cell.turns_of(text)
        if turns:
            assumed = SEVERAL if is_several else ONE
            yield cell.with_before(Transcript(turns, assumed=(assumed,)), text)
        else:
            yield Unread("record.unreadable", "no line of the form `Name: text`", text)


def _blank_separates(head: list[str]) -> bool:
    """Whether an empty line ends a conversation: not where nearly every line is followed by one."""
    filled = sum(bool(line.strip()) for line in head)
    return (len(head) - filled) * 3 < filled


def _has_blank_inside(lines: list[str]) -> bool:
    return "\n\n" in "\n".join(line.strip() for line in lines).strip()


def _blocks(lines: Iterable[str], blank_separates: bool) -> Iterator[list[str]]:
    block: list[str] = []
    for line in lines:
        is_blank = not line.strip()
        if RULE.fullmatch(line) or (is_blank and blank_separates):
            if block:
                yield block
            block = []
        elif not is_blank:
            block.append(line.rstrip())
    if block:
        yield block
