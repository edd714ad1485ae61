"""From a message to its words, in compiled code.

A message is folded to its words in lower case; signs that say something by themselves are words:

    "Fine… I MISS you!!"    fine · … | i · miss · you · ! · !        | ends a sentence
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from pipeline.compiled import njit

_PLANE = 0x10000  # characters beyond the first plane, emoji most of all, are words by themselves
_ALONE, _STOP = 1 << 31, 1 << 30  # of a character: it is a word by itself; it may end a sentence
BLANK, END = 32, 10  # in a folded message: between words, between sentences
OFFSET = np.uint64(1469598103934665603)  # FNV-1a
PRIME = np.uint64(1099511628211)

Array = np.ndarray[Any, Any]


class Packed(NamedTuple):
    """Messages laid end to end: number i is codes[bounds[i]:bounds[i + 1] - 1]."""

    codes: Array  # (characters,) uint32
    bounds: Array  # (messages + 1,) int64


def pack(texts: Sequence[str]) -> Packed:
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


def hash_of_words(phrase: str) -> int:
    """The hash that the compiled pass gives the same words."""
    packed = pack([phrase])
    folded = np.zeros(most_letters(packed.bounds), np.uint32)
    length = fold(text_of(packed, 0), letters(), folded)
    return int(_hash_of_words(folded[:length]))


@njit(cache=True)
def text_of(packed: Packed, message: int) -> Array:
    """The characters of a message."""
    text: Array = packed.codes[packed.bounds[message] : packed.bounds[message + 1] - 1]
    return text


@njit(cache=True)
def most_letters(bounds: Array) -> int:
    """How long the longest message may be when it is folded, with the blanks around it."""
    longest = 0
    for message in range(len(bounds) - 1):
        longest = max(longest, bounds[message + 1] - bounds[message])
    return 3 * longest + 2


@njit(cache=True)
def fold(text: Array, table: Array, folded: Array) -> int:
    """Writes a message as words in lower case with a blank before, between and after them, and
    `END` with a blank behind each sentence. table: `letters`."""
    folded[0] = BLANK
    length, stopped = 1, False
    for code in text:
        kind = table[code] if code < _PLANE else code | np.uint32(_ALONE)
        alone = kind & np.uint32(_ALONE)
        letter = kind & np.uint32(_STOP - 1)
        if folded[length - 1] != BLANK and (alone or letter == 0):
            folded[length] = BLANK
            length += 1
        if stopped and letter and not kind & np.uint32(_STOP):
            folded[length], folded[length + 1] = END, BLANK
            length, stopped = length + 2, False
        if letter:
            folded[length] = letter
            length += 1
        if alone:
            folded[length] = BLANK
            length += 1
        stopped = stopped or kind & np.uint32(_STOP) > 0
    if folded[length - 1] != BLANK:
        folded[length] = BLANK
        length += 1
    return length


@njit(cache=True)
def hash_of(word: Array) -> np.uint64:
    """The hash of a word."""
    hashed = OFFSET
    for letter in word:
        hashed = (hashed ^ np.uint64(letter)) * PRIME
    return hashed


@njit(cache=True)
def joined(before: np.uint64, word: np.uint64) -> np.uint64:
    """The hash of some words and one more."""
    return (before * np.uint64(31) + np.uint64(7)) * PRIME ^ word


@njit(cache=True)
def _hash_of_words(folded: Array) -> np.uint64:
    """The hash of the words of a folded phrase."""
    key, start = np.uint64(0), 0
    for stop in range(1, len(folded)):
        if folded[stop] == BLANK:
            key = joined(key, hash_of(folded[start + 1 : stop]))
            start = stop
    return key
