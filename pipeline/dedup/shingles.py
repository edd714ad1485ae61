"""From what is heard to shingles: the words of each message as 64-bit hashes, eight bytes at a time, five by five.

`fold` lowers all ASCII of a part in whole registers and notes where letters are; `mark` and `hash_marked` then go from
word to word. A message with letters beyond ASCII is spelled character by character, into the same hashes. What a word
is, `view.words` says in plain Python. The masks are those of SIMD within a register: Warren, Hacker's Delight, chapter
6; finding many edges at once: Langdale and Lemire, Parsing Gigabytes of JSON per Second (2019).
"""

# mypy: allow-untyped-defs, allow-untyped-calls
# numba gives the compiled functions their types
from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
from llvmlite import ir
from numba import types
from numba.core.errors import TypingError
from numba.extending import intrinsic
from numba.np.arrayobj import make_array

from pipeline.compiled import njit
from pipeline.dedup.columns import arrow
from pipeline.dedup.view import CONTEXT, IDEOGRAPH, KNOWN, PAIR, Bytes, Heard, characters

SHINGLE = 5  # words
BLOCK = 1 << 10  # rows folded at a time: a megabyte, which stays in the cache

_u64 = np.uint64
_ODD = _u64(0x9E3779B97F4A7C15)
_BASE = _u64(0xD6E8FEB86659FD93)
_BASE2, _BASE3, _BASE4 = (_u64(pow(int(_BASE), k, 1 << 64)) for k in (2, 3, 4))
_LOWEST32 = _u64(0xFFFFFFFF)
_CONTEXT, _IDEOGRAPH = _u64(CONTEXT), _u64(IDEOGRAPH)
_PAIR, _POINT = _u64(PAIR), _u64(PAIR - 1)
_KNOWN = _u64(KNOWN)
_BEYOND = _u64(0x800000)  # marks a letter beyond ASCII: no piece of ASCII has this bit


def _each(byte: int) -> np.uint64:
    """Eight times the same byte."""
    return _u64(byte * 0x0101010101010101)


_HIGH, _LOW, _BLANK = _each(0x80), _each(0x7F), _each(0x20)
_FROM_A, _PAST_Z = (
    _each(0x80 - ord("a")),
    _each(0x7F - ord("z")),
)  # added, they carry into the high bit
_FROM_0, _PAST_9 = _each(0x80 - ord("0")), _each(0x7F - ord("9"))
_GATHER = _u64(
    0x0102040810204080
)  # times eight bytes of 0 or 1: their eight bits in the highest byte
_ONE, _SIX, _EIGHT, _ALL = _u64(1), _u64(6), _u64(8), _u64(0xFFFFFFFFFFFFFFFF)


