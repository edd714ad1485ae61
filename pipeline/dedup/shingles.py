"""Shingles: what two conversations are compared by, as numbers.

A row's words are hashed, and each five consecutive hashes become one 32-bit
shingle. Two rows are similar when they have many shingles in common.

    message       Don't stop believing, Zoë!
    folded        don't stop believing, zoë!
    words         don | t | stop | believing | zoë

    A word is hashed in pieces of eight letters, as eight bytes are one number for a processor. A
    letter beyond ASCII is a piece of its own, its code point with the bit BEYOND.

    believing     [b e l i e v i n] [g]         two pieces
    zoë           [z o] [ë]                     two pieces
    hash          begins as 0; for each piece: hash = (hash ^ piece) * ODD; hash ^= hash >> 32

    The words of all messages of a row stand in one line. A shingle is their hashes, mixed, as a
    polynomial; that is mixed again and cut to 32 bits.

    words         w0   w1   w2   w3   w4   w5   w6
    shingles      [ w0 · BASE⁴ + w1 · BASE³ + w2 · BASE² + w3 · BASE + w4 ]
                       [ w1 · BASE⁴ + w2 · BASE³ + w3 · BASE² + w4 · BASE + w5 ]
                            [ w2 … w6 ]

    A row of fewer than five words has one shingle of them all, which begins with their number.

All numbers have 64 bits and wrap around. `plain.py` is this definition in Python.
Compiled code treats texts beyond ASCII apart: ASCII folds by setting a bit in
each capital letter, eight at a time, but what NFKC and casefold make of any other
character stands in a table (`words.characters`). A few characters fold together
with their neighbours (Hangul jamo, combining marks); rows that have one are
folded in Python.
"""

from __future__ import annotations

from typing import NamedTuple

import pyarrow as pa

from pipeline.dedup.arrays import CountArray, Integers, Keys, Lists
from pipeline.dedup.columns import arrow, arrow_lists

SHINGLE = 5  # words
PIECE = 8  # ASCII letters of a word that are hashed at once
BEYOND = 0x800000  # marks a letter beyond ASCII: no piece of ASCII has this bit
ODD = 0x9E3779B97F4A7C15  # 2^64 / golden ratio, the usual multiplier of Fibonacci hashing
BASE = 0xD6E8FEB86659FD93
MIX = (0xFF51AFD7ED558CCD, 0xC4CEB9FE1A85EC53)  # of MurmurHash3's 64-bit finaliser


class Shingled(NamedTuple):
    """What the rows are compared by."""

    digests: Keys  # (rows, 2), equal for equal words
    shingles: Lists  # of each row, in the order of the text, repeats included
    message_words: CountArray  # (compared messages,) words of each; below zero the assistant's
    message_starts: Integers  # (rows + 1,) where each row's messages begin in message_words
    words: CountArray  # (rows,)

    def table(self) -> pa.Table:
        """A row for each row: digest, shingles, message_words, words."""
        buffers = [None, pa.py_buffer(self.digests)]
        return pa.table(
            {
                "digest": pa.FixedSizeBinaryArray.from_buffers(
                    pa.binary(16), len(self.words), buffers
                ),
                "shingles": arrow_lists(*self.shingles),
                "message_words": arrow_lists(self.message_words, self.message_starts),
                "words": arrow(self.words),
            }
        )
