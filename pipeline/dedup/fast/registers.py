"""Eight bytes at a time: loading them, counting bits, folding ASCII.

A number of 64 bits holds eight bytes, so that one addition is done for eight
letters at once. The masks are those of SIMD within a register: Warren, Hacker's
Delight, chapter 6.

Is a byte at least `a`? Add 0x80 - ord("a") to it: the sum reaches 0x80, the
highest bit, exactly for those that are. No sum of a byte below 0x80 reaches its
neighbour.

    byte              "B"   "q"   "{"
    with 0x20 set      b     q     {
    + 0x80 - "a"      0x81  0x90  0x9a        highest bit: at least "a"
    + 0x7F - "z"      0x67  0x76  0x80        highest bit: beyond "z"
    letter?           yes   yes   no          the first and not the second
"""

# mypy: allow-untyped-defs, allow-untyped-calls
# numba gives the compiled functions their types
from __future__ import annotations

import numpy as np
from llvmlite import ir
from numba import types
from numba.core.errors import TypingError
from numba.extending import intrinsic
from numba.np.arrayobj import make_array

from pipeline.compiled import njit

_u64 = np.uint64
SEVEN = _u64(7)
BYTE = _u64(0xFF)
_ONE, _THREE, _TOP_BYTE = _u64(1), _u64(3), _u64(56)


def _each(byte: int) -> np.uint64:
    """Eight times the same byte."""
    return _u64(byte * 0x0101010101010101)


_HIGH, _LOW, _BLANK = _each(0x80), _each(0x7F), _each(0x20)
_FROM_A, _PAST_Z = _each(0x80 - ord("a")), _each(0x7F - ord("z"))
_FROM_0, _PAST_9 = _each(0x80 - ord("0")), _each(0x7F - ord("9"))
_GATHER = _u64(0x0102040810204080)  # times eight bytes of 0 or 1: their bits in the highest byte


@intrinsic
def eight_bytes(_context, array, at):
    """The eight bytes that begin at byte `at` of an array, wherever that is."""
    if not isinstance(array, types.Array):
        raise TypingError("eight_bytes reads arrays")

    def code(context, builder, signature, arguments):
        data = make_array(signature.args[0])(context, builder, arguments[0]).data
        first = builder.bitcast(data, ir.IntType(8).as_pointer())
        place = builder.bitcast(builder.gep(first, [arguments[1]]), ir.IntType(64).as_pointer())
        return builder.load(place, align=1)

    return types.uint64(array, types.uint64), code


@intrinsic
def trailing_zeros(_context, _bits):
    """How many bits below the lowest that is set."""

    def code(_context, builder, _signature, arguments):
        return builder.cttz(arguments[0], ir.Constant(ir.IntType(1), 0))

    return types.uint64(types.uint64), code


@intrinsic
def ones(_context, _bits):
    """How many bits are set."""

    def code(_context, builder, _signature, arguments):
        return builder.ctpop(arguments[0])

    return types.uint64(types.uint64), code


@njit(inline="always")
def bit_each(high_bits):
    """The highest bits of eight bytes as one byte."""
    return (high_bits >> SEVEN) * _GATHER >> _TOP_BYTE


@njit(inline="always")
def fold_eight(eight):
    """(letters and digits in small letters, 0 elsewhere; a bit for each of them; a bit for each
    byte that begins a character beyond ASCII)"""
    plain, beyond = eight & _LOW, eight & _HIGH
    small = plain | _BLANK
    letter = (small + _FROM_A) & ~(small + _PAST_Z) & _HIGH & ~beyond
    digit = (plain + _FROM_0) & ~(plain + _PAST_9) & _HIGH & ~beyond
    folded = (small & (letter >> SEVEN) * BYTE) | (plain & (digit >> SEVEN) * BYTE)
    begins = beyond & eight << _ONE  # UTF-8: 11 begins a character, 10 continues it
    return folded, bit_each(letter | digit), bit_each(begins)


@njit(nogil=True, cache=True)
def fold(data, folded, letters, beyond):
    """Fold all ASCII of a text."""
    eights = _u64(data.size) >> _THREE
    for place in range(eights):
        found = fold_eight(eight_bytes(data, place << _THREE))
        folded[place], letters[place], beyond[place] = found
    rest = _u64(0)
    for byte in range(data.size & 7):
        rest |= _u64(data[(eights << _THREE) + _u64(byte)]) << _u64(8 * byte)
    folded[eights], letters[eights], beyond[eights] = fold_eight(rest)