def shingled(said: Heard) -> pa.Table:
    """digest, shingles and words of each row, and whether it must be folded in Python."""
    n = len(said.rows) - 1
    starts = said.texts[said.rows]
    longest = int(np.diff(starts).max(initial=0)) + 1
    messages = int(said.rows[-1] - said.rows[0])
    shingles = np.empty(int(starts[-1] - starts[0]) // 2 + n + messages + 1, np.uint32)
    spoken = np.empty(messages, np.int32)
    ends, turns, digests = (
        np.zeros(n + 1, np.int64),
        np.zeros(n + 1, np.int64),
        np.zeros((n, 2), np.uint64),
    )
    counts, context = np.zeros(n, np.int32), np.zeros(n, np.bool_)
    edges, words = np.empty(longest + 8, np.uint64), np.empty(longest, np.uint64)
    for a in range(0, n, BLOCK):
        b = min(n, a + BLOCK)
        shingle_rows(
            *_prepared(said, a, b), said.texts, said.rows[a : b + 1], said.speaker, edges, words, shingles,
            ends[a : b + 1], spoken, turns[a : b + 1], digests[a:b], counts[a:b], context[a:b],
        )  # fmt: skip
    return pa.table(
        {
            "digest": pa.FixedSizeBinaryArray.from_buffers(
                pa.binary(16), n, [None, pa.py_buffer(digests)]
            ),
            "shingles": pa.LargeListArray.from_arrays(arrow(ends), arrow(shingles[: ends[-1]])),
            "spoken": pa.LargeListArray.from_arrays(arrow(turns), arrow(spoken[: turns[-1]])),
            "words": arrow(counts),
            "context": arrow(context.astype(np.int8)),
        }
    )


def _prepared(said: Heard, first: int, last: int) -> tuple[Any, ...]:
    """What `shingle_rows` reads: the text of the rows first … last, where it begins in `data`, folded, its letters,
    what lies beyond ASCII, and how that folds. `letters` and `beyond` have one bit a byte.
    """
    begin, end = (int(said.texts[said.rows[at]]) for at in (first, last))
    text: Bytes = said.data[begin:end]
    groups = (len(text) >> 6) * 8 + 16
    folded, letters, beyond = (
        np.zeros(groups, np.uint64),
        np.zeros(groups, np.uint8),
        np.zeros(groups, np.uint8),
    )
    fold(text, folded, letters, beyond)
    return text, begin, folded, letters.view(np.uint64), beyond.view(np.uint64), characters(text)


@intrinsic
def eight_bytes(_context, array, at):
    """The eight bytes that begin at byte `at` of an array, wherever that is."""
    if not isinstance(array, types.Array):
        raise TypingError("eight_bytes reads arrays")

    def code(context, builder, signature, args):
        start = builder.bitcast(
            make_array(signature.args[0])(context, builder, args[0]).data,
            ir.IntType(8).as_pointer(),
        )
        place = builder.bitcast(builder.gep(start, [args[1]]), ir.IntType(64).as_pointer())
        return builder.load(place, align=1)

    return types.uint64(array, types.uint64), code


@intrinsic
def trailing_zeros(_context, _bits):
    """How many bits below the lowest that is set."""

    def code(_context, builder, _signature, args):
        return builder.cttz(args[0], ir.Constant(ir.IntType(1), 0))

    return types.uint64(types.uint64), code


@intrinsic
def ones(_context, _bits):
    """How many bits are set."""

    def code(_context, builder, _signature, args):
        return builder.ctpop(args[0])

    return types.uint64(types.uint64), code


@njit(inline="always")
def fold_eight(x):
    """(eight bytes as lower-case letters and digits, else 0; a bit for each of these; for each that begins a character
    beyond ASCII)."""
    plain, beyond = x & _LOW, x & _HIGH
    small = plain | _BLANK
    letter = (small + _FROM_A) & ~(small + _PAST_Z) & _HIGH & ~beyond
    digit = (plain + _FROM_0) & ~(plain + _PAST_9) & _HIGH & ~beyond
    folded = (small & (letter >> _u64(7)) * _u64(255)) | (plain & (digit >> _u64(7)) * _u64(255))
    bits = ((letter | digit) >> _u64(7)) * _GATHER >> _u64(56)
    return folded, bits, ((beyond & x << _ONE) >> _u64(7)) * _GATHER >> _u64(56)


@njit(nogil=True, cache=True)
def fold(data, folded, letters, beyond):
    """Fold all ASCII of a text."""
    whole = _u64(data.size) >> _u64(3)
    for i in range(whole):
        folded[i], letters[i], beyond[i] = fold_eight(eight_bytes(data, i << _u64(3)))
    rest = _u64(0)
    for i in range(data.size & 7):
        rest |= _u64(data[(whole << _u64(3)) + _u64(i)]) << _u64(8 * i)
    folded[whole], letters[whole], beyond[whole] = fold_eight(rest)


@njit(inline="always")
def within(bits, block, start, stop):
    """The bits of a block of 64 bytes that lie in start … stop."""
    m = bits[block]
    if block == start >> _SIX:
        m &= _ALL << (start & _u64(63))
    if block == (stop - _ONE) >> _SIX:
        m &= _ALL >> (_u64(63) - ((stop - _ONE) & _u64(63)))
    return m


@njit(inline="always")
def character(data, i):
    """(code point, bytes) of the character that begins at i, not ASCII."""
    c = _u64(data[i])
    second = _u64(data[i + _ONE] & 63)
    if c < _u64(0xE0):
        return (c & _u64(31)) << _SIX | second, _u64(2)
    third = _u64(data[i + _u64(2)] & 63)
    if c < _u64(0xF0):
        return (c & _u64(15)) << _u64(12) | second << _SIX | third, _u64(3)
    return (c & _u64(7)) << _u64(18) | second << _u64(12) | third << _SIX | _u64(
        data[i + _u64(3)] & 63
    ), _u64(4)


@njit(inline="always")
def letter_of(point, table):
    """What a character folds to with its flags, as `view.characters` has it; beyond that table: ideographs or none."""
    if point < _KNOWN:
        return _u64(table[point])
    if point < _u64(0x40000):
        return (
            point | _IDEOGRAPH | (_CONTEXT if _u64(0x2F800) <= point < _u64(0x2FA20) else _u64(0))
        )
    return _u64(0)


@njit(inline="always")
def foreign(data, beyond, start, stop, table):
    """Whether a message has letters beyond ASCII; most have only dashes, quotes and emoji there."""
    for block in range(start >> _SIX, ((stop - _ONE) >> _SIX) + _ONE):
        m = within(beyond, block, start, stop)
        while m:
            if letter_of(character(data, (block << _SIX) + trailing_zeros(m))[0], table):
                return True
            m &= m - _ONE
    return False


@njit(inline="always")
def mark(letters, beyond, start, stop, edges, n):
    """Append where each word of a message begins and ends; returns the new count, and whether there is more than ASCII.

    Four edges at a time: fewer branches.
    """
    carry = wide = _u64(0)
    for block in range(start >> _SIX, ((stop - _ONE) >> _SIX) + _ONE):
        m = within(letters, block, start, stop)
        e, base = m ^ (m << _ONE | carry), block << _SIX
        carry = m >> _u64(63)
        wide |= within(beyond, block, start, stop)
        after = n + ones(e)
        while n < after:
            for k in range(4):
                edges[n + _u64(k)] = base + trailing_zeros(e)
                e &= e - _ONE
            n += _u64(4)
        n = after
    edges[n] = stop
    return n + carry, wide != _u64(0)


@njit(inline="always")
def absorb(h, x):
    """One more piece of eight bytes in the hash of a word; of a word of one piece no two hashes are equal."""
    h = (h ^ x) * _ODD
    return h ^ h >> _u64(32)


@njit(inline="always")
def hash_marked(folded, edges, count, words, n):
    """Append the hash of each marked word; returns the new count."""
    for w in range(_u64(0), count, _u64(2)):
        at, left, h = edges[w], edges[w + _ONE] - edges[w], _u64(0)
        while left > _EIGHT:
            h = absorb(h, eight_bytes(folded, at))
            at += _EIGHT
            left -= _EIGHT
        words[n] = absorb(h, eight_bytes(folded, at) & _ALL >> (_u64(64) - (left << _u64(3))))
        n += _ONE
    return n


@njit(inline="always")
def append(h, piece, bits, letter):
    """One more ASCII letter in the hash of a word and the piece that is not yet in it."""
    piece |= letter << bits
    if bits == _u64(56):
        return absorb(h, piece), _u64(0), _u64(0)
    return h, piece, bits + _EIGHT


@njit(nogil=True, cache=True)
def spell(data, start, stop, table, words, n):
    """Append the hash of each word of one message, read by character; returns their new count and flags that were met.

    ASCII goes into a hash in pieces of eight, any other letter as a piece of its own.
    """
    i, met = start, _u64(0)
    h = piece = bits = inside = _u64(0)
    while i < stop:
        if data[i] < 0x80:
            letter = _u64(table[data[i]])
            i += _ONE
        else:
            point, size = character(data, i)
            letter = letter_of(point, table)
            i += size
        met |= letter & _CONTEXT
        alone, pair, letter = letter & _IDEOGRAPH, letter & _PAIR, letter & _POINT
        if letter and not alone:
            inside = _ONE
            if pair:
                h, piece, bits = append(h, piece, bits, letter & _u64(0x7F))
                letter = letter >> _u64(7)
            if letter < _u64(0x80):
                h, piece, bits = append(h, piece, bits, letter)
            else:
                h = absorb(absorb(h, piece) if bits else h, letter | _BEYOND)
                piece = bits = _u64(0)
        else:
            words[n] = absorb(h, piece) if bits else h
            n += inside
            if alone:
                words[n] = absorb(_u64(0), letter | _BEYOND)
                n += _ONE
            h = piece = bits = inside = _u64(0)
    words[n] = absorb(h, piece) if bits else h
    return n + inside, met


@njit(inline="always")
def mix(h):
    """MurmurHash3's finaliser: every bit in has a say in every bit out."""
    h ^= h >> _u64(33)
    h *= _u64(0xFF51AFD7ED558CCD)
    h ^= h >> _u64(33)
    h *= _u64(0xC4CEB9FE1A85EC53)
    return h ^ (h >> _u64(33))


@njit(inline="always")
def shingle(words, n, shingles, end):
    """Append the shingles of n word hashes to `shingles` at `end`; returns the new end. Under 5 words: one shingle."""
    for i in range(n):
        words[i] = mix(words[i])
    if n == 0:
        return end
    if n < SHINGLE:
        h = _u64(n)
        for i in range(n):
            h = h * _BASE + words[i]
        shingles[end] = np.uint32(mix(h) & _LOWEST32)
        return end + 1
    for i in range(n - 4):
        h = (
            words[i] * _BASE4
            + words[i + 1] * _BASE3
            + words[i + 2] * _BASE2
            + words[i + 3] * _BASE
            + words[i + 4]
        )
        shingles[end + i] = np.uint32(mix(h) & _LOWEST32)
    return end + n - 4


@njit(inline="always")
def hash_row(
    text,
    begin,
    folded,
    letters,
    beyond,
    table,
    texts,
    speaker,
    first,
    last,
    edges,
    words,
    spoken,
    turn,
):
    """Fill `words` with the words of the messages first … last that are heard, and `spoken` from `turn` on with how
    many each has, below zero the assistant's. Returns (words, next turn, flags that were met)."""
    n = met = marked = _u64(0)
    spelled = False
    for m in range(first, last):
        if speaker[m] != 0:
            start, stop, before = (
                _u64(texts[m] - begin),
                _u64(texts[m + 1] - begin),
                n + (marked >> _ONE),
            )
            if start < stop:
                spelled = spelled and foreign(
                    text, beyond, start, stop, table
                )  # like the message before
                more = _u64(0)
                if not spelled:
                    more, wide = mark(letters, beyond, start, stop, edges, marked)
                    spelled = wide and foreign(text, beyond, start, stop, table)
                if spelled:
                    n = hash_marked(folded, edges, marked, words, n)
                    n, flags = spell(text, start, stop, table, words, n)
                    more, met = _u64(0), met | flags
                marked = more
            spoken[turn] = np.int64(n + (marked >> _ONE) - before) * speaker[m]
            turn += 1
    return hash_marked(folded, edges, marked, words, n), turn, met


@njit(nogil=True, cache=True)
def shingle_rows(
    text, begin, folded, letters, beyond, table, texts, rows, speaker, edges, words,
    shingles, ends, spoken, turns, digests, lengths, context,
):  # fmt: skip
    """Fill shingles, ends, spoken, turns, digests, lengths, context for every row.

    The first six are `_prepared`; edges, words: room for the longest row, and eight edges more.
    """
    for row in range(rows.size - 1):
        n, turns[row + 1], met = hash_row(
            text, begin, folded, letters, beyond, table, texts, speaker, rows[row], rows[row + 1],
            edges, words, spoken, turns[row],
        )  # fmt: skip
        lengths[row], context[row] = n, met != _u64(0)
        ends[row + 1] = shingle(words, np.int64(n), shingles, ends[row])
        one, two = _u64(n), ~_u64(n)
        for i in range(n):
            one = one * _BASE + words[i]
            two += (
                one ^ one >> _u64(29)
            ) * _ODD  # no polynomial: a text made to collide in `one` does not in `two`
        digests[row, 0], digests[row, 1] = mix(one), mix(two)
