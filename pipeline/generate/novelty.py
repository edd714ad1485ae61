"""Is a text new? ROUGE-L F (Lin 2004) against everything accepted, with a limit that fits language, length and pool.

A fixed cut-off does not transfer: unrelated texts are the more alike the longer they are and the more small words a
language has, and the nearest of 2,000 is nearer than the nearest of 100. So the limit is a percentile: it is set for
every pair of lengths and every pool size such that a text unrelated to all others passes with a wanted probability.
Unrelated texts are the seeds, which were written by hand not to resemble each other.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rapidfuzz.distance import LCSseq
from rapidfuzz.process import cdist

from pipeline.conversation import normalised

Floats = NDArray[np.float64]
Words = NDArray[np.int64]  # lengths

SURROGATES = range(0xD800, 0xE000)
# How far the similarity of an unrelated pair strays beyond what its two texts let expect, in standard deviations:
# beyond REACH_0 + REACH_1 × log10(1/q) in a share q of pairs. Fitted on four public sets, two en and two ru:
# `python -m benchmarks.novelty derive`, which also tells how much of each would pass if it had been left out of the fit
# (.95 is wanted): .94 to 1.00 of three, .82 to .96 of the roleplay answers, which share ready-made phrases.
REACH_0, REACH_1 = -1.52, 1.81
LENGTHS = (
    4,
    6,
    8,
    12,
    16,
    24,
    32,
    48,
    64,
    96,
    128,
    192,
    256,
)  # words; expectations are interpolated between
TRIMMED = 0.95  # standard deviation of the lowest 98 % over that of all, from the same fit
WIDEST = 2.0  # times the expected spread; our choice
MOST_ALIKE = 3.0  # spreads; our choice: the same writer and form, but another text
FEWEST = 4  # reference texts; with fewer nothing can be calibrated and UNCALIBRATED holds
UNCALIBRATED = 0.5  # ROUGE-L F


@dataclass(frozen=True, slots=True)
class Neighbour:
    """What is too near: its place among the added texts, ROUGE-L F, and the limit that was exceeded."""

    index: int
    similarity: float
    limit: float


class Novelty:
    """A growing pool of texts. `cutoff`: a fixed limit; without one the limit is calibrated on `reference`."""

    def __init__(
        self, reference: Sequence[str], accepted: float = 0.95, cutoff: float | None = None
    ) -> None:
        self.accepted, self.cutoff = accepted, cutoff
        self.letters: dict[str, str] = {}
        self.pool: list[str] = []
        self.lengths = array("l")
        self.levels = array(
            "d"
        )  # how alike each text of the pool is to all others, in spreads above the expected
        self.reference = [coded for text in reference if (coded := self.coded(text))]
        if cutoff is None and len(self.reference) < FEWEST:
            self.cutoff = UNCALIBRATED
        if self.cutoff is None:
            self.expected = Expected.of(self.reference)

    def add(self, text: str) -> None:
        """Put a text into the pool."""
        coded = self.coded(text)
        if self.cutoff is None:
            alike = rouge_l(coded, self.pool, self._lengths())
            self.levels.append(float(self.strays_of(coded, alike).mean()) if coded else 0.0)
        self.pool.append(coded)
        self.lengths.append(len(coded))

    def neighbour(self, text: str) -> Neighbour | None:
        """The text of the pool that is furthest beyond its limit, or None: `text` is new."""
        coded = self.coded(text)
        if not self.pool or not coded:
            return None
        alike = rouge_l(coded, self.pool, self._lengths())
        limits = self._limits(coded, alike)
        worst = int(np.argmax(alike - limits))
        if alike[worst] <= limits[worst]:
            return None
        return Neighbour(worst, float(alike[worst]), float(limits[worst]))

    def _limits(self, coded: str, alike: Floats) -> Floats:
        """The highest ROUGE-L F allowed with each text of the pool; below 1, so that a copy is never new.

        Expected of a pair: what its lengths let expect, and how alike each of the two is to everything, as in an
        analysis of variance by rows and columns. A pool of texts that all resemble each other does not get away with
        it: no more than MOST_ALIKE and WIDEST are granted.
        """
        if self.cutoff is not None:
            return np.full(len(self.pool), self.cutoff)
        usual, unit = self.usual(coded, alike)
        return np.minimum(0.999, usual + unit * reach(1 - self.accepted ** (1 / len(self.pool))))

    def usual(self, coded: str, alike: Floats) -> tuple[Floats, Floats]:
        """How alike an unrelated text is to each of the pool, and how far one standard deviation goes beyond that."""
        mean, spread = self.expected.at(len(coded), self._lengths())
        levels = np.frombuffer(self.levels)
        strays = self.strays_of(coded, alike)
        level = np.clip(strays.mean() + levels - levels.mean(), 0.0, MOST_ALIKE)
        lowest = strays[
            strays <= np.quantile(strays, 0.98)
        ]  # without the neighbours that are looked for
        width = np.clip(lowest.std() / TRIMMED, 1.0, WIDEST)
        return mean + spread * level, spread * width

    def strays_of(self, coded: str, alike: Floats) -> Floats:
        """How much more alike than expected a text is to each of pool and references, in spreads."""
        others = [r for r in self.reference if r != coded]
        references = np.array([len(r) for r in others])
        both = np.concatenate([alike, rouge_l(coded, others, references)])
        mean, spread = self.expected.at(len(coded), np.concatenate([self._lengths(), references]))
        strays: Floats = (both - mean) / spread
        return strays

    def _lengths(self) -> Words:
        return np.array(self.lengths, dtype=np.int64)

    def coded(self, text: str) -> str:
        """Each word as one letter, so that words are compared at the speed of letters."""
        letters = self.letters
        return "".join(
            letters.setdefault(word, _letter(len(letters))) for word in normalised(text).split()
        )


@dataclass(frozen=True, slots=True)
class Expected:
    """Mean and spread of ROUGE-L F of two unrelated texts, on the grid LENGTHS × LENGTHS."""

    means: Floats
    spreads: Floats

    @classmethod
    def of(cls, reference: Sequence[str]) -> Expected:
        """From texts that have nothing to do with each other, each continued by others that it is not compared with."""
        size = len(LENGTHS)
        means, spreads = np.zeros((size, size)), np.zeros((size, size))
        even, odd = _chains(reference[::2]), _chains(reference[1::2])
        for i, j in np.ndindex(size, size):
            left = [text[: LENGTHS[i]] for text in even]
            right = [text[: LENGTHS[j]] for text in odd]
            common = cdist(left, right, scorer=LCSseq.similarity, dtype=np.int32)
            alike = 2 * common / (LENGTHS[i] + LENGTHS[j])
            means[i, j], spreads[i, j] = alike.mean(), _spread(alike)
        grain = 1 / np.add.outer(LENGTHS, LENGTHS)  # half of what one word more makes
        return cls((means + means.T) / 2, np.maximum((spreads + spreads.T) / 2, grain))

    def at(self, length: int, lengths: Words) -> tuple[Floats, Floats]:
        """Mean and spread for a text of `length` words with texts of `lengths` words."""
        row, column = _place(np.array([length])), _place(lengths)
        return _between(self.means, row, column), _between(self.spreads, row, column)


def reach(share: float) -> float:
    """How far beyond the usual a share of all unrelated pairs strays, in standard deviations."""
    return REACH_0 - REACH_1 * math.log10(share)


def rouge_l(coded: str, pool: Sequence[str], lengths: Words) -> Floats:
    """ROUGE-L F of one text with each of the pool, computed as `rouge-score` does, to the last bit."""
    common = cdist([coded], pool, scorer=LCSseq.similarity, dtype=np.int32)[0]
    precision, recall = common / len(coded), common / np.maximum(lengths, 1)
    both = np.where(common > 0, precision + recall, 1.0)
    alike: Floats = 2 * precision * recall / both
    return alike


def _spread(alike: Floats) -> float:
    """Standard deviation after taking out what the row and the column explain."""
    rest = alike - alike.mean(0) - alike.mean(1)[:, None] + alike.mean()
    rows, columns = alike.shape
    return float(np.sqrt((rest**2).sum() / ((rows - 1) * (columns - 1))))


def _chains(texts: Sequence[str]) -> list[str]:
    """Each text, followed by the others of the list, cut at the longest of LENGTHS."""
    longest = LENGTHS[-1]
    return [
        "".join([*texts[i:], *texts[:i]] * (1 + longest // sum(map(len, texts))))[:longest]
        for i in range(len(texts))
    ]


def _place(lengths: Words) -> Floats:
    """Where lengths stand on the grid, as a fraction of steps."""
    at: Floats = np.interp(np.log(np.maximum(lengths, 1)), np.log(LENGTHS), np.arange(len(LENGTHS)))
    return at


def _between(grid: Floats, row: Floats, column: Floats) -> Floats:
    """Bilinear interpolation."""
    last = len(LENGTHS) - 2
    i, j = np.minimum(row.astype(int), last), np.minimum(column.astype(int), last)
    y, x = row - i, column - j
    low = grid[i, j] * (1 - x) + grid[i, j + 1] * x
    high = grid[i + 1, j] * (1 - x) + grid[i + 1, j + 1] * x
    out: Floats = low * (1 - y) + high * y
    return out


def _letter(number: int) -> str:
    """A character of its own for every word: code points from 1, surrogates left out."""
    return chr(number + 1 if number + 1 < SURROGATES.start else number + 1 + len(SURROGATES))
