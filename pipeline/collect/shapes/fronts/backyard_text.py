"""Backyard (Faraday before): a chat exported as text, with a line of dashes behind each message.

[3/2/2024, 2:05:11 PM] Ben:
---
[3/2/2024, 2:05:11 PM] Ada: Good evening.
---
[3/2/2024, 2:06:00 PM] Ben: Is it late?
---

Empty messages at the beginning are the speakers in order, the user first. Without them the user is
the one who is called User, Me or You. A file is one chat.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from pipeline.collect.shapes.fronts import fronts
from pipeline.collect.shapes.transcript import About, Place, Transcript, Turn, Unread, unreadable

ABOUT = About("Backyard, Faraday: chats as text", ("roles", "names", "times", "groups"))

HEAD = re.compile(r"\[(\d+/\d+/\d{4}), (\d+:\d\d:\d\d)\s([AaPp][Mm])\] ([^:\n]{1,100}):[ \t]?")
RULE = "---"
USERS = ("user", "me", "you")


def recognise(head: list[str]) -> bool:
    """Every message of the head but the last, which may be cut, ends with a line of dashes."""
    blocks = list(_blocks(head))
    heads = sum(HEAD.match(line) is not None for line in head)
    rules = sum(line.strip() == RULE for line in head)
    whole = all(HEAD.match(block) for block in blocks)
    return rules > 0 and whole and 0 <= heads - rules <= 1


def read(lines: Iterable[str], place: Place) -> Iterator[Transcript | Unread]:
    messages: list[tuple[str, str]] = []
    times: list[str] = []
    for block in _blocks(lines):
        head = HEAD.match(block)
        if head is None:
            yield unreadable(ValueError("no time and speaker at its head"), block)
            continue
        times.append(f"{head[1]} {head[2]} {head[3]}")
        messages.append((head[4].strip(), block[head.end() :].strip()))
    turns, left_out = _turns(messages)
    if messages:
        transcript = Transcript(turns, group=place.path, extra=fronts.began(*times[:1]))
        transcript.left_out = {"message without text": left_out} if left_out else {}
        yield transcript


def _blocks(lines: Iterable[str]) -> Iterator[str]:
    block: list[str] = []
    for line in lines:
        if line.strip() != RULE:
            block.append(line)
            continue
        yield "".join(block)
        block = []
    if "".join(block).strip():
        yield "".join(block)


def _turns(messages: list[tuple[str, str]]) -> tuple[list[Turn], int]:
    """(turns, how many messages had no text)"""
    user = _user(messages)
    turns: list[Turn] = []
    for name, text in messages:
        if text and user is None:
            turns.append((name, text, None))
        elif text:
            turns.append((name, text, "user" if name == user else "assistant"))
    return turns, len(messages) - len(turns)


def _user(messages: list[tuple[str, str]]) -> str | None:
    first = messages[0] if messages else ("", "text")
    if not first[1]:
        return first[0]
    return next((name for name, _ in messages if name.lower() in USERS), None)
