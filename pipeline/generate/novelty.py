"""Is a text new? ROUGE-L F (Lin 2004) with every accepted text, against a calibrated limit.

ROUGE-L F of two texts is 2 × (longest common subsequence of words) / (words of both):

    she paints   signs       for shops              common: paints signs for (3 words)
        paints   shop signs  for money, not love    2 × 3 / (5 + 7) = .50

A fixed limit (gpt_roleplay_realm: .24) does not transfer. Two texts that have nothing to do
with each other share the more small words, the more of them a language has; short texts vary
more than long ones; and the nearest of 2,000 texts is nearer than the nearest of 100. So the
limit is a percentile: for each pair of lengths and each size of the pool it is set such that a
text unrelated to all others passes with probability `accepted` (.95).

    pairs of unrelated texts of 60 words, English, by ROUGE-L F

              ▁▃▆█▇▅▃▂▁▁ ▁           ▏                  ▏
       ───────────┴──────────────────┴──────────────────┴────────────► a copy: 1
             mean .11           limit .20          limit .25
                              pool of 100        pool of 2,000

                                     limit at 100     limit at 2,000
       English, 10 words each             .38              .52
       Russian, 60 words each             .15              .18

1. `Expected` measures mean and spread of ROUGE-L F for all pairs of lengths, on the seeds:
   they were written by hand not to resemble each other.
2. A similarity becomes a z-score: how many spreads it is above the mean for its lengths.
3. Some texts resemble everything a little: plain ones with many small words. The mean z-score
   of a text (its level) is expected too, and added to the mean.
4. The limit is so many deviations above that as an unrelated pair exceeds in a share q of all
   pairs, where (1 - q) ^ (size of the pool) = `accepted`.
"""

from __future__ import annotations

import math
import re
from array import array
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rapidfuzz.distance import LCSseq
from rapidfuzz.process import cdist

from pipeline.conversation import normalised

Floats = NDArray[np.float64]
Lengths = NDArray[np.int64]  # in words

