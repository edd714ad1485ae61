"""Numbers of a conversation in one compiled pass: words, word pairs, how similar messages are.

A message is folded to its words in lower case with one blank between them, and read twice:

    words       "The rain, the rain!"  →  the · rain · the · rain         one hash each
    word pairs  the rain · rain the · the rain                            2 of 3 are distinct
    3-grams     "the" "he " "e r" " ra" "rai" "ain" "in " "n t" " th"     a set of packed letters

Two messages of one side are as similar as the Jaccard index of their 3-grams. So that a new message
is not compared with every earlier one, all 3-grams stand in one hash table, each with the chain of
messages that have it, the latest first:

    gram "rai"  →  message 6  →  message 2  →  end        message 8 has "rai" too: shared[6] += 1,
                                                          shared[2] += 1, and 8 is put in front
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from pipeline.compiled import njit
from pipeline.conversation import Message
from pipeline.rules.reading.loops import MORE, loop_of_letters, loop_of_words

ENOUGH = 6  # words: shorter messages are not compared letter by letter
PHRASE = 4  # words: shorter messages ("Yes, please.") may be written again
_SIDES = {"system": -1, "user": 0, "assistant": 1}
_LAST = 0x10000  # characters beyond the first plane count as letters
_BLANK = 32
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)  # 2**64 / golden ratio (Knuth, multiplicative hashing)

Array = np.ndarray[Any, Any]


class Similar(NamedTuple):
    """Two messages of one side, and the Jaccard index of their 3-grams."""

    value: float
    message: int
    earlier: int


NOT_COMPARED = Similar(0.0, -1, -1)


@dataclass(frozen=True, slots=True)
class Numbers:
    """The numbers of a conversation.

    words, repeats: of each message its words, and the earliest message with the same words, or -1.
    loops: of each message, the share of it that says the same again and again.
    similar: the two most similar messages. distinct_2: distinct word pairs / word pairs, or nan.
    """

    words: list[int]
    repeats: list[int]
    loops: list[float]
    similar: Similar
    distinct_2: float


def count(text: str, starts: Sequence[int], messages: Sequence[Message]) -> Numbers:
    """Read a conversation's characters once. text, starts: as in `Reading`."""
    codes = np.frombuffer(text.encode("utf-32-le", "replace"), np.uint32)
    bounds = np.array([*starts, len(text) + 1], np.int64)
    sides = np.array([_SIDES[message.role] for message in messages], np.int8)
    words, repeats, loops, pair, distinct_2 = _count(codes, bounds, sides, _table())
    return Numbers(words.tolist(), repeats.tolist(), loops.tolist(), Similar(*pair), distinct_2)


def similarity(one: str, other: str) -> float:
    """How similar two messages are, 0 to 1."""
    if one == other:
        return 1.0
    messages = [Message("user", one), Message("user", other)]
    return count(f"{one}\0{other}", [0, len(one) + 1], messages).similar.value


@cache
def _table() -> Array:
    """Characters as numbers, uint32 (65536,).

    0: between words. 1: a word by itself (ideographs, kana). Else its lower case + 2.
    """
    table = np.zeros(_LAST, np.uint32)
    for code in range(_LAST):
        if chr(code).isalnum():
            table[code] = 1 if _is_word(code) else ord(chr(code).lower()[0]) + 2
    return table


def _is_word(code: int) -> bool:
    return 0x3040 <= code <= 0x30FF or 0x3400 <= code <= 0x9FFF or 0xF900 <= code <= 0xFAFF


class _Folded(NamedTuple):
    """A conversation folded.

    Message i is letters[letter_at[i]:letter_at[i + 1]], and so with its words.
    """

    letters: Array  # (letters,) uint64
    letter_at: Array  # (messages + 1,) int64
    hashes: Array  # (words,) uint64
    word_at: Array  # (messages + 1,) int64


class _Grams(NamedTuple):
    """The hash table of 3-grams: open, a power of two long, a key of 0 is a free slot.

    newest: of each gram, its latest entry. message, before: of each entry, the message that has the
    gram, and the gram's entry before it, or -1. size: of each message, how many grams it has.
    """

    keys: Array  # (slots,) uint64
    newest: Array  # (slots,) int64
    message: Array  # (entries,) int64
    before: Array  # (entries,) int64
    size: Array  # (messages,) int64


@njit(cache=True)
def _count(codes: Array, bounds: Array, sides: Array, table: Array) -> Any:
    folded = _fold_all(codes, bounds, sides, table)
    words = folded.word_at[1:] - folded.word_at[:-1]
    repeats = _repeats(folded, words, sides)
    similar = _most_similar(folded, words, sides)
    return words, repeats, _loops(folded), similar, _distinct_2(folded)


@njit(cache=True)
def _fold_all(codes: Array, bounds: Array, sides: Array, table: Array) -> _Folded:
    """Every message folded, laid end to end; one of the system (side -1) is empty.

    bounds: where each message begins in codes, with the NUL that ends it.
    """
    most = 2 * len(codes) + 2  # a letter is folded to itself and a blank
    letters = np.zeros(most, np.uint64)
    letter_at = np.zeros(len(bounds), np.int64)
    hashes = np.zeros(most, np.uint64)
    word_at = np.zeros(len(bounds), np.int64)
    for i in range(len(sides)):
        letter_at[i + 1], word_at[i + 1] = letter_at[i], word_at[i]
        if sides[i] >= 0:
            content = codes[bounds[i] : bounds[i + 1] - 1]
            folded = _fold(content, table, letters[letter_at[i] :], hashes[word_at[i] :])
            letter_at[i + 1] += folded[0]
            word_at[i + 1] += folded[1]
    return _Folded(letters, letter_at, hashes, word_at)


