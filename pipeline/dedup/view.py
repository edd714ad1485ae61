"""What two conversations are compared by: which messages are heard, and what counts as a word in them.

Words: the text after NFKC and casefold, as runs of letters and digits; each CJK ideograph and each kana is a word.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.dedup.columns import arrow, values, whole

View = Literal["dialogue", "assistant", "opening"]
Bytes = npt.NDArray[np.uint8]
Offsets = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

IDEOGRAPH = 1 << 30  # flag in `characters()`: a word by itself
CONTEXT = (
    1 << 29
)  # flag: how it folds hangs on its neighbours, or it folds to several characters; see `folded`
PAIR = (
    1 << 28
)  # flag: it folds to two ASCII letters, 7 bits each, the first the lowest: ß, ligatures
KNOWN = 0x20000  # code points in the table; what lies beyond are ideographs (planes 2 and 3) or no letters
WESTERN = 0x3000  # code points before CJK: in UTF-8 none of their bytes reaches 0xE3
USER, ASSISTANT, UNHEARD = 1, -1, 0
_ALONE = "\u3041-\u3096\u309d-\u309f\u30a1-\u30fa\u30fc-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_MACRO = re.compile(r"\{\{(?:char|user)\}\}|<(?:bot|user)>", re.I)
_WORD = re.compile(rf"[{_ALONE}\U00020000-\U0003ffff]|[^\W_{_ALONE}\U00020000-\U0003ffff]+")


@dataclass(frozen=True)
class Heard:
    """The texts under a view, still where Arrow has them. Message m of row r: rows[r] <= m < rows[r + 1]."""

    data: Bytes  # UTF-8 of all messages
    texts: Offsets  # (messages + 1,) where each message starts in `data`
    rows: Offsets  # (rows + 1,) where each row's messages start
    speaker: npt.NDArray[np.int8]  # (messages,) USER, ASSISTANT, or UNHEARD under the view


def folded(text: str) -> str:
    """A text as it is compared: NFKC, then casefold."""
    return unicodedata.normalize("NFKC", text).casefold()


def words(text: str) -> list[str]:
    """The words of a text, in plain Python: the definition that the compiled code in `shingles.py` follows."""
    return [w for w in _WORD.findall(folded(text)) if w.isalnum() or ord(w[0]) >= KNOWN]


def characters(data: Bytes) -> npt.NDArray[np.uint32]:
    """What each code point of a UTF-8 text folds to: a small table suffices most texts, and costs a tenth of a second
    less."""
    return folding(KNOWN if data.max(initial=0) >= 0xE3 else WESTERN)


@cache
def folding(known: int) -> npt.NDArray[np.uint32]:
    """(known,) what each code point folds to if that is a letter or digit, else 0; with its flags."""
    table = np.zeros(known, np.uint32)
    texts = [
        " " if point == 10 or 0xD800 <= point < 0xE000 else chr(point) for point in range(known)
    ]
    joining, alone = _joining(texts), re.compile(f"[{_ALONE}]")
    for point, text in enumerate(
        folded("\n".join(texts)).split("\n")
    ):  # a line feed folds with nothing
        if len(text) == 2 and text.isascii() and text.isalpha():
            table[point] = PAIR | ord(text[0]) | ord(text[1]) << 7
        elif (
            point in joining
            or not joining.isdisjoint(map(ord, text))
            or (len(text) > 1 and _has_letter(text))
        ):
            table[point] = CONTEXT | (point if chr(point).isalnum() else 0)
        elif text.isalnum():
            table[point] = ord(text) | (IDEOGRAPH if alone.match(text) else 0)
    return table


def _has_letter(text: str) -> bool:
    return any(map(str.isalnum, text))


def _joining(texts: list[str]) -> set[int]:
    """Code points that NFKC may merge with, or move past, the one before: combining marks and Hangul jamo."""
    apart = unicodedata.normalize("NFD", "\n".join(texts)).split("\n")
    seconds = {ord(c) for text in apart if len(text) > 1 for c in text[1:]}
    return (
        seconds | set(range(0x1100, 0x1200)) | {ord(c) for c in texts if unicodedata.combining(c)}
    )


def heard(table: pa.Table, view: View) -> Heard:
    """The messages of a table (columns `messages` and, where known, `persona`) that count under a view.

    dialogue: what user and assistant say; assistant: what the assistant says; opening: the first thing the user says
    up to the first answer. Never system messages, never the greeting of the row's persona.
    """
    messages = whole(table["messages"])
    rows = values(messages.offsets).astype(np.int64)
    role, content = messages.values.field("role"), messages.values.field("content")
    user, assistant = _speaks(role, "user"), _speaks(role, "assistant")
    owner = np.repeat(np.arange(len(rows) - 1), np.diff(rows))
    inside = slice(rows[0], rows[-1])  # a sliced table still has the messages of its neighbours
    asked = _so_far(user, rows, owner) > 0
    said = assistant.copy() if view == "assistant" else user | assistant
    if view == "opening":
        answer = np.zeros(len(user), bool)
        answer[inside] = assistant[inside] & asked
        answered = _so_far(answer, rows, owner) - answer[inside]
        said[inside] &= asked & (answered == 0)
    before = np.flatnonzero(assistant[inside] & ~asked)
    said[before[_is_greeting(table, content, before + rows[0], owner[before])] + rows[0]] = False
    data, texts = buffers(content)
    return Heard(data, texts, rows, (said * (user * USER + assistant * ASSISTANT)).astype(np.int8))


def buffers(texts: pa.Array) -> tuple[Bytes, Offsets]:
    """UTF-8 bytes and (n + 1,) offsets of an Arrow string array, the bytes not copied."""
    if texts.null_count:
        texts = pc.fill_null(texts, "")
    texts = texts.cast(pa.large_string())
    _, offsets, data = texts.buffers()
    ends = (
        np.frombuffer(offsets, np.int64)[texts.offset : texts.offset + len(texts) + 1]
        if offsets
        else np.zeros(1, "i8")
    )
    return np.frombuffer(data or b"", np.uint8), ends


def _speaks(role: pa.Array, name: str) -> Flags:
    """Which messages have this role, by its first letter: no two roles share one."""
    data, offsets = buffers(role)
    flags: Flags = (np.append(data, 0)[offsets[:-1]] == ord(name[0])) & (np.diff(offsets) > 0)
    return flags


def _so_far(flags: Flags, rows: Offsets, owner: Offsets) -> Any:
    """For each message inside the rows: how many flagged messages its row has up to and with it."""
    total = np.concatenate([[0], np.cumsum(flags)])
    return total[rows[0] + 1 : rows[-1] + 1] - total[rows[:-1]][owner]


def _is_greeting(table: pa.Table, content: pa.Array, messages: Offsets, owner: Offsets) -> Flags:
    """Which of these messages are what the persona of their row opens with."""
    nobody = np.zeros(len(messages), bool)
    if "persona" not in table.column_names or not len(messages):
        return nobody
    greeting = pc.struct_field(whole(table["persona"]), "greeting")
    if greeting.null_count == len(greeting):
        return nobody
    ours, theirs = content.take(arrow(messages)), greeting.take(arrow(owner))
    flags: Flags = pc.fill_null(pc.equal(ours, theirs), False).to_numpy(zero_copy_only=False)
    unlike = np.flatnonzero(~flags & theirs.is_valid().to_numpy(zero_copy_only=False))
    texts = zip(
        ours.take(arrow(unlike)).to_pylist(), theirs.take(arrow(unlike)).to_pylist(), strict=True
    )
    flags[unlike] = [_greets(text, card) for text, card in texts]
    return flags


def _greets(text: str, greeting: str) -> bool:
    """Whether a message is a card's greeting, its macros filled in and its blanks and marks tidied by `filter`."""
    pieces = _pieces(greeting)
    return (
        any(pieces)
        and re.fullmatch(".{0,40}?".join(map(re.escape, pieces)), _letters(text)) is not None
    )


@lru_cache(1024)
def _pieces(greeting: str) -> list[str]:
    return [_letters(piece) for piece in _MACRO.split(greeting)]


def _letters(text: str) -> str:
    return "".join(filter(str.isalnum, folded(text)))
