"""Link: from signed parts to decisions. Which rows may be duplicates, which are, who is dropped.

Memory: one band of keys at a time, and the shingles of the candidates of one
batch of pairs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from pipeline.dedup.against import leaks
from pipeline.dedup.arrays import BucketPairs, Flags, Integers, Keys, distinct, high_half, low_half
from pipeline.dedup.columns import arrow, repeated, strings, values, whole
from pipeline.dedup.edges import AGAINST, EXACT, NEAR, NONE, RULES, Edges, choose, clusters
from pipeline.dedup.kernels import Kernels, kernels
from pipeline.dedup.knows import more
from pipeline.dedup.rows import RankedRows, ranked
from pipeline.dedup.shared import holders, surveyed, without_boilerplate
from pipeline.dedup.sign import band_name
from pipeline.dedup.verify import verified
from pipeline.recipe.dedup import DedupSettings

PIECE = 1 << 25  # keys of one band that are sorted at a time
PENDING = 1 << 23  # pairs gathered before those that were found several times are made one
DECISIONS = pa.schema(
    {
        "part": pa.int32(),
        "row": pa.int32(),
        "id": pa.string(),
        "partner": pa.string(),
        "rule": pa.string(),
        "similarity": pa.float64(),
        "limit": pa.float64(),
        "cluster": pa.string(),
        "view": pa.string(),
        "knows": pa.string(),  # what decided: the partner has it, the row has not
    }
)
LinkReport = dict[str, Any]  # as the stage's report.json has it
_u64 = np.uint64


class Candidates(NamedTuple):
    """Pairs that may be duplicates."""

    rows: RankedRows  # compared without their boilerplate
    pairs: Integers  # (pairs, 2) ranks, each pair once, the lower rank first
    report: LinkReport


def link(
    signed: Sequence[pa.Table], settings: DedupSettings, against: Sequence[pa.Table] = ()
) -> tuple[pa.Table, LinkReport]:
    """(decisions, report). One decision for each row to drop; the same in any order and any parts.

    signed, against: what `sign` returned, in memory or mapped from disk.
    """
    if not signed:
        return DECISIONS.empty_table(), {"rows": 0, "dropped": {}}
    rows = ranked([*against, *signed], len(against))
    chosen = kernels(rows.shingle_count)
    leaders = same_words(rows, chosen)
    found = candidates(rows, leaders, settings, chosen)
    edges = Edges.joined([Edges.same(leaders), verified(found.rows, found.pairs, settings, chosen)])
    edges = edges.where(edges.second >= rows.foreign)
    if against:
        leaked = _leaked(rows, signed, against, settings, chosen)
        edges = Edges.joined([edges, leaked])
    decisions = _decisions(rows, edges, len(against))
    report = {
        "rows": len(rows) - rows.foreign,
        "scheme": rows.scheme,
        **found.report,
        "similar": len(edges),
        "dropped": dict(Counter(decisions["rule"].to_pylist())),
    }
    return decisions, report


def same_words(rows: RankedRows, chosen: Kernels) -> Integers:
    """(rows,) the first rank with exactly the same words; itself where a row has none."""
    digests = rows.column(_digests, np.arange(len(rows)))
    with_words = np.flatnonzero(rows.words > 0)
    bits = _rank_bits(with_words)
    # Few share the first half of their digest, cut by a few bits; only these are sorted by all.
    packed = chosen.shared_keys(digests[with_words, 0], with_words, bits)
    ranks = (packed & ((_u64(1) << bits) - _u64(1))).astype(np.int64)
    ranks = ranks[np.lexsort((ranks, digests[ranks, 1], digests[ranks, 0]))]
    is_first = np.ones(len(ranks), bool)
    is_first[1:] = (digests[ranks[1:]] != digests[ranks[:-1]]).any(axis=1)
    leaders = np.arange(len(rows))
    leaders[ranks] = ranks[is_first][np.cumsum(is_first) - 1]
    return leaders


def candidates(
    rows: RankedRows, leaders: Integers, settings: DedupSettings, chosen: Kernels
) -> Candidates:
    """The pairs that share an LSH bucket; and of rows that may contain each other, those that share
    a rare shingle."""
    live = (leaders == np.arange(len(rows))) & (rows.words > 0)
    able = live & (rows.words >= settings.contained_words) & (settings.contained is not None)
    shared = surveyed(rows, live, able, settings, chosen)
    rows, boilerplate_rows = without_boilerplate(rows, shared, chosen)
    similar = bucket_pairs(rows, np.flatnonzero(live), settings.bucket, chosen)
    contained = containing_pairs(rows, able, shared.rare, settings.bucket, chosen)
    pairs = distinct(np.concatenate([similar.pairs, contained.pairs]))
    report = {
        "boilerplate_rows": boilerplate_rows,
        "candidates": len(pairs),
        "capped_buckets": similar.capped + contained.capped,
        "largest_bucket": similar.largest,
    }
    return Candidates(rows, np.stack([high_half(pairs), low_half(pairs)], axis=1), report)


def bucket_pairs(rows: RankedRows, ranks: Integers, cap: int, chosen: Kernels) -> BucketPairs:
    """The pairs of these rows that share a bucket of any band; a pair may come more than once."""
    pairs, capped, largest = [np.zeros(0, np.uint64)], 0, 0
    bits = _rank_bits(ranks)
    for keys, some in _buckets(rows, ranks):
        found = chosen.bucket_pairs(chosen.shared_keys(keys, some, bits), bits, cap)
        pairs.append(found.pairs)
        capped, largest = capped + found.capped, max(largest, found.largest)
        if sum(map(len, pairs)) > PENDING:
            pairs = [distinct(np.concatenate(pairs))]
    return BucketPairs(np.concatenate(pairs), capped, largest)


def _buckets(rows: RankedRows, ranks: Integers) -> Iterator[tuple[Keys, Integers]]:
    """(keys, ranks) of each band, in pieces that fit in memory; equal keys in one piece."""
    pieces = _u64(len(ranks) // PIECE + 1)
    for band in range(rows.bands[0]):
        keys = rows.column(partial(_keys, name=band_name(band)), ranks)
        if pieces == 1:
            yield keys, ranks
            continue
        for piece in range(int(pieces)):
            mine = keys % pieces == piece
            # The remainder is the same in a piece. Without it, fewer bits are lost for the rank.
            yield keys[mine] // pieces, ranks[mine]


def containing_pairs(
    rows: RankedRows, able: Flags, rare: Keys, cap: int, chosen: Kernels
) -> BucketPairs:
    """The pairs of able rows that share a rare shingle by which the smaller one is looked for."""
    found = chosen.bucket_pairs(holders(rows, able, rare, chosen), _u64(32), cap)
    first, second = high_half(found.pairs), low_half(found.pairs)
    smaller = np.where(rows.words[first] < rows.words[second], first, second)
    looked_for = np.zeros(len(rows), bool)
    looked_for[low_half(rare)] = True
    return found._replace(pairs=found.pairs[looked_for[smaller]])


def _rank_bits(ranks: Integers) -> np.uint64:
    """The lowest bits of a packed key, which hold its rank.

    The key loses as many of its highest; that can only add candidates, and each
    one is verified.
    """
    return _u64(max(1, int(ranks.max(initial=0)).bit_length()))


def _leaked(
    rows: RankedRows,
    signed: Sequence[pa.Table],
    against: Sequence[pa.Table],
    settings: DedupSettings,
    chosen: Kernels,
) -> Edges:
    """From rows of against-sets to those of ours that contain one of their sides."""
    found = leaks(signed, against, settings.shared_by, chosen)
    rank_at = np.argsort(rows.home)
    ours = rank_at[found.rows + rows.foreign]
    return Edges.of(rank_at[found.foreign], ours, AGAINST, found.shares, found.limits)


def _digests(part: pa.Table) -> Keys:
    """(rows, 2)"""
    digests = whole(part["digest"])
    halves: Keys = np.frombuffer(digests.buffers()[1] or b"", "<u8").reshape(-1, 2)
    return halves[digests.offset : digests.offset + len(part)]


def _keys(part: pa.Table, name: str) -> Keys:
    keys: Keys = values(part[name])
    return keys


def _decisions(rows: RankedRows, edges: Edges, foreign_parts: int) -> pa.Table:
    partners = choose(edges, len(rows), rows.foreign)
    dropped = np.flatnonzero(partners != NONE)
    dropped = dropped[np.argsort(rows.home[dropped])]
    edge = partners[dropped]
    partner = edges.first[edge] + edges.second[edge] - dropped
    rule = np.where(partner < rows.foreign, AGAINST, edges.rule[edge])
    part = np.searchsorted(rows.starts, rows.home[dropped], side="right") - 1
    columns = {
        "part": arrow((part - foreign_parts).astype(np.int32)),
        "row": arrow((rows.home[dropped] - rows.starts[part]).astype(np.int32)),
        "id": rows.ids(dropped),
        "partner": rows.ids(partner),
        "rule": strings(RULES).take(arrow(rule)),
        "similarity": arrow(edges.similarity[edge]),
        "limit": arrow(edges.limit[edge]),
        "cluster": rows.ids(clusters(edges, len(rows))[dropped]),
        "view": repeated(rows.scheme["view"], len(dropped)),
        "knows": _knows_more(rows, partner, dropped, rule),
    }
    return pa.table(columns, schema=DECISIONS)


def _knows_more(rows: RankedRows, partner: Integers, dropped: Integers, rule: Integers) -> pa.Array:
    """What the partner of each dropped row knows and the row does not, where that decided: rows
    that are part of another, or against a set, are dropped whatever they know."""
    read = partial(_keys, name="knows")
    kept, gone = rows.column(read, partner), rows.column(read, dropped)
    return more(np.where((rule == EXACT) | (rule == NEAR), kept, gone), gone)
