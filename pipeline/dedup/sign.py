"""Sign: from a table of conversations to what can be compared, without a Python object per word.

Each row becomes the hashes of its shingles (5 consecutive words), one hash of all its words, and the keys of its LSH
bands. Signatures are those of `datasketch.MinHash(num_perm=128, seed=1, scheme="affine32", hashfunc=int)` on the
shingle hashes, bit for bit: see `signature` and `minhash`. Broder (1997); Leskovec et al.,
Mining of Massive Datasets, chapter 3.
"""

# mypy: allow-untyped-defs, allow-untyped-calls
# numba gives the compiled functions their types
from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.compiled import njit
from pipeline.conversation import CRITERIA
from pipeline.dedup.columns import arrow, lengths, strings, values, whole
from pipeline.dedup.shingles import SHINGLE, shingled
from pipeline.dedup.view import Heard, buffers, folded, heard
from pipeline.recipe.settings import DedupSettings

if TYPE_CHECKING:
    from datasketch import MinHash

COLUMNS = [  # all that `sign` reads, as Parquet names it: half the time of reading the whole columns
    "id", "messages.list.element.role", "messages.list.element.content", "persona.greeting", "source.name",
    "findings.list.element.decision", *(f"scores.{criterion}.value" for criterion in CRITERIA),
]  # fmt: skip
PERMUTATIONS = 128
SEED = 1
SCHEME = "affine32"
# Jaccard threshold → (bands, rows of a band) of 128 permutations, as datasketch chooses them for a threshold .3 below:
# a pair exactly at the threshold is missed by at most 2 in 10,000, where the usual choice misses half. Below .6: what
# it chooses at .3 when a miss weighs 99 times a false candidate. tests/test_sign.py asks datasketch the same.
BANDS = {0.3: (59, 2), 0.6: (37, 3), 0.7: (32, 4), 0.8: (25, 5), 0.9: (18, 7)}

_u32, _u64 = np.uint32, np.uint64
_ODD = _u64(0x9E3779B97F4A7C15)
_EMPTY = _u32(0xFFFFFFFF)


def bands(threshold: float) -> tuple[int, int]:
    """LSH bands and rows per band for a Jaccard threshold."""
    return BANDS[max(t for t in BANDS if t <= threshold + 1e-9)]


def permutations() -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.uint32]]:
    """(128,) factors and (128,) summands, those of datasketch for SEED (its import alone would cost a CPU-second)."""
    generator = np.random.RandomState(SEED)
    factors = generator.randint(0, 1 << 31, PERMUTATIONS, dtype=np.uint32) * _u32(2) + _u32(1)
    return factors, generator.randint(0, 1 << 32, PERMUTATIONS, dtype=np.uint32)


def sign(table: pa.Table, settings: DedupSettings) -> pa.Table:
    """One row out per row in: id, digest, shingles, keys of the bands, and what decides which copy stays.

    digest: 16 bytes, equal for equal words. band_00 …: uint64. shingles: uint32 hashes in the order of the text,
    repeats included; none when nothing was said. spoken: the words of each message heard, below zero the assistant's.
    words: of all of them. score (mean of the criteria), findings, source (0 = the preferred).
    """
    said = heard(table, settings.view)
    rows = shingled(said)
    again = np.flatnonzero(values(rows["context"]))
    if len(again):
        order = np.arange(len(rows))
        order[again] = len(rows) + np.arange(len(again))
        rows = (
            pa.concat_tables([rows, shingled(_folded(said, again))])
            .take(arrow(order))
            .combine_chunks()
        )
    columns = {"id": table["id"]} | {
        name: rows[name] for name in ("digest", "shingles", "spoken", "words")
    }
    columns |= _standing(table, settings) | signed(
        rows["shingles"].combine_chunks(), *bands(settings.threshold)
    )
    return pa.table(columns, metadata=_scheme(settings)).combine_chunks()


def _scheme(settings: DedupSettings) -> dict[str, str]:
    count, width = bands(settings.threshold)
    return {
        "scheme": SCHEME, "permutations": str(PERMUTATIONS), "seed": str(SEED), "shingle": str(SHINGLE),
        "bands": str(count), "rows": str(width), "view": settings.view,
    }  # fmt: skip


def _standing(table: pa.Table, settings: DedupSettings) -> dict[str, Any]:
    """What the policy on copies asks of a row, where its column is there."""
    none = np.zeros(len(table))
    standing = {
        "score": arrow(none),
        "findings": arrow(none.astype(np.int32)),
        "source": arrow(none.astype(np.int32)),
    }
    if "findings" in table.column_names:
        standing["findings"] = arrow(lengths(whole(table["findings"])).astype(np.int32))
    if "scores" in table.column_names:
        given = [
            pc.struct_field(table["scores"], [field.name, "value"])
            for field in table["scores"].type
        ]
        given = [score for score in given if score.null_count < len(score)]
        total = sum((pc.fill_null(score, 0.0).to_numpy() for score in given), start=none)
        count = sum((score.is_valid().to_numpy().astype(int) for score in given), start=none)
        standing["score"] = arrow(total / np.maximum(count, 1))
    if settings.sources:
        place = pc.index_in(pc.struct_field(table["source"], "name"), strings(settings.sources))
        standing["source"] = pc.fill_null(place, len(settings.sources))
    return standing


