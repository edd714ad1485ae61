"""Verify: the exact similarity of every candidate pair, who stays, and taking the others out of their tables."""

# mypy: allow-untyped-defs, allow-untyped-calls
# numba gives the compiled functions their types
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipeline.compiled import njit
from pipeline.conversation import FINDING
from pipeline.dedup.columns import arrow, lengths, repeated, strings, values, whole
from pipeline.recipe.settings import DedupSettings

Integers = npt.NDArray[np.int64]
Shingles = npt.NDArray[np.uint32]

RULES = ["dedup.exact", "dedup.near", "dedup.contained", "dedup.against"]
EXACT, NEAR, CONTAINED, AGAINST = range(4)
NONE = -1
BATCH = 1 << 14  # pairs verified at a time: at most 2^15 rows of shingles in memory
_u32, _u64 = np.uint32, np.uint64


@dataclass
class Edges:
    """Pairs of ranks found alike, a < b."""

    a: Integers
    b: Integers
    rule: npt.NDArray[np.int8]  # EXACT, NEAR, CONTAINED or AGAINST
    similarity: npt.NDArray[
        np.float64
    ]  # Jaccard, or the share of the smaller row found in the larger
    limit: npt.NDArray[np.float64]  # what the similarity reaches
    size_a: npt.NDArray[np.int32]  # distinct shingles
    size_b: npt.NDArray[np.int32]

    @classmethod
    def same(cls, leaders: Integers) -> Edges:
        """From each row to the first that says the same words."""
        b = np.flatnonzero(leaders != np.arange(len(leaders)))
        return cls.of(leaders[b], b, EXACT, np.ones(len(b)), np.ones(len(b)))

    @classmethod
    def of(cls, a: Integers, b: Integers, rule: int, similarity: Any, limit: Any) -> Edges:
        """Edges of one rule for which no sizes are needed."""
        none = np.zeros(len(a), np.int32)
        return cls(a, b, np.full(len(a), rule, np.int8), similarity, limit, none, none)

    def __add__(self, other: Edges) -> Edges:
        mine, theirs = vars(self), vars(other)
        return Edges(**{name: np.concatenate([mine[name], theirs[name]]) for name in mine})

    def where(self, chosen: npt.NDArray[np.bool_]) -> Edges:
        return Edges(**{name: values[chosen] for name, values in vars(self).items()})


def verified(
    shingles: Callable[[Integers, Shingles], tuple[Shingles, Integers, Integers]],
    words: npt.NDArray[np.int32],
    pairs: Integers,
    settings: DedupSettings,
) -> Edges:
    """Those of the candidate pairs that are alike. shingles: of some ranks, as `Rows.shingles`."""
    none = np.zeros(0, np.int64)
    edges, flat = (
        Edges.of(none, none, NEAR, none.astype(float), none.astype(float)),
        np.zeros(0, np.uint32),
    )
    for start in range(0, len(pairs), BATCH):
        batch = pairs[start : start + BATCH]
        ranks, local = np.unique(batch, return_inverse=True)
        flat, starts, order = shingles(ranks, flat)
        place = np.argsort(order)
        local = place[local.reshape(-1, 2)]
        sizes = distinct_shingles(flat, starts)[local]
        shared = overlaps(flat, starts, local, _least(sizes, settings))
        edges += _alike(batch, sizes, shared, words[batch].min(axis=1), settings)
    return edges


def _least(sizes: Any, settings: DedupSettings) -> Any:
    """(pairs,) shared shingles, with fewer of which a pair is neither near nor contained. sizes: (pairs, 2)."""
    near = sizes.sum(axis=1) * (settings.threshold / (1 + settings.threshold))
    part = sizes.min(axis=1) * (settings.contained or 1)
    return np.minimum(near, part).astype(np.int32)  # rounded down: `_alike` decides


