"""Chats written as examples for a character card: `{{char}}:` and `{{user}}:` before each message.

<START>
{{char}}: Good evening.
{{user}}: Is it late?
<START>
{{char}}: You again.

`<START>` and `END_OF_DIALOG` (Character.AI) end a conversation. A line without a speaker continues
the message before it. A file is one group.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from pipeline.collect.shapes.transcript import About, Place, Transcript, Turn, Unread, unreadable
from pipeline.conversation import Role

ABOUT = About("example chats of character cards, as text", ("roles", "groups"))

BETWEEN = ("<start>", "end_of_dialog")
SPEAKER = re.compile(r"[ \t]*(\{\{(?:char|user|random_user_\d+)\}\}|<BOT>|<USER>):[ \t]?", re.I)


def recognise(head: list[str]) -> bool:
    """The first line of text is of a speaker or a mark, and speakers come back."""
    filled = [line for line in head if line.strip()]
    speakers = sum(SPEAKER.match(line) is not None for line in filled)
    return speakers >= 2 and (_is_between(filled[0]) or SPEAKER.match(filled[0]) is not None)


def _is_between(line: str) -> bool:
    return line.strip().lower() in BETWEEN


def read(lines: Iterable[str], place: Place) -> Iterator[Transcript | Unread]:
    block: list[str] = []
    for line in lines:
        if not _is_between(line):
            block.append(line)
            continue
        yield from _chat(block)
        block = []
    yield from _chat(block)


def _chat(block: list[str]) -> Iterator[Transcript | Unread]:
    turns: list[Turn] = []
    before = ""
    for line in block:
        head = SPEAKER.match(line)
        if head:
            turns.append((None, line[head.end() :], _role(head)))
        elif turns:
            turns[-1] = (None, turns[-1][1] + line, turns[-1][2])
        else:
            before += line
    if before.strip():
        yield unreadable(ValueError("no line begins with {{char}}: or {{user}}:"), before)
    filled = [(name, text.strip(), role) for name, text, role in turns if text.strip()]
    if filled:
        yield Transcript(filled)


def _role(head: re.Match[str]) -> Role:
    return "assistant" if head[1].lower() in ("{{char}}", "<bot>") else "user"
