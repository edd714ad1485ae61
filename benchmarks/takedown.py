"""What a takedown, and more rows, change of a dataset, in content-defined chunks of 64 kB.

    python -m benchmarks.takedown [rows]      200,000 conversations of `corpus.py`

Writes the config `default` as `publish` does, then without 50 rows of one file, then with a tenth
more rows. A chunk is what a Hub with Xet sends: it has not been sent where the same bytes have.
"""

from __future__ import annotations

import hashlib
import itertools
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq
from numba import njit

from benchmarks.corpus import Writer
from pipeline.conversation import Conversation, Message, Source, identity
from pipeline.publish import files
from pipeline.publish.configs import CONFIGS
from pipeline.publish.split import NOTHING, Placement, released
from pipeline.recipe.publish import PublishSettings
from pipeline.store.store import Store
from tests.publishing import placed_rows

LEAST, MOST = 8 << 10, 128 << 10  # bytes of a chunk
MASK = np.uint64(0xFFFF) << np.uint64(48)  # a cut every 64 kB, by chance
GEAR = np.random.default_rng(0).integers(0, 2**64, 256, dtype=np.uint64)
STAGE_BYTES = 5_000  # of a row in the stage's own files, with annotations and scores
GONE = 50


@njit(cache=True)
def cuts(data: npt.NDArray[np.uint8], gear: npt.NDArray[np.uint64], mask: np.uint64) -> list[int]:
    """Where chunks end."""
    found, state, start = [0], np.uint64(0), 0
    for place in range(len(data)):
        state = (state << np.uint64(1)) + gear[data[place]]
        size = place + 1 - start
        if (size >= LEAST and (state & mask) == 0) or size >= MOST:
            found.append(place + 1)
            start, state = place + 1, np.uint64(0)
    if found[-1] != len(data):
        found.append(len(data))
    return found


def chunks(path: Path) -> list[tuple[bytes, int]]:
    """(digest, bytes) of the chunks of a file."""
    data = path.read_bytes()
    ends = cuts(np.frombuffer(data, np.uint8), GEAR, MASK)
    pieces = [data[start:end] for start, end in itertools.pairwise(ends)]
    return [(hashlib.blake2b(piece, digest_size=12).digest(), len(piece)) for piece in pieces]


def conversations(rows: int) -> list[Conversation]:
    writer = Writer(1)
    found = []
    for number in range(rows):
        said = enumerate(writer.conversation())
        messages = [Message("assistant" if n % 2 else "user", text) for n, text in said]
        source = Source("file", "corpus", f"{number}", license="MIT")
        found.append(Conversation(identity("corpus", f"{number}"), tuple(messages), source))
    return found


def write(
    folder: Path, rows: Sequence[Conversation], before: Placement, counts: dict[str, int]
) -> Placement:
    settings = PublishSettings()
    placed = placed_rows([rows], settings, before)
    config = CONFIGS["default"]
    files.write(config, [rows], placed, counts, settings, Store(folder).committed)
    return placed


def sent(old: Path, new: Path, path: str) -> tuple[int, int]:
    """(bytes of a file whose chunks are nowhere in the old release, all of its bytes)"""
    known = {digest for file in old.rglob("*.parquet") for digest, _ in chunks(file)}
    found = chunks(new / path)
    new_bytes = sum(size for digest, size in found if digest not in known)
    return new_bytes, sum(size for _, size in found)


def names(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*.parquet"))


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 200_000
    every = conversations(count + count // 10)
    rows = every[:count]
    counts = dict.fromkeys(("validation", "test"), 1)
    counts["train"] = files.shard_count(count * 9 // 10, STAGE_BYTES * count * 9 // 10)
    with tempfile.TemporaryDirectory() as name:
        first, less, more = (Path(name, part) for part in ("first", "less", "more"))
        placed = write(first, rows, NOTHING, counts)
        shard = names(first)[1]
        ids = pq.read_table(first / shard, columns=["id"])["id"].to_pylist()
        gone = set(np.random.default_rng(2).choice(ids, GONE, replace=False).tolist())
        print(f"{count:,} rows, {counts['train']} files of train; {shard}: {len(ids):,} rows")
        write(less, [row for row in rows if row.id not in gone], released(placed.table()), counts)
        changed = [p for p in names(less) if (first / p).read_bytes() != (less / p).read_bytes()]
        new, size = sent(first, less, shard)
        print(f"{GONE} rows of it taken down: changed files {changed}")
        print(f"  {new:,} of {size:,} bytes of it to send: {new / size:.1%}")
        write(more, every, released(placed.table()), counts)
        parts = [sent(first, more, path) for path in names(more)]
        new, size = (sum(part) for part in zip(*parts, strict=True))
        print(f"{count // 10:,} rows more: {new:,} of {size:,} bytes to send: {new / size:.1%}")


if __name__ == "__main__":
    main()
