"""From a file of conversations to a dataset in memory, in five lines.

    python examples/five_lines.py [FILE]

FILE holds conversations in any known shape; without one, the bundled example is read.
"""

import sys

from pipeline.api import dedup, filter, read
from pipeline.texts import configs

given = sys.argv[1] if len(sys.argv) > 1 else configs() / "quickstart" / "cafe.jsonl"

result = dedup(filter(read(given), languages=["en"]), threshold=0.8)
print(result, result.report["reasons"])
print(result.kept[0]["messages"])
print(result.kept.to_dataset())
