"""MinHash signatures: the constants, as datasketch has them.

Value k of a signature is the minimum over all shingles s of factors[k] · mix32(s)
+ summands[k], in 32 bits. Two rows agree in a value with the probability of their
Jaccard similarity. A band is a few consecutive values, hashed into one key; rows
with an equal key in any band are compared. Broder (1997); Leskovec et al., Mining
of Massive Datasets, chapter 3.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from pipeline.dedup.arrays import Shingles

PERMUTATIONS = 128
SEED = 1
SCHEME = "affine32"
EMPTY = 0xFFFFFFFF  # each value of the signature of no shingles
MIX32 = (0x85EBCA6B, 0xC2B2AE35)  # of MurmurHash3's 32-bit finaliser


class Permutations(NamedTuple):
    factors: Shingles  # (128,) odd
    summands: Shingles  # (128,)


def permutations() -> Permutations:
    """Those of datasketch for SEED. Its import alone would cost a CPU-second."""
    generator = np.random.RandomState(SEED)
    halves = generator.randint(0, 1 << 31, PERMUTATIONS, dtype=np.uint32)
    summands = generator.randint(0, 1 << 32, PERMUTATIONS, dtype=np.uint32)
    return Permutations(halves * np.uint32(2) + np.uint32(1), summands)
