"""How close the messages are, turn by turn: means over all conversations."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

LONGEST = 40  # turns that are counted; later ones are few
SIDES = ("user", "assistant")

TurnNumbers = npt.NDArray[np.int64]
TurnLine = list[tuple[int, float]]  # (turn from 1, mean)


def _nothing() -> npt.NDArray[np.float64]:
    return np.zeros((len(SIDES), LONGEST))


@dataclass(frozen=True)
class TurnMeans:
    """sums, rows: (sides, turns) of closeness, and of messages that have one. A turn is a message
    of user or assistant, counted from 0."""

    sums: npt.NDArray[np.float64] = field(default_factory=_nothing)
    rows: npt.NDArray[np.float64] = field(default_factory=_nothing)

    def __add__(self, other: TurnMeans) -> TurnMeans:
        return TurnMeans(self.sums + other.sums, self.rows + other.rows)

    def line(self, side: str, least: int) -> TurnLine:
        """The means of the turns that at least so many messages have."""
        sums, rows = self.sums[SIDES.index(side)], self.rows[SIDES.index(side)]
        places = np.flatnonzero(rows >= max(1, least)).tolist()
        return [(place + 1, float(sums[place] / rows[place])) for place in places]


def turn_means(
    messages: pa.ChunkedArray, annotations: pa.ChunkedArray
) -> tuple[TurnMeans, Counter[int]]:
    """The means of a part, and its rows by their number of turns."""
    roles, known = messages.combine_chunks(), annotations.combine_chunks()
    lengths = _lengths(roles)
    names = pc.struct_field(roles.flatten(), "role").to_numpy(zero_copy_only=False)
    annotated = _lengths(known) == lengths
    chosen = np.repeat(annotated, lengths)
    found = known.filter(pa.array(annotated)).flatten()
    closeness = pc.struct_field(found, "closeness").to_numpy(zero_copy_only=False)
    means = _means(
        names[chosen],
        _turns(names, lengths)[chosen],
        closeness,
    )
    return means, _counts(names, lengths)


def _counts(names: npt.NDArray[np.object_], lengths: npt.NDArray[np.int64]) -> Counter[int]:
    """Rows by how many of their messages are of user or assistant."""
    of_row = np.repeat(np.arange(len(lengths)), lengths)
    found = np.bincount(of_row[names != "system"], minlength=len(lengths))
    return Counter(found.tolist())


def _lengths(lists: pa.ListArray) -> npt.NDArray[np.int64]:
    found: npt.NDArray[np.int64] = lists.value_lengths().to_numpy(zero_copy_only=False)
    return found


def _turns(names: npt.NDArray[np.object_], lengths: npt.NDArray[np.int64]) -> TurnNumbers:
    """(messages,) the turn of each: how many of user and assistant its conversation has before."""
    before = np.concatenate([[0], np.cumsum(names != "system")])[:-1]
    starts = np.repeat(np.cumsum(lengths) - lengths, lengths)
    found: TurnNumbers = before - before[starts]
    return found


def _means(
    names: npt.NDArray[np.object_], turns: TurnNumbers, closeness: npt.NDArray[np.float64]
) -> TurnMeans:
    """Of messages: who wrote each, its turn and its closeness."""
    means = TurnMeans()
    for number, side in enumerate(SIDES):
        counted = (names == side) & ~np.isnan(closeness) & (turns < LONGEST)
        np.add.at(
            means.sums[number],
            turns[counted],
            closeness[counted],
        )
        np.add.at(means.rows[number], turns[counted], 1)
    return means
