"""A list of texts by two speakers who take turns: DailyDialog, KdConv.

{"dialog": ["Tea?", "With pleasure."], "emotion": [0, 4]}
{"name": "The film", "messages": [{"message": "Do you know it?"}, {"message": "I do.", "attrs": [{"name": "year"}]}]}

What else is known of a message (`attrs`) goes to `extra`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pipeline.collect.shapes.talk import (
    Talk,
    Turn,
    dict_of,
    id_field,
    list_of,
    record_id,
    rest,
    text_of,
)

PLACES = (
    "messages",
    "dialog",
    "dialogue",
    "utterances",
    "turns",
    "conversation",
    "conversations",
    "lines",
)
TEXTS = ("message", "text", "utterance", "content")
IDS = ("id", "dialogue_id", "dialog_id", "conversation_id")


def recognise(record: Any) -> bool:
    return _place(record) is not None


def read(record: Any) -> Iterator[Talk]:
    place = _place(dict_of(record, "the record")) or "messages"
    items = list_of(record.get(place), place)
    known = [rest(item, _field(item)) if isinstance(item, dict) else {} for item in items]
    extra = {
        **rest(record, place, id_field(record, *IDS)),
        **({"turns": known} if any(known) else {}),
    }
    yield Talk(alternating(items), record=record_id(record, *IDS), extra=extra)


def alternating(items: list[Any]) -> list[Turn]:
    """Texts as turns of two speakers, one after the other."""
    texts = [text_of(_text(item), f"text {n}") for n, item in enumerate(items, 1)]
    return [(f"speaker {n % 2 + 1}", text, None) for n, text in enumerate(texts)]


def _text(item: Any) -> Any:
    return item.get(_field(item)) if isinstance(item, dict) else item


def _field(item: dict[str, Any]) -> str | None:
    return next((name for name in TEXTS if name in item), None)


def _place(record: Any) -> str | None:
    if not isinstance(record, dict):
        return None
    return next((place for place in PLACES if _holds(record.get(place))), None)


def _holds(value: Any) -> bool:
    return (
        isinstance(value, list)
        and len(value) > 1
        and any(isinstance(_text(item), str) for item in value)
    )
