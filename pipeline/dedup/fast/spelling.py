"""The words of a message with letters beyond ASCII: read character by character."""

# mypy: allow-untyped-defs, allow-untyped-calls
# numba gives the compiled functions their types
from __future__ import annotations

import numpy as np

from pipeline.compiled import njit
from pipeline.dedup.shingles import BEYOND, ODD
from pipeline.dedup.words import CONTEXT, IDEOGRAPH, KNOWN, PAIR

_u64 = np.uint64
_ZERO, _ONE, _TWO, _THREE, _FOUR = map(_u64, range(5))
_SIX, _SEVEN, _EIGHT, _TWELVE, _EIGHTEEN, _HALF = map(_u64, (6, 7, 8, 12, 18, 32))
_ODD, _BEYOND, _KNOWN = map(_u64, (ODD, BEYOND, KNOWN))
_CONTEXT, _IDEOGRAPH, _PAIR, _LETTER = map(_u64, (CONTEXT, IDEOGRAPH, PAIR, PAIR - 1))
_ASCII, _PAST_ASCII = _u64(0x7F), _u64(0x80)
_THREE_BYTES, _FOUR_BYTES = _u64(0xE0), _u64(0xF0)  # first byte of a character of that many
_LOW3, _LOW4, _LOW5, _LOW6 = map(_u64, (0x07, 0x0F, 0x1F, 0x3F))
_SEVEN_LETTERS = _u64(56)  # their bits
_PAST_HAN = _u64(0x40000)
_VARIANTS, _PAST_VARIANTS = _u64(0x2F800), _u64(0x2FA20)  # ideographs that fold to other ones


@njit(inline="always")
def absorb(hashed, piece):
    """One more piece in the hash of a word; no two words of one piece have the same hash."""
    hashed = (hashed ^ piece) * _ODD
    return hashed ^ hashed >> _HALF


@njit(inline="always")
def character(data, at):
    """(code point, bytes) of the character that begins at `at`, not ASCII."""
    first = _u64(data[at])
    second = _u64(data[at + _ONE]) & _LOW6
    if first < _THREE_BYTES:
        return (first & _LOW5) << _SIX | second, _TWO
    third = _u64(data[at + _TWO]) & _LOW6
    if first < _FOUR_BYTES:
        return (first & _LOW4) << _TWELVE | second << _SIX | third, _THREE
    fourth = _u64(data[at + _THREE]) & _LOW6
    return (first & _LOW3) << _EIGHTEEN | second << _TWELVE | third << _SIX | fourth, _FOUR


@njit(inline="always")
def letter_of(point, table):
    """What a character folds to, with its flags: see words.py. 0 where it is not a letter."""
    if point < _KNOWN:
        return _u64(table[point])
    if point >= _PAST_HAN:
        return _ZERO
    if _VARIANTS <= point < _PAST_VARIANTS:
        return point | _IDEOGRAPH | _CONTEXT
    return point | _IDEOGRAPH


@njit(inline="always")
def next_letter(data, at, table):
    """(what the character at `at` folds to, with its flags; its bytes)"""
    if data[at] < _PAST_ASCII:
        return _u64(table[data[at]]), _ONE
    point, size = character(data, at)
    return letter_of(point, table), size


@njit(inline="always")
def append_ascii(hashed, piece, bits, letter):
    """One more ASCII letter in the piece, which is absorbed when it has eight."""
    piece |= letter << bits
    if bits == _SEVEN_LETTERS:
        return absorb(hashed, piece), _ZERO, _ZERO
    return hashed, piece, bits + _EIGHT


@njit(inline="always")
def finished(hashed, piece, bits):
    """The hash of a word with the piece that was not yet absorbed."""
    if bits == _ZERO:
        return hashed
    return absorb(hashed, piece)


@njit(inline="always")
def append_letter(hashed, piece, bits, letter):
    """One more letter of any kind, without its flags but PAIR."""
    if letter & _PAIR:
        hashed, piece, bits = append_ascii(hashed, piece, bits, letter & _ASCII)
        letter = (letter & _LETTER) >> _SEVEN
    if letter < _PAST_ASCII:
        return append_ascii(hashed, piece, bits, letter)
    return absorb(finished(hashed, piece, bits), letter | _BEYOND), _ZERO, _ZERO


@njit(inline="always")
def spell_word(data, at, stop, table):
    """(hash of the word that begins at `at`, where it ends, flags that were met)"""
    hashed = piece = bits = flags = _ZERO
    while at < stop:
        letter, size = next_letter(data, at, table)
        if letter & _LETTER == _ZERO or letter & _IDEOGRAPH:
            break
        flags |= letter
        hashed, piece, bits = append_letter(hashed, piece, bits, letter & (_PAIR | _LETTER))
        at += size
    return finished(hashed, piece, bits), at, flags


@njit(nogil=True, cache=True)
def spell(data, start, stop, table, words, count):
    """Append the hash of each word of a message; returns (words by now, flags that were met)."""
    at, flags = start, _ZERO
    while at < stop:
        letter, size = next_letter(data, at, table)
        flags |= letter
        if letter & _LETTER == _ZERO:
            at += size
            continue
        if letter & _IDEOGRAPH:
            words[count] = absorb(_ZERO, letter & _LETTER | _BEYOND)
            at += size
        else:
            words[count], at, met = spell_word(data, at, stop, table)
            flags |= met
        count += _ONE
    return count, flags & _CONTEXT
