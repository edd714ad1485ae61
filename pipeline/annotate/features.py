"""From messages to their features, and to sums of weights, in compiled code.

Features of a message are those of its words (`vocabulary.py`), its pairs of neighbours, "miss you",
and the classes of the listed phrases in it. Each counts once, however often it is there. Classes
have the buckets behind the hashed ones: a phrase of `configs/words/emotion-*` is the feature of its
emotion, one of `intimate-*` that of its weight.

    "miss you"  0.6 in intimate-en       →  bucket SIZE + 7 + 7

Most words are common ones. What a word adds is therefore added up once for all messages; a sentence
adds the words and pairs that are new to its message, and takes back what these have in common with
each other and with what was there before:

    "miss kiss. Miss kiss me"
                      words           taken back                            pairs
    first sentence    miss  kiss      "is" "ss" "s " "iss" "ss " "iss "     -miss  miss-kiss
    second one        me              " m"                                  kiss-miss  kiss-me

All of these are whole numbers: in which order they are added changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from pipeline.annotate.folding import Array, Words, joined, words_of
from pipeline.annotate.listed import CLASSES
from pipeline.annotate.vocabulary import (
    SIZE,
    Phrases,
    Vocabulary,
    add,
    bucket_of,
    classes_of,
    listed_phrases,
    mark_of,
    vocabulary,
)
from pipeline.compiled import njit

BUCKETS = SIZE + CLASSES
# Columns of a table of weights: those of the heads, then 0. In sums, SQUARE has the squares of how
# rare the features are; in a table, RARITY how rare each is.
WIDTH, SQUARE, RARITY = 16, 14, 15
RARITIES = 10  # one of inverse document frequency is so much there
SHORT = 4  # words; a shorter sentence says less of its own
_QUESTION, _WIDE_QUESTION = ord("?"), ord("？")
_PAIR = np.uint64(0x79B9)  # sets pairs apart from other features


class Matrix(NamedTuple):
    """The buckets of message i: indices[starts[i]:starts[i + 1]]."""

    indices: Array  # (features,) int32
    starts: Array  # (messages + 1,) int64


class Sums(NamedTuple):
    """What a pass over messages finds.

    totals: of each column the sum over the features. norms: the norm of the features, 0 where there
    is no word. tops: of the first column, the highest value (sum / norm) of a sentence. asks:
    whether it is one sentence that is a question. marks: which classes of phrases it has, in bits.
    """

    totals: Array  # (messages, WIDTH) int32
    norms: Array  # (messages,) float32
    tops: Array  # (messages,) float32
    asks: Array  # (messages,) bool
    marks: Array  # (messages,) uint32


class _News(NamedTuple):
    """What each sentence has that its message did not have before; see the drawing above.

    words: numbers of words. twice: buckets that these have in common. pairs: buckets of pairs and
    of classes. Those of sentence i: words[words_at[i]:words_at[i + 1]], and likewise. marks: of
    each message, see `Sums`.
    """

    words: Array  # int32
    twice: Array  # uint16
    pairs: Array  # int32
    words_at: Array  # (sentences + 1,) int64
    twice_at: Array
    pairs_at: Array
    marks: Array  # (messages,) uint32


def matrix(texts: Sequence[str]) -> Matrix:
    """The features of messages, to train on."""
    words = words_of(texts)
    return _matrix(words, vocabulary(words), listed_phrases())


def table_of(weights: Array, squares: Array) -> Array:
    """(BUCKETS, WIDTH) int8: weights (BUCKETS, heads) int8 and squares (BUCKETS,) of the inverse
    document frequencies, so that all that is known of a feature lies in one place."""
    table = np.zeros((BUCKETS, WIDTH), np.int8)
    table[:, : weights.shape[1]] = weights
    table[:, RARITY] = np.round(np.sqrt(squares) * RARITIES)
    return table


def sums(words: Words, table: Array) -> Sums:
    """What messages add up to. table: see `table_of`."""
    known = vocabulary(words)
    news = _news(words, known, listed_phrases())
    totals = np.zeros((len(known.longest), WIDTH), np.int32)
    _add_rows(table, known.buckets, known.bounds, totals, 1)
    sentences = np.zeros((len(words.sentences) - 1, WIDTH), np.int32)
    _add_rows(totals, news.words, news.words_at, sentences, 1)
    _add_rows(table, news.pairs, news.pairs_at, sentences, 1)
    _add_rows(table, news.twice, news.twice_at, sentences, -1)
    return _sums(words, sentences, news.marks)


# --- what is new in a sentence


@njit(cache=True)
def _news(words: Words, known: Vocabulary, phrases: Phrases) -> _News:
    found, met = _no_news(words, known), np.zeros(SIZE, np.uint8)
    said = np.full(len(known.longest), -1, np.int32)  # in which message a word was met last
    for message in range(len(words.messages) - 1):
        mark, first = mark_of(message, met), words.sentences[words.messages[message]]
        for sentence in range(words.messages[message], words.messages[message + 1]):
            new = _add_words(words, known, sentence, said, message, found)
            _add_twice(known, new, met, mark, found, sentence)
            _add_pairs(words, first, sentence, met, mark, found)
            bits = _classes(words, first, sentence, known, phrases)
            _add_classes(bits & ~found.marks[message], found, sentence)
            found.marks[message] |= bits
    return found


@njit(cache=True)
def _no_news(words: Words, known: Vocabulary) -> _News:
    """Space for all that may be new; what is not used costs nothing."""
    sentences, messages = len(words.sentences), len(words.messages) - 1
    return _News(
        np.empty(len(words.hashes), np.int32),
        np.empty(_most_features(known), np.uint16),
        np.empty(len(words.hashes) + CLASSES * messages, np.int32),
        np.zeros(sentences, np.int64),
        np.zeros(sentences, np.int64),
        np.zeros(sentences, np.int64),
        np.zeros(messages, np.uint32),
    )


@njit(cache=True)
def _most_features(known: Vocabulary) -> int:
    """How many features all words have together, the distinct ones as often as they are there."""
    count = 0
    for number in known.numbers:
        count += known.bounds[number + 1] - known.bounds[number]
    return count


@njit(cache=True)
def _add_words(
    words: Words, known: Vocabulary, sentence: int, said: Array, message: int, found: _News
) -> Array:
    """Adds the words of a sentence that are new to the message; their numbers."""
    count = found.words_at[sentence]
    for word in range(words.sentences[sentence], words.sentences[sentence + 1]):
        number = known.numbers[word]
        if said[number] != message:
            said[number] = message
            found.words[count] = number
            count += 1
    found.words_at[sentence + 1] = count
    new: Array = found.words[found.words_at[sentence] : count]
    return new


@njit(cache=True)
def _add_twice(
    known: Vocabulary, new: Array, met: Array, mark: np.uint8, found: _News, sentence: int
) -> None:
    """Adds those features of new words that the message has already."""
    count = found.twice_at[sentence]
    for number in new:
        for place in range(known.bounds[number], known.bounds[number + 1]):
            bucket = known.buckets[place]
            if met[bucket] == mark:
                found.twice[count] = bucket
                count += 1
            met[bucket] = mark
    found.twice_at[sentence + 1] = count


@njit(cache=True)
def _add_pairs(
    words: Words, first: int, sentence: int, met: Array, mark: np.uint8, found: _News
) -> None:
    """Adds the pairs of a sentence that are new to the message, whose first word is `first`."""
    count = found.pairs_at[sentence]
    for word in range(words.sentences[sentence], words.sentences[sentence + 1]):
        count = add(_pair(words, first, word), found.pairs, count, met, mark)
    found.pairs_at[sentence + 1] = count


@njit(inline="always")
def _pair(words: Words, first: int, word: int) -> int:
    """The bucket of a word with the one before it."""
    before = np.uint64(0)
    if word > first:
        before = words.hashes[word - 1]
    return bucket_of(joined(before, words.hashes[word]) ^ _PAIR)


@njit(cache=True)
def _classes(
    words: Words, first: int, sentence: int, known: Vocabulary, phrases: Phrases
) -> np.uint32:
    """The classes of the phrases that end in a sentence, in bits."""
    bits = np.uint32(0)
    for word in range(words.sentences[sentence], words.sentences[sentence + 1]):
        longest = known.longest[known.numbers[word]]
        if longest:
            bits |= classes_of(words.hashes, first, word, longest, phrases)
    return bits


@njit(cache=True)
def _add_classes(bits: np.uint32, found: _News, sentence: int) -> None:
    """Adds classes of phrases to the pairs of a sentence."""
    for number in range(CLASSES):
        if bits >> np.uint32(number) & np.uint32(1):
            found.pairs[found.pairs_at[sentence + 1]] = SIZE + number
            found.pairs_at[sentence + 1] += 1


# --- sums


@njit(cache=True)
def _add_rows(table: Array, which: Array, bounds: Array, sums: Array, sign: int) -> None:
    """To row i of `sums` adds the rows which[bounds[i]:bounds[i + 1]] of a table, or takes them
    away, with the squares of their rarities."""
    total = np.zeros(WIDTH, np.int32)
    for row in range(len(sums)):
        square, total[:] = 0, 0
        for place in range(bounds[row], bounds[row + 1]):
            added = which[place]
            for column in range(len(total)):  # not `WIDTH`: so all columns are added at once
                total[column] += table[added, column]
            rarity = int(table[added, RARITY])
            square += rarity * rarity
        total[SQUARE] += square
        total[RARITY] = 0
        for column in range(len(total)):
            sums[row, column] += sign * total[column]


@njit(cache=True)
def _sums(words: Words, sentences: Array, marks: Array) -> Sums:
    """sentences: (sentences, WIDTH) what each adds up to."""
    found = _no_sums(len(words.messages) - 1, marks)
    for message in range(len(marks)):
        start, end = words.messages[message], words.messages[message + 1]
        total = found.totals[message]
        for sentence in range(start, end):
            total += sentences[sentence]
        norm = np.float32(np.sqrt(total[SQUARE]) / RARITIES)
        found.norms[message] = norm
        if end - start == 1 and norm > 0:
            said = words.sentences[end] - words.sentences[start]
            found.tops[message] = np.float32(total[0]) / norm * _share(said)
        else:
            found.tops[message] = _top(sentences[start:end], words.sentences[start : end + 1])
        found.asks[message] = end - start == 1 and _asks(words, start)
    return found


@njit(cache=True)
def _no_sums(messages: int, marks: Array) -> Sums:
    return Sums(
        np.zeros((messages, WIDTH), np.int32),
        np.zeros(messages, np.float32),
        np.zeros(messages, np.float32),
        np.zeros(messages, np.bool_),
        marks,
    )


@njit(cache=True)
def _top(sentences: Array, bounds: Array) -> float:
    """The highest value of the first column in a sentence. One of fewer than `SHORT` words says so
    much less. bounds: of their words."""
    top = -np.inf
    for sentence in range(len(sentences)):
        total, square = sentences[sentence, 0], sentences[sentence, SQUARE]
        if square > 0:
            share = _share(bounds[sentence + 1] - bounds[sentence])
            top = max(top, share * total * RARITIES / np.sqrt(square))
    return float(top)


@njit(cache=True)
def _share(words: int) -> np.float32:
    """How far a sentence of so many words counts."""
    return np.float32(min(1.0, words / SHORT))


@njit(cache=True)
def _asks(words: Words, sentence: int) -> bool:
    """Does a sentence end in a question mark?"""
    last = words.sentences[sentence + 1] - 1
    if last < words.sentences[sentence]:
        return False
    return words.codes[words.firsts[last]] in (_QUESTION, _WIDE_QUESTION)


# --- the features themselves


@njit(cache=True)
def _matrix(words: Words, known: Vocabulary, phrases: Phrases) -> Matrix:
    firsts = words.sentences[words.messages]
    indices = np.empty(_most_features(known) + len(words.hashes) + CLASSES * len(firsts), np.int32)
    met = np.zeros(BUCKETS, np.uint8)
    starts = np.zeros(len(firsts), np.int64)
    for message in range(len(firsts) - 1):
        mark, count = mark_of(message, met), starts[message]
        for word in range(firsts[message], firsts[message + 1]):
            for bucket in _buckets(words, firsts[message], word, known, phrases):
                count = add(bucket, indices, count, met, mark)
        starts[message + 1] = count
    return Matrix(indices[: starts[-1]], starts)


@njit(cache=True)
def _buckets(words: Words, first: int, word: int, known: Vocabulary, phrases: Phrases) -> Array:
    """All features of a word that a message has with it."""
    number = known.numbers[word]
    own = known.buckets[known.bounds[number] : known.bounds[number + 1]]
    found, count = np.empty(len(own) + 1 + CLASSES, np.int32), len(own) + 1
    found[: -1 - CLASSES], found[len(own)] = own, _pair(words, first, word)
    bits = classes_of(words.hashes, first, word, known.longest[number], phrases)
    for one in range(CLASSES):
        if bits >> np.uint32(one) & np.uint32(1):
            found[count] = SIZE + one
            count += 1
    return found[:count]
