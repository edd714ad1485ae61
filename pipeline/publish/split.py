"""Train, validation and test without leaks: what is related never is on two sides, and what has
been released never moves.

A group has a place from 0 to 1, made from its name and the seed of the recipe alone. The lowest
places are tested on, the next are validated on. So a row that comes later moves no other one.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipeline.publish.related import NO_CLUSTERS, Clusters, Names, RowNumbers, groups
from pipeline.recipe.publish import PublishSettings

TRAIN, VALIDATION, TEST = "train", "validation", "test"
REHEARSAL = "rehearsal"  # rows of the rehearsal model: configs of their own
BRIDGE = "bridge"  # new rows that relate released ones of two splits
SPLITS = (TRAIN, VALIDATION, TEST)
PLACES = (*SPLITS, REHEARSAL, BRIDGE)
AT_TRAIN, AT_VALIDATION, AT_TEST, AT_REHEARSAL, AT_BRIDGE = range(5)
NEW = 255  # of a group that was not released
ENOUGH = 20  # groups of a source and language, before one is held out in any case: our choice
HIGHEST = np.iinfo(np.uint64).max

Codes = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Placement:
    """Where every row stands. ids, groups: (rows,) as `related` names them. places: (rows,) numbers
    of `PLACES`."""

    ids: Names
    groups: Names
    places: Codes

    def __len__(self) -> int:
        return len(self.ids)

    def part(self, start: int, stop: int) -> Placement:
        """Some rows."""
        return Placement(self.ids[start:stop], self.groups[start:stop], self.places[start:stop])

    def rows(self) -> dict[str, int]:
        """How many stand at each of `PLACES`, those that have any."""
        counts = np.bincount(self.places, minlength=len(PLACES)).tolist()
        return {name: rows for name, rows in zip(PLACES, counts, strict=True) if rows}

    def table(self) -> pa.Table:
        """As Arrow, by id: what the next release reads."""
        order = np.argsort(self.ids)
        return pa.table(
            {
                "id": self.ids[order],
                "group": self.groups[order],
                "place": self.places[order],
            }
        )


NOTHING = Placement(np.zeros(0, np.uint64), np.zeros(0, np.uint64), np.zeros(0, np.uint8))


def released(table: pa.Table) -> Placement:
    """What `Placement.table` gave."""
    return Placement(*(table[name].to_numpy() for name in ("id", "group", "place")))


def place(group: int, seed: int) -> float:
    """A number from 0 to 1 for a group: the same in every release, whatever else the dataset
    holds."""
    digest = hashlib.blake2b(f"{seed}\x1f{group}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64


def placed(
    table: pa.Table,
    settings: PublishSettings,
    seed: int,
    before: Placement = NOTHING,
    clusters: Clusters = NO_CLUSTERS,
) -> Placement:
    """The place of every row, from the `related.KEYS` of all. before: the last release. clusters:
    see `related.clustered`."""
    members, names = groups(table, clusters)
    old = _Old.of(table["id"].to_numpy(), members, len(names), before)
    rehearsal = table["rehearsal"].to_numpy()
    real = np.isin(np.arange(len(names)), members[~rehearsal])
    sides = _Sides(names, old.sides, _strata(table, members), seed).assigned(real, settings)
    places = np.where(old.is_new, sides[members], old.rows)
    places[old.bridges[members] & old.is_new] = AT_BRIDGE
    places[rehearsal] = AT_REHEARSAL
    return Placement(table["id"].to_numpy(), old.named(names, members), places)


def _strata(table: pa.Table, members: RowNumbers) -> RowNumbers:
    """(groups,) the source and language of each, by the first of its rows."""
    coded = table["stratum"].combine_chunks().dictionary_encode().indices.to_numpy()
    _, first = np.unique(members, return_index=True)
    strata: RowNumbers = coded[first]
    return strata


@dataclass(frozen=True)
class _Old:
    """What the last release says.

    rows: (rows,) the place of each there, or NEW; names: its group there. sides: (groups,) the
    place of their released rows, or NEW; least: the least name that these had. bridges: (groups,)
    whether they had two places.
    """

    rows: Codes
    names: Names
    sides: Codes
    least: Names
    bridges: npt.NDArray[np.bool_]

    @classmethod
    def of(cls, ids: Names, members: RowNumbers, count: int, before: Placement) -> _Old:
        """Look rows up in the last release, whose ids are in order."""
        at = np.minimum(np.searchsorted(before.ids, ids), max(0, len(before) - 1))
        known = np.zeros(len(ids), bool)
        rows = np.full(len(ids), NEW, np.uint8)
        names = np.zeros(len(ids), np.uint64)
        if len(before):
            known = (before.ids[at] == ids) & (before.places[at] < AT_REHEARSAL)
            rows[known], names[known] = before.places[at][known], before.groups[at][known]
        lowest = np.full(count, NEW, np.uint8)
        highest = np.zeros(count, np.uint8)
        least = np.full(count, HIGHEST)
        np.minimum.at(lowest, members[known], rows[known])
        np.maximum.at(highest, members[known], rows[known])
        np.minimum.at(least, members[known], names[known])
        bridges = (lowest != NEW) & (lowest != highest)
        return cls(rows, names, lowest, least, bridges)

    @property
    def is_new(self) -> npt.NDArray[np.bool_]:
        """(rows,) whether each was not released."""
        return np.equal(self.rows, NEW)

    def named(self, names: Names, members: RowNumbers) -> Names:
        """(rows,) the names of their groups: those that they had."""
        now = np.where(self.sides != NEW, self.least, names)
        return np.where(self.is_new, now[members], self.names)


@dataclass(frozen=True)
class _Sides:
    """Groups on their way into the splits. sides: (groups,) where released, else NEW."""

    names: Names
    sides: Codes
    strata: RowNumbers
    seed: int

    def assigned(self, real: npt.NDArray[np.bool_], settings: PublishSettings) -> Codes:
        """(groups,) the split of each. real: those that hold rows of other than the rehearsal
        model."""
        where = np.array([place(name, self.seed) for name in self.names.tolist()])
        held_out = np.where(where < settings.test, AT_TEST, AT_VALIDATION)
        beyond = where >= settings.test + settings.validation
        found = np.where(beyond, AT_TRAIN, held_out).astype(np.uint8)
        found[self.sides != NEW] = self.sides[self.sides != NEW]
        order = np.argsort(where, kind="stable")
        order = order[real[order]]
        for stratum in np.unique(self.strata[order]).tolist():
            own = order[self.strata[order] == stratum]
            if len(own) >= ENOUGH:
                self._fill(found, own, settings)
        self._fill(found, order, settings)
        return found

    def _fill(self, found: Codes, order: RowNumbers, settings: PublishSettings) -> None:
        """Leave no split of these groups empty, as far as there are enough: the lowest new place is
        tested on, the next validated on, the highest trained on."""
        wanted = [(AT_TEST, settings.test), (AT_VALIDATION, settings.validation)]
        sides = [side for side, share in wanted if share][: len(order) - 1]
        for side in sides:
            if side not in found[order]:
                self._move(found, order, side)
        if len(order) and AT_TRAIN not in found[order]:
            self._move(found, order[::-1], AT_TRAIN)

    def _move(self, found: Codes, order: RowNumbers, side: int) -> None:
        """The first new group that leaves its own split not empty goes to another one; if there is
        none, one that is alone in validation."""
        sizes = np.bincount(found[order], minlength=len(PLACES))
        new = [group for group in order.tolist() if self.sides[group] == NEW]
        spare = [group for group in new if sizes[found[group]] > 1 or len(order) == 1]
        alone = [group for group in new if found[group] == AT_VALIDATION]
        for group in (*spare, *alone)[:1]:
            found[group] = side
