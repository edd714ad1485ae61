"""Boilerplate: text that many rows share word for word, as a greeting or a disclaimer.

It must not make rows similar that have nothing else in common. A shingle is
*common* when `shared_by` rows have it. A long run of common shingles is
boilerplate:

    shingles of a row        a  b  c  d  e  f  …  z  p  q  r  s  …
    rows that have each      1  1  90 90 90 90 …  90 1  2  1  1  …
                                   └─ boilerplate ─┘ └─ its own ─┘
                                    LONG_RUN or more  OWN_RUN or more
    compared by              a  b                    p  q  r  s  …

A row with no text of its own is left whole: in a large family of near copies, the
common runs are the conversation itself.

Looking at every shingle of every row would cost more than all the rest, so there
are three steps:

    count    How many rows have a shingle? Only a sample is counted, those whose hash
             ends in two zero bits: one in four, the same ones in all rows. The counters
             are a table indexed by the hash; two shingles on one counter only look more
             common.
    survey   Which rows have SAMPLED_RUN common ones on end in their sample? In most data
             no row has, and nothing is cut.
    cut      For the rows found, every shingle is counted, and the runs are taken out.

The survey also looks at the other end: a row that is contained in another one
shares all its shingles, so it is looked for by the rarest of those it shares.
"""

from __future__ import annotations

from typing import NamedTuple

from pipeline.dedup.arrays import Flags, Keys, Lists

LONG_RUN = 32  # common shingles on end: 36 words
OWN_RUN = 16  # other shingles on end: 20 words
QUARTER, EVERY = 3, 0  # which shingles are sampled: the bits of the hash that must be zero
SAMPLED_RUN = LONG_RUN // 4
SLOT_SHIFT = 2  # bits of a hash that are zero in a sample and do not help to choose a counter
RECENT = 1024  # cells that remember what a row had lately, so that it counts a shingle once


class Limits(NamedTuple):
    """What a survey looks for."""

    many: int  # rows that have a shingle before it is common
    alone: float  # share of its shingles that only this row may have, if it is to be looked for
    rarest: int  # shingles that a row is looked for by


class ShingleSurvey(NamedTuple):
    """What a survey found in one part."""

    suspects: Flags  # (rows,) it may have boilerplate
    rare: Keys  # shingle << 32 | rank of the row that is looked for by it


class BoilerplateCut(NamedTuple):
    """What is left of the rows of one part."""

    rows: Flags  # (rows,) boilerplate was taken out of it
    shingles: Lists  # of each row, without the boilerplate; none of a row that is left whole
