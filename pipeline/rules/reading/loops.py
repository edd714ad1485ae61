"""A message that says the same again and again: a run of words, or of letters, with a period.

    words     I miss you . I miss you . I miss you . I miss you        period 3, 4 times
    letters   hahahahahahahahahaha…                                    period 2

A run that fills half of the message holds its middle word, and one that ends it the last word. So
only these two are compared with the word one period before, and a run is followed to both sides
where they are the same.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from pipeline.compiled import njit

LONGEST = 60  # words of a period
TIMES, FEW_TIMES = 4, 3  # at least; of long periods, which nobody says thrice
LONG = 8  # words of such a period
# Words that a run must have, by period: people laugh, sing and plead in one or two words.
ONE, TWO, MORE = 40, 30, 20
LETTERS, LONGEST_LETTERS = 100, 12  # letters of a run inside one word, of its period
HELD = 60  # letters of a run of one letter
TAIL = 30  # words of a run at the end that fills less than half

Array = np.ndarray[Any, Any]


@njit(cache=True)
def loop_of_words(words: Array) -> int:
    """How many words of a message are in a loop. words: their hashes."""
    most = 0
    if len(words) < MORE:
        return most
    for anchor in (len(words) // 2, len(words) - 1):
        shorter = 0  # the longest run of a shorter period: one word again and again is no three
        for period in range(1, min(LONGEST, len(words) // FEW_TIMES) + 1):
            run = _run(words, anchor, period)
            if run <= shorter:
                continue
            shorter = run
            is_long = run >= _least(period) and run >= _times(period) * period
            if is_long and (2 * run >= len(words) or run >= TAIL):
                most = max(most, run)
    return most


@njit(cache=True)
def loop_of_letters(letters: Array) -> int:
    """How many letters of a message are in a loop that fills at least half of it."""
    most = 0
    if len(letters) < HELD:
        return most
    for period in range(1, LONGEST_LETTERS + 1):
        run = _run(letters, len(letters) // 2, period)
        least = HELD if period == 1 else LETTERS
        if run >= least and 2 * run >= len(letters):
            most = max(most, run)
    return most


@njit(cache=True)
def _run(values: Array, anchor: int, period: int) -> int:
    """The length of the run with this period around a place; 0 where there is none."""
    start = end = anchor
    while start >= period and values[start] == values[start - period]:
        start -= 1
    following = max(end + 1, period)
    while following < len(values) and values[following] == values[following - period]:
        following += 1
    end = following - 1
    if start == anchor == end:
        return 0
    return end - start + period


@njit(cache=True)
def _least(period: int) -> int:
    if period == 1:
        return ONE
    if period == 2:
        return TWO
    return MORE


@njit(cache=True)
def _times(period: int) -> int:
    if period >= LONG:
        return FEW_TIMES
    return TIMES
