"""The groups that rows compete in, and the order in which they do."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.conversation import CRITERIA
from pipeline.recipe.publish import Choose, order_of

TOP = "publish.top"  # the rule of the best share
AT_MOST = "publish.at_most."  # and of what may be alike
SORTED = {"": "descending", "up": "descending", "down": "ascending"}
NONE = -1  # the number of no group
BETWEEN = "\x1f"  # the parts of a group's name


@dataclass
class Quota:
    """The places that the rows of a group share.

    words: what its rows are, after "60 rows". of, without: see `GroupCount`. met: of its rows,
    those gone through; taken: places; last: the row that took the last of them.
    """

    rule: str
    words: str
    rows: int
    places: int
    of: dict[str, str | None] = field(default_factory=dict)
    without: str | None = None
    met: int = 0
    taken: int = 0
    last: int = NONE


class Grouping(NamedTuple):
    """The groups of one rule. numbers: (rows,) of each row's quota, or NONE."""

    numbers: npt.NDArray[np.int64]
    quotas: list[Quota]


class ListedRows:
    """All rows, as they are listed.

    ids: (rows,). values: (rows,) of each name that rows are ordered by.
    """

    def __init__(self, table: pa.Table, settings: Choose) -> None:
        self._table = table
        self._settings = settings
        self._orders = dict(map(order_of, settings.by))
        self.ids = table["id"].combine_chunks()
        self.values = {name: self._values_by(name) for name in self._orders}

    def _values_by(self, name: str) -> pa.Array:
        """Of a criterion, or else of a measure."""
        kind = "scores" if name in CRITERIA else "measures"
        return pc.struct_field(self._table[kind], name).combine_chunks()

    def order(self) -> list[int]:
        """The numbers of all rows, the best first; those without a value after those with one."""
        table = pa.table({"id": self.ids, **self.values})
        keys = [(name, SORTED[order]) for name, order in self._orders.items()]
        keys.append(("id", "ascending"))
        found: list[int] = pc.sort_indices(table, keys).to_pylist()
        return found

    def groupings(self) -> list[Grouping]:
        """The groups of the best share, in which every row is, and those of rows alike."""
        found = [self._by_name()]
        for what, most in self._settings.at_most:
            if most:
                found.append(self._alike(what, most))
        return found

    def _by_name(self) -> Grouping:
        parts = [self._table[name].combine_chunks() for name in self._settings.per]
        names = pc.binary_join_element_wise(
            *parts,
            self._lacks(),
            BETWEEN,
            null_handling="replace",
            null_replacement="",
        ).dictionary_encode()
        quotas = []
        for name, size in zip(names.dictionary.to_pylist(), _sizes(names), strict=True):
            quotas.append(self._named(name, int(size)))
        return Grouping(_numbers(names), quotas)

    def _lacks(self) -> pa.Array:
        """The first of what rows are ordered by, where a row has no value of it; else nothing."""
        for name, values in self.values.items():
            return pc.if_else(values.is_valid(), "", name)
        return pa.repeat("", self._table.num_rows)

    def _named(self, name: str, size: int) -> Quota:
        """The quota of a group: `cafe␟close␟pacing` are close talks of cafe without a pacing."""
        *parts, without = name.split(BETWEEN)
        of: dict[str, str | None] = {}
        for what, part in zip(self._settings.per, parts, strict=True):
            of[what] = part or None
        words = [f"{what} {value or 'unknown'}" for what, value in of.items()]
        if without:
            words.append(f"without {without}")
        described = f"of {', '.join(words) or 'all'}"
        places = math.ceil(round(size * self._settings.top, 6))  # 100 × .07 is 7.000000000000001
        return Quota(TOP, described, size, places, of, without or None)

    def _alike(self, what: str, most: int) -> Grouping:
        """The groups of rows with the same character, or opening; only those that can be full."""
        digests = self._table[what].combine_chunks().dictionary_encode()
        sizes = _sizes(digests)
        large = np.flatnonzero(sizes > most)
        new = np.full(len(sizes) + 1, NONE)  # the last is for NONE itself
        new[large] = np.arange(len(large))
        quotas = []
        for size in sizes[large].tolist():
            quotas.append(Quota(AT_MOST + what, f"with this {what}", size, most))
        return Grouping(new[_numbers(digests)], quotas)

    def unknown(self) -> dict[str, int]:
        """Rows of no group, by what may be alike."""
        found = {}
        for what, most in self._settings.at_most:
            if most:
                found[what] = self._table[what].null_count
        return found


def _numbers(coded: pa.DictionaryArray) -> npt.NDArray[np.int64]:
    """(rows,) the number of each row's value, or NONE."""
    numbers: npt.NDArray[np.int64] = coded.indices.fill_null(NONE).to_numpy()
    return numbers


def _sizes(coded: pa.DictionaryArray) -> npt.NDArray[np.int64]:
    """(values,) how many rows have each value."""
    numbers = _numbers(coded)
    return np.bincount(numbers[numbers != NONE], minlength=len(coded.dictionary))
