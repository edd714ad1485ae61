"""LibreChat, exported as text or Markdown: a heading, then each sender above their message.

Conversation                            # Conversation
########################                - conversationId: c1
conversationId: c1
                                        ## History
History                                 **User**
########################                Which tea?
>> User:
Which tea?
                                        **Claude**
                                        Darjeeling.
>> Claude:
Darjeeling.

Two empty lines stand before each sender but the first. `User` is the user, anybody else a model.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from pipeline.collect.shapes.transcript import About, Place, Transcript, Turn, Unread

ABOUT = About("LibreChat, exported as text", ("roles",), private=True)

TITLE = re.compile(r"(?:# )?Conversation\s*")
ID = re.compile(r"(?:- )?conversationId: (\S+)")
SENDERS = re.compile(r"(?:^|\n\n\n)(?:>> ([^\n]{1,80}):|\*\*([^\n*]{1,80})\*\*)[ \t]*\n")
HISTORY = re.compile(r"^(?:## History|History\n#+)[ \t]*\n", re.M)


def recognise(head: list[str]) -> bool:
    filled = [line for line in head if line.strip()]
    return bool(filled) and bool(TITLE.fullmatch(filled[0])) and any(map(ID.match, filled[:4]))


def read(lines: Iterable[str], place: Place) -> Iterator[Transcript | Unread]:
    text = "".join(lines).replace("\r\n", "\n")
    before, *parts = HISTORY.split(text, 1)
    turns = _turns("".join(parts))
    if not turns:
        yield Unread("record.unreadable", "no sender stands at the head of the history", text)
        return
    own_id = ID.search(before)
    empty = sum(not turn[1] for turn in turns)
    yield Transcript(
        [turn for turn in turns if turn[1]],
        record=own_id[1] if own_id else None,
        left_out={"empty message": empty} if empty else {},
    )


def _turns(history: str) -> list[Turn]:
    """The turns of a history; [] where it does not begin with a sender."""
    found = list(SENDERS.finditer(history))
    if not found or history[: found[0].start()].strip():
        return []
    ends = [*(sender.start() for sender in found), len(history)][1:]
    return [_turn(one, history[one.end() : end]) for one, end in zip(found, ends, strict=True)]


def _turn(sender: re.Match[str], text: str) -> Turn:
    name = sender[1] or sender[2]
    return None, text.strip(), "user" if name == "User" else "assistant"
