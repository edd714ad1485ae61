"""Link: from signed parts to decisions. Which rows could be alike (LSH bands), which are, and which of them stay.

Memory: one band of keys at a time, and the shingles of the candidates of one batch of pairs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from numba import njit

from pipeline.dedup.verify import NONE, RULES, Edges, choose, clusters, verified
from pipeline.recipe import DedupSettings

Integers = npt.NDArray[np.int64]
Keys = npt.NDArray[np.uint64]

PIECE = 1 << 25  # keys of one band that are sorted at a time
PENDING = 1 << 23  # pairs gathered before those that several bands found are made one
_u64 = np.uint64


@dataclass
class Rows:
    """The rows of all parts by rank: rank 0 is the one that would stay against any other. Against-sets come first."""

    parts: list[pa.Table]
    part: Integers  # (n,) the part that holds the signed row
    row: Integers  # (n,) and the row in it
    words: npt.NDArray[np.int32]  # (n,)
    foreign: int  # ranks 0 … foreign - 1 belong to an against-set

    def column(self, pick: Callable[[pa.Table], Any]) -> Any:
        """(n,) by rank: what `pick` takes from a part, one value per row of the part."""
        starts = np.cumsum([0, *map(len, self.parts)])
        return np.concatenate([pick(p) for p in self.parts])[starts[self.part] + self.row]

    def ids(self, ranks: Integers) -> pa.Array:
        starts = np.cumsum([0, *map(len, self.parts)])
        ids = pa.chunked_array([c for p in self.parts for c in p["id"].chunks], pa.string())
        return ids.take(pa.array(starts[self.part[ranks]] + self.row[ranks]))

    def shingles(self, ranks: Integers) -> tuple[npt.NDArray[np.uint32], Integers, Integers]:
        """(shingles of these rows one after the other, where each begins, which of `ranks` comes where)."""
        order = np.argsort(self.part[ranks], kind="stable")
        bounds = np.searchsorted(self.part[ranks[order]], np.arange(len(self.parts) + 1))
        lists = [
            part["shingles"].take(pa.array(self.row[ranks[order[start:stop]]])).combine_chunks()
            for part, start, stop in zip(self.parts, bounds, bounds[1:], strict=False)
            if stop > start
        ]
        lengths = np.concatenate([pc.list_value_length(x).to_numpy() for x in lists])
        return np.concatenate([x.flatten().to_numpy() for x in lists]), np.cumsum([0, *lengths]), order


def link(
    signed: Sequence[pa.Table], settings: DedupSettings, against: Sequence[pa.Table] = ()
) -> tuple[pa.Table, dict[str, Any]]:
    """(decisions, report). One decision for each row to drop; the same for any order and cut of the parts.

    signed, against: what `sign` returned, in memory or mapped from disk.
    """
    rows = ranked([*against, *signed], len(against))
    leaders = same_words(rows)
    live = np.flatnonzero((leaders == np.arange(len(leaders))) & (rows.words > 0))
    pairs, report = candidates(rows, live, settings)
    edges = Edges.same(leaders) + verified(rows.shingles, rows.words, pairs, settings)
    edges = edges.where(edges.b >= rows.foreign)
    partners = choose(edges, len(leaders), rows.foreign)
    decisions = _decisions(rows, edges, partners, clusters(edges, len(leaders)), settings.view, len(against))
    found = Counter(decisions["rule"].to_pylist())
    return decisions, report | {"rows": len(leaders) - rows.foreign, "verified": len(edges.a), "dropped": dict(found)}


def ranked(parts: list[pa.Table], foreign_parts: int) -> Rows:
    """Which copy stays: the best score, then fewest findings, then most words, then the preferred source, then id."""
    standing = ("score", "findings", "words", "source", "id")
    columns = {name: pa.chunked_array([c for p in parts for c in p[name].chunks]) for name in standing}
    lengths = list(map(len, parts))
    part = np.repeat(np.arange(len(parts)), lengths)
    order = pc.sort_indices(
        pa.table(columns | {"ours": part >= foreign_parts}),
        [("ours", "ascending"), ("score", "descending"), ("findings", "ascending"), ("words", "descending"),
         ("source", "ascending"), ("id", "ascending")],
    ).to_numpy()  # fmt: skip
    row = np.concatenate([np.arange(n) for n in lengths])
    return Rows(parts, part[order], row[order], columns["words"].to_numpy()[order], sum(lengths[:foreign_parts]))


def same_words(rows: Rows) -> Integers:
    """(n,) for each rank the first rank that says exactly the same words; itself where nothing is said."""
    digest = rows.column(
        lambda p: np.frombuffer(p["digest"].combine_chunks().buffers()[1], "<u8").reshape(-1, 2)[: len(p)]
    )
    spoken = np.flatnonzero(rows.words > 0)
    leaders = np.arange(len(rows.words))
    packed, bits = _packed(digest[spoken, 0], spoken)
    first_equal(packed, bits, digest, leaders)
    return leaders


def candidates(rows: Rows, live: Integers, settings: DedupSettings) -> tuple[Integers, dict[str, Any]]:
    """(pairs, 2) ranks that share a bucket in some band, each pair once, the lower first; and what the bands met."""
    scheme = {k.decode(): v.decode() for k, v in (rows.parts[0].schema.metadata or {}).items()}
    pieces = len(live) // PIECE + 1
    found, capped, largest = [np.empty(0, np.uint64)], 0, 0
    for band in range(int(scheme["bands"])):
        keys = rows.column(partial(_band, band=band))[live]
        for piece in range(pieces):
            chosen = keys % _u64(pieces) == _u64(piece) if pieces > 1 else slice(None)
            packed, bits = _packed(keys[chosen] // _u64(pieces), live[chosen])
            pairs, over, size = bucket_pairs(packed, bits, settings.bucket)
            found.append(pairs)
            capped, largest = capped + over, max(largest, size)
        if sum(map(len, found)) > PENDING:
            found = [np.unique(np.concatenate(found))]
    pairs = np.unique(np.concatenate(found))
    both = np.stack([pairs >> _u64(32), pairs & _u64(0xFFFFFFFF)], axis=1).astype(np.int64)
    return both, {"scheme": scheme, "candidates": len(both), "capped_buckets": capped, "largest_bucket": largest}


def _band(part: pa.Table, band: int) -> Keys:
    keys = part["bands"].combine_chunks()
    values: Keys = keys.flatten().to_numpy().reshape(len(part), -1)[:, band]
    return values


def _packed(keys: Keys, ranks: Integers) -> tuple[Keys, np.uint64]:
    """Keys with the rank in their lowest bits, sorted: equal keys stand together, the preferred row first.

    The bits a key loses can only add candidates, and every candidate is verified.
    """
    bits = _u64(max(1, int(ranks.max(initial=0)).bit_length()))
    packed = (keys << bits) | ranks.astype(np.uint64)
    packed.sort()
    return packed, bits


def _decisions(
    rows: Rows, edges: Edges, partners: Integers, cluster: Integers, view: str, foreign_parts: int
) -> pa.Table:
    gone = np.flatnonzero(partners != NONE)
    edge = partners[gone]
    partner = edges.a[edge] + edges.b[edge] - gone
    return pa.table(
        {
            "part": pa.array(rows.part[gone] - foreign_parts, pa.int32()),
            "row": pa.array(rows.row[gone], pa.int32()),
            "id": rows.ids(gone),
            "partner": rows.ids(partner),
            "rule": pa.array(RULES).take(pa.array(np.where(partner < rows.foreign, len(RULES) - 1, edges.rule[edge]))),
            "similarity": edges.similarity[edge],
            "cluster": rows.ids(cluster[gone]),
            "view": pa.repeat(view, len(gone)),
        }
    ).sort_by([("part", "ascending"), ("row", "ascending")])


@njit(nogil=True, cache=True)
def first_equal(packed, bits, digest, leaders):  # type: ignore[no-untyped-def]
    """leaders[rank] = the first rank of its run whose whole digest is the same."""
    mask = (_u64(1) << bits) - _u64(1)
    start = 0
    for at in range(packed.size):
        if packed[at] >> bits != packed[start] >> bits:
            start = at
        mine = np.int64(packed[at] & mask)
        for before in range(start, at):
            other = np.int64(packed[before] & mask)
            if leaders[other] == other and digest[other, 0] == digest[mine, 0] and digest[other, 1] == digest[mine, 1]:
                leaders[mine] = other
                break


@njit(nogil=True, cache=True)
def bucket_pairs(packed, bits, cap):  # type: ignore[no-untyped-def]
    """(pairs as rank << 32 | rank, buckets of more than cap + 1 rows, rows of the largest bucket).

    In a larger bucket every row meets the `cap` preferred ones, so that time stays linear.
    """
    mask = (_u64(1) << bits) - _u64(1)
    n = packed.size
    count = capped = largest = start = 0
    for at in range(n):
        if packed[at] >> bits != packed[start] >> bits:
            start = at
        count += min(at - start, cap)
        largest = max(largest, at - start + 1)
        capped += at - start == cap + 1
    pairs = np.empty(count, np.uint64)
    count = start = 0
    for at in range(n):
        if packed[at] >> bits != packed[start] >> bits:
            start = at
        for before in range(start, min(at, start + cap)):
            pairs[count] = (packed[before] & mask) << _u64(32) | (packed[at] & mask)
            count += 1
    return pairs, capped, largest
