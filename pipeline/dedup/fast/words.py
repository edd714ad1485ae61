"""From texts to shingles, compiled: the words of each message as hashes, eight bytes at a time.

`registers.fold` folds the ASCII of many rows and notes where letters stand, one
bit a byte. Then, message by message, `mark` finds where words begin and end, and
`hash_words` hashes word by word. A message with letters beyond ASCII is spelled
instead, into the same hashes.

    text        H  e  y  ,     I  '  m     f  i  n  e
    letters     1  1  1  0  0  1  0  1  0  1  1  1  1
    edges       0        3     5  6  7  8  9           13     a bit differs from the one before
    folded      h  e  y  0  0  i  0  m  0  f  i  n  e
    words       hey | i | m | fine            two edges each: where it begins, where it ends

Finding many edges at once: Langdale and Lemire, Parsing Gigabytes of JSON per
Second (2019).
"""

# mypy: allow-untyped-defs, allow-untyped-calls
# numba gives the compiled functions their types
from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pyarrow as pa

from pipeline.compiled import njit
from pipeline.dedup.arrays import Bytes, CountArray, Flags, Integers, Keys, Lists, Shingles, Signs
from pipeline.dedup.columns import arrow, strings
from pipeline.dedup.fast.registers import eight_bytes, fold, ones, trailing_zeros
from pipeline.dedup.fast.spelling import absorb, character, letter_of, spell
from pipeline.dedup.shingles import BASE, MIX, ODD, SHINGLE, Shingled
from pipeline.dedup.view import IGNORED, ComparedTexts, buffers
from pipeline.dedup.words import Table, characters, folded

BLOCK_ROWS = 1 << 10  # rows folded at a time: a megabyte, which stays in the cache
EDGES_AT_ONCE = 4

_u32, _u64 = np.uint32, np.uint64
_ZERO, _ONE, _TWO, _THREE, _SIX, _EIGHT = map(_u64, (0, 1, 2, 3, 6, 8))
_ALL, _LAST_BIT, _BITS = map(_u64, ((1 << 64) - 1, 63, 64))
_ODD, _BASE, _FACTOR1, _FACTOR2 = map(_u64, (ODD, BASE, *MIX))
_BASE2, _BASE3, _BASE4 = (_u64(pow(BASE, power, 1 << 64)) for power in (2, 3, 4))
_MIX_SHIFT, _DIGEST_SHIFT = _u64(33), _u64(29)


class Block(NamedTuple):
    """The text of some rows, as `fold` leaves it."""

    text: Bytes  # (bytes,) UTF-8
    folded: Keys  # (bytes / 8,) ASCII letters and digits in small letters, 0 elsewhere
    letters: Keys  # (bytes / 64,) a bit for each byte: an ASCII letter or digit
    beyond: Keys  # (bytes / 64,) a bit for each byte: it begins a character beyond ASCII
    table: Table  # what each character folds to


class Messages(NamedTuple):
    """Where the messages of each row stand in a block."""

    starts: Keys  # (messages + 1,) where each message begins in the text
    speakers: Signs  # (messages,)
    rows: Keys  # (rows + 1,) where each row's messages begin


class HashScratch(NamedTuple):
    """What one row needs for itself."""

    edges: Keys  # where words begin and end that are marked and not yet hashed
    words: Keys  # the hashes of all words


class FoldedWords(NamedTuple):
    """What is found out about the rows: as in `Shingled`, but for whole arrays of all rows."""

    digests: Keys
    shingles: Shingles
    ends: Integers  # where the shingles of a row end
    message_words: CountArray
    message_ends: Integers
    words: CountArray
    context: Flags  # the row must be folded in Python

    def of_rows(self, first: int, last: int) -> FoldedWords:
        """The same for the rows first … last - 1 only; ends also has the one before."""
        rows, ends = slice(first, last), slice(first, last + 1)
        return self._replace(
            digests=self.digests[rows],
            ends=self.ends[ends],
            message_ends=self.message_ends[ends],
            words=self.words[rows],
            context=self.context[rows],
        )


def shingle(texts: ComparedTexts) -> pa.Table:
    found = _shingled(texts)
    table = _table(found)
    again = np.flatnonzero(found.context)
    if not len(again):
        return table
    order = np.arange(len(table))
    order[again] = len(table) + np.arange(len(again))
    folded_rows = _table(_shingled(_folded(texts, again)))
    return pa.concat_tables([table, folded_rows]).take(arrow(order)).combine_chunks()


