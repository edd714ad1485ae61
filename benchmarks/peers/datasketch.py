"""datasketch 2: bulk MinHash with a fast hash, then MinHashLSH. python datasketch.py IN OUT"""

import sys

sys.path.append(sys.path.pop(0))  # this file has the package's name
import xxhash
from common import grams, read, write
from datasketch import MinHash, MinHashLSH

table = read()
shingles = [[gram.encode() for gram in grams(text)] for text in table["text"].to_pylist()]
signatures = MinHash.bulk(shingles, num_perm=128, hashfunc=xxhash.xxh32_intdigest)
del shingles
lsh, keep = MinHashLSH(threshold=0.7, num_perm=128), []
for number, signature in enumerate(signatures):
    keep.append(not lsh.query(signature))
    lsh.insert(number, signature, check_duplication=False)
write(table, keep)
