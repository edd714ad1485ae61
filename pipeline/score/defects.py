"""Defects of the assistant's messages, by its words alone, in one compiled pass over many rows.

    stutter        "so so so so I went" …      share of word pairs that stand in the message before
    takes_up       "Two cats." — "Cats? …"     share of messages with a rare word of the one before
    variety        distinct words of 50, the mean over all stretches of 50 (MATTR, Covington and
                   McFall 2010): the same for a short and a long conversation
    card_shown     share of the card's rare words that the messages use
    card_recited   longest run of words that a message takes over from the card

Each names a weakness and nothing more: a conversation without any is not yet a good one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from pipeline.annotate.folding import Array, Words
from pipeline.annotate.vocabulary import squares_of
from pipeline.compiled import njit
from pipeline.conversation import Conversation
from pipeline.pacing.course import SIDES

NAMES = ("stutter", "takes_up", "variety", "card_shown", "card_recited")
WINDOW = 50  # words (the usual window of MATTR)
ENOUGH = 10  # words of a message in which word pairs are counted; our choice
RARE = 4.5  # inverse document frequency from which on a word says what a line is about; our choice
RUN = 3  # words: shorter runs are nobody's
CARD = 2  # side of a card, beside those of messages
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


class Batch(NamedTuple):
    """Rows laid end to end. Texts of row i: row_at[i] to row_at[i + 1], its card the last of them.

    sides: of each text: those of `SIDES`, or `CARD`.
    """

    sides: Array  # (texts,) int8
    row_at: Array  # (rows + 1,) int64


class _Said(NamedTuple):
    """The words of text i: hashes[starts[i]:starts[i + 1]], and the square of how rare each is."""

    hashes: Array  # (words,) uint64
    squares: Array  # (words,) float32
    starts: Array  # (texts + 1,) int64


def batch(rows: Sequence[Conversation]) -> Batch:
    """Where the texts of `texts` belong."""
    sides: list[int] = []
    row_at = [0]
    for row in rows:
        sides += [SIDES[message.role] for message in row.messages]
        sides.append(CARD)
        row_at.append(len(sides))
    return Batch(np.array(sides, np.int8), np.array(row_at, np.int64))


def texts(rows: Sequence[Conversation]) -> list[str]:
    """All texts of rows: the messages of each, then its card."""
    found: list[str] = []
    for row in rows:
        found += [message.content for message in row.messages]
        found.append(_card(row))
    return found


def _card(row: Conversation) -> str:
    """What describes the assistant; system messages too, where there is no card."""
    if row.persona is None:
        return "\n".join(message.content for message in row.messages if message.role == "system")
    parts = (row.persona.name, row.persona.description, row.persona.scenario)
    return "\n".join(filter(None, parts))


def defects(words: Words, squares: Array, where: Batch) -> Array:
    """(rows, len(NAMES)) float64; NaN where a row has not enough to be measured. squares: of the
    inverse document frequencies of all features."""
    found: Array = _defects(_Said(words.hashes, squares_of(words, squares), words.starts), where)
    return found


@njit(cache=True)
def _defects(found: _Said, where: Batch) -> Array:
    values = np.full((len(where.row_at) - 1, 5), np.nan)
    for row in range(len(values)):
        first, card = where.row_at[row], where.row_at[row + 1] - 1
        own = _own_words(found, where, first, card)
        values[row, 0] = _stutter(found, where, first, card)
        values[row, 1] = _takes_up(found, where, first, card)
        values[row, 2] = _variety(own)
        if found.starts[card] < found.starts[card + 1]:
            values[row, 3] = _shown(found, card, own)
            values[row, 4] = _recited(found, where, first, card)
    return values


@njit(cache=True)
def _set_of(size: int) -> Array:
    """An empty set of hashes: an open table, 0 is a free slot."""
    slots = 16
    while slots < 2 * size:
        slots *= 2
    return np.zeros(slots, np.uint64)


@njit(cache=True)
def _slot(keys: Array, key: np.uint64) -> int:
    mask = np.uint64(len(keys) - 1)
    slot = (key * _GOLDEN) >> np.uint64(32) & mask
    while keys[slot] != 0 and keys[slot] != key:
        slot = (slot + np.uint64(1)) & mask
    return int(slot)


@njit(cache=True)
def _run_of(hashes: Array, start: int, length: int) -> np.uint64:
    """The hash of some words in a row; never 0."""
    key = np.uint64(1)
    for place in range(start, start + length):
        key = (key * np.uint64(31)) ^ hashes[place] * _GOLDEN
    return key | np.uint64(1)


@njit(cache=True)
def _of_text(found: _Said, text: int) -> Array:
    """The words of a text."""
    own: Array = found.hashes[found.starts[text] : found.starts[text + 1]]
    return own


@njit(cache=True)
def _stutter(found: _Said, where: Batch, first: int, card: int) -> float:
    """The largest share of word pairs of a message that it had before; nan without a long one."""
    most = np.nan
    for text in range(first, card):
        own = _of_text(found, text)
        if where.sides[text] == 1 and len(own) >= ENOUGH:
            share = _repeats(own) / (len(own) - 1)
            if not most >= share:
                most = share
    return most


@njit(cache=True)
def _repeats(own: Array) -> int:
    """How many word pairs of a text stand in it before."""
    known, repeats = _set_of(len(own)), 0
    for place in range(len(own) - 1):
        key = _run_of(own, place, 2)
        slot = _slot(known, key)
        repeats += known[slot] == key
        known[slot] = key
    return repeats


@njit(cache=True)
def _takes_up(found: _Said, where: Batch, first: int, card: int) -> float:
    """The share of the assistant's answers with a rare word of the message before."""
    answers, taken = 0, 0
    for text in range(first + 1, card):
        if where.sides[text] != 1 or where.sides[text - 1] != 0:
            continue
        before = _rare_words(found, text - 1)
        if before.any():
            answers += 1
            taken += _has_one(_of_text(found, text), before)
    return taken / answers if answers else np.nan


