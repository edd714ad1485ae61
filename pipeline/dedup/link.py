"""Link: from signed parts to decisions. Which rows could be alike (LSH bands), which are, and which of them stay.

Memory: one band of keys at a time, and the shingles of the candidates of one batch of pairs.
"""

# mypy: allow-untyped-defs, allow-untyped-calls
# numba gives the compiled functions their types
from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa

from pipeline.compiled import njit
from pipeline.dedup.against import leaks
from pipeline.dedup.columns import arrow, repeated, strings, values, whole
from pipeline.dedup.passages import QUARTER, counted, holders, surveyed, without_boilerplate
from pipeline.dedup.rows import Flags, Integers, Keys, Rows, distinct, ranked
from pipeline.dedup.sign import band_name
from pipeline.dedup.verify import AGAINST, NONE, RULES, Edges, choose, clusters, verified
from pipeline.recipe.settings import DedupSettings

PIECE = 1 << 25  # keys of one band that are sorted at a time
PENDING = 1 << 23  # pairs gathered before those that were found several times are made one
DECISIONS = pa.schema(
    [
        ("part", pa.int32()), ("row", pa.int32()), ("id", pa.string()), ("partner", pa.string()),
        ("rule", pa.string()), ("similarity", pa.float64()), ("limit", pa.float64()),
        ("cluster", pa.string()), ("view", pa.string()),
    ]
)  # fmt: skip
_u64, _LOW = np.uint64, np.uint64(0xFFFFFFFF)


