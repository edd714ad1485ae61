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

from pipeline.annotate.features import Array, Words
from pipeline.compiled import njit
from pipeline.conversation import Conversation

NAMES = ("stutter", "takes_up", "variety", "card_shown", "card_recited")
WINDOW = 50  # words (the usual window of MATTR)
ENOUGH = 10  # words of a message in which word pairs are counted; our choice
RARE = 4.5  # inverse document frequency from which on a word says what a line is about; our choice
RUN = 3  # words: shorter runs are nobody's
_SIDES = {"system": -1, "user": 0, "assistant": 1}
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


class Batch(NamedTuple):
    """Rows laid end to end. Texts of row i: row_at[i] to row_at[i + 1], its card the last of them.

    sides: of each text: -1 system, 0 user, 1 assistant, 2 card.
    """

    sides: Array  # (texts,) int8
    row_at: Array  # (rows + 1,) int64


def batch(rows: Sequence[Conversation]) -> Batch:
    """Where the texts of `texts` belong."""
    sides: list[int] = []
    row_at = [0]
    for row in rows:
        sides += [_SIDES[message.role] for message in row.messages]
        sides.append(2)
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


def defects(found: Words, where: Batch) -> Array:
    """(rows, len(NAMES)) float64; NaN where a row has not enough to be measured."""
    values: Array = _defects(
        found.hashes, found.squares, found.starts, where.sides, where.row_at, RARE**2
    )
    return values


@njit(cache=True)  # type: ignore[untyped-decorator]
def _defects(
    hashes: Array, squares: Array, starts: Array, sides: Array, row_at: Array, rare: float
) -> Array:
    values = np.full((len(row_at) - 1, 5), np.nan)
    for row in range(len(row_at) - 1):
        first, card = row_at[row], row_at[row + 1] - 1
        values[row, 0] = _stutter(hashes, starts, sides, first, card)
        values[row, 1] = _takes_up(hashes, squares, starts, sides, first, card, rare)
        values[row, 2] = _variety(hashes, starts, sides, first, card)
        if starts[card] < starts[card + 1]:
            values[row, 3] = _shown(hashes, squares, starts, sides, first, card, rare)
            values[row, 4] = _recited(hashes, starts, sides, first, card)
    return values


@njit(cache=True)  # type: ignore[untyped-decorator]
def _set_of(size: int) -> Array:
    """An empty set of hashes: an open table, 0 is a free slot."""
    slots = 16
    while slots < 2 * size:
        slots *= 2
    return np.zeros(slots, np.uint64)


@njit(cache=True)  # type: ignore[untyped-decorator]
def _slot(keys: Array, key: np.uint64) -> int:
    mask = np.uint64(len(keys) - 1)
    slot = (key * _GOLDEN) >> np.uint64(32) & mask
    while keys[slot] != 0 and keys[slot] != key:
        slot = (slot + np.uint64(1)) & mask
    return int(slot)


@njit(cache=True)  # type: ignore[untyped-decorator]
def _run_of(hashes: Array, start: int, length: int) -> np.uint64:
    """The hash of some words in a row; never 0."""
    key = np.uint64(1)
    for place in range(start, start + length):
        key = (key * np.uint64(31)) ^ hashes[place] * _GOLDEN
    return key | np.uint64(1)


@njit(cache=True)  # type: ignore[untyped-decorator]
def _stutter(hashes: Array, starts: Array, sides: Array, first: int, card: int) -> float:
    """The largest share of word pairs of a message that it had before; nan without a long one."""
    most = np.nan
    for text in range(first, card):
        count = starts[text + 1] - starts[text]
        if sides[text] != 1 or count < ENOUGH:
            continue
        known, repeats = _set_of(count), 0
        for place in range(starts[text], starts[text + 1] - 1):
            key = _run_of(hashes, place, 2)
            slot = _slot(known, key)
            repeats += known[slot] == key
            known[slot] = key
        share = repeats / (count - 1)
        if not most >= share:
            most = share
    return most


@njit(cache=True)  # type: ignore[untyped-decorator]
def _takes_up(
    hashes: Array, squares: Array, starts: Array, sides: Array, first: int, card: int, rare: float
) -> float:
    """The share of the assistant's answers with a rare word of the message before."""
    answers, taken = 0, 0
    for text in range(first + 1, card):
        if sides[text] != 1 or sides[text - 1] != 0:
            continue
        before = _rare_words(hashes, squares, starts, text - 1, text, rare)
        if not before.any():
            continue
        answers += 1
        for place in range(starts[text], starts[text + 1]):
            if before[_slot(before, hashes[place])] == hashes[place]:
                taken += 1
                break
    return taken / answers if answers else np.nan


@njit(cache=True)  # type: ignore[untyped-decorator]
def _rare_words(
    hashes: Array, squares: Array, starts: Array, first: int, last: int, rare: float
) -> Array:
    """The set of the rare words of some texts."""
    found: Array = _set_of(starts[last] - starts[first])
    for place in range(starts[first], starts[last]):
        if squares[place] >= rare:
            found[_slot(found, hashes[place])] = hashes[place]
    return found


@njit(cache=True)  # type: ignore[untyped-decorator]
def _variety(hashes: Array, starts: Array, sides: Array, first: int, card: int) -> float:
    """The mean share of distinct words in all stretches of `WINDOW` words of the assistant."""
    own = _own_words(hashes, starts, sides, first, card)
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


@njit(cache=True)  # type: ignore[untyped-decorator]
def _own_words(hashes: Array, starts: Array, sides: Array, first: int, card: int) -> Array:
    own, count = np.zeros(starts[card] - starts[first], np.uint64), 0
    for text in range(first, card):
        if sides[text] == 1:
            for place in range(starts[text], starts[text + 1]):
                own[count] = hashes[place]
                count += 1
    return own[:count]


@njit(cache=True)  # type: ignore[untyped-decorator]
def _shown(
    hashes: Array, squares: Array, starts: Array, sides: Array, first: int, card: int, rare: float
) -> float:
    """The share of the card's rare words that the assistant uses."""
    own = _own_words(hashes, starts, sides, first, card)
    used = _set_of(len(own))
    for word in own:
        used[_slot(used, word)] = word
    wanted = _rare_words(hashes, squares, starts, card, card + 1, rare)
    count, shown = 0, 0
    for word in wanted:
        if word:
            count += 1
            shown += used[_slot(used, word)] == word
    return shown / count if count else np.nan


@njit(cache=True)  # type: ignore[untyped-decorator]
def _recited(hashes: Array, starts: Array, sides: Array, first: int, card: int) -> float:
    """The longest run of words that a message of the assistant shares with the card; 0 below `RUN`
    words."""
    runs = _set_of(starts[card + 1] - starts[card])
    for place in range(starts[card], starts[card + 1] - RUN + 1):
        key = _run_of(hashes, place, RUN)
        runs[_slot(runs, key)] = key
    longest = 0
    for text in range(first, card):
        length = 0
        for place in range(starts[text], starts[text + 1] - RUN + 1):
            key = _run_of(hashes, place, RUN)
            known = sides[text] == 1 and runs[_slot(runs, key)] == key
            length = length + 1 if known else 0
            longest = max(longest, length)
    return longest + RUN - 1.0 if longest else 0.0
