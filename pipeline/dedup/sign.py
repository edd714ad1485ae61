"""Sign: from a table of conversations to what can be compared, without a Python object per word.

Each row becomes its shingles, one hash of all its words, and the keys of its LSH
bands. Signatures are those of `datasketch.MinHash(num_perm=128, seed=1,
scheme="affine32", hashfunc=int)` on the shingles, bit for bit: see `signature`
and `minhash`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.dedup import knows, plain
from pipeline.dedup.arrays import FloatArray, Shingles
from pipeline.dedup.columns import Column, arrow, lengths, lists, strings, whole
from pipeline.dedup.kernels import Kernels, kernels
from pipeline.dedup.shingles import SHINGLE
from pipeline.dedup.signature import PERMUTATIONS, SCHEME, SEED
from pipeline.dedup.view import compared_texts
from pipeline.recipe.dedup import DedupSettings

if TYPE_CHECKING:
    from datasketch import MinHash

# All that `sign` reads, as Parquet names it: half the time of reading the whole columns.
COLUMNS = [
    "id",
    "messages.list.element.role",
    "messages.list.element.content",
    "persona.greeting",
    "source.name",
    "findings.list.element.decision",
    "scores.list.element.value",
    *knows.COLUMNS,
]

# Jaccard threshold → (bands, rows of a band) of 128 permutations, as datasketch chooses them for a
# threshold .3 below: a pair exactly at the threshold is missed by at most 2 in 10,000, where the
# usual choice misses half. Below .6: what it chooses at .3 when a miss weighs 99 times a false
# candidate. tests/test_sign.py asks datasketch the same.
BANDS = {0.3: (59, 2), 0.6: (37, 3), 0.7: (32, 4), 0.8: (25, 5), 0.9: (18, 7)}
ROUNDING = 1e-9
BYTES_PER_WORD = 6


def bands(threshold: float) -> tuple[int, int]:
    """LSH bands and rows per band for a Jaccard threshold."""
    return BANDS[max(limit for limit in BANDS if limit <= threshold + ROUNDING)]


def sign(table: pa.Table, settings: DedupSettings) -> pa.Table:
    """One row out per row in: id, digest, shingles, band keys, and what decides who is kept.

    digest: 16 bytes, equal for equal words. shingles: in the order of the text,
    repeats included; none where there are no words. message_words: of each
    compared message, below zero the assistant's. words: of all of them. band_00
    …: uint64. knows: see knows.py. score: mean of the criteria. findings: how
    many. source: 0 = the preferred.
    """
    texts = compared_texts(table, settings.view)
    size = int(texts.starts[texts.rows[-1]] - texts.starts[texts.rows[0]])
    chosen = kernels(size // BYTES_PER_WORD)
    rows = chosen.shingle(texts)
    columns = {"id": table["id"]} | {name: rows[name] for name in rows.column_names}
    columns |= {
        "knows": arrow(knows.known(table)),
        "score": arrow(_scores(table)),
        "findings": _findings(table),
        "source": _places(table, settings.sources),
    }
    columns |= band_columns(rows["shingles"], *bands(settings.threshold), chosen)
    return pa.table(columns, metadata=_scheme(settings)).combine_chunks()


def _scheme(settings: DedupSettings) -> dict[str, str]:
    count, width = bands(settings.threshold)
    return {
        "scheme": SCHEME,
        "permutations": str(PERMUTATIONS),
        "seed": str(SEED),
        "shingle": str(SHINGLE),
        "bands": str(count),
        "rows": str(width),
        "view": settings.view,
    }


def _scores(table: pa.Table) -> FloatArray:
    """(rows,) the mean of the scores that have a value; 0 where none has."""
    if "scores" not in table.column_names:
        return np.zeros(len(table))
    scores = whole(table["scores"])
    values = pc.struct_field(pc.list_flatten(scores), "value")
    there = values.is_valid().to_numpy(zero_copy_only=False)
    rows = pc.list_parent_indices(scores).to_numpy()[there]
    total = np.bincount(rows, values.drop_null().to_numpy(), len(table))
    return total / np.maximum(np.bincount(rows, minlength=len(table)), 1)


def _findings(table: pa.Table) -> pa.Array:
    """(rows,) how many findings, where the column is there."""
    if "findings" not in table.column_names:
        return arrow(np.zeros(len(table), np.int32))
    return arrow(lengths(whole(table["findings"])).astype(np.int32))


def _places(table: pa.Table, sources: Sequence[str]) -> Column:
    """(rows,) the place of each row's source among the preferred ones; behind them the others."""
    if not sources:
        return arrow(np.zeros(len(table), np.int32))
    names = pc.struct_field(table["source"], "name")
    return pc.fill_null(pc.index_in(names, strings(sources)), len(sources))


def band_columns(shingles: Column, count: int, width: int, chosen: Kernels) -> dict[str, pa.Array]:
    """The keys of each of `count` bands, by the name of its column.

    A key stands for `width` values of a signature.
    """
    keys = chosen.band_keys(lists(shingles), count, width)
    return {band_name(band): arrow(keys[band]) for band in range(count)}


def band_name(band: int) -> str:
    return f"band_{band:02}"


def signature(shingles: Shingles) -> Shingles:
    """(128,) the MinHash signature of shingles."""
    return plain.signature(shingles)


def minhash(shingles: Shingles) -> MinHash:
    """The same as an object of datasketch, to go on with its LSH, forest or ensemble."""
    from datasketch import MinHash

    return MinHash(
        num_perm=PERMUTATIONS,
        seed=SEED,
        scheme=SCHEME,
        hashvalues=signature(shingles),
        hashfunc=int,
    )