@njit(cache=True)
def _has_one(words: Array, known: Array) -> bool:
    """Is one of some words in a set?"""
    hits = 0
    for word in words:
        hits += known[_slot(known, word)] == word
    return hits > 0


@njit(cache=True)
def _rare_words(found: _Said, text: int) -> Array:
    """The set of the rare words of a text."""
    first, last = found.starts[text], found.starts[text + 1]
    rare: Array = _set_of(last - first)
    for place in range(first, last):
        if found.squares[place] >= RARE**2:
            rare[_slot(rare, found.hashes[place])] = found.hashes[place]
    return rare


@njit(cache=True)
def _variety(own: Array) -> float:
    """The mean share of distinct words in all stretches of `WINDOW` words of the assistant."""
    if len(own) < WINDOW:
        return np.nan
    keys = _set_of(len(own))
    counts = np.zeros(len(keys), np.int32)
    distinct, total = 0, 0
    for place in range(len(own)):
        slot = _slot(keys, own[place])
        keys[slot] = own[place]
        distinct += counts[slot] == 0
        counts[slot] += 1
        if place >= WINDOW:
            gone = _slot(keys, own[place - WINDOW])
            counts[gone] -= 1
            distinct -= counts[gone] == 0
        if place >= WINDOW - 1:
            total += distinct
    return total / WINDOW / (len(own) - WINDOW + 1)


@njit(cache=True)
def _own_words(found: _Said, where: Batch, first: int, card: int) -> Array:
    """The words of all messages of the assistant."""
    own, count = np.zeros(found.starts[card] - found.starts[first], np.uint64), 0
    for text in range(first, card):
        if where.sides[text] == 1:
            words = _of_text(found, text)
            own[count : count + len(words)] = words
            count += len(words)
    return own[:count]


@njit(cache=True)
def _shown(found: _Said, card: int, own: Array) -> float:
    """The share of the card's rare words that the assistant uses."""
    used = _set_of(len(own))
    for word in own:
        used[_slot(used, word)] = word
    count, shown = 0, 0
    for word in _rare_words(found, card):
        if word:
            count += 1
            shown += used[_slot(used, word)] == word
    return shown / count if count else np.nan


@njit(cache=True)
def _recited(found: _Said, where: Batch, first: int, card: int) -> float:
    """The longest run of words that a message of the assistant shares with the card; 0 below `RUN`
    words."""
    runs = _runs(_of_text(found, card))
    longest = 0
    for text in range(first, card):
        if where.sides[text] == 1:
            longest = max(longest, _longest(_of_text(found, text), runs))
    return longest + RUN - 1.0 if longest else 0.0


@njit(cache=True)
def _runs(own: Array) -> Array:
    """The set of all runs of `RUN` words of a text."""
    runs: Array = _set_of(len(own))
    for place in range(len(own) - RUN + 1):
        key = _run_of(own, place, RUN)
        runs[_slot(runs, key)] = key
    return runs


@njit(cache=True)
def _longest(own: Array, runs: Array) -> int:
    """How many runs of a text, one after another, are in a set."""
    longest, length = 0, 0
    for place in range(len(own) - RUN + 1):
        key = _run_of(own, place, RUN)
        length += 1
        if runs[_slot(runs, key)] != key:
            length = 0
        longest = max(longest, length)
    return longest
