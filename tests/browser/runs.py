"""Runs to look at, made by the command as a user makes them: the quickstart; a larger one with what
is hard to show; the same with another limit; a part of it that is still at work."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from fcntl import LOCK_EX, flock
from pathlib import Path
from typing import Any, NamedTuple

from tests.rows import record, write_jsonl

ROOT = Path(__file__).parents[2]
ROWS = 700
PHRASE = "the kettle of Ruvsund"
SCRIPT = "<script>document.title = 'taken'</script><img src=x onerror=\"document.title='taken'\">"
HIDDEN = "a word\u200bwith a gap, and \u202eback\u202c"
ARABIC = "مرحبا، هل الغلاية ما زالت ساخنة؟ أنا قادم في المساء."
TURNS = 400
LONG = 200_000  # characters


PEOPLE = ("my brother", "the baker", "nobody", "an old friend", "you", "the whole street", "I")
DEEDS = ("waited", "sang", "lost a shoe", "made soup", "fell asleep", "laughed", "wrote a letter")
PLACES = ("by the canal", "in the kitchen", "on the roof", "at the market", "under a tree", "here")
REASONS = ("and it was lovely", "because of the rain", "as always", "who knows why", "so they say")


class Runs(NamedTuple):
    """Folders. other: `evening` with another limit. hard: what is hard to show, as it was read."""

    quickstart: Path
    evening: Path
    other: Path
    hard: Path


def made_runs(folder: Path) -> Runs:
    write_jsonl(folder / "talks.jsonl", [record(number) for number in range(ROWS)])
    write_jsonl(folder / "near.jsonl", [*near_copies()])
    write_jsonl(folder / "long.jsonl", [long_talk()])
    write_jsonl(folder / "chat.jsonl", [*chat_with_swipes()])
    write_jsonl(folder / "hard.jsonl", [*hard_records()])
    output = folder / "output"
    rapport(folder, "run", "quickstart")
    rapport(folder, "run", recipe(folder, "evening", 0.95))
    rapport(folder, "run", recipe(folder, "evening-strict", 0.3))
    rapport(folder, "collect", "hard.jsonl", "--out", output / "hard")
    return Runs(*(output / name for name in ("quickstart", "evening", "evening-strict", "hard")))


def rapport(folder: Path, *words: object) -> None:
    command = [sys.executable, "-m", "pipeline.cli", *map(str, words)]
    around = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        command, cwd=folder, env=around, capture_output=True, text=True, timeout=900
    )
    assert done.returncode == 0, done.stdout + done.stderr


def recipe(folder: Path, name: str, limit: float) -> Path:
    files = ("talks", "near", "long", "chat")
    sources = [
        {"name": one, "files": [f"{one}.jsonl"], "license": "CC0-1.0", "attribution": "us"}
        for one in files
    ]
    values: dict[str, Any] = {
        "name": name,
        "collect": {"sources": sources},
        "filter": {
            "languages": ["en"],
            "rules": {"style.repetition": {"limit": limit, "decision": "drop"}},
        },
        "publish": {"test": 0.1},
    }
    path = folder / f"{name}.yaml"
    path.write_text(json.dumps(values), "utf-8")  # JSON is YAML
    return path


def near_copies() -> Iterator[dict[str, Any]]:
    """Talks of the first source with a word changed and a message more."""
    for number in range(12):
        texts = [message["content"] for message in record(number)["messages"]]
        texts[1] = texts[1].replace("You did", "Indeed you did")
        yield record(90_000 + number, [*texts, "See you on the stairs, then."])


def hard_records() -> Iterator[dict[str, Any]]:
    """What a page must bear: markup, text from right to left, hidden characters, long ones."""
    said = [f"Look at this: {SCRIPT}", f"I see {PHRASE}, and nothing runs.", "Good.", "Is it?"]
    yield record(80_000, said)
    yield record(
        80_001, [ARABIC, "نعم، الماء يغلي الآن. تعال واجلس معنا.", "شكرا جزيلا لك يا صديقي."]
    )
    yield record(80_002, [f"I wrote {HIDDEN} here.", "I can see it now.", "So can everybody."])
    words = " ".join(f"word{number}" for number in range(LONG // 8))
    yield record(80_003, ["Tell me everything you know about it.", words, "That was long."])
    turns = [
        f"Turn {n}: we walk on past house {n}, and talk about {n % 7} things." for n in range(TURNS)
    ]
    yield record(80_004, turns)


def chat_with_swipes() -> Iterator[dict[str, Any]]:
    """A roleplay program's chat: two other texts for one answer."""
    answers = ["The tide is late tonight.", "Mind the third step.", "You found the stairs, then."]
    said = [("Ben", "Is anybody up here?"), ("Ada", answers[2]), ("Ben", "It was a long climb.")]
    said += [("Ada", "Sit down, the kettle is on and the chair is dry."), ("Ben", "Thank you.")]
    said += [("Ada", "Tell me who sent you up here in the rain.")]
    yield {
        "user_name": "Ben",
        "character_name": "Ada",
        "create_date": "2024-3-2 @14h 05m 11s 220ms",
    }
    for number, (name, text) in enumerate(said):
        line = {"name": name, "is_user": name == "Ben", "is_system": False, "mes": text}
        yield line | ({"swipes": answers, "swipe_id": 2} if number == 1 else {})


def long_talk() -> dict[str, Any]:
    """A conversation of 400 turns that no rule takes for a loop."""
    chance = random.Random(5)
    turns = []
    for number in range(TURNS):
        who, what, where, why = (chance.choice(words) for words in (PEOPLE, DEEDS, PLACES, REASONS))
        turns.append(f"{number}: {who} {what} {where}, {why}.")
    return record(85_000, turns)


@contextmanager
def at_work(whole: Path, copy: Path) -> Iterator[Any]:
    """A copy of a run as it is while `filter` works, with its lock held. Gives a function that
    lands what is left."""
    shutil.copytree(whole, copy, ignore=shutil.ignore_patterns("[456]-*", ".look"))
    marks = sorted((copy / "3-filter" / "done").glob("*.json"))
    later = {path: path.read_bytes() for path in marks[1:]}
    (copy / "3-filter" / "report.json").unlink()
    for path in later:
        path.unlink()

    def land() -> None:
        for path, data in later.items():
            path.write_bytes(data)

    with (copy / ".lock").open("a") as lock:
        flock(lock, LOCK_EX)
        yield land
