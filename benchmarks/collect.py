"""Reading one file, beside `datasets.load_dataset` + `map`: conversations per CPU second.

    python -m benchmarks.collect                   JSONL and Parquet, 100,000 conversations
    python -m benchmarks.collect --gigabytes 5     peak memory of reading a JSONL file of that size

The file holds ShareGPT records, so that both sides have something to map. Ours makes the full
record (id, source, roles) and, in the second figure, writes it to the Parquet of a store; the
peer's Arrow cache is empty each time.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

READ = """
import sys, time
import pyarrow.parquet
from pathlib import Path
from pipeline.collect import files
from pipeline.recipe.collect import CollectSettings, SourceSettings
settings = CollectSettings(sources=[SourceSettings(name="bench", files=[sys.argv[1]])])
began, count = time.process_time(), 0
for unit in files.units(settings.sources[0], Path("/")):
    for row in files.read(unit, settings):
        count += 1
"""

STORE = """
import sys, time
from itertools import islice
from pathlib import Path
import pyarrow.parquet as pq
from pipeline.collect import files
from pipeline.conversation import Conversation
from pipeline.store.columns import SCHEMA, to_table
from pipeline.recipe.collect import CollectSettings, SourceSettings
settings = CollectSettings(sources=[SourceSettings(name="bench", files=[sys.argv[1]])])
began, count = time.process_time(), 0
with pq.ParquetWriter(sys.argv[2] + "/store.parquet", SCHEMA, compression="zstd") as store:
    for unit in files.units(settings.sources[0], Path("/")):
        read = files.read(unit, settings)
        rows = (row for row in read if isinstance(row, Conversation))
        while part := list(islice(rows, 10_000)):
            store.write_table(to_table(part))
            count += len(part)
"""

PEER = """
import sys, time
import datasets
ROLES = {"human": "user", "gpt": "assistant"}
def message(turn):
    return {"role": ROLES[turn["from"]], "content": turn["value"]}
def messages(row):
    return {"messages": [message(turn) for turn in row["conversations"]]}
began = time.process_time()
kind = "parquet" if sys.argv[1].endswith("parquet") else "json"
loaded = datasets.load_dataset(kind, data_files=sys.argv[1], split="train", cache_dir=sys.argv[2])
count = len(loaded.map(messages, remove_columns=loaded.column_names))
"""

PRINT = """
import json
from pathlib import Path
seconds = time.process_time() - began
status = Path("/proc/self/status").read_text().splitlines()
peak = next(int(line.split()[1]) for line in status if "VmHWM" in line)
print(json.dumps([count, seconds, peak * 1024]))
"""

PROGRAMS = {
    "read": READ,
    "read and written to a store": STORE,
    "load_dataset + map": PEER,
}

WORDS = [
    "".join(random.Random(n).choices("aeiourstlnmdkpgvb", k=random.Random(-n).randint(2, 9)))
    for n in range(4000)
]

SIDES = ("human", "gpt")


def records(count: int, seed: int = 7) -> Iterator[dict[str, Any]]:
    """Conversations of 6 to 16 messages of 5 to 30 made-up words, about 1.6 kB each."""
    chance = random.Random(seed)
    for number in range(count):
        texts = [
            " ".join(chance.choices(WORDS, k=chance.randint(5, 30)))
            for _ in range(chance.randint(6, 16))
        ]
        turns = [{"from": SIDES[n % 2], "value": text} for n, text in enumerate(texts)]
        yield {"id": f"talk-{number}", "conversations": turns}


def measured(code: str, *arguments: str) -> tuple[int, float, int]:
    """(conversations, CPU seconds, peak bytes) of a program of its own."""
    quiet = os.environ | {"HF_DATASETS_DISABLE_PROGRESS_BARS": "1", "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code + PRINT, *arguments], env=quiet, capture_output=True, text=True
    )
    if done.returncode:
        raise SystemExit(done.stderr)
    count, seconds, peak = json.loads(done.stdout.splitlines()[-1])
    return count, seconds, peak


def compare(folder: Path, count: int, repeats: int) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    lines = (json.dumps(record) + "\n" for record in records(count))
    (folder / "chats.jsonl").write_text("".join(lines))
    pq.write_table(
        pa.Table.from_pylist(list(records(count))), folder / "chats.parquet", compression="zstd"
    )
    print(f"{'':34}{'conversations / CPU s':>24}{'peak MB':>10}")
    for name in ("chats.jsonl", "chats.parquet"):
        rates = {}
        for title, code in PROGRAMS.items():
            rates[title], megabytes = best(code, folder / name, repeats)
            print(f"{name:14}{title:28}{rates[title]:>16,.0f}{megabytes:>10,.0f}")
        ratio = rates["read"] / rates["load_dataset + map"]
        print(f"{name:14}{'read / load_dataset + map':28}{ratio:>15.1f}×")


def best(code: str, file: Path, repeats: int) -> tuple[float, float]:
    """(conversations per CPU second, peak megabytes) of the best of several runs."""
    runs = []
    for _ in range(repeats):
        with tempfile.TemporaryDirectory(dir=file.parent) as scratch:
            runs.append(measured(code, str(file), scratch))
    rate = max(count / seconds for count, seconds, _ in runs)
    return rate, min(peak for _, _, peak in runs) / 1e6


def huge(folder: Path, gigabytes: float) -> None:
    path = folder / "huge.jsonl"
    block = "".join(json.dumps(record) + "\n" for record in records(20_000)).encode()
    with path.open("wb") as file:
        while file.tell() < gigabytes * 1e9:
            file.write(block)
    began = time.perf_counter()
    count, seconds, peak = measured(READ, str(path))
    size, wall = path.stat().st_size / 1e9, time.perf_counter() - began
    print(f"{size:.2f} GB, {count:,} conversations: {wall:.0f} s, {seconds:.0f} CPU s")
    print(f"peak {peak / 1e6:,.0f} MB")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--gigabytes", type=float, help="only the huge file")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if given.gigabytes:
            huge(Path(folder), given.gigabytes)
        else:
            compare(Path(folder), given.rows, given.repeats)


if __name__ == "__main__":
    main()
