"""Histograms made ready: of each number, the bin that a row is in.

Two numbers share an array: the bin of the one × `CODES` + the bin of the other. So one count over
the rows of a selection gives two histograms.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from pipeline.look.index.flat import AnyArray

BINS = 40
CODES = BINS + 1  # 0: not known
TAIL = 99.5  # percentile; the last bin holds what lies beyond

BinEdges = npt.NDArray[np.float64]


class Counted(NamedTuple):
    """The bins of a number, as many as it has, and the rows that have no value."""

    counts: list[int]
    unknown: int


def edges_of(values: AnyArray) -> BinEdges:
    """The limits of at most `BINS` bins; of whole numbers each bin is as many wide."""
    known = values[~np.isnan(values)].astype(np.float64)
    if not len(known):
        return np.array([0.0, 1.0])
    low, high = float(known.min()), float(known.max())
    usual = float(np.percentile(known[:: max(1, len(known) // 100_000)], TAIL))
    if (known == np.floor(known)).all():
        width = max(1, int(np.ceil((usual - low + 1) / BINS)))
        inner = np.arange(low, usual + width, width)[:BINS]
    elif usual > low:
        inner = np.linspace(low, usual, BINS + 1)[:BINS]
    else:
        inner = np.array([low])
    return np.append(inner, max(high, float(inner[-1]) + 1e-9))


def coded(values: AnyArray, edges: BinEdges) -> npt.NDArray[np.uint16]:
    """The bin of every row, from 1; 0: not known."""
    # all bins but the last are equally wide: computed, at a tenth of the time of a search
    width = edges[1] - edges[0]
    places = np.floor((values.astype(np.float64) - edges[0]) / width)
    found = np.clip(np.nan_to_num(places), 0, len(edges) - 2) + 1
    return np.where(np.isnan(values), 0, found).astype(np.uint16)


def pairs(names: list[str]) -> list[tuple[str, ...]]:
    """The numbers that share an array."""
    return [tuple(names[place : place + 2]) for place in range(0, len(names), 2)]


def array_name(pair: tuple[str, ...]) -> str:
    return "bins " + " ".join(pair)


def counted(
    codes: AnyArray, pair: tuple[str, ...], edges: dict[str, BinEdges]
) -> dict[str, Counted]:
    """The histograms of the numbers that share an array. codes: of the rows that count."""
    table = np.bincount(codes, minlength=CODES * CODES).reshape(CODES, CODES)
    sums = (table.sum(1), table.sum(0))
    found = {}
    for name, counts in zip(pair, sums, strict=False):
        used = len(edges[name]) - 1
        found[name] = Counted(counts[1 : used + 1].tolist(), int(counts[0]))
    return found