@njit(cache=True)
def _fold(codes: Array, table: Array, letters: Array, hashes: Array) -> tuple[int, int]:
    """Writes one message folded and the hashes of its words; how many letters and words."""
    length, words, inside = 0, 0, False
    word = np.uint64(0)
    for code in codes:
        kind = table[code] if code < _LAST else np.uint32(code + 2)
        if inside and kind <= 1:
            hashes[words] = word
            letters[length] = _BLANK
            words, length, inside = words + 1, length + 1, False
        if kind == 1:
            hashes[words] = _mix(np.uint64(1), np.uint64(code))
            letters[length] = code
            words, length = words + 1, length + 1
        elif kind > 1:
            word = _mix(word if inside else np.uint64(7), np.uint64(kind))
            letters[length] = kind - 2
            length, inside = length + 1, True
    if inside:
        hashes[words] = word
        words += 1
    ends_blank = length > 0 and letters[length - 1] == _BLANK
    return length - ends_blank, words


@njit(cache=True)
def _mix(hashed: np.uint64, value: np.uint64) -> np.uint64:
    return (hashed ^ value) * _GOLDEN ^ (hashed >> np.uint64(29))


@njit(cache=True)
def _repeats(folded: _Folded, words: Array, sides: Array) -> Array:
    """Of each message of `PHRASE` words, the earliest message with the same words, or -1."""
    whole = np.zeros(len(words), np.uint64)
    earliest = np.zeros(len(words), np.int64)
    for i in range(len(words)):
        earliest[i] = -1
        for k in range(folded.word_at[i], folded.word_at[i + 1]):
            whole[i] = _mix(whole[i], folded.hashes[k])
        if words[i] < PHRASE:
            continue
        for other in range(i):
            if whole[other] == whole[i] and words[other] == words[i] and sides[other] >= 0:
                earliest[i] = other
                break
    return earliest


@njit(cache=True)
def _loops(folded: _Folded) -> Array:
    """Of each message, the share of its words, or else of its letters, that are in a loop."""
    shares = np.zeros(len(folded.word_at) - 1)
    for i in range(len(shares)):
        words = folded.hashes[folded.word_at[i] : folded.word_at[i + 1]]
        letters = folded.letters[folded.letter_at[i] : folded.letter_at[i + 1]]
        if len(letters) >= MORE:
            shares[i] = max(
                loop_of_words(words) / max(1, len(words)), loop_of_letters(letters) / len(letters)
            )
    return shares


@njit(cache=True)
def _most_similar(folded: _Folded, words: Array, sides: Array) -> tuple[float, int, int]:
    """The largest Jaccard index of two messages of one side, the later of the two, the earlier."""
    grams, used = _no_grams(folded.letter_at[-1], len(words)), 0
    shared = np.zeros(len(words), np.int64)  # grams that each earlier message has too
    most = (0.0, -1, -1)
    for i in range(len(words)):
        if words[i] < ENOUGH:
            continue
        shared[:i] = 0
        letters = folded.letters[folded.letter_at[i] : folded.letter_at[i + 1]]
        used = _enter(i, letters, grams, used, shared)
        for other in range(i):
            if sides[other] == sides[i] and shared[other]:
                union = grams.size[i] + grams.size[other] - shared[other]
                if shared[other] / union > most[0]:
                    most = (shared[other] / union, i, other)
    return most


@njit(cache=True)
def _no_grams(entries: int, messages: int) -> _Grams:
    slots = _slots(entries)
    keys, newest = np.zeros(slots, np.uint64), np.zeros(slots, np.int64)
    message = np.zeros(entries, np.int64)
    before = np.zeros(entries, np.int64)
    return _Grams(keys, newest, message, before, np.zeros(messages, np.int64))


@njit(cache=True)
def _enter(message: int, letters: Array, grams: _Grams, used: int, shared: Array) -> int:
    """Enters the 3-grams of a message; how many entries are used now."""
    for k in range(len(letters) - 2):
        gram = letters[k] << np.uint64(42) | letters[k + 1] << np.uint64(21) | letters[k + 2]
        slot = _slot(grams.keys, gram)
        newest = grams.newest[slot] if grams.keys[slot] else -1
        if newest >= 0 and grams.message[newest] == message:
            continue
        grams.keys[slot], grams.newest[slot] = gram, used
        grams.message[used], grams.before[used] = message, newest
        grams.size[message] += 1
        used += 1
        while newest >= 0:
            shared[grams.message[newest]] += 1
            newest = grams.before[newest]
    return used


@njit(cache=True)
def _distinct_2(folded: _Folded) -> float:
    """Distinct word pairs / word pairs, nan where there are none; a pair of hash 0 is never new."""
    pairs, distinct = 0, 0
    keys = np.zeros(_slots(folded.word_at[-1]), np.uint64)
    for i in range(len(folded.word_at) - 1):
        for k in range(folded.word_at[i] + 1, folded.word_at[i + 1]):
            pair = _mix(folded.hashes[k - 1], folded.hashes[k])
            slot = _slot(keys, pair)
            distinct += keys[slot] == 0
            keys[slot] = pair
            pairs += 1
    return distinct / pairs if pairs else np.nan


@njit(cache=True)
def _slots(values: int) -> int:
    """A power of two, at least twice as many."""
    slots = 16
    while slots < 2 * values:
        slots *= 2
    return slots


@njit(cache=True)
def _slot(keys: Array, key: np.uint64) -> int:
    """Where a key stands in an open hash table, or where it would."""
    mask = np.uint64(len(keys) - 1)
    slot = (key * _GOLDEN) >> np.uint64(32) & mask
    while keys[slot] != 0 and keys[slot] != key:
        slot = (slot + np.uint64(1)) & mask
    return int(slot)
