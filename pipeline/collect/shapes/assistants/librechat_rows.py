"""LibreChat, exported as a table or from its database: a message a row.

sender,text,isCreatedByUser,messageId,parentMessageId,createdAt
User,Which tea?,true,m0,00000000-0000-0000-0000-000000000000,2024-04-25T18:00:00.000Z
Claude,Darjeeling.,false,m1,m0,2024-04-25T18:01:00.000Z

Rows with the same `conversationId` are one conversation; without that field all of the file are.
They are read as `librechat` reads a list.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from pipeline.collect.shapes.assistants import librechat
from pipeline.collect.shapes.common.gather import gathered
from pipeline.collect.shapes.transcript import (
    About,
    Fields,
    Place,
    Records,
    Transcript,
    Unread,
    unreadable,
)

ABOUT = About("LibreChat, a message a row", ("roles", "times", "alternatives"), private=True)

KEY = "conversationId"
NEEDED = {"isCreatedByUser", "messageId", "text"}
WORDS = {"true": True, "false": False, "": None}  # a table holds texts only
FLAGS = ("isCreatedByUser", "error", "unfinished")


def recognise(head: list[object]) -> bool:
    return bool(head) and all(isinstance(row, dict) and row.keys() >= NEEDED for row in head)


def read(records: Records, place: Place) -> Iterator[tuple[int, Transcript | Unread]]:
    rows = iter(records)
    first = next(rows, None)
    if first is None:
        return
    has_id = isinstance(first[1], dict) and bool(first[1].get(KEY))
    for group in gathered(chain([first], rows), KEY if has_id else None, None):
        if isinstance(group, tuple):
            yield group
        else:
            yield group[0][0], _chat([row for _, row in group])


def _chat(rows: list[Fields]) -> Transcript | Unread:
    record: Fields = {"messages": list(map(_with_flags, rows)), KEY: rows[0].get(KEY)}
    try:
        [found] = librechat.read(record)
    except ValueError as error:
        return unreadable(error, rows)
    found.merged = len(rows) - 1
    return found


def _with_flags(row: Fields) -> Fields:
    """The row; where its flags are words, with true and false in their place."""
    words = {name: str(row[name]).lower() for name in FLAGS if isinstance(row.get(name), str)}
    return row | {name: WORDS.get(word, word) for name, word in words.items()}
