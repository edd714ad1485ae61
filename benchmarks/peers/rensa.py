"""rensa's own deduplicator. python rensa.py IN OUT"""

import sys

sys.path.append(sys.path.pop(0))  # this file has the package's name
import rensa
from common import grams, read, write

table = read()
found = rensa.RMinHashDeduplicator(threshold=0.7, num_perm=128, use_lsh=True, num_bands=16)
keep = found.add_pairs((str(i), list(grams(text))) for i, text in enumerate(table["text"].to_pylist()))
write(table, [bool(k) for k in keep])
