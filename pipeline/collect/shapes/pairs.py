"""Pairs of (said, answered), with the persona of the one who answers, as in XPersona.

{"persona": ["i am a nurse.", "i surf often."],
 "dialogue": [["__SILENCE__", "hey there !"], ["hi , how are you ?", "great !"]]}

The one who answers is the assistant, and the persona is theirs. `__SILENCE__` (as in ConvAI2) and empty texts stand for
nothing said: the assistant speaks first.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pipeline.collect.shapes.talk import (
    Talk,
    Turn,
    described,
    dict_of,
    list_of,
    record_id,
    rest,
    text_of,
)
from pipeline.conversation import Persona, Role

SILENCE = "__SILENCE__"
SIDES: tuple[Role, Role] = ("user", "assistant")
PLACES = ("dialogue", "dialog", "conversation", "pairs", "turns")
PERSONAS = ("persona", "personality", "personas")


def recognise(record: Any) -> bool:
    return _place(record) is not None


def read(record: Any) -> Iterator[Talk]:
    place = _place(dict_of(record, "the record")) or "dialogue"
    turns = [
        t
        for n, pair in enumerate(list_of(record.get(place), place), 1)
        for t in exchange(pair, f"pair {n}")
    ]
    persona = next((described(record[name]) for name in PERSONAS if name in record), None)
    personas: dict[str | None, Persona] = {None: Persona(description=persona)} if persona else {}
    yield Talk(turns, personas, record_id(record, "id"), extra=rest(record, place, "id", *PERSONAS))


def exchange(pair: Any, where: str) -> list[Turn]:
    """One pair as one or two turns; an empty or silent half is nothing said."""
    halves = list_of(pair, where)
    if len(halves) != 2:
        raise ValueError(f"{where} has {len(halves)} texts, expected 2")
    said = [(role, text_of(text, where)) for role, text in zip(SIDES, halves, strict=True)]
    return [(None, text, role) for role, text in said if text.strip() and text.strip() != SILENCE]


def _place(record: Any) -> str | None:
    if not isinstance(record, dict):
        return None
    return next((place for place in PLACES if _holds_pairs(record.get(place))), None)


def _holds_pairs(value: Any) -> bool:
    return isinstance(value, list) and any(
        isinstance(p, list) and len(p) == 2 and isinstance(p[0], str) for p in value
    )
