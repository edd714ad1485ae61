"""From a message to the buckets of its features, in one compiled pass.

A message is folded to its words in lower case; signs that say something by themselves are words:

    "Fine… I MISS you!!"    fine · … | i · miss · you · ! · !        | ends a sentence

Features, each hashed to one of `SIZE` buckets and counted once a message (hashing trick, Weinberger
et al. 2009):

    2 to 5 letters of a word, blanks around it included     " m" "mi" " mi" … "miss " "iss "
    words and pairs of neighbours                           "miss"  "miss you"

Behind these buckets stand those of the word lists: a phrase of `configs/words/emotion-*` is the
feature of its emotion, one of `intimate-*` that of its weight.

    "miss you"  0.6 in intimate-en       →  bucket SIZE + 7 + 7
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from pipeline.annotate.listed import CLASSES, LONGEST_PHRASE, listed
from pipeline.compiled import njit

SIZE = 1 << 16  # buckets of hashed features
BUCKETS = SIZE + CLASSES
LONGEST = 5  # letters of an n-gram, the blanks around a word included
_PLANE = 0x10000  # characters beyond the first plane, emoji most of all, are words by themselves
_ALONE, _STOP = 1 << 31, 1 << 30  # of a character: it is a word by itself; it may end a sentence
_BLANK, _END = 32, 10  # in a folded message: between words, between sentences
_QUESTION, _WIDE_QUESTION = ord("?"), ord("？")
SHORT = 4  # words; a shorter sentence says less of its own
_OFFSET = np.uint64(1469598103934665603)  # FNV-1a
_PRIME = np.uint64(1099511628211)
_WORD, _PAIR = np.uint64(0x9E37), np.uint64(0x79B9)  # set words and pairs apart from n-grams

Array = np.ndarray[Any, Any]


class Packed(NamedTuple):
    """Messages laid end to end: number i is codes[bounds[i]:bounds[i + 1] - 1]."""

    codes: Array  # (characters,) uint32
    bounds: Array  # (messages + 1,) int64


class Matrix(NamedTuple):
    """The buckets of message i: indices[starts[i]:starts[i + 1]]."""

    indices: Array  # (features,) int32
    starts: Array  # (messages + 1,) int64


def pack(texts: Sequence[str]) -> Packed:
    """Messages as one array of characters, a NUL behind each."""
    joined = "\0".join([*texts, ""])
    lengths = np.fromiter(map(len, texts), np.int64, len(texts))
    bounds = np.zeros(len(texts) + 1, np.int64)
    np.cumsum(lengths + 1, out=bounds[1:])
    return Packed(np.frombuffer(joined.encode("utf-32-le", "replace"), np.uint32), bounds)


def matrix(texts: Sequence[str]) -> Matrix:
    """The features of messages, to train on."""
    packed = pack(texts)
    return Matrix(*_matrix(packed.codes, packed.bounds, letters(), *_phrases()))


class Sums(NamedTuple):
    """What a pass over messages finds.

    values: of each column the sum of weights of its features. norms: the norm of the features, 0
    where there is no word. tops: of the first column, the highest value (sum / norm) of a sentence.
    asks: whether it is one sentence that is a question. marks: which classes of phrases it has, in
    bits.
    """

    values: Array  # (messages, columns) float32
    norms: Array  # (messages,) float32
    tops: Array  # (messages,) float32
    asks: Array  # (messages,) bool
    marks: Array  # (messages,) uint32


def sums(packed: Packed, weights: Array, squares: Array) -> Sums:
    """weights: (BUCKETS, columns) int8. squares: (BUCKETS,) float32, squared inverse document
    frequencies."""
    return Sums(*_sums(packed.codes, packed.bounds, letters(), *_phrases(), weights, squares))


class Words(NamedTuple):
    """The words of message i: hashes[starts[i]:starts[i + 1]], and the square of how rare each
    is."""

    hashes: Array  # (words,) uint64
    squares: Array  # (words,) float32
    starts: Array  # (messages + 1,) int64


def words(packed: Packed, squares: Array) -> Words:
    """The words of messages, as the heads know them. squares: see `sums`."""
    return Words(*_words(packed.codes, packed.bounds, letters(), squares))


@cache
def letters() -> Array:
    """Characters as they are read, uint32 (65536,): 0 separates words, a letter is its lower case,
    a sign that is a word by itself has the bit `_ALONE`, one that ends a sentence `_STOP`."""
    table = np.zeros(_PLANE, np.uint32)
    for code in range(_PLANE):
        sign = chr(code)
        if sign.isdigit():
            table[code] = ord("0")  # any number is as telling as another
        elif sign.isalpha():
            table[code] = ord(sign.lower()[0])
        elif sign in "?!？！" or 0x2190 <= code <= 0x2BFF or code == 0x2026:
            table[code] = code | _ALONE
    for sign in ".。\n…?!？！":
        table[ord(sign)] |= _STOP
    table[ord("'")] = table[ord("’")] = ord("'")  # I'm
    table[ord("ё")] = table[ord("Ё")] = ord("е")
    return table


@cache
def _phrases() -> tuple[Array, Array]:
    """The listed phrases in an open hash table: keys (slots,) uint64, and in bits the classes of
    each, (slots,) uint32."""
    found = listed()
    slots = 1 << (2 * len(found)).bit_length()
    keys, classes = np.zeros(slots, np.uint64), np.zeros(slots, np.uint32)
    for phrase, numbers in found.items():
        bits = sum(1 << number for number in set(numbers))
        _enter(np.uint64(_hash_of_phrase(phrase)), np.uint32(bits), keys, classes)
    return keys, classes


def _hash_of_phrase(phrase: str) -> int:
    """The hash that the compiled pass gives the same words."""
    packed = pack([phrase])
    folded = np.zeros(3 * len(packed.codes) + 2, np.uint32)
    length = _fold(packed.codes[:-1], letters(), folded)
    return int(_hash_of_words(folded[:length]))


@njit(cache=True)  # type: ignore[untyped-decorator]
def _enter(key: np.uint64, bits: np.uint32, keys: Array, classes: Array) -> None:
    slot = _slot(keys, key)
    keys[slot] = key
    classes[slot] |= bits


@njit(cache=True)  # type: ignore[untyped-decorator]
def _slot(keys: Array, key: np.uint64) -> int:
    """Where a key stands in an open hash table, or where it would."""
    mask = np.uint64(len(keys) - 1)
    slot = (key ^ (key >> np.uint64(29))) & mask
    while keys[slot] != 0 and keys[slot] != key:
        slot = (slot + np.uint64(1)) & mask
    return int(slot)


@njit(cache=True)  # type: ignore[untyped-decorator]
def _fold(codes: Array, table: Array, folded: Array) -> int:
    """Writes a message as words in lower case with a blank before, between and after them, and
    `_END` with a blank behind each sentence."""
    folded[0] = _BLANK
    length, stopped = 1, False
    for code in codes:
        kind = table[code] if code < _PLANE else code | np.uint32(_ALONE)
        alone = kind & np.uint32(_ALONE)
        letter = kind & np.uint32(_STOP - 1)
        if folded[length - 1] != _BLANK and (alone or letter == 0):
            folded[length] = _BLANK
            length += 1
        if stopped and letter and not kind & np.uint32(_STOP):
            folded[length], folded[length + 1] = _END, _BLANK
            length, stopped = length + 2, False
        if letter:
            folded[length] = letter
            length += 1
        if alone:
            folded[length] = _BLANK
            length += 1
        stopped = stopped or kind & np.uint32(_STOP) > 0
    if folded[length - 1] != _BLANK:
        folded[length] = _BLANK
        length += 1
    return length


@njit(cache=True)  # type: ignore[untyped-decorator]
def _hash_of_words(folded: Array) -> np.uint64:
    """The hash of the words of a folded phrase."""
    key, start = np.uint64(0), 0
    for stop in range(1, len(folded)):
        if folded[stop] == _BLANK:
            key = _joined(key, _hash(folded[start + 1 : stop]))
            start = stop
    return key


@njit(cache=True)  # type: ignore[untyped-decorator]
def _hash(word: Array) -> np.uint64:
    hashed = _OFFSET
    for letter in word:
        hashed = (hashed ^ np.uint64(letter)) * _PRIME
    return hashed


@njit(cache=True)  # type: ignore[untyped-decorator]
def _joined(before: np.uint64, word: np.uint64) -> np.uint64:
    """The hash of some words and one more."""
    return (before * np.uint64(31) + np.uint64(7)) * _PRIME ^ word


@njit(cache=True)  # type: ignore[untyped-decorator]
def _add(bucket: int, buckets: Array, count: int, seen: Array, message: int) -> int:
    """Notes a bucket, if this message has not got it yet; how many there are now.

    seen: of each bucket, the last message that has it.
    """
    if seen[bucket] != message:
        seen[bucket] = message
        buckets[count] = bucket
        count += 1
    return count


@njit(cache=True)  # type: ignore[untyped-decorator]
def _bucket(hashed: np.uint64) -> int:
    return int((hashed ^ (hashed >> np.uint64(29))) & np.uint64(SIZE - 1))


@njit(cache=True)  # type: ignore[untyped-decorator]
def _of_message(
    folded: Array,
    keys: Array,
    classes: Array,
    buckets: Array,
    seen: Array,
    message: int,
    ends: Array,
) -> tuple[int, int, np.uint32]:
    """Writes the buckets of a folded message, each once, and for each sentence how many there are
    at its end and its words; how many buckets, how many sentences, and the classes of phrases."""
    count, start, sentences, marks = 0, 0, 0, np.uint32(0)
    words = np.zeros(LONGEST_PHRASE, np.uint64)  # the last ones, the newest first
    in_sentence = 0
    for stop in range(1, len(folded)):
        if folded[stop] != _BLANK:
            continue
        if folded[start + 1] == _END:
            ends[sentences, 0], ends[sentences, 1] = count, in_sentence
            sentences, in_sentence, start = sentences + 1, 0, stop
            continue
        word = _hash(folded[start + 1 : stop])
        count = _grams(folded[start : stop + 1], buckets, count, seen, message)
        count = _add(_bucket(word ^ _WORD), buckets, count, seen, message)
        count = _add(_bucket(_joined(words[0], word) ^ _PAIR), buckets, count, seen, message)
        words[1:] = words[:-1].copy()
        words[0] = word
        found = _listed(words, keys, classes)
        for number in range(CLASSES if found else 0):
            if found >> np.uint32(number) & np.uint32(1):
                count = _add(SIZE + number, buckets, count, seen, message)
        marks |= found
        in_sentence, start = in_sentence + 1, stop
    ends[sentences, 0], ends[sentences, 1] = count, in_sentence
    return count, sentences + 1, marks


@njit(cache=True)  # type: ignore[untyped-decorator]
def _grams(word: Array, buckets: Array, count: int, seen: Array, message: int) -> int:
    """The n-grams of a word with its blanks; of one letter between blanks, " a" and "a " too."""
    for start in range(len(word) - 1):
        hashed = _OFFSET ^ np.uint64(word[start])
        for stop in range(start + 1, min(start + LONGEST, len(word))):
            hashed = (hashed * _PRIME) ^ np.uint64(word[stop])
            count = _add(_bucket(hashed * _PRIME), buckets, count, seen, message)
    return count


@njit(cache=True)  # type: ignore[untyped-decorator]
def _listed(words: Array, keys: Array, classes: Array) -> np.uint32:
    """The classes of the listed phrases that end at the newest word, in bits."""
    found = np.uint32(0)
    for length in range(1, LONGEST_PHRASE + 1):
        if words[length - 1] == 0:
            break
        key = np.uint64(0)
        for place in range(length - 1, -1, -1):
            key = _joined(key, words[place])
        slot = _slot(keys, key)
        if keys[slot] == key:
            found |= classes[slot]
    return found


@njit(cache=True)  # type: ignore[untyped-decorator]
def _most(bounds: Array) -> int:
    """Characters of the longest message, each with room for the blanks around it."""
    longest = 0
    for message in range(len(bounds) - 1):
        longest = max(longest, bounds[message + 1] - bounds[message])
    return 3 * longest + 2


@njit(cache=True)  # type: ignore[untyped-decorator]
def _matrix(
    codes: Array, bounds: Array, table: Array, keys: Array, classes: Array
) -> tuple[Array, Array]:
    most, messages = _most(bounds), len(bounds) - 1
    folded, seen = np.zeros(most, np.uint32), np.full(BUCKETS, -1, np.int32)
    buckets, ends = np.zeros(6 * most + CLASSES, np.int32), np.zeros((most, 2), np.int64)
    starts, indices = np.zeros(messages + 1, np.int64), np.zeros(1024, np.int32)
    for message in range(messages):
        text = codes[bounds[message] : bounds[message + 1] - 1]
        length = _fold(text, table, folded)
        count, _, _ = _of_message(folded[:length], keys, classes, buckets, seen, message, ends)
        used = starts[message]
        if used + count > len(indices):
            indices = np.concatenate((indices, np.zeros(len(indices) + count, np.int32)))
        indices[used : used + count] = buckets[:count]
        starts[message + 1] = used + count
    return indices[: starts[-1]], starts


@njit(cache=True)  # type: ignore[untyped-decorator]
def _sums(
    codes: Array,
    bounds: Array,
    table: Array,
    keys: Array,
    classes: Array,
    weights: Array,
    squares: Array,
) -> tuple[Array, Array, Array, Array, Array]:
    most, messages = _most(bounds), len(bounds) - 1
    folded, seen = np.zeros(most, np.uint32), np.full(BUCKETS, -1, np.int32)
    buckets, ends = np.zeros(6 * most + CLASSES, np.int32), np.zeros((most, 2), np.int64)
    found = np.zeros((messages, weights.shape[1]), np.float32)
    norms, tops = np.zeros(messages, np.float32), np.zeros(messages, np.float32)
    asks, marks = np.zeros(messages, np.bool_), np.zeros(messages, np.uint32)
    for message in range(messages):
        text = codes[bounds[message] : bounds[message + 1] - 1]
        length = _fold(text, table, folded)
        last = folded[length - 2]
        count, sentences, marks[message] = _of_message(
            folded[:length], keys, classes, buckets, seen, message, ends
        )
        norms[message] = _add_up(buckets[:count], weights, squares, found[message])
        tops[message] = _top(buckets, ends[:sentences], weights, squares)
        asks[message] = sentences == 1 and last in (_QUESTION, _WIDE_QUESTION)
    return found, norms, tops, asks, marks


@njit(cache=True)  # type: ignore[untyped-decorator]
def _add_up(buckets: Array, weights: Array, squares: Array, total: Array) -> float:
    """Adds the weights of some features; their norm."""
    norm = np.float32(0)
    sums = np.zeros(len(total), np.int32)
    for bucket in buckets:
        norm += squares[bucket]
        for column in range(len(sums)):
            sums[column] += weights[bucket, column]
    total[:] = sums
    return float(np.sqrt(norm))


@njit(cache=True)  # type: ignore[untyped-decorator]
def _top(buckets: Array, ends: Array, weights: Array, squares: Array) -> float:
    """The highest value of the first column in a sentence, by the features that it has first. A
    sentence of fewer than `SHORT` words says so much less."""
    top, start = np.float32(-np.inf), 0
    for sentence in range(len(ends)):
        total, norm = np.int32(0), np.float32(0)
        for place in range(start, ends[sentence, 0]):
            total += weights[buckets[place], 0]
            norm += squares[buckets[place]]
        start = ends[sentence, 0]
        if norm > 0:
            share = np.float32(min(1.0, ends[sentence, 1] / SHORT))
            top = max(top, share * total / np.sqrt(norm))
    return float(top)


@njit(cache=True)  # type: ignore[untyped-decorator]
def _words(codes: Array, bounds: Array, table: Array, squares: Array) -> tuple[Array, Array, Array]:
    folded, messages = np.zeros(_most(bounds), np.uint32), len(bounds) - 1
    hashes, rarity = np.zeros(len(codes), np.uint64), np.zeros(len(codes), np.float32)
    starts = np.zeros(messages + 1, np.int64)
    for message in range(messages):
        text = codes[bounds[message] : bounds[message + 1] - 1]
        length, used, start = _fold(text, table, folded), starts[message], 0
        for stop in range(1, length):
            if folded[stop] == _BLANK and folded[start + 1] == _END:
                start = stop
            elif folded[stop] == _BLANK:
                hashes[used] = _hash(folded[start + 1 : stop])
                rarity[used] = squares[_bucket(hashes[used] ^ _WORD)]
                used, start = used + 1, stop
        starts[message + 1] = used
    return hashes[: starts[-1]], rarity[: starts[-1]], starts
