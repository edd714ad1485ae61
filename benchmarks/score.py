"""Speed of `score`: messages a CPU-second of the shipped heads, conversations of the whole stage.

    .venv/bin/python -m benchmarks.score                here
    .venv/bin/python -m benchmarks.score OLD_CHECKOUT   beside commit 135ba1f, in turn

Needs ../shared, for an old checkout a link to it beside that one. Rows are as `filter` leaves
them: measured, their language known. What annotations are worth: benchmarks/annotations/measure.py.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
ROWS = 2_000
ROUNDS = 5  # the best one counts
SPEEDS = ("messages", "conversations")

# What is timed, in the words of each version: `annotated(texts)` and `work(rows)`.
HERE = """
from pipeline.annotate import annotate
from pipeline.recipe.score import ScoreSettings
from pipeline.score.apply import work

def annotated(texts):
    annotate(texts, ["en"] * len(texts))
"""
OLD = """
from pipeline.recipe import ScoreSettings
from pipeline.score import label, work

def annotated(texts):
    for text in texts:
        label(text, "en")
"""
TIMED = """
import json, sys, time
from dataclasses import replace
from itertools import islice
from benchmarks.sets import self_dialogue
from pipeline.conversation import Language

def rate(run, count):
    run()  # loads, and compiles at the first time
    start = time.process_time()
    run()
    return count / (time.process_time() - start)

rows = list(islice(self_dialogue(), int(sys.argv[1])))
rows = [replace(row, language=Language("en", 1.0), measures={"turns": 1.0}) for row in rows]
texts = [message.content for row in rows for message in row.messages]
speeds = [
    rate(lambda: annotated(texts), len(texts)),
    rate(lambda: list(work(rows, ScoreSettings())), len(rows)),
]
print(json.dumps(speeds))
"""


def speeds(checkout: Path, named: str) -> list[float]:
    """Messages and conversations a CPU-second, of a checkout in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", named + TIMED, str(ROWS)],
        cwd=checkout,
        env={**os.environ, "PYTHONPATH": str(checkout)},
        capture_output=True,
        text=True,
    )
    if done.returncode:
        sys.exit(f"{checkout} cannot be timed:\n{done.stderr}")
    found: list[float] = json.loads(done.stdout)
    return found


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("old", type=Path, nargs="?", metavar="OLD_CHECKOUT")
    old = parser.parse_args().old
    versions = {"here": (ROOT, HERE)}
    if old:
        versions["old"] = (old.resolve(), OLD)
    best: dict[str, list[float]] = {name: [0.0, 0.0] for name in versions}
    for _ in range(ROUNDS):
        for name, version in versions.items():
            best[name] = list(map(max, best[name], speeds(*version)))
    for what, *found in zip(SPEEDS, *best.values(), strict=True):
        shown = ", ".join(f"{name} {rate:,.0f}" for name, rate in zip(best, found, strict=True))
        print(f"{what} a CPU-second: {shown}", end="")
        print(f", {found[0] / found[1]:.1f} times" if old else "")


if __name__ == "__main__":
    main()
