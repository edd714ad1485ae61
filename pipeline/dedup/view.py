"""The view of a conversation: which of its messages are compared with those of others."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.dedup.arrays import Bytes, Flags, Integers, Signs
from pipeline.dedup.columns import arrow, values, whole
from pipeline.dedup.words import folded

ViewName = Literal["dialogue", "assistant", "opening"]
USER, ASSISTANT, IGNORED = 1, -1, 0

_MACRO = re.compile(r"\{\{(?:char|user)\}\}|<(?:bot|user)>", re.I)
_FILLED_IN = ".{0,40}?"  # letters of the name that stands for a macro


@dataclass(frozen=True)
class ComparedTexts:
    """The messages of many rows, their texts still where Arrow has them.

    Row r has the messages rows[r] … rows[r + 1] - 1. The text of message m is
    data[starts[m] : starts[m + 1]].
    """

    data: Bytes  # UTF-8 of all messages
    starts: Integers  # (messages + 1,)
    rows: Integers  # (rows + 1,)
    speakers: Signs  # (messages,) USER, ASSISTANT, or IGNORED under the view

    def messages(self, row: int) -> range:
        """The messages of a row that are compared."""
        return range(self.rows[row], self.rows[row + 1])

    def text(self, message: int) -> str:
        return self.data[self.starts[message] : self.starts[message + 1]].tobytes().decode()


@dataclass(frozen=True)
class Roles:
    """Who writes each message, and which row it belongs to."""

    user: Flags  # (messages,)
    assistant: Flags  # (messages,)
    row: Integers  # (messages of the rows,)
    rows: Integers  # (rows + 1,) where each row's messages start

    @property
    def inside(self) -> slice:
        """The messages of the rows: a sliced table still has those of its neighbours."""
        return slice(self.rows[0], self.rows[-1])

    def so_far(self, flags: Flags) -> Integers:
        """(messages of the rows,) how many flagged messages its row has up to and with each."""
        total = np.concatenate([[0], np.cumsum(flags)])
        before_row = total[self.rows[:-1]][self.row]
        so_far: Integers = total[self.rows[0] + 1 : self.rows[-1] + 1] - before_row
        return so_far


def compared_texts(table: pa.Table, view: ViewName) -> ComparedTexts:
    """The messages of a table that are compared under a view.

    dialogue: those of user and assistant. assistant: those of the assistant.
    opening: from the first of the user to the first answer to it. Never system
    messages, never the greeting of the row's persona (column `persona`, where
    there is one).
    """
    messages = whole(table["messages"])
    content = messages.values.field("content")
    roles = _roles(messages)
    asked = roles.so_far(roles.user) > 0
    chosen = _chosen(roles, asked, view)
    before_user = np.flatnonzero(roles.assistant[roles.inside] & ~asked)
    greeting = _is_greeting(table, content, before_user + roles.rows[0], roles.row[before_user])
    chosen[before_user[greeting] + roles.rows[0]] = False
    speakers = chosen * (roles.user * USER + roles.assistant * ASSISTANT)
    data, starts = buffers(content)
    return ComparedTexts(data, starts, roles.rows, speakers.astype(np.int8))


def _roles(messages: pa.Array) -> Roles:
    rows = values(messages.offsets).astype(np.int64)
    role = messages.values.field("role")
    owner = np.repeat(np.arange(len(rows) - 1), np.diff(rows))
    return Roles(has_role(role, "user"), has_role(role, "assistant"), owner, rows)


def has_role(role: pa.Array, name: str) -> Flags:
    """Which messages have this role, by its first letter: no two roles share one."""
    data, starts = buffers(role)
    first_letters = np.append(data, 0)[starts[:-1]]
    flags: Flags = (first_letters == ord(name[0])) & (np.diff(starts) > 0)
    return flags


def _chosen(roles: Roles, asked: Flags, view: ViewName) -> Flags:
    """(messages,) those under a view. asked: whether the user has written by then."""
    if view == "assistant":
        return roles.assistant.copy()
    chosen = roles.user | roles.assistant
    if view == "opening":
        inside = roles.inside
        answer = np.zeros(len(chosen), bool)
        answer[inside] = roles.assistant[inside] & asked
        earlier_answers = roles.so_far(answer) - answer[inside]
        chosen[inside] &= asked & (earlier_answers == 0)
    return chosen


def buffers(texts: pa.Array) -> tuple[Bytes, Integers]:
    """UTF-8 bytes and (texts + 1,) offsets of an Arrow string array, the bytes not copied."""
    if texts.null_count:
        texts = pc.fill_null(texts, "")
    texts = texts.cast(pa.large_string())
    _, offsets, data = texts.buffers()
    content = np.frombuffer(data or b"", np.uint8)
    content.flags.writeable = False
    if not offsets:
        return content, np.zeros(1, np.int64)
    starts = np.frombuffer(offsets, np.int64)
    return content, starts[texts.offset : texts.offset + len(texts) + 1]


# --- the greeting of a persona


def _is_greeting(table: pa.Table, content: pa.Array, messages: Integers, rows: Integers) -> Flags:
    """Which of these messages are what the persona of their row opens with."""
    nobody = np.zeros(len(messages), bool)
    if "persona" not in table.column_names or not len(messages):
        return nobody
    greeting = pc.struct_field(whole(table["persona"]), "greeting")
    if greeting.null_count == len(greeting):
        return nobody
    ours = content.take(arrow(messages))
    theirs = greeting.take(arrow(rows))
    flags: Flags = pc.fill_null(pc.equal(ours, theirs), False).to_numpy(zero_copy_only=False)
    open_ones = np.flatnonzero(~flags & theirs.is_valid().to_numpy(zero_copy_only=False))
    some = arrow(open_ones)
    flags[open_ones] = _greet(ours.take(some).to_pylist(), theirs.take(some).to_pylist())
    return flags


def _greet(texts: Sequence[str], greetings: Sequence[str]) -> list[bool]:
    return [_greets(text, card) for text, card in zip(texts, greetings, strict=True)]


def _greets(text: str, greeting: str) -> bool:
    """Whether a message is a card's greeting: macros filled in, blanks and marks repaired."""
    pieces = _pieces(greeting)
    pattern = _FILLED_IN.join(map(re.escape, pieces))
    return any(pieces) and re.fullmatch(pattern, _letters(text)) is not None


@lru_cache(1024)
def _pieces(greeting: str) -> list[str]:
    return [_letters(piece) for piece in _MACRO.split(greeting)]


def _letters(text: str) -> str:
    return "".join(filter(str.isalnum, folded(text)))
