"""What rows share: boilerplate is taken out, contained rows are looked for. See boilerplate.py."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pyarrow as pa

from pipeline.dedup.arrays import Counters, Flags, Keys, distinct
from pipeline.dedup.boilerplate import EVERY, QUARTER, Limits
from pipeline.dedup.columns import arrow, arrow_lists
from pipeline.dedup.kernels import Kernels
from pipeline.dedup.rows import RankedRows
from pipeline.dedup.sign import band_columns
from pipeline.recipe.dedup import DedupSettings

COUNTERS = 1 << 27  # at most
COUNTERS_AT_LEAST = 1 << 10
ONE_IN = 10_000  # rows; so many rows of a large data set share a text by chance
MOST_COUNTED = 65_535
RAREST = 3  # shingles that a row is looked for by, where not all have to be found again
SLOTS_PER_RARE = 128  # so that one in 128 shingles is taken for a rare one by mistake
SLOTS, SLOTS_AT_LEAST = 1 << 30, 1 << 10


class SharedText(NamedTuple):
    """What the survey of all parts found."""

    many: int  # rows that have a shingle before it is common
    suspects: Flags  # (rows,) the row may have boilerplate
    rare: Keys  # shingle << 32 | rank of the row that is looked for by it


def surveyed(
    rows: RankedRows, live: Flags, able: Flags, settings: DedupSettings, kernels: Kernels
) -> SharedText:
    """Which live rows may have boilerplate; and by what to look for able rows."""
    limits = _limits(settings, len(rows))
    counters = counted(rows, live, QUARTER, limits.many, kernels)
    suspects, rare = np.zeros(len(rows), bool), [np.zeros(0, np.uint64)]
    for part in rows.by_part(live):
        found = kernels.survey(part, able[part.ranks], counters, limits)
        suspects[part.ranks[found.suspects]] = True
        rare.append(found.rare)
    return SharedText(limits.many, suspects, np.concatenate(rare))


def _limits(settings: DedupSettings, rows: int) -> Limits:
    """What a survey asks for.

    A row that is contained to the share c has at most 1 - c of its shingles for
    itself. As only a quarter is sampled, three times as many are allowed.
    """
    many = min(max(settings.shared_by, rows // ONE_IN), MOST_COUNTED)
    contained = float(settings.contained or 1)
    if contained < 1:
        return Limits(many, 3 * (1 - contained), RAREST)
    return Limits(many, 0.0, 1)


def counted(rows: RankedRows, chosen: Flags, sample: int, most: int, kernels: Kernels) -> Counters:
    """How many of the chosen rows have a shingle, up to `most`, for those of the sample.

    sample: bits of the hash that must be zero; 3 takes one shingle in four. A counter belongs to a
    slot: two shingles on one slot look more common than they are.
    """
    parts = list(rows.by_part(chosen))
    sizes = (int(np.diff(part.starts)[part.chosen].sum()) for part in parts)
    total = sum(sizes) // (sample + 1)
    size = min(COUNTERS, max(COUNTERS_AT_LEAST, 1 << total.bit_length()))
    kind = np.uint8 if most < 256 else np.uint16
    counters: Counters = np.zeros(size, kind)
    for part in parts:
        kernels.count_rows(part, sample, most, counters)
    return counters


def without_boilerplate(
    rows: RankedRows, shared: SharedText, kernels: Kernels
) -> tuple[RankedRows, int]:
    """Rows with boilerplate are from here on compared by what else they have; and how many."""
    if not shared.suspects.any():
        return rows, 0
    counters = counted(rows, shared.suspects, EVERY, shared.many, kernels)
    ranks, left = [], []
    for part in rows.by_part(shared.suspects):
        cut = kernels.cut(part, counters, shared.many)
        ranks.append(part.ranks[cut.rows])
        left.append(arrow_lists(*cut.shingles).take(arrow(np.flatnonzero(cut.rows))))
    concerned, shingles = np.concatenate(ranks), pa.concat_arrays(left)
    columns = {"shingles": shingles} | band_columns(shingles, *rows.bands, kernels)
    return rows.compared_by(concerned, pa.table(columns)), len(concerned)


def holders(rows: RankedRows, able: Flags, rare: Keys, kernels: Kernels) -> Keys:
    """Sorted shingle << 32 | rank: the able rows that have a rare shingle, and a few by mistake.

    Equal shingles stand together like the rows of an LSH bucket, so that pairs
    are found the same way.
    """
    size = max(SLOTS_AT_LEAST, 1 << (SLOTS_PER_RARE * len(rare)).bit_length())
    wanted = np.zeros(min(SLOTS, size), bool)
    slots = (rare >> np.uint64(34)).astype(np.int64)  # 32 for the rank, 2 that are always zero
    wanted[slots & (len(wanted) - 1)] = True
    found = [kernels.holders(part, wanted) for part in rows.by_part(able)]
    return distinct(np.concatenate(found))
