"""Daft's built-in minhash (xxhash, 128, word 5-grams). python daft.py IN OUT

Banding 14 x 9 and agreement of signatures are ours, in numba.
"""

import sys

sys.path.append(sys.path.pop(0))  # this file has the package's name
import daft
import numpy as np
from common import read, write
from numba import njit


@njit(cache=True)
def mark(order, keys, signatures, least, parent):
    """Union of rows whose key is the same and whose signatures agree in `least` places."""
    start = 0
    for at in range(1, order.size):
        if keys[order[at]] != keys[order[start]]:
            start = at
        for before in range(max(start, at - 32), at):
            one, two = order[before], order[at]
            while parent[one] != one:
                one = parent[one]
            while parent[two] != two:
                two = parent[two]
            if one != two and (signatures[order[before]] == signatures[order[at]]).sum() >= least:
                parent[max(one, two)] = min(one, two)


rows = read()
text = daft.col("text").normalize(
    remove_punct=True, lowercase=True, nfd_unicode=False, white_space=True
)
hashes = text.minhash(num_hashes=128, ngram_size=5, seed=1, hash_function="xxhash")
table = daft.from_arrow(rows.select(["text"])).select(hashes.alias("hashes")).to_arrow()
signatures = (
    table["hashes"].combine_chunks().flatten().to_numpy().reshape(-1, 128).astype(np.uint32)
)
parent = np.arange(len(signatures))
for band in range(14):
    keys = np.zeros(len(signatures), np.uint64)
    for k in range(band * 9, band * 9 + 9):
        keys = (keys ^ signatures[:, k]) * np.uint64(0x9E3779B97F4A7C15)
        keys ^= keys >> np.uint64(29)
    mark(np.argsort(keys), keys, signatures, 90, parent)
write(rows, (parent == np.arange(len(parent))).tolist())
