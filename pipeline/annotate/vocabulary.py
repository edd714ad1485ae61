"""The distinct words of messages, and what is known of each: its features and the listed phrases
that it ends.

Each feature is hashed to one of `SIZE` buckets (hashing trick, Weinberger et al. 2009):

    2 to 5 letters, the blanks around the word included     " m" "mi" " mi" … "miss " "iss "
    the word itself                                         "miss"
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np

from pipeline.annotate.folding import OFFSET, PRIME, Array, Words, joined, letters, spell, words_of
from pipeline.annotate.listed import listed
from pipeline.compiled import njit

SIZE = 1 << 16  # buckets of hashed features
LONGEST = 5  # letters of an n-gram, the blanks around a word included
FEW = 1 << 12  # slots of an open hash table that grows; a power of two
MARKS = 255  # of messages or words, in a table of bytes
_WORD = np.uint64(0x9E37)  # sets words apart from n-grams
_SHIFT = np.uint64(29)


class Vocabulary(NamedTuple):
    """Words of messages by number; the first distinct word has 0.

    numbers: of each word of the messages. buckets of number n: buckets[bounds[n]:bounds[n + 1]],
    each once. longest: how many words the longest listed phrase has that ends in the word.
    """

    numbers: Array  # (words,) int32
    buckets: Array  # (features,) uint16
    bounds: Array  # (distinct + 1,) int64
    longest: Array  # (distinct,) int8


class Phrases(NamedTuple):
    """The listed phrases in an open hash table, with the classes of each in bits. The last word of
    each stands there too, with how many words the longest phrase has that ends so."""

    keys: Array  # (slots,) uint64
    classes: Array  # (slots,) uint32
    longest: Array  # (slots,) int8


def vocabulary(words: Words) -> Vocabulary:
    """The distinct words of messages."""
    return _vocabulary(words, letters(), listed_phrases())


@njit(cache=True)
def squares_of(words: Words, squares: Array) -> Array:
    """(words,) how rare each word is: the square of its inverse document frequency. squares:
    (buckets,) those of all features."""
    found = np.empty(len(words.hashes), np.float32)
    for word in range(len(found)):
        found[word] = squares[bucket_of(words.hashes[word] ^ _WORD)]
    return found


@njit(inline="always")
def bucket_of(hashed: np.uint64) -> int:
    """The bucket of a feature."""
    return int((hashed ^ (hashed >> _SHIFT)) & np.uint64(SIZE - 1))


@njit(inline="always")
def mark_of(number: int, met: Array) -> np.uint8:
    """How what a message or word has is marked in a table of bytes. The table is emptied when all
    marks are used: one of larger numbers never is, but fits no fast cache."""
    mark = np.uint8(number % MARKS + 1)
    if mark == 1:
        met[:] = 0
    return mark


@njit(inline="always")
def add(bucket: int, buckets: Array, count: int, met: Array, mark: np.uint8) -> int:
    """Notes a bucket, if this message or word has not got it yet; how many there are now."""
    if met[bucket] != mark:
        met[bucket] = mark
        buckets[count] = bucket
        count += 1
    return count


# --- the listed phrases


@cache
def listed_phrases() -> Phrases:
    """Those of all languages."""
    found = listed()
    slots = 1 << (4 * len(found)).bit_length()
    table = Phrases(*(np.zeros(slots, kind) for kind in (np.uint64, np.uint32, np.int8)))
    for phrase, numbers in found.items():
        bits = sum(1 << number for number in set(numbers))
        _enter(words_of([phrase]).hashes, np.uint32(bits), table)
    return table


@njit(cache=True)
def _enter(words: Array, bits: np.uint32, phrases: Phrases) -> None:
    """words: the hashes of those of a phrase."""
    last = _entered(phrases, joined(np.uint64(0), words[-1]))
    phrases.longest[last] = max(phrases.longest[last], len(words))
    key = np.uint64(0)
    for word in words[::-1]:
        key = joined(key, word)
    phrases.classes[_entered(phrases, key)] |= bits


@njit(cache=True)
def _entered(phrases: Phrases, key: np.uint64) -> int:
    """The slot of a key, which has one from now on."""
    slot = _slot(phrases.keys, key)
    phrases.keys[slot] = key
    return slot


@njit(cache=True)
def classes_of(words: Array, first: int, last: int, longest: int, phrases: Phrases) -> np.uint32:
    """The classes of the listed phrases that end at a word, in bits. words: hashes, those of the
    message from `first` on. longest: of the phrases that end so."""
    found, key = np.uint32(0), np.uint64(0)
    for place in range(last, max(first - 1, last - longest), -1):
        key = joined(key, words[place])
        slot = _slot(phrases.keys, key)
        if phrases.keys[slot] == key:
            found |= phrases.classes[slot]
    return found


@njit(inline="always")
def _slot(keys: Array, key: np.uint64) -> int:
    """Where a key stands in an open hash table, or where it would."""
    mask = np.uint64(len(keys) - 1)
    slot = (key ^ (key >> _SHIFT)) & mask
    while keys[slot] != 0 and keys[slot] != key:
        slot = (slot + np.uint64(1)) & mask
    return int(slot)


# --- the distinct words


@njit(cache=True)
def _vocabulary(words: Words, table: Array, phrases: Phrases) -> Vocabulary:
    """table: `letters`."""
    numbers, firsts = _numbered(words.hashes)
    found, met = _space(words, numbers, firsts), np.zeros(SIZE, np.uint8)
    spelled = np.empty(np.max(words.lengths) + 2 if len(firsts) else 0, np.uint32)
    for number in range(len(firsts)):
        hashed, mark = words.hashes[firsts[number]], mark_of(number, met)
        count = spell(words, firsts[number], table, spelled)
        count = _grams(spelled[:count], found.buckets, found.bounds[number], met, mark)
        count = add(bucket_of(hashed ^ _WORD), found.buckets, count, met, mark)
        found.bounds[number + 1] = count
        found.longest[number] = phrases.longest[_slot(phrases.keys, joined(np.uint64(0), hashed))]
    return found


@njit(cache=True)
def _space(words: Words, numbers: Array, firsts: Array) -> Vocabulary:
    """Space for n-grams from each letter on and for the blank before it, and for the word."""
    most = len(firsts)
    for word in firsts:
        most += (LONGEST - 1) * (words.lengths[word] + 1)
    return Vocabulary(
        numbers,
        np.empty(most, np.uint16),
        np.zeros(len(firsts) + 1, np.int64),
        np.zeros(len(firsts), np.int8),
    )


@njit(cache=True)
def _grams(spelled: Array, buckets: Array, count: int, met: Array, mark: np.uint8) -> int:
    """The n-grams of a word with its blanks; of one letter between blanks, " a" and "a " too."""
    for start in range(len(spelled) - 1):
        hashed = OFFSET ^ np.uint64(spelled[start])
        for stop in range(start + 1, min(start + LONGEST, len(spelled))):
            hashed = (hashed * PRIME) ^ np.uint64(spelled[stop])
            count = add(bucket_of(hashed * PRIME), buckets, count, met, mark)
    return count


@njit(cache=True)
def _numbered(hashes: Array) -> tuple[Array, Array]:
    """Which distinct word each word is, and where each of these stands first."""
    numbers = np.empty(len(hashes), np.int32)
    firsts = np.empty(len(hashes), np.int64)
    slots, count = np.full(FEW, -1, np.int32), 0
    for word in range(len(hashes)):
        slot = _slot_of_number(slots, hashes, firsts, hashes[word])
        if slots[slot] < 0:
            slots[slot], firsts[count] = count, word
            count += 1
        numbers[word] = slots[slot]
        if 2 * count > len(slots):
            slots = _wider(slots, hashes, firsts)
    return numbers, firsts[:count]


@njit(cache=True)
def _wider(slots: Array, hashes: Array, firsts: Array) -> Array:
    """The same numbers in a table of twice the size."""
    wider = np.full(2 * len(slots), -1, np.int32)
    for number in slots:
        if number >= 0:
            wider[_slot_of_number(wider, hashes, firsts, hashes[firsts[number]])] = number
    return wider


@njit(inline="always")
def _slot_of_number(slots: Array, hashes: Array, firsts: Array, hashed: np.uint64) -> int:
    """Where the number of a word stands in an open hash table, or where it would."""
    mask = np.uint64(len(slots) - 1)
    slot = (hashed ^ (hashed >> _SHIFT)) & mask
    while slots[slot] >= 0 and hashes[firsts[slots[slot]]] != hashed:
        slot = (slot + np.uint64(1)) & mask
    return int(slot)