def _alike(pairs: Integers, sizes: Any, shared: Any, words: Any, settings: DedupSettings) -> Edges:
    jaccard = shared / np.maximum(sizes.sum(axis=1) - shared, 1)
    within = shared / np.maximum(sizes.min(axis=1), 1)
    near = jaccard >= settings.threshold
    part = ~near & (within >= (settings.contained or 2)) & (words >= settings.contained_words)
    rule = np.where(near, NEAR, CONTAINED).astype(np.int8)
    similarity, limit = (
        np.where(near, jaccard, within),
        np.where(near, settings.threshold, settings.contained or 2),
    )
    return Edges(pairs[:, 0], pairs[:, 1], rule, similarity, limit, sizes[:, 0], sizes[:, 1]).where(
        near | part
    )


def distinct_shingles(shingles: Shingles, starts: Integers) -> npt.NDArray[np.int32]:
    """(rows,) how many distinct shingles each row has. starts: (rows + 1,)."""
    sizes = np.zeros(len(starts) - 1, np.int32)
    count_distinct(shingles, starts, *_sets(starts), sizes)
    return sizes


def overlaps(
    shingles: Shingles, starts: Integers, pairs: Integers, least: Any
) -> npt.NDArray[np.int32]:
    """(pairs,) how many distinct shingles two rows share; counted no further once `least` of them is out of reach.

    starts: (rows + 1,). pairs: (pairs, 2) rows; fast when sorted by the first. least: (pairs,).
    """
    shared = np.zeros(len(pairs), np.int32)
    count_shared(shingles, starts, pairs, least, *_sets(starts), shared)
    return shared


def _sets(starts: Integers) -> tuple[Shingles, Integers]:
    """Room for the hash set of the longest row: its slots, and the marks that say whose they are."""
    room = 1 << int(np.diff(starts).max(initial=1) * 2).bit_length()
    return np.empty(room, np.uint32), np.zeros((room, 2), np.int64)


def choose(edges: Edges, n: int, foreign: int) -> Integers:
    """(n,) the edge that sends a row away, or NONE. Its partner stays, but an exact copy goes with its leader.

    Rows are asked in the order of their ranks, those found whole in a longer one after all others, longest first.
    Rows of an against-set always stay.
    """
    small = np.where(edges.size_a < edges.size_b, edges.a, edges.b)
    part = edges.rule == CONTAINED
    size = np.zeros(n, np.int64)
    size[small[part]] = np.minimum(edges.size_a, edges.size_b)[part]
    place = np.empty(n, np.int64)
    place[np.lexsort((np.arange(n), -size, size > 0))] = np.arange(n)
    place[:foreign] = np.arange(-foreign, 0)
    later = np.where(place[edges.a] > place[edges.b], edges.a, edges.b)
    earlier = edges.a + edges.b - later
    order = np.lexsort((place[earlier], -edges.similarity, edges.rule, place[later]))
    order = order[edges.rule[order] != EXACT]
    partners = np.full(n, NONE, np.int64)
    ask(later[order], earlier[order], order, partners)
    copies = np.flatnonzero(edges.rule == EXACT)
    partners[edges.b[copies]] = copies
    return partners


def clusters(edges: Edges, n: int) -> Integers:
    """(n,) the first rank of the cluster that verified edges join a row to."""
    parents = np.arange(n)
    join(edges.a, edges.b, parents)
    return parents


@njit(inline="always")
def slot_of(s, slots, marks, mask, owner):
    """Where shingle s stands in the set of `owner`, or the empty place where it would."""
    at = _u64(s & mask)
    while marks[at, 0] == owner and slots[at] != s:
        at = (at + _u64(1)) & _u64(mask)
    return at


@njit(nogil=True, cache=True)
def count_distinct(shingles, starts, slots, marks, sizes):
    """A hash set of one row at a time; a mark says whose set a slot belongs to, so that nothing is ever cleared."""
    mask = _u32(slots.size - 1)
    for row in range(starts.size - 1):
        for i in range(_u64(starts[row]), _u64(starts[row + 1])):
            at = slot_of(shingles[i], slots, marks, mask, row + 1)
            sizes[row] += marks[at, 0] != row + 1
            slots[at], marks[at, 0] = shingles[i], row + 1


