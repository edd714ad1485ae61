"""From a message to the buckets of its features, in one compiled pass.

A message is folded to its words (`folding.py`). Features, each hashed to one of `SIZE` buckets and
counted once a message (hashing trick, Weinberger et al. 2009):

    2 to 5 letters of a word, blanks around it included     " m" "mi" " mi" … "miss " "iss "
    words and pairs of neighbours                           "miss"  "miss you"

Behind these buckets stand those of the word lists: a phrase of `configs/words/emotion-*` is the
feature of its emotion, one of `intimate-*` that of its weight.

    "miss you"  0.6 in intimate-en       →  bucket SIZE + 7 + 7
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

import numpy as np

from pipeline.annotate.folding import (
    BLANK,
    END,
    OFFSET,
    PRIME,
    Array,
    Packed,
    fold,
    hash_of,
    hash_of_words,
    joined,
    letters,
    most_letters,
    pack,
    text_of,
)
from pipeline.annotate.listed import CLASSES, LONGEST_PHRASE, listed
from pipeline.compiled import njit

SIZE = 1 << 16  # buckets of hashed features
BUCKETS = SIZE + CLASSES
LONGEST = 5  # letters of an n-gram, the blanks around a word included
# Columns of a table of weights: those of the heads, 0, and last how rare a feature is.
WIDTH, RARITY = 16, 15
RARITIES = 10  # one of inverse document frequency is so much there
SHORT = 4  # words; a shorter sentence says less of its own
_QUESTION, _WIDE_QUESTION = ord("?"), ord("？")
_WORD, _PAIR = np.uint64(0x9E37), np.uint64(0x79B9)  # set words and pairs apart from n-grams


class Matrix(NamedTuple):
    """The buckets of message i: indices[starts[i]:starts[i + 1]]."""

    indices: Array  # (features,) int32
    starts: Array  # (messages + 1,) int64


class Sums(NamedTuple):
    """What a pass over messages finds.

    values: of each column the sum of weights of its features. norms: the norm of the features, 0
    where there is no word. tops: of the first column, the highest value (sum / norm) of a sentence.
    asks: whether it is one sentence that is a question. marks: which classes of phrases it has, in
    bits.
    """

    values: Array  # (messages, WIDTH) float32
    norms: Array  # (messages,) float32
    tops: Array  # (messages,) float32
    asks: Array  # (messages,) bool
    marks: Array  # (messages,) uint32


class Words(NamedTuple):
    """The words of message i: hashes[starts[i]:starts[i + 1]], and the square of how rare each
    is."""

    hashes: Array  # (words,) uint64
    squares: Array  # (words,) float32
    starts: Array  # (messages + 1,) int64


class _Phrases(NamedTuple):
    """The listed phrases in an open hash table, the classes of each in bits."""

    keys: Array  # (slots,) uint64
    classes: Array  # (slots,) uint32


class _Desk(NamedTuple):
    """What one message after another is laid out on.

    folded: its letters. buckets: those of its features. seen: in bits,
    which these are. ends: of each sentence, how many buckets there are at its end, and its words.
    """

    folded: Array  # (letters,) uint32
    buckets: Array  # (features,) int32
    seen: Array  # (BUCKETS / 64,) uint64
    ends: Array  # (sentences, 2) int64


def matrix(texts: Sequence[str]) -> Matrix:
    """The features of messages, to train on."""
    return _matrix(pack(texts), letters(), _listed_phrases())


def table_of(weights: Array, squares: Array) -> Array:
    """(BUCKETS, WIDTH) int8: weights (BUCKETS, heads) int8 and squares (BUCKETS,) of the inverse
    document frequencies, so that all that is known of a feature lies in one place."""
    table = np.zeros((BUCKETS, WIDTH), np.int8)
    table[:, : weights.shape[1]] = weights
    table[:, RARITY] = np.round(np.sqrt(squares) * RARITIES)
    return table


def sums(packed: Packed, table: Array) -> Sums:
    """table: see `table_of`."""
    return _sums(packed, letters(), _listed_phrases(), table)


def words(packed: Packed, squares: Array) -> Words:
    """The words of messages, as the heads know them. squares: see `sums`."""
    return _words(packed, letters(), squares)


@cache
def _listed_phrases() -> _Phrases:
    found = listed()
    slots = 1 << (2 * len(found)).bit_length()
    table = _Phrases(np.zeros(slots, np.uint64), np.zeros(slots, np.uint32))
    for phrase, numbers in found.items():
        bits = sum(1 << number for number in set(numbers))
        _enter(np.uint64(hash_of_words(phrase)), np.uint32(bits), table)
    return table


@njit(cache=True)
def _enter(key: np.uint64, bits: np.uint32, phrases: _Phrases) -> None:
    slot = _slot(phrases.keys, key)
    phrases.keys[slot] = key
    phrases.classes[slot] |= bits


@njit(inline="always")
def _slot(keys: Array, key: np.uint64) -> int:
    """Where a key stands in an open hash table, or where it would."""
    mask = np.uint64(len(keys) - 1)
    slot = (key ^ (key >> np.uint64(29))) & mask
    while keys[slot] != 0 and keys[slot] != key:
        slot = (slot + np.uint64(1)) & mask
    return int(slot)


# --- the features of a message


@njit(cache=True)
def _desk(packed: Packed) -> _Desk:
    """Space for the longest message."""
    most = most_letters(packed.bounds)
    return _Desk(
        np.zeros(most, np.uint32),
        np.zeros(6 * most + CLASSES, np.int32),
        np.zeros(BUCKETS // 64 + 1, np.uint64),
        np.zeros((most, 2), np.int64),
    )


@njit(cache=True)
def _folded(packed: Packed, message: int, table: Array, desk: _Desk) -> Array:
    """A message, folded on the desk."""
    length = fold(text_of(packed, message), table, desk.folded)
    folded: Array = desk.folded[:length]
    return folded


@njit(inline="always")
def _bucket(hashed: np.uint64) -> int:
    return int((hashed ^ (hashed >> np.uint64(29))) & np.uint64(SIZE - 1))


@njit(inline="always")
def _add(bucket: int, buckets: Array, count: int, seen: Array) -> int:
    """Notes a bucket, if this message has not got it yet; how many there are now."""
    bit = np.uint64(1) << np.uint64(bucket & 63)
    if not seen[bucket >> 6] & bit:
        seen[bucket >> 6] |= bit
        buckets[count] = bucket
        count += 1
    return count


@njit(cache=True)
def _forget(buckets: Array, seen: Array) -> None:
    """The next message has none of these buckets yet."""
    for bucket in buckets:
        seen[bucket >> 6] = 0


@njit(cache=True)
def _of_message(folded: Array, phrases: _Phrases, desk: _Desk) -> tuple[int, int, np.uint32]:
    """Notes the buckets of a folded message, each once, and the ends of its sentences; how many
    buckets, how many sentences, and the classes of its phrases."""
    count, start, sentences, marks = 0, 0, 0, np.uint32(0)
    last = np.zeros(LONGEST_PHRASE, np.uint64)  # words, the newest first
    in_sentence = 0
    for stop in range(1, len(folded)):
        if folded[stop] != BLANK:
            continue
        if folded[start + 1] == END:
            desk.ends[sentences, 0], desk.ends[sentences, 1] = count, in_sentence
            sentences, in_sentence, start = sentences + 1, 0, stop
            continue
        count = _of_word(folded[start : stop + 1], last, desk, count)
        found = _listed(last, phrases)
        count = _of_classes(found, desk, count)
        marks |= found
        in_sentence, start = in_sentence + 1, stop
    desk.ends[sentences, 0], desk.ends[sentences, 1] = count, in_sentence
    return count, sentences + 1, marks


@njit(inline="always")
def _of_word(word: Array, last: Array, desk: _Desk, count: int) -> int:
    """The features of a word with its blanks; it becomes the newest of the last words."""
    buckets, seen = desk.buckets, desk.seen
    hashed = hash_of(word[1:-1])
    count = _grams(word, buckets, count, seen)
    count = _add(_bucket(hashed ^ _WORD), buckets, count, seen)
    pair = joined(last[0], hashed) ^ _PAIR
    count = _add(_bucket(pair), buckets, count, seen)
    for place in range(LONGEST_PHRASE - 1, 0, -1):
        last[place] = last[place - 1]
    last[0] = hashed
    return count


@njit(inline="always")
def _grams(word: Array, buckets: Array, count: int, seen: Array) -> int:
    """The n-grams of a word with its blanks; of one letter between blanks, " a" and "a " too."""
    for start in range(len(word) - 1):
        hashed = OFFSET ^ np.uint64(word[start])
        for stop in range(start + 1, min(start + LONGEST, len(word))):
            hashed = (hashed * PRIME) ^ np.uint64(word[stop])
            count = _add(_bucket(hashed * PRIME), buckets, count, seen)
    return count


@njit(inline="always")
def _listed(last: Array, phrases: _Phrases) -> np.uint32:
    """The classes of the listed phrases that end at the newest word, in bits."""
    found = np.uint32(0)
    for length in range(1, LONGEST_PHRASE + 1):
        if last[length - 1] == 0:
            break
        key = np.uint64(0)
        for place in range(length - 1, -1, -1):
            key = joined(key, last[place])
        slot = _slot(phrases.keys, key)
        if phrases.keys[slot] == key:
            found |= phrases.classes[slot]
    return found


@njit(inline="always")
def _of_classes(bits: np.uint32, desk: _Desk, count: int) -> int:
    """The features of some classes of phrases."""
    if bits:
        for number in range(CLASSES):
            if bits >> np.uint32(number) & np.uint32(1):
                count = _add(SIZE + number, desk.buckets, count, desk.seen)
    return count


# --- passes over messages


@njit(cache=True)
def _matrix(packed: Packed, table: Array, phrases: _Phrases) -> Matrix:
    desk = _desk(packed)
    starts, indices = np.zeros(len(packed.bounds), np.int64), np.zeros(1024, np.int32)
    for message in range(len(starts) - 1):
        folded = _folded(packed, message, table, desk)
        count, _, _ = _of_message(folded, phrases, desk)
        used = starts[message]
        if used + count > len(indices):
            indices = np.concatenate((indices, np.zeros(len(indices) + count, np.int32)))
        indices[used : used + count] = desk.buckets[:count]
        _forget(desk.buckets[:count], desk.seen)
        starts[message + 1] = used + count
    return Matrix(indices[: starts[-1]], starts)


@njit(cache=True)
def _sums(packed: Packed, table: Array, phrases: _Phrases, weights: Array) -> Sums:
    desk = _desk(packed)
    found = _no_sums(len(packed.bounds) - 1)
    for message in range(len(found.norms)):
        folded = _folded(packed, message, table, desk)
        count, sentences, found.marks[message] = _of_message(folded, phrases, desk)
        own = desk.buckets[:count]
        _forget(own, desk.seen)
        found.norms[message] = _add_up(own, weights, found.values[message])
        if sentences == 1 and count:
            whole = found.values[message, 0] / found.norms[message]
            found.tops[message] = whole * _share(desk.ends[0, 1])
        else:
            found.tops[message] = _top(own, desk.ends[:sentences], weights)
        found.asks[message] = sentences == 1 and _is_question(folded)
    return found


@njit(cache=True)
def _no_sums(messages: int) -> Sums:
    return Sums(
        np.zeros((messages, WIDTH), np.float32),
        np.zeros(messages, np.float32),
        np.zeros(messages, np.float32),
        np.zeros(messages, np.bool_),
        np.zeros(messages, np.uint32),
    )


@njit(cache=True)
def _is_question(folded: Array) -> bool:
    """Does a folded message end in a question mark?"""
    return len(folded) > 1 and folded[-2] in (_QUESTION, _WIDE_QUESTION)


@njit(cache=True)
def _add_up(buckets: Array, weights: Array, total: Array) -> float:
    """Adds the weights of some features; their norm."""
    norm = 0
    sums = np.zeros(WIDTH, np.int32)
    for bucket in buckets:
        rarity = int(weights[bucket, RARITY])
        norm += rarity * rarity
        for column in range(WIDTH):  # a fixed number: all columns at once
            sums[column] += weights[bucket, column]
    total[:] = sums
    return float(np.sqrt(norm) / RARITIES)


@njit(cache=True)
def _top(buckets: Array, ends: Array, weights: Array) -> float:
    """The highest value of the first column in a sentence, by the features that it has first. A
    sentence of fewer than `SHORT` words says so much less."""
    top, start = -np.inf, 0
    for sentence in range(len(ends)):
        total, norm = 0, 0
        for place in range(start, ends[sentence, 0]):
            total += weights[buckets[place], 0]
            rarity = int(weights[buckets[place], RARITY])
            norm += rarity * rarity
        start = ends[sentence, 0]
        if norm > 0:
            top = max(top, _share(ends[sentence, 1]) * total * RARITIES / np.sqrt(norm))
    return float(top)


@njit(cache=True)
def _share(words: int) -> np.float32:
    """How far a sentence of so many words counts."""
    return np.float32(min(1.0, words / SHORT))


@njit(cache=True)
def _words(packed: Packed, table: Array, squares: Array) -> Words:
    folded = np.zeros(most_letters(packed.bounds), np.uint32)
    found = _no_words(packed)
    for message in range(len(found.starts) - 1):
        length = fold(text_of(packed, message), table, folded)
        used, start = found.starts[message], 0
        for stop in range(1, length):
            if folded[stop] == BLANK and folded[start + 1] == END:
                start = stop
            elif folded[stop] == BLANK:
                found.hashes[used] = hash_of(folded[start + 1 : stop])
                found.squares[used] = squares[_bucket(found.hashes[used] ^ _WORD)]
                used, start = used + 1, stop
        found.starts[message + 1] = used
    words = found.starts[-1]
    return Words(found.hashes[:words], found.squares[:words], found.starts)


@njit(cache=True)
def _no_words(packed: Packed) -> Words:
    most = len(packed.codes)
    hashes, squares = np.zeros(most, np.uint64), np.zeros(most, np.float32)
    return Words(hashes, squares, np.zeros(len(packed.bounds), np.int64))
