"""Seconds and memory of `rapport publish`, by rows.

    python -m benchmarks.publish [rows …]     50,000 and 100,000 short conversations, one process

The rows are those that `score` hands on: four messages, measures, annotations and scores. `collect`
reads them first, in the same process. Memory is the most that it held at any time.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from pipeline.conversation import Annotation, Conversation, Language, Score
from pipeline.store.parts import PART_ROWS
from pipeline.store.store import Store
from tests.rows import conversation, talk

MEASURED = ("turns", "words", "questions", "closeness", "variety", "rush", "takes_up")


def rows(start: int, stop: int) -> Iterator[Conversation]:
    chance = np.random.default_rng(start)
    for number in range(start, stop):
        row = conversation(number, talk(number)[:4], split_group=f"thread {number // 2}")
        values = chance.random(len(MEASURED)).tolist()
        yield replace(
            row,
            language=Language("en", 0.9),
            measures=dict(zip(MEASURED, values, strict=True)),
            annotations=tuple(Annotation(closeness=value) for value in values[:4]),
            scores=(Score("pacing", 1 + 4 * values[0], "course"), Score("safe", 5.0, "rules")),
        )


def measured(count: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        store = Store(name, "in")
        for number, start in enumerate(range(0, count, PART_ROWS)):
            stop = min(count, start + PART_ROWS)
            store.write(f"{number:05d}-000", "key", rows(start, stop))
        command = [sys.executable, "-m", "pipeline.cli", "publish", str(Path(name, "in", "kept"))]
        command += ["--out", str(Path(name, "out")), "--workers", "1"]
        started = time.monotonic()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = used.ru_utime + used.ru_stime
    wall = time.monotonic() - started
    memory = used.ru_maxrss / 1024
    print(f"{count:>9,} rows: {seconds:.0f} CPU-s ({wall:.0f} s), {memory:,.0f} MB", flush=True)


def main() -> None:
    for count in map(int, sys.argv[1:] or (50_000, 100_000)):
        subprocess.run([sys.executable, "-c", CHILD.format(count)], check=True)


CHILD = "from benchmarks.publish import measured; measured({})"  # the most of one run alone

if __name__ == "__main__":
    main()
