"""ValueArray with how often each came: what is kept of millions of values to say how they lie.

    1.5  1.504  2.25  300.4      1.5: 2, 2.25: 1, 300: 1

Values are rounded as the card shows them, to three digits or to a whole number. Rounding keeps
their order, so a percentile of these is the percentile of all values, rounded.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

DIGITS = 3  # of a number below `WHOLE`
WHOLE = 100  # from here on numbers are whole

ValueArray = npt.NDArray[np.float64]
Times = npt.NDArray[np.int64]


class Percentiles(NamedTuple):
    """Of values, of which there is at least one: each is one of them."""

    p5: float
    p50: float
    p95: float


@dataclass(frozen=True)
class ValueCounts:
    """values: (distinct values,) in order. times: how often each came."""

    values: ValueArray = field(default_factory=lambda: np.zeros(0))
    times: Times = field(default_factory=lambda: np.zeros(0, np.int64))

    @classmethod
    def of(cls, values: pa.Array | pa.ChunkedArray) -> ValueCounts:
        """Nulls are passed over."""
        numbers = values.drop_null().to_numpy(zero_copy_only=False)
        found, times = np.unique(rounded(numbers.astype(np.float64)), return_counts=True)
        return cls(found, times.astype(np.int64))

    def __add__(self, other: ValueCounts) -> ValueCounts:
        every = np.concatenate([self.values, other.values])
        times = np.concatenate([self.times, other.times])
        found, places = np.unique(every, return_inverse=True)
        added = np.zeros(len(found), np.int64)
        np.add.at(added, places, times)
        return ValueCounts(found, added)

    def __len__(self) -> int:
        """How many values came."""
        return int(self.times.sum())

    def percentile(self, share: float) -> float:
        """The least value that has this share of all at or below it."""
        upto = np.cumsum(self.times)
        place = np.searchsorted(upto, share * upto[-1] - 1e-9)
        return float(self.values[place])

    def percentiles(self) -> Percentiles:
        return Percentiles(*map(self.percentile, (0.05, 0.5, 0.95)))

    def pairs(self) -> Iterator[tuple[float, int]]:
        return zip(self.values.tolist(), self.times.tolist(), strict=True)


def added(
    one: Mapping[str, ValueCounts], other: Mapping[str, ValueCounts]
) -> dict[str, ValueCounts]:
    """Two tables of values by name as one."""
    found = dict(one)
    for name, counts in other.items():
        found[name] = found[name] + counts if name in found else counts
    return found


def rounded(numbers: ValueArray) -> ValueArray:
    """Each number as the card shows it."""
    size = np.abs(numbers)
    with np.errstate(divide="ignore"):
        power = np.floor(np.log10(np.where(size > 0, size, 1)))
    scale = 10.0 ** (DIGITS - 1 - power)
    found: ValueArray = np.where(size < WHOLE, np.round(numbers * scale) / scale, np.round(numbers))
    return found + 0.0  # no -0


def shown(value: float) -> str:
    """A number as text."""
    return f"{value:.{DIGITS}g}" if abs(value) < WHOLE else f"{value:.0f}"
