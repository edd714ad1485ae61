"""Rows of a selection: which they are, in which order, and what they have in common."""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce

import numpy as np

from pipeline.look import compare, search, whatif
from pipeline.look.index.columns import BESIDE, RowNumbers
from pipeline.look.index.fields import FACETS
from pipeline.look.index.flat import AnyArray
from pipeline.look.index.frame import Frame
from pipeline.look.search import Mask
from pipeline.look.selection import NULL, Clause, Selection, bounds
from pipeline.look.state import REVIEW_VALUES, Look

COMPARED = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
# what finds rows by another way: given what is looked at and a value, the rows
FINDERS: dict[str, Callable[[Look, str], RowNumbers]] = {
    "newly_dropped": whatif.newly_dropped,
    "newly_kept": whatif.newly_kept,
    "moved": compare.moved,
}


@dataclass(frozen=True)
class Masks:
    """The rows for which each clause holds, and those that a search has found."""

    frame: Frame
    of_fields: dict[str, Mask]
    found: Mask | None

    def without(self, field: str = "") -> Mask | None:
        """The rows for which all holds, but for what is asked of one field; None for all rows."""
        own = [mask for name, mask in self.of_fields.items() if name != field]
        if self.found is not None:
            own.append(self.found)
        return reduce(np.logical_and, own) if own else None


def masks(look: Look, frame: Frame, selection: Selection) -> Masks:
    """Raises UserError for a pattern that cannot be searched for."""
    key = ("masks", look.version, frame.number, selection.where, selection.find, selection.regex)
    return look.answers.get(key, lambda: _masks(look, frame, selection))


def _masks(look: Look, frame: Frame, selection: Selection) -> Masks:
    found = clauses(look, frame, selection)
    if not selection.find:
        return found
    what = search.needle(selection.find, selection.regex)
    return Masks(frame, found.of_fields, look.searches.mask(frame, what, found.without()))


def clauses(look: Look, frame: Frame, selection: Selection) -> Masks:
    """The rows for which each clause holds, without what is searched for."""
    of_fields: dict[str, Mask] = {}
    for clause in selection.where:
        own = _mask(look, frame, clause)
        known = of_fields.get(clause.field)
        of_fields[clause.field] = own if known is None else known & own
    return Masks(frame, of_fields, None)


def chosen_rows(look: Look, frame: Frame, selection: Selection) -> RowNumbers:
    """The rows of a selection, in the order of the stores."""
    key = ("rows", look.version, frame.number, selection.filter)
    return look.answers.get(key, lambda: _chosen(look, frame, selection))


def _chosen(look: Look, frame: Frame, selection: Selection) -> RowNumbers:
    mask = masks(look, frame, selection).without()
    rows = np.arange(frame.rows) if mask is None else np.flatnonzero(mask)
    if selection.sample:
        return _sample(look, frame, rows, selection)
    return rows


# --- one clause


def _mask(look: Look, frame: Frame, clause: Clause) -> Mask:
    if clause.is_numeric:
        found = _numeric(frame, clause)
    elif clause.field in FACETS:
        found = _faceted(look, frame, clause)
    else:
        found = _of_ids(look, frame, clause)
    return ~found if clause.sign == "!=" else found


def _numeric(frame: Frame, clause: Clause) -> Mask:
    values = frame.columns.arrays.get(clause.field)
    found = np.zeros(frame.rows, np.bool_)
    if values is None:
        return ~found if NULL in clause.values else found
    for value in clause.values:
        ends = bounds(value, f"{clause.field}{clause.sign}{value}")
        if ends is None:
            found |= np.isnan(values)
        elif clause.sign in COMPARED:
            found |= COMPARED[clause.sign](values, np.float32(ends[0]))
        else:
            found |= (values >= np.float32(ends[0])) & (values <= np.float32(ends[1]))
    return found


def codes_and_values(look: Look, frame: Frame, facet: str) -> tuple[AnyArray, list[str]]:
    """The numbers of a facet, and the values (or sets of values) that they name."""
    if facet == "review":
        key = ("review", look.version, frame.number)
        return look.totals.get(key, lambda: look.review_codes(frame)), REVIEW_VALUES
    if not frame.rows:
        return np.zeros(0, np.int64), [""]
    return frame.columns.arrays[facet], frame.columns.values[facet]


def _faceted(look: Look, frame: Frame, clause: Clause) -> Mask:
    codes, values = codes_and_values(look, frame, clause.field)
    wanted = set(clause.values)
    if NULL in wanted:
        wanted.add("")
    hits = np.array([not wanted.isdisjoint(value.split(BESIDE)) for value in values], np.bool_)
    return hits[codes]


def _of_ids(look: Look, frame: Frame, clause: Clause) -> Mask:
    found = np.zeros(frame.rows, np.bool_)
    for value in clause.values:
        if clause.field == "id":
            rows = np.array(frame.rows_with_id(value), np.int64)
        else:
            rows = FINDERS[clause.field](look, value)
        found[rows[rows >= 0]] = True
    return found


# --- order and samples


def _sample(look: Look, frame: Frame, rows: RowNumbers, selection: Selection) -> RowNumbers:
    """A part of rows, in equal parts over the values of a facet, as far as these have so many."""
    codes, _ = codes_and_values(look, frame, selection.by)
    mixed = np.random.default_rng(selection.seed).permutation(rows)
    own = codes[mixed]
    turn = np.zeros(len(mixed), np.int64)  # the first of each value, the second of each …
    for value in np.unique(own):
        places = np.flatnonzero(own == value)
        turn[places] = np.arange(len(places))
    first = np.argsort(turn, kind="stable")[: selection.sample]
    return np.sort(mixed[first])


def ordered(
    look: Look, frame: Frame, rows: RowNumbers, selection: Selection, start: int, end: int
) -> RowNumbers:
    """A page of rows in the order of the selection; equal ones in the order of the stores."""
    if not selection.sort:
        return rows[start:end]
    keys = _sort_keys(look, frame, selection.sort)
    if keys is None:
        return rows[start:end]
    own = keys[rows]
    if selection.descending:
        own = -own
    own = np.where(np.isnan(own), np.inf, own)
    first = _smallest(own, end)
    return rows[first[np.argsort(own[first], kind="stable")]][start:end]


def _smallest(keys: AnyArray, count: int) -> RowNumbers:
    """The places of the smallest keys, in order of place; of equal ones the first."""
    if count >= len(keys):
        return np.arange(len(keys))
    limit = np.partition(keys, count - 1)[count - 1] if count else -np.inf
    below = np.flatnonzero(keys < limit)
    equal = np.flatnonzero(keys == limit)[: count - len(below)]
    return np.sort(np.concatenate([below, equal]))


def _sort_keys(look: Look, frame: Frame, name: str) -> AnyArray | None:
    """(rows,) numbers; None where no row has any."""
    if name in FACETS:
        codes, values = codes_and_values(look, frame, name)
        ranks = np.argsort(np.argsort(values, kind="stable"), kind="stable")
        return ranks.astype(np.float64)[codes]
    return frame.columns.arrays.get(name)
