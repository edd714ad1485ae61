"""The kernels compiled by numba, for much data. `plain.py` defines what each one computes.

Here it is only done faster: no object per word, no branch that a processor
guesses wrongly, eight letters or shingles at a time. The arrays a function needs
for itself are made by its caller, as compiling `np.zeros` costs a fifth of a
second.
"""

from pipeline.dedup.fast.buckets import bucket_pairs, shared_keys
from pipeline.dedup.fast.sets import count_distinct, count_shared
from pipeline.dedup.fast.shared import count_rows, cut, holders, survey
from pipeline.dedup.fast.sides import side_shingles
from pipeline.dedup.fast.signatures import band_keys
from pipeline.dedup.fast.words import shingle

__all__ = [
    "band_keys", "bucket_pairs", "count_distinct", "count_rows", "count_shared", "cut", "holders",
    "shared_keys", "shingle", "side_shingles", "survey",
]  # fmt: skip