WIDE = re.compile("[\u3000-\uabff]")  # letters of scripts without blanks, Korean not among them
SURROGATES = range(0xD800, 0xE000)
# A share q of unrelated pairs exceeds the usual by REACH_0 + REACH_1 × log10(1/q) deviations.
# Fitted on four public sets, two English and two Russian: `python -m benchmarks.novelty derive`.
# It also prints how many unrelated texts of a set pass when the set is left out of the fit
# (.95 is wanted): .94 to 1.00 of three sets; .82 to .96 of the roleplay answers, which share
# ready-made phrases.
REACH_0, REACH_1 = -1.52, 1.81
GRID = (4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256)  # words; between them: interpolated
LOWEST = 0.98  # share of similarities that is taken for unrelated; the rest may be neighbours
TRIMMED = 0.95  # deviation of the lowest .98 over that of all, from the same fit
WIDEST = 2.0  # times the expected spread; our choice
HIGHEST_LEVEL = 3.0  # spreads; our choice: the same writer and form, but another text
HIGHEST_LIMIT = 0.999  # so that a copy is never new
FEWEST = 4  # reference texts; with fewer nothing can be calibrated and UNCALIBRATED holds
UNCALIBRATED = 0.5  # ROUGE-L F


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A text that is too similar: its index in the pool, ROUGE-L F, and the limit exceeded."""

    index: int
    similarity: float
    limit: float


class Novelty:
    """A growing pool of texts.

    reference: unrelated texts, to calibrate the limit on. accepted: the share of unrelated
    texts that are to be new. cutoff: a fixed limit instead.
    """

    def __init__(
        self, reference: Sequence[str], accepted: float = 0.95, cutoff: float | None = None
    ) -> None:
        self.accepted, self.cutoff = accepted, cutoff
        self.letters: dict[str, str] = {}  # by word
        self.pool: list[str] = []  # coded
        self.lengths = array("l")
        self.levels = array("d")  # mean z-score of each text of the pool
        self.reference = list(filter(None, map(self.coded, reference)))
        if cutoff is None and len(self.reference) < FEWEST:
            self.cutoff = UNCALIBRATED
        if self.cutoff is None:
            self.expected = Expected.of(self.reference)

    def add(self, text: str) -> None:
        """Put a text into the pool."""
        coded = self.coded(text)
        if self.cutoff is None:
            self.levels.append(self._level(coded))
        self.pool.append(coded)
        self.lengths.append(len(coded))

    def _level(self, coded: str) -> float:
        if not coded:
            return 0.0
        similarities = rouge_l(coded, self.pool, self.pool_lengths())
        return float(self.z_scores(coded, similarities).mean())

    def neighbour(self, text: str) -> Neighbour | None:
        """The text of the pool that is furthest beyond its limit, or None: `text` is new."""
        coded = self.coded(text)
        if not self.pool or not coded:
            return None
        similarities = rouge_l(coded, self.pool, self.pool_lengths())
        limits = self._limits(coded, similarities)
        nearest = int(np.argmax(similarities - limits))
        if similarities[nearest] <= limits[nearest]:
            return None
        return Neighbour(nearest, float(similarities[nearest]), float(limits[nearest]))

    def _limits(self, coded: str, similarities: Floats) -> Floats:
        """The highest ROUGE-L F allowed with each text of the pool."""
        if self.cutoff is not None:
            return np.full(len(self.pool), self.cutoff)
        usual, deviation = self.usual(coded, similarities)
        share = 1 - self.accepted ** (1 / len(self.pool))
        return np.minimum(HIGHEST_LIMIT, usual + deviation * reach(share))

    def usual(self, coded: str, similarities: Floats) -> tuple[Floats, Floats]:
        """Mean and deviation of ROUGE-L F of an unrelated text with each text of the pool.

        Levels of both texts are added as in an analysis of variance by rows and columns. A pool
        of texts that all resemble each other does not raise the limit beyond HIGHEST_LEVEL and
        WIDEST.
        """
        mean, spread = self.expected.at(len(coded), self.pool_lengths())
        scores = self.z_scores(coded, similarities)
        levels = np.frombuffer(self.levels)
        level = np.clip(scores.mean() + levels - levels.mean(), 0.0, HIGHEST_LEVEL)
        unrelated = scores[scores <= np.quantile(scores, LOWEST)]
        width = np.clip(unrelated.std() / TRIMMED, 1.0, WIDEST)
        return mean + spread * level, spread * width

    def z_scores(self, coded: str, similarities: Floats) -> Floats:
        """How many spreads a text is more similar than expected, to each of pool and reference."""
        others = [text for text in self.reference if text != coded]
        lengths = np.array(list(map(len, others)))
        all_similarities = np.concatenate([similarities, rouge_l(coded, others, lengths)])
        all_lengths = np.concatenate([self.pool_lengths(), lengths])
        mean, spread = self.expected.at(len(coded), all_lengths)
        scores: Floats = (all_similarities - mean) / spread
        return scores

    def pool_lengths(self) -> Lengths:
        return np.array(self.lengths, dtype=np.int64)

    def coded(self, text: str) -> str:
        """The text with one letter for each word, so that words are compared as fast as letters."""
        letters = self.letters
        words = words_of(text)
        return "".join(letters.setdefault(word, _letter(len(letters))) for word in words)


@dataclass(frozen=True, slots=True)
class Expected:
    """Mean and spread of ROUGE-L F of two unrelated texts, on the grid GRID × GRID."""

    means: Floats
    spreads: Floats

    @classmethod
    def of(cls, reference: Sequence[str]) -> Expected:
        """Measured on unrelated texts: half of them against the other half, at all lengths."""
        even, odd = _chains(reference[::2]), _chains(reference[1::2])
        shape = (len(GRID), len(GRID))
        means, spreads = np.zeros(shape), np.zeros(shape)
        for row, column in np.ndindex(shape):
            similarities = _similarities(even, odd, GRID[row], GRID[column])
            means[row, column] = similarities.mean()
            spreads[row, column] = _spread(similarities)
        smallest = 1 / np.add.outer(GRID, GRID)  # half of what one common word more makes
        return cls(_symmetric(means), np.maximum(_symmetric(spreads), smallest))

    def at(self, length: int, lengths: Lengths) -> tuple[Floats, Floats]:
        """Mean and spread for a text of `length` words with texts of `lengths` words."""
        row, column = _place(np.array([length])), _place(lengths)
        return _interpolated(self.means, row, column), _interpolated(self.spreads, row, column)


def reach(share: float) -> float:
    """How many deviations above the usual a share of all unrelated pairs is."""
    return REACH_0 - REACH_1 * math.log10(share)


def rouge_l(coded: str, pool: Sequence[str], lengths: Lengths) -> Floats:
    """ROUGE-L F of one text with each of the pool: equal to `rouge-score` to the last bit."""
    common = cdist([coded], pool, scorer=LCSseq.similarity, dtype=np.int32)[0]
    precision = common / len(coded)
    recall = common / np.maximum(lengths, 1)
    total = np.where(common > 0, precision + recall, 1.0)
    similarities: Floats = 2 * precision * recall / total
    return similarities


def _similarities(left: Sequence[str], right: Sequence[str], length: int, other: int) -> Floats:
    """ROUGE-L F of the first `length` words of each left with the first `other` of each right."""
    shortened = [text[:length] for text in left]
    compared = [text[:other] for text in right]
    common = cdist(shortened, compared, scorer=LCSseq.similarity, dtype=np.int32)
    similarities: Floats = 2 * common / (length + other)
    return similarities


def _spread(similarities: Floats) -> float:
    """Standard deviation after taking out what the row and the column explain."""
    of_columns = similarities.mean(0)
    of_rows = similarities.mean(1)[:, None]
    rest = similarities - of_columns - of_rows + similarities.mean()
    rows, columns = similarities.shape
    return float(np.sqrt((rest**2).sum() / ((rows - 1) * (columns - 1))))


def _symmetric(grid: Floats) -> Floats:
    return (grid + grid.T) / 2


def _chains(texts: Sequence[str]) -> list[str]:
    """Each text followed by the others of the list, cut at the longest length of the grid.

    So short texts can be measured at all lengths; the halves that are compared share nothing.
    """
    longest = GRID[-1]
    times = 1 + longest // sum(map(len, texts))
    rotated = [[*texts[index:], *texts[:index]] for index in range(len(texts))]
    return ["".join(chain * times)[:longest] for chain in rotated]


def _place(lengths: Lengths) -> Floats:
    """Where lengths are on the grid: index and fraction, on a logarithmic scale."""
    logarithms = np.log(np.maximum(lengths, 1))
    place: Floats = np.interp(logarithms, np.log(GRID), np.arange(len(GRID)))
    return place


def _interpolated(grid: Floats, row: Floats, column: Floats) -> Floats:
    """The values of a grid at fractional places, bilinear."""
    last = len(GRID) - 2
    top = np.minimum(row.astype(int), last)
    left = np.minimum(column.astype(int), last)
    down, right = row - top, column - left
    above = grid[top, left] * (1 - right) + grid[top, left + 1] * right
    below = grid[top + 1, left] * (1 - right) + grid[top + 1, left + 1] * right
    values: Floats = above * (1 - down) + below * down
    return values


def words_of(text: str) -> list[str]:
    """The words of a text; of scripts without blanks between words, every letter is one."""
    words = normalised(text)
    return WIDE.sub(r" \g<0> ", words).split()


def _letter(number: int) -> str:
    """A letter of its own for each number: code points from 1, without the surrogates."""
    point = number + 1
    if point >= SURROGATES.start:
        point += len(SURROGATES)
    return chr(point)
