"""From messages to their words, in compiled code.

A message is folded to words in lower case; signs that say something by themselves are words:

    "Fine… I MISS you!!"    fine · … | i · miss · you · ! · !        | a sentence ends

Messages are laid end to end, so that one loop over one array reads them all. A word is where its
letters stand there, and their hash; sentences and messages are where their first word, their first
sentence is:

    codes        F i n e … _ I _ M I S S _ y o u ! ! 0 H i 0 …        0 ends a message
    firsts       0       4   6   8         13    16 17 19
    lengths      4       1   1   4         3     1  1  2
    sentences    0           2                         7              words
    messages     0                                     2              sentences
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from pipeline.compiled import njit

_PLANE = 0x10000  # characters beyond the first plane, emoji most of all, are words by themselves
_ALONE, _STOP = 1 << 31, 1 << 30  # of a character: it is a word by itself; it may end a sentence
BLANK = 32  # before and behind the letters of a word
OFFSET = np.uint64(1469598103934665603)  # FNV-1a
PRIME = np.uint64(1099511628211)

Array = np.ndarray[Any, Any]


class Packed(NamedTuple):
    """Messages laid end to end: number i is codes[bounds[i]:bounds[i + 1] - 1]."""

    codes: Array  # (characters,) uint32
    bounds: Array  # (messages + 1,) int64


class Words(NamedTuple):
    """The words of messages; see the drawing above.

    firsts, lengths: where the letters of a word stand in `codes`, as they were written. hashes: of
    the letters as they are read. Words of sentence i: sentences[i] to sentences[i + 1]; one may
    have none. Sentences of message i: messages[i] to messages[i + 1], one at the least.
    """

    codes: Array  # (characters,) uint32
    firsts: Array  # (words,) int64
    lengths: Array  # (words,) int32
    hashes: Array  # (words,) uint64
    sentences: Array  # (sentences + 1,) int64
    messages: Array  # (messages + 1,) int64

    @property
    def starts(self) -> Array:
        """(messages + 1,) where the words of each message begin."""
        starts: Array = self.sentences[self.messages]
        return starts


def words_of(texts: Sequence[str]) -> Words:
    """The words of messages."""
    return _split(_packed(texts), letters())


def _packed(texts: Sequence[str]) -> Packed:
    """Messages as one array of characters, a NUL behind each."""
    joined = "\0".join([*texts, ""])
    lengths = np.fromiter(map(len, texts), np.int64, len(texts))
    bounds = np.zeros(len(texts) + 1, np.int64)
    np.cumsum(lengths + 1, out=bounds[1:])
    return Packed(np.frombuffer(joined.encode("utf-32-le", "replace"), np.uint32), bounds)


@cache
def letters() -> Array:
    """Characters as they are read, uint32 (65536,): 0 separates words, a letter is its lower case,
    a sign that is a word by itself has the bit `_ALONE`, one that ends a sentence `_STOP`."""
    table = np.zeros(_PLANE, np.uint32)
    for code in range(_PLANE):
        sign = chr(code)
        if sign.isdigit():
            table[code] = ord("0")  # which number it is says nothing
        elif sign.isalpha():
            table[code] = ord(sign.lower()[0])
        elif sign in "?!？！" or 0x2190 <= code <= 0x2BFF or code == 0x2026:
            table[code] = code | _ALONE
    for sign in ".。\n…?!？！":
        table[ord(sign)] |= _STOP
    table[ord("'")] = table[ord("’")] = ord("'")  # I'm
    table[ord("ё")] = table[ord("Ё")] = ord("е")
    return table


@njit(cache=True)
def _split(packed: Packed, table: Array) -> Words:
    """table: `letters`."""
    found, words = _space(packed), 0
    for message in range(len(packed.bounds) - 1):
        found.messages[message + 1] = found.messages[message]
        _open_sentence(found, message, words)
        words = _split_message(packed, message, table, found, words)
    sentences = found.messages[-1]
    found.sentences[sentences] = words
    return Words(
        packed.codes,
        found.firsts[:words],
        found.lengths[:words],
        found.hashes[:words],
        found.sentences[: sentences + 1],
        found.messages,
    )


@njit(cache=True)
def _space(packed: Packed) -> Words:
    """Space for as many words as there are characters; what is not used costs nothing."""
    most = len(packed.codes)
    return Words(
        packed.codes,
        np.empty(most, np.int64),
        np.empty(most, np.int32),
        np.empty(most, np.uint64),
        np.empty(most + 1, np.int64),
        np.zeros(len(packed.bounds), np.int64),
    )


@njit(inline="always")
def _open_sentence(found: Words, message: int, words: int) -> None:
    """One more sentence of a message begins behind so many words."""
    found.sentences[found.messages[message + 1]] = words
    found.messages[message + 1] += 1


@njit(inline="always")
def _split_message(packed: Packed, message: int, table: Array, found: Words, words: int) -> int:
    """Adds the words of a message to those that are found already, and its further sentences; how
    many words there are then. The NUL behind a message ends its last word."""
    length, hashed, single, stopped = 0, OFFSET, False, False
    for place in range(packed.bounds[message], packed.bounds[message + 1]):
        kind = kind_of(packed.codes[place], table)
        letter = kind & np.uint32(_STOP - 1)
        if length and (single or kind >= _ALONE or letter == 0):
            found.firsts[words] = place - length
            found.lengths[words], found.hashes[words] = length, hashed
            words, length = words + 1, 0
        if letter and length == 0:
            hashed, single = OFFSET, bool(kind >= _ALONE)
            if stopped and not kind & np.uint32(_STOP):  # "!!" ends one sentence
                _open_sentence(found, message, words)
                stopped = False
        if letter:
            hashed = (hashed ^ np.uint64(letter)) * PRIME
            length += 1
        stopped = stopped or kind & np.uint32(_STOP) != 0
    return words


@njit(inline="always")
def kind_of(code: np.uint32, table: Array) -> np.uint32:
    """What a character is: an entry of `letters`."""
    return table[code] if code < _PLANE else code | np.uint32(_ALONE)


@njit(cache=True)
def spell(words: Words, word: int, table: Array, spelled: Array) -> int:
    """Writes a word as it is read, with a blank before and behind it; how long that is."""
    first, length = words.firsts[word], words.lengths[word]
    spelled[0] = spelled[length + 1] = BLANK
    for place in range(length):
        kind = kind_of(words.codes[first + place], table)
        spelled[place + 1] = kind & np.uint32(_STOP - 1)
    return int(length + 2)


@njit(cache=True)
def joined(some: np.uint64, word: np.uint64) -> np.uint64:
    """The hash of some words, by theirs, and one more."""
    return (some * np.uint64(31) + np.uint64(7)) * PRIME ^ word
