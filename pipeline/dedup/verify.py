"""Verify: the exact similarity of every candidate pair; and dropping rows from their tables."""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from pipeline.dedup.arrays import CountArray, Integers
from pipeline.dedup.columns import arrow, lengths, repeated, strings, values, whole
from pipeline.dedup.edges import CONTAINED, NEAR, Edges
from pipeline.dedup.kernels import Kernels
from pipeline.dedup.rows import RankedRows
from pipeline.recipe.dedup import DedupSettings
from pipeline.store.columns import FINDING

BATCH = 1 << 14  # pairs verified at a time: at most 2^15 rows of shingles in memory
NEVER = 2.0  # a share that no row reaches


def verified(rows: RankedRows, pairs: Integers, settings: DedupSettings, kernels: Kernels) -> Edges:
    """Those of the candidate pairs that are duplicates. pairs: (pairs, 2) ranks."""
    found, memory = [Edges.none()], np.zeros(0, np.uint32)
    for start in range(0, len(pairs), BATCH):
        batch = pairs[start : start + BATCH]
        shingles, lists = rows.shingles_of(batch, memory)
        memory = shingles.values
        sizes = kernels.count_distinct(shingles)[lists]
        shared = kernels.count_shared(shingles, lists, _least(sizes, settings))
        found.append(_duplicates(rows, batch, sizes, shared, settings))
    return Edges.joined(found)


def _least(sizes: CountArray, settings: DedupSettings) -> CountArray:
    """(pairs,) shared shingles, with fewer of which a pair is neither near nor contained.

    sizes: (pairs, 2). Rounded down: `_duplicates` decides.
    """
    near = sizes.sum(axis=1) * (settings.threshold / (1 + settings.threshold))
    contained = sizes.min(axis=1) * (settings.contained or 1)
    least: CountArray = np.minimum(near, contained).astype(np.int32)
    return least


def _duplicates(
    rows: RankedRows,
    pairs: Integers,
    sizes: CountArray,
    shared: CountArray,
    settings: DedupSettings,
) -> Edges:
    """The pairs that reach a limit."""
    share_needed = settings.contained or NEVER
    jaccard = shared / np.maximum(sizes.sum(axis=1) - shared, 1)
    share = shared / np.maximum(sizes.min(axis=1), 1)
    near = jaccard >= settings.threshold
    long_enough = rows.words[pairs].min(axis=1) >= settings.contained_words
    contained = ~near & (share >= share_needed) & long_enough
    edges = Edges(
        first=pairs[:, 0],
        second=pairs[:, 1],
        rule=np.where(near, NEAR, CONTAINED).astype(np.int8),
        similarity=np.where(near, jaccard, share),
        limit=np.where(near, settings.threshold, share_needed),
        size_first=sizes[:, 0],
        size_second=sizes[:, 1],
    )
    return edges.where(near | contained)


def by_part(decisions: pa.Table, parts: int) -> list[pa.Table]:
    """What `link` decided on each part.

    Copied, as a slice would take the whole table along to another process.
    """
    bounds = np.searchsorted(values(decisions["part"]), np.arange(parts + 1))
    return [decisions.take(arrow(np.arange(start, stop))) for start, stop in pairwise(bounds)]


class Applied(NamedTuple):
    kept: pa.Table
    dropped: pa.Table


def apply(table: pa.Table, decisions: pa.Table, _settings: DedupSettings) -> Applied:
    """A part of the store, given the decisions on its rows, in their order.

    Kept rows are untouched. Each dropped row gets one more finding: rule,
    similarity, limit and its partner.
    """
    is_kept = np.ones(len(table), bool)
    is_kept[values(decisions["row"])] = False
    kept = table.take(arrow(np.flatnonzero(is_kept)))
    dropped = table.take(decisions["row"])
    place = table.schema.get_field_index("findings")
    findings = _with_one_more(dropped["findings"], _reasons(decisions))
    return Applied(kept, dropped.set_column(place, table.schema.field(place), findings))


def _reasons(decisions: pa.Table) -> pa.Array:
    """(decisions,) one finding each."""
    count = len(decisions)
    known = {
        "stage": repeated("dedup", count),
        "rule": decisions["rule"],
        "value": decisions["similarity"],
        "limit": decisions["limit"],
        "evidence": strings(_evidence(decisions)),
        "decision": repeated("drop", count),
    }
    unknown = {field.name: pa.nulls(count, field.type) for field in FINDING}
    columns = unknown | known
    in_order = [whole(columns[field.name]) for field in FINDING]
    return pa.StructArray.from_arrays(in_order, fields=list(FINDING))


def _evidence(decisions: pa.Table) -> list[str]:
    names = (decisions[name].to_pylist() for name in ("partner", "cluster", "view", "knows"))
    return [
        f"partner {partner} cluster {cluster} view {view}" + f" knows {knows}" * bool(knows)
        for partner, cluster, view, knows in zip(*names, strict=True)
    ]


def _with_one_more(findings: pa.ChunkedArray, reasons: pa.Array) -> pa.Array:
    """The lists of findings, each with one more at its end."""
    before = whole(findings)
    old = before.flatten()
    ends = np.cumsum(np.concatenate([[0], lengths(before) + 1]))
    is_new = np.zeros(ends[-1], bool)
    is_new[ends[1:] - 1] = True
    # In `old` and `reasons` laid end to end: the next of the one, or the next of the other.
    place = np.where(is_new, len(old) + np.cumsum(is_new) - 1, np.cumsum(~is_new) - 1)
    every = pa.concat_arrays([old, reasons]).take(arrow(place))
    return pa.ListArray.from_arrays(arrow(ends.astype(np.int32)), every, type=before.type)
