"""Speed of `filter`, all rules and repairs on: conversations a second of one core, and growth with
the rows.

    .venv/bin/python -m benchmarks.filter                       a few seconds
    .venv/bin/python -m benchmarks.filter 50000 200000 800000   growth: time and peak memory of
                                                                each, several minutes
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import cycle, islice

from benchmarks import sets
from pipeline import filter as stage
from pipeline.conversation import Conversation
from pipeline.recipe.filter import FilterSettings
from pipeline.store.store import Store


def rows() -> list[Conversation]:
    """Persona chats with both cards, service talks, negotiations and talk about films, about 180
    words and 16 turns."""
    return [
        *sets.sgd(),
        *sets.synthetic_persona_chat(),
        *sets.casino(),
        *list(sets.self_dialogue(10))[::8],
    ]


def endless(found: list[Conversation]) -> Iterator[Conversation]:
    for i, row in enumerate(cycle(found)):
        yield replace(row, id=f"{i:016x}")


def speed() -> None:
    found = rows()
    words = sum(len(m.content.split()) for row in found for m in row.messages) / len(found)
    turns = sum(len(row.messages) for row in found) / len(found)
    print(f"{len(found)} conversations, mean {words:.0f} words and {turns:.0f} turns")
    settings = FilterSettings()
    masking = FilterSettings(privacy="mask")
    list(stage.work(found[:600], settings))  # compile
    measured = list(stage.measure(found, settings))
    steps: dict[str, Callable[[], object]] = {
        "whole stage": lambda: list(stage.work(found, settings)),
        "measuring": lambda: list(stage.measure(found, settings)),
        "deciding anew": lambda: list(stage.decide(measured, settings)),
        "whole stage, personal data masked": lambda: list(stage.work(found, masking)),
    }
    for name, step in steps.items():
        best = min(seconds(step) for _ in range(3))
        print(f"  {name}: {len(found) / best:.0f} conversations/s of one core")
    with tempfile.TemporaryDirectory() as folder:
        rate = len(found) / parquet(found, folder)
    print(f"  whole stage, Parquet to Parquet: {rate:.0f} conversations/s of one core")


def parquet(found: list[Conversation], folder: str) -> float:
    """Seconds for one part as a run has it: read, measured, kept in the store of measured rows,
    decided, written."""
    inbox, measured, outbox = (
        Store(folder, "1-collect"),
        Store(folder, "3-filter/measured"),
        Store(folder, "3-filter"),
    )
    inbox.write("00000-000", "", found)
    settings = FilterSettings()

    def run() -> None:
        for part in inbox.parts():
            measured.write(part.name, "", stage.measure(inbox.read(part), settings))
        for part in measured.parts():
            outbox.write(part.name, "", stage.decide(measured.read(part), settings))

    return seconds(run)


def seconds(run: Callable[[], object]) -> float:
    start = time.process_time()
    run()
    return time.process_time() - start


def growth(n: int) -> None:
    """n rows, streamed; in a process of its own, so that its peak memory is its own."""
    found = rows()
    settings = FilterSettings()
    start = time.process_time()
    for _ in stage.work(islice(endless(found), n), settings):
        pass
    spent = time.process_time() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"  {n:8} rows: {spent:6.1f} s, {n / spent:.0f} conversations/s, peak memory {peak:.0f} MB"
    )


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        growth(int(sys.argv[2]))
    elif sys.argv[1:]:
        for size in sys.argv[1:]:
            subprocess.run([sys.executable, "-m", "benchmarks.filter", "--one", size], check=True)
    else:
        speed()