def _folded(said: Heard, rows: npt.NDArray[np.int64]) -> Heard:
    """The same messages of some rows, folded in Python: what a table of characters cannot fold."""
    texts, starts, flags = [], [0], []
    for row in rows:
        for m in range(said.rows[row], said.rows[row + 1]):
            texts.append(folded(said.data[said.texts[m] : said.texts[m + 1]].tobytes().decode()))
            flags.append(said.speaker[m])
        starts.append(len(texts))
    data, offsets = buffers(strings(texts))
    return Heard(data, offsets, np.array(starts), np.array(flags, np.int8))


def signed(shingles: pa.LargeListArray, count: int, width: int) -> dict[str, pa.Array]:
    """The keys of each of `count` bands, by the name of its column; a key stands for `width` values of a signature."""
    keys = np.zeros((count, len(shingles)), np.uint64)
    sign_sets(values(shingles.values), values(shingles.offsets), *permutations(), width, keys)
    return {band_name(band): arrow(keys[band]) for band in range(count)}


def band_name(band: int) -> str:
    return f"band_{band:02}"


def signature(shingles: npt.NDArray[np.uint32]) -> npt.NDArray[np.uint32]:
    """(128,) the MinHash signature of shingle hashes."""
    found = np.empty(PERMUTATIONS, np.uint32)
    sign_shingles(shingles, *permutations(), found)
    return found


def minhash(shingles: npt.NDArray[np.uint32]) -> MinHash:
    """The same as an object of datasketch, to go on with its LSH, forest or ensemble."""
    from datasketch import MinHash

    return MinHash(
        num_perm=PERMUTATIONS,
        seed=SEED,
        scheme=SCHEME,
        hashvalues=signature(shingles),
        hashfunc=int,
    )


@njit(inline="always")
def mix32(h):
    """The same for 32 bits, as datasketch does before it permutes. numba widens: narrow after every step."""
    h = _u32(h ^ (h >> _u32(16)))
    h = _u32(h * _u32(0x85EBCA6B))
    h = _u32(h ^ (h >> _u32(13)))
    h = _u32(h * _u32(0xC2B2AE35))
    return _u32(h ^ (h >> _u32(16)))


@njit(nogil=True, cache=True)
def sign_shingles(shingles, factors, summands, values):
    """values[k] = min over shingles s of factors[k] * mix32(s) + summands[k] mod 2^32; eight shingles at a time."""
    for k in range(PERMUTATIONS):
        values[k] = _EMPTY
    n = shingles.size
    for s in range(0, n - 7, 8):
        h0, h1, h2, h3 = (
            mix32(shingles[s]),
            mix32(shingles[s + 1]),
            mix32(shingles[s + 2]),
            mix32(shingles[s + 3]),
        )
        h4, h5, h6, h7 = (
            mix32(shingles[s + 4]),
            mix32(shingles[s + 5]),
            mix32(shingles[s + 6]),
            mix32(shingles[s + 7]),
        )
        for k in range(PERMUTATIONS):
            a, b = factors[k], summands[k]
            low = min(
                min(_u32(a * h0 + b), _u32(a * h1 + b)), min(_u32(a * h2 + b), _u32(a * h3 + b))
            )
            high = min(
                min(_u32(a * h4 + b), _u32(a * h5 + b)), min(_u32(a * h6 + b), _u32(a * h7 + b))
            )
            values[k] = min(values[k], min(low, high))
    for s in range(n - n % 8, n):
        h = mix32(shingles[s])
        for k in range(PERMUTATIONS):
            values[k] = min(values[k], _u32(factors[k] * h + summands[k]))


@njit(nogil=True, cache=True)
def band_keys(values, width, row, keys):
    """keys[band, row] = one hash of `width` consecutive values of a signature."""
    for band in range(keys.shape[0]):
        h = _u64(band + 1) * _ODD
        for k in range(band * width, band * width + width):
            h = (h ^ _u64(values[k])) * _ODD
            h ^= h >> _u64(29)
        keys[band, row] = h


@njit(nogil=True, cache=True)
def sign_sets(shingles, starts, factors, summands, width, keys):
    """Fill the band keys of every row."""
    values = np.empty(PERMUTATIONS, np.uint32)
    for row in range(starts.size - 1):
        sign_shingles(shingles[starts[row] : starts[row + 1]], factors, summands, values)
        band_keys(values, width, row, keys)