def _folded(texts: ComparedTexts, rows: Integers) -> ComparedTexts:
    """The compared messages of some rows, folded in Python: what a table of characters cannot."""
    messages = [
        [message for message in texts.messages(row) if texts.speakers[message] != IGNORED]
        for row in rows
    ]
    flat = [message for row in messages for message in row]
    data, starts = buffers(strings([folded(texts.text(message)) for message in flat]))
    row_starts = np.cumsum([0, *map(len, messages)])
    return ComparedTexts(data, starts, row_starts, texts.speakers[flat])


def _table(found: FoldedWords) -> pa.Table:
    shingles = Lists(found.shingles, found.ends)
    words = found.message_words, found.message_ends
    return Shingled(found.digests, shingles, *words, found.words).table()


def _shingled(texts: ComparedTexts) -> FoldedWords:
    count = len(texts.rows) - 1
    row_starts = texts.starts[texts.rows]
    longest = int(np.diff(row_starts).max(initial=0)) + 1
    scratch = HashScratch(
        np.empty(longest + 2 * EDGES_AT_ONCE, np.uint64), np.empty(longest, np.uint64)
    )
    found = _empty_result(texts, int(row_starts[-1] - row_starts[0]))
    for first in range(0, count, BLOCK_ROWS):
        last = min(count, first + BLOCK_ROWS)
        text = texts.data[row_starts[first] : row_starts[last]]
        messages = _messages(texts, first, last)
        shingle_rows(_block(text), messages, scratch, found.of_rows(first, last))
    return found


