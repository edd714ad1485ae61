"""Rows and files that tests are made of. All texts are ours."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pipeline.conversation import Conversation, Message, Source

SHARED = Path(__file__).parents[1].parent / "shared" / "data"
PLACES = (
    "harbour",
    "bakery",
    "library",
    "tram stop",
    "allotment",
    "workshop",
    "choir room",
    "launderette",
)
THINGS = (
    "a bent bicycle",
    "two jars of plums",
    "the wrong umbrella",
    "my sister's dog",
    "a broken kettle",
    "old maps",
)
MOODS = (
    "grumpy",
    "hopeful",
    "half asleep",
    "far too proud",
    "a bit lost",
    "oddly calm",
    "hungry",
    "late again",
)


def talk(number: int) -> list[str]:
    """Six messages of an ordinary talk between two adults, different for every number."""
    place, thing = PLACES[number % 8], THINGS[number // 8 % 6]
    mood, hour = MOODS[number // 48 % 8], number % 23 + 1
    remains = THINGS[(number + 1) % 6]
    return [
        f"Did I see you at the {place} around {hour} o'clock, carrying {thing}?",
        f"You did, and I was {mood} about it. Number {number} on my list of small defeats.",
        f"Only {number}? I would have guessed more, what with {thing} and everything.",
        f"Be kind. The {place} closes early now, so I had to run the last bit in the rain.",
        f"Come over for soup then, I am {MOODS[(number + 3) % 8]} and could use the company.",
        f"I will bring what is left of {remains} and we can laugh at day {number} together.",
    ]


def conversation(number: int = 0, texts: Sequence[str] | None = None, **more: Any) -> Conversation:
    said = talk(number) if texts is None else texts
    messages = tuple(Message("assistant" if n % 2 else "user", text) for n, text in enumerate(said))
    return Conversation(
        f"{number:016x}", messages, Source("file", "tests", f"talks.jsonl#{number}"), **more
    )


def record(number: int, texts: Sequence[str] | None = None) -> dict[str, Any]:
    """A talk as a foreign record of the `messages` shape."""
    said = conversation(number, texts).messages
    return {
        "id": f"talk-{number}",
        "messages": [{"role": m.role, "content": m.content} for m in said],
    }


def write_jsonl(path: Path, records: Sequence[Any]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        "".join((r if isinstance(r, str) else json.dumps(r)) + "\n" for r in records), "utf-8"
    )
    return path
