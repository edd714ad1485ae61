"""Pairs of a message and its answer, with the persona of the one who answers, as in XPersona.

{"persona": ["i am a nurse.", "i surf often."],
 "dialogue": [["__SILENCE__", "hey there !"], ["hi , how are you ?", "great !"]]}

The one who answers is the assistant, and the persona is theirs. `__SILENCE__` (as in ConvAI2) and
empty texts are not turns: the assistant speaks first.
"""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.collect.shapes.transcript import (
    About,
    Fields,
    Transcript,
    Turn,
    description,
    dict_of,
    first_of,
    list_of,
    record_id,
    rest,
    text_of,
)
from pipeline.conversation import Persona, Role

ABOUT = About("pairs of a message and its answer: XPersona", ("roles", "personas"))

SILENCE = "__SILENCE__"
SIDES: tuple[Role, Role] = ("user", "assistant")
PLACES = ("dialogue", "dialog", "conversation", "pairs", "turns")
PERSONAS = ("persona", "personality", "personas")


def recognise(record: object) -> bool:
    return _place(record) is not None


def read(record: object) -> Iterator[Transcript]:
    fields = dict_of(record, "the record")
    place = _place(fields) or "dialogue"
    turns = exchanges(fields.get(place), place, "pair")
    extra = rest(fields, place, "id", *PERSONAS)
    yield Transcript(turns, _personas(fields), record_id(fields, "id"), extra=extra)


def exchanges(value: object, where: str, each: str) -> list[Turn]:
    """The turns of a list of pairs. ValueError names the first that is not a pair of texts."""
    pairs = enumerate(list_of(value, where), 1)
    return [turn for number, pair in pairs for turn in _exchange(pair, f"{each} {number}")]


def _exchange(pair: object, where: str) -> Iterator[Turn]:
    halves = list_of(pair, where)
    if len(halves) != 2:
        raise ValueError(f"{where} has {len(halves)} texts, expected 2")
    texts = [text_of(half, where) for half in halves]
    for role, text in zip(SIDES, texts, strict=True):
        if text.strip() not in ("", SILENCE):
            yield None, text, role


def _personas(record: Fields) -> dict[str | None, Persona]:
    name = first_of(PERSONAS, record)
    about = description(record[name]) if name else None
    if not about:
        return {}
    return {None: Persona(description=about)}


def _place(record: object) -> str | None:
    if not isinstance(record, dict):
        return None
    return next((place for place in PLACES if _holds_pairs(record.get(place))), None)


def _holds_pairs(value: object) -> bool:
    return isinstance(value, list) and any(map(_is_pair, value))


def _is_pair(item: object) -> bool:
    return isinstance(item, list) and len(item) == 2 and isinstance(item[0], str)