@njit(nogil=True, cache=True)
def count_shared(shingles, starts, pairs, least, slots, marks, shared):
    """The first row of a pair as a hash set, the second looked up in it; its mark says that a shingle was counted."""
    mask = _u32(slots.size - 1)
    owner, last = 0, -1
    for p in range(pairs.shape[0]):
        a, b = pairs[p, 0], pairs[p, 1]
        if a != last:
            owner += 1
            last = a
            for i in range(_u64(starts[a]), _u64(starts[a + 1])):
                at = slot_of(shingles[i], slots, marks, mask, owner)
                slots[at], marks[at, 0], marks[at, 1] = shingles[i], owner, -1
        stop, found = starts[b + 1], 0
        for i in range(starts[b], stop):
            at = slot_of(shingles[_u64(i)], slots, marks, mask, owner)
            if marks[at, 0] == owner and marks[at, 1] != p:
                marks[at, 1] = p
                found += 1
            elif found + (stop - i) <= least[p]:
                break
        shared[p] = found


@njit(nogil=True, cache=True)
def ask(later, earlier, numbers, partners):
    """A row goes if a row that stays is like it. Edges sorted by `later`, so that `earlier` is decided by then."""
    for edge in range(later.size):
        if partners[later[edge]] == NONE and partners[earlier[edge]] == NONE:
            partners[later[edge]] = numbers[edge]


@njit(nogil=True, cache=True)
def join(a, b, parents):
    """Union-find: afterwards parents[row] is the first row of its cluster."""
    for edge in range(a.size):
        one, two = a[edge], b[edge]
        while parents[one] != one:
            parents[one] = parents[parents[one]]
            one = parents[one]
        while parents[two] != two:
            parents[two] = parents[parents[two]]
            two = parents[two]
        parents[max(one, two)] = min(one, two)
    for row in range(parents.size):
        parents[row] = parents[parents[row]]


def by_part(decisions: pa.Table, parts: int) -> list[pa.Table]:
    """What `link` decided on each part; copied, as a slice would take the whole along to another process."""
    bounds = np.searchsorted(values(decisions["part"]), np.arange(parts + 1))
    return [decisions.take(arrow(np.arange(a, b))) for a, b in pairwise(bounds)]


def apply(
    table: pa.Table, decisions: pa.Table, _settings: DedupSettings
) -> tuple[pa.Table, pa.Table]:
    """A part of the shelf as (kept, dropped), given the decisions on its rows, in their order (column `row`).

    Kept rows are untouched. Each dropped row gets one more finding: rule, similarity, limit and its partner.
    """
    stays = np.ones(len(table), bool)
    stays[values(decisions["row"])] = False
    dropped = table.take(decisions["row"])
    at = table.schema.get_field_index("findings")
    findings = _with_reason(dropped["findings"], _reasons(decisions))
    return table.take(arrow(np.flatnonzero(stays))), dropped.set_column(
        at, table.schema.field(at), findings
    )


def _reasons(decisions: pa.Table) -> pa.Array:
    """(decisions,) one finding each."""
    n = len(decisions)
    names = zip(
        *(decisions[name].to_pylist() for name in ("partner", "cluster", "view")), strict=True
    )
    evidence = [
        f"partner {partner} cluster {cluster} view {view}" for partner, cluster, view in names
    ]
    known = {
        "stage": repeated("dedup", n),
        "rule": decisions["rule"],
        "value": decisions["similarity"],
        "limit": decisions["limit"],
        "evidence": strings(evidence),
        "decision": repeated("drop", n),
    }
    columns = [known[f.name] if f.name in known else pa.nulls(n, f.type) for f in FINDING]
    return pa.StructArray.from_arrays([whole(c) for c in columns], fields=list(FINDING))


def _with_reason(findings: pa.ChunkedArray, reasons: pa.Array) -> pa.Array:
    """The lists of findings, each with one more at its end."""
    before = findings.combine_chunks()
    old = before.flatten()
    ends = np.cumsum(np.concatenate([[0], lengths(before) + 1]))
    last = np.zeros(ends[-1], bool)
    last[ends[1:] - 1] = True
    place = np.where(last, len(old) + np.cumsum(last) - 1, np.cumsum(~last) - 1)
    every = pa.concat_arrays([old, reasons]).take(arrow(place))
    return pa.ListArray.from_arrays(arrow(ends.astype(np.int32)), every, type=before.type)
