"""How fast the room is, all rules and repairs on: conversations a second of one core, and growth
with the rows.

.venv/bin/python -m benchmarks.filter                       a few seconds
.venv/bin/python -m benchmarks.filter 50000 200000 800000   growth: time and peak memory of each,
several minutes
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
from pipeline import filter as room
from pipeline.conversation import Conversation
from pipeline.recipe.settings import FilterSettings
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
    list(room.work(found[:600], settings))  # compile
    for what, step in (("whole room", room.work), ("measuring", room.measure)):
        best = min(seconds(lambda step=step: list(step(found, settings))) for _ in range(3))
        print(f"  {what}: {len(found) / best:.0f} conversations/s of one core")
    measured = list(room.measure(found, settings))
    again = min(seconds(lambda: list(room.decide(measured, settings))) for _ in range(3))
    print(f"  deciding anew: {len(found) / again:.0f} conversations/s of one core")
    masking = min(
        seconds(lambda: list(room.work(found, FilterSettings(privacy="mask")))) for _ in range(3)
    )
    print(
        f"  whole room, personal data masked: {len(found) / masking:.0f} conversations/s of one core"
    )
    with tempfile.TemporaryDirectory() as folder:
        spent = parquet(found, folder)
    print(f"  whole room, Parquet to Parquet: {len(found) / spent:.0f} conversations/s of one core")


def parquet(found: list[Conversation], folder: str) -> float:
    """Seconds for one part as a run has it: read, measured, kept on the shelf of measured rows,
    decided, written."""
    inbox, measured, outbox = (
        Store(folder, "1-collect"),
        Store(folder, "3-filter/measured"),
        Store(folder, "3-filter"),
    )
    (part,) = inbox.write("00000", "", found).parts
    settings = FilterSettings()

    def walk() -> None:
        measured.write(part, "", room.measure(inbox.read(part), settings))
        outbox.write(part, "", room.decide(measured.read(part), settings))

    return seconds(walk)


def seconds(run: Callable[[], object]) -> float:
    start = time.process_time()
    run()
    return time.process_time() - start


def growth(n: int) -> None:
    """n rows, streamed; in a process of its own, so that its peak memory is its own."""
    found = rows()
    settings = FilterSettings()
    start = time.process_time()
    for _ in room.work(islice(endless(found), n), settings):
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