def _empty_result(texts: ComparedTexts, size: int) -> FoldedWords:
    """For texts of `size` bytes: a word has a letter and a byte behind it, but for the last one."""
    rows = len(texts.rows) - 1
    messages = int(texts.rows[-1] - texts.rows[0])
    return FoldedWords(
        digests=np.zeros((rows, 2), np.uint64),
        shingles=np.empty(size // 2 + rows + messages + 1, np.uint32),
        ends=np.zeros(rows + 1, np.int64),
        message_words=np.empty(messages, np.int32),
        message_ends=np.zeros(rows + 1, np.int64),
        words=np.zeros(rows, np.int32),
        context=np.zeros(rows, bool),
    )


def _messages(texts: ComparedTexts, first: int, last: int) -> Messages:
    """The messages of the rows first … last - 1, places counted from where their text begins."""
    rows = texts.rows[first : last + 1]
    starts = texts.starts[rows[0] : rows[-1] + 1]
    return Messages(
        (starts - starts[0]).astype(np.uint64),
        texts.speakers[rows[0] : rows[-1]],
        (rows - rows[0]).astype(np.uint64),
    )


def _block(text: Bytes) -> Block:
    groups = (len(text) >> 6) * 8 + 16
    eights = np.zeros(groups, np.uint64)
    letters = np.zeros(groups, np.uint8)
    beyond = np.zeros(groups, np.uint8)
    fold(text, eights, letters, beyond)
    return Block(text, eights, letters.view(np.uint64), beyond.view(np.uint64), characters(text))


@njit(inline="always")
def within(bits, group, start, stop):
    """The bits of a group of 64 bytes that lie in start … stop - 1."""
    found = bits[group]
    if group == start >> _SIX:
        found &= _ALL << (start & _LAST_BIT)
    if group == (stop - _ONE) >> _SIX:
        found &= _ALL >> (_LAST_BIT - ((stop - _ONE) & _LAST_BIT))
    return found


@njit(inline="always")
def has_letters_beyond(block, messages, message):
    """Whether a message has letters beyond ASCII; most have only dashes, quotes and emoji there."""
    start = messages.starts[message]
    stop = messages.starts[message + _ONE]
    for group in range(start >> _SIX, (stop + _LAST_BIT) >> _SIX):
        bits = within(block.beyond, group, start, stop)
        while bits:
            point, _ = character(block.text, (group << _SIX) + trailing_zeros(bits))
            if letter_of(point, block.table):
                return True
            bits &= bits - _ONE
    return False


@njit(inline="always")
def write_edges(edges, count, changes, group):
    """Append the place of each set bit; returns the new count.

    Four at a time, of which the last ones may be none and are overwritten: fewer
    branches.
    """
    after = count + ones(changes)
    while count < after:
        for ahead in range(EDGES_AT_ONCE):
            edges[count + _u64(ahead)] = (group << _SIX) + trailing_zeros(changes)
            changes &= changes - _ONE
        count += _u64(EDGES_AT_ONCE)
    return after


@njit(inline="always")
def mark(letters, starts, message, edges, count):
    """Append where each word of a message begins and ends; returns how many edges there are."""
    start, stop = starts[message], starts[message + _ONE]
    if start == stop:
        return count
    carry = _ZERO
    for group in range(start >> _SIX, (stop + _LAST_BIT) >> _SIX):
        bits = within(letters, group, start, stop)
        count = write_edges(edges, count, bits ^ (bits << _ONE | carry), group)
        carry = bits >> _LAST_BIT
    edges[count] = stop  # of a word that the message ends with
    return count + carry


@njit(inline="always")
def hash_words(folded_text, edges, marked, words, count):
    """Append the hash of each marked word; returns the new count."""
    for edge in range(_ZERO, marked, _TWO):
        at = edges[edge]
        left, hashed = edges[edge + _ONE] - at, _ZERO
        while left > _EIGHT:
            hashed = absorb(hashed, eight_bytes(folded_text, at))
            at += _EIGHT
            left -= _EIGHT
        last_letters = _ALL >> (_BITS - (left << _THREE))
        words[count] = absorb(hashed, eight_bytes(folded_text, at) & last_letters)
        count += _ONE
    return count


@njit(inline="always")
def spell_message(block, messages, message, words, count):
    """Append the hash of each word of a message; returns (new count, flags that were met)."""
    start = messages.starts[message]
    stop = messages.starts[message + _ONE]
    return spell(block.text, start, stop, block.table, words, count)


@njit(inline="always")
def hash_row(block, messages, row, scratch, result):
    """Hash the words of a row; fill message_words and context; returns how many words.

    Words are marked message by message but hashed all at once, as a processor
    guesses the end of one long loop better than those of many short ones: a fifth
    of the time. Before a message that is spelled, the words that wait are hashed,
    so that all stay in order.
    """
    count = marked = _ZERO
    end = result.message_ends[row]
    for message in range(messages.rows[row], messages.rows[row + 1]):
        if messages.speakers[message] == IGNORED:
            continue
        before = count + (marked >> _ONE)
        if has_letters_beyond(block, messages, message):
            count = hash_words(block.folded, scratch.edges, marked, scratch.words, count)
            count, met = spell_message(block, messages, message, scratch.words, count)
            result.context[row] |= met != _ZERO
            marked = _ZERO
        else:
            marked = mark(block.letters, messages.starts, message, scratch.edges, marked)
        total = np.int64(count + (marked >> _ONE) - before)
        result.message_words[end] = total * messages.speakers[message]
        end += 1
    result.message_ends[row + 1] = end
    return hash_words(block.folded, scratch.edges, marked, scratch.words, count)


@njit(inline="always")
def mix(hashed):
    hashed = (hashed ^ hashed >> _MIX_SHIFT) * _FACTOR1
    hashed = (hashed ^ hashed >> _MIX_SHIFT) * _FACTOR2
    return hashed ^ hashed >> _MIX_SHIFT


@njit(inline="always")
def write_shingles(words, count, shingles, end):
    """Append the shingles of mixed word hashes; returns the new end."""
    if count >= SHINGLE:
        for at in range(count - (SHINGLE - 1)):
            high = words[at] * _BASE4 + words[at + 1] * _BASE3
            low = words[at + 2] * _BASE2 + words[at + 3] * _BASE + words[at + 4]
            shingles[end + at] = _u32(mix(high + low))
        return end + count - (SHINGLE - 1)
    if count > 0:
        hashed = _u64(count)
        for at in range(count):
            hashed = hashed * _BASE + words[at]
        shingles[end] = _u32(mix(hashed))
        return end + 1
    return end


@njit(inline="always")
def write_digest(words, count, digests, row):
    first, second = _u64(count), ~_u64(count)
    for at in range(count):
        first = first * _BASE + words[at]
        second += (first ^ first >> _DIGEST_SHIFT) * _ODD
    digests[row, 0], digests[row, 1] = mix(first), mix(second)


@njit(nogil=True, cache=True)
def shingle_rows(block, messages, scratch, result):
    words = scratch.words
    for row in range(result.words.size):
        count = np.int64(hash_row(block, messages, row, scratch, result))
        for at in range(count):
            words[at] = mix(words[at])
        result.words[row] = count
        result.ends[row + 1] = write_shingles(words, count, result.shingles, result.ends[row])
        write_digest(words, count, result.digests, row)
