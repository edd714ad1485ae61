"""rensa's own deduplicator. python rensa.py IN OUT [held]

It is fed row by row. `held`: all shingles are made first.
"""

import sys

sys.path.append(sys.path.pop(0))  # this file has the package's name
import rensa
from common import grams, read, write

table = read()
found = rensa.RMinHashDeduplicator(threshold=0.7, num_perm=128, use_lsh=True, num_bands=16)
shingles = (list(grams(text)) for text in table["text"].to_pylist())
if "held" in sys.argv:
    shingles = list(shingles)
keep = found.add_pairs((str(i), row) for i, row in enumerate(shingles))
write(table, [bool(k) for k in keep])