def link(
    signed: Sequence[pa.Table], settings: DedupSettings, against: Sequence[pa.Table] = ()
) -> tuple[pa.Table, dict[str, Any]]:
    """(decisions, report). One decision for each row to drop; the same for any order and cut of the parts.

    signed, against: what `sign` returned, in memory or mapped from disk.
    """
    if not signed:
        return DECISIONS.empty_table(), {"rows": 0, "dropped": {}}
    rows = ranked([*against, *signed], len(against))
    leaders = same_words(rows)
    live = (leaders == np.arange(len(leaders))) & (rows.words > 0)
    able = live & (rows.words >= settings.contained_words) & (settings.contained is not None)
    many = min(max(settings.shared_by, len(live) // 10_000), 65_535)
    counters = counted(rows, live, QUARTER, many)
    suspects, rare = surveyed(rows, live, counters, many, able, settings.contained or 1)
    rows, boilerplate = without_boilerplate(rows, suspects, many)
    pairs, met = candidates(rows, live, able, rare, settings.bucket)
    edges = Edges.same(leaders) + verified(rows.shingles, rows.words, pairs, settings)
    edges = edges.where(edges.b >= rows.foreign)
    if against:
        edges += given_away(rows, signed, against, settings)
    partners = choose(edges, len(leaders), rows.foreign)
    decisions = _decisions(rows, edges, partners, clusters(edges, len(leaders)), len(against))
    report = {
        "rows": len(leaders) - rows.foreign,
        "scheme": rows.scheme,
        "boilerplate_rows": boilerplate,
        **met,
    }
    return decisions, report | {
        "alike": len(edges.a),
        "dropped": dict(Counter(decisions["rule"].to_pylist())),
    }


def same_words(rows: Rows) -> Integers:
    """(n,) for each rank the first rank that says exactly the same words; itself where nothing is said."""
    digest = rows.column(_digest, rows.place)
    spoken = np.flatnonzero(rows.words > 0)
    leaders = np.arange(len(rows.words))
    packed, bits = _packed(digest[spoken, 0], spoken)
    first_equal(packed, bits, digest, leaders)
    return leaders


def candidates(
    rows: Rows, live: Flags, able: Flags, rare: Keys, cap: int
) -> tuple[Integers, dict[str, int]]:
    """(pairs, 2) ranks that may be alike, each pair once, the lower rank first; and what was met on the way.

    Rows of one LSH bucket; and of able rows the smaller that could stand in the larger, found by its rare shingles.
    """
    found, capped, largest = [np.empty(0, np.uint64)], 0, 0
    for packed, bits in buckets(rows, np.flatnonzero(live)):
        pairs, over, size = bucket_pairs(packed, bits, cap)
        found.append(pairs)
        capped, largest = capped + over, max(largest, size)
        if sum(map(len, found)) > PENDING:
            found = [distinct(np.concatenate(found))]
    looked_for = np.zeros(len(live), bool)
    looked_for[(rare & _LOW).astype(np.int64)] = True
    pairs, over, _ = bucket_pairs(holders(rows, able, rare), _u64(32), cap)
    a, b = (pairs >> _u64(32)).astype(np.int64), (pairs & _LOW).astype(np.int64)
    found.append(pairs[looked_for[np.where(rows.words[a] < rows.words[b], a, b)]])
    pairs = distinct(np.concatenate(found))
    both = np.stack([pairs >> _u64(32), pairs & _LOW], axis=1).astype(np.int64)
    return both, {
        "candidates": len(both),
        "capped_buckets": capped + over,
        "largest_bucket": largest,
    }


def buckets(rows: Rows, ranks: Integers) -> Iterator[tuple[Keys, Any]]:
    """Sorted (key << bits | rank), and bits, band by band: rows with an equal key stand in one bucket."""
    pieces, places = len(ranks) // PIECE + 1, rows.place[ranks]
    for band in range(int(rows.scheme["bands"])):
        keys = rows.column(partial(_keys, name=band_name(band)), places)
        for piece in range(pieces):
            chosen = keys % _u64(pieces) == _u64(piece) if pieces > 1 else slice(None)
            yield _packed(keys[chosen] // _u64(pieces), ranks[chosen])


def given_away(
    rows: Rows, signed: Sequence[pa.Table], against: Sequence[pa.Table], settings: DedupSettings
) -> Edges:
    """From foreign rows to those of ours in which one of their roles says the same."""
    leaked = leaks(signed, against, settings.shared_by)
    ranks = np.argsort(rows.home)
    return Edges.of(
        ranks[leaked.foreign], ranks[leaked.row + rows.foreign], AGAINST, leaked.share, leaked.limit
    )


def _digest(part: pa.Table) -> Keys:
    digests = whole(part["digest"])
    values: Keys = np.frombuffer(digests.buffers()[1] or b"", "<u8").reshape(-1, 2)
    return values[digests.offset : digests.offset + len(part)]


def _keys(part: pa.Table, name: str) -> Keys:
    keys: Keys = values(part[name])
    return keys


def _packed(keys: Keys, ranks: Integers) -> tuple[Keys, np.uint64]:
    """Keys that may stand twice, with the rank in their lowest bits, sorted: equal keys together, the preferred first.

    The bits a key loses can only add candidates, and every candidate is verified.
    """
    bits = _u64(max(1, int(ranks.max(initial=0)).bit_length()))
    packed = crowded(keys, ranks, bits, _u64(max(10, (4 * len(keys)).bit_length())))
    packed.sort()
    return packed, bits


def _decisions(
    rows: Rows, edges: Edges, partners: Integers, cluster: Integers, foreign_parts: int
) -> pa.Table:
    gone = np.flatnonzero(partners != NONE)
    gone = gone[np.argsort(rows.home[gone])]
    edge = partners[gone]
    partner = edges.a[edge] + edges.b[edge] - gone
    rule = np.where(partner < rows.foreign, AGAINST, edges.rule[edge])
    part = np.searchsorted(rows.starts, rows.home[gone], side="right") - 1
    return pa.table(
        {
            "part": arrow((part - foreign_parts).astype(np.int32)),
            "row": arrow((rows.home[gone] - rows.starts[part]).astype(np.int32)),
            "id": rows.ids(gone),
            "partner": rows.ids(partner),
            "rule": strings(RULES).take(arrow(rule)),
            "similarity": arrow(edges.similarity[edge]),
            "limit": arrow(edges.limit[edge]),
            "cluster": rows.ids(cluster[gone]),
            "view": repeated(rows.scheme["view"], len(gone)),
        },
        schema=DECISIONS,
    )


@njit(nogil=True, cache=True)
def crowded(keys, ranks, bits, room):
    """key << bits | rank of the keys whose lowest `room` bits another key has too, and of these with the highest ones.

    Most keys stand alone, and what is left takes a third of the time to sort.
    """
    seen, mask, top = (
        np.zeros(_u64(1) << room, np.uint8),
        (_u64(1) << room) - _u64(1),
        _u64(64) - room,
    )
    for key in keys:
        seen[key & mask] += seen[key & mask] < 2
    packed, n = np.empty(keys.size, np.uint64), _u64(0)
    for i in range(keys.size):
        packed[n] = keys[i] << bits | _u64(ranks[i])
        n += _u64(seen[keys[i] & mask] == 2)
    seen[:] = 0
    for i in range(n):
        seen[packed[i] >> top] += seen[packed[i] >> top] < 2
    some = _u64(0)
    for i in range(n):
        packed[some] = packed[i]
        some += _u64(seen[packed[some] >> top] == 2)
    return packed[:some].copy()


@njit(nogil=True, cache=True)
def first_equal(packed, bits, digest, leaders):
    """leaders[rank] = the first rank of its run whose whole digest is the same."""
    mask = (_u64(1) << bits) - _u64(1)
    start = 0
    for at in range(packed.size):
        if packed[at] >> bits != packed[start] >> bits:
            start = at
        mine = np.int64(packed[at] & mask)
        for before in range(start, at):
            other = np.int64(packed[before] & mask)
            if (
                leaders[other] == other
                and digest[other, 0] == digest[mine, 0]
                and digest[other, 1] == digest[mine, 1]
            ):
                leaders[mine] = other
                break


@njit(nogil=True, cache=True)
def bucket_pairs(packed, bits, cap):
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
