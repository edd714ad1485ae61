"""A list of turns that name their speaker: schema-guided dialogue (SGD), Taskmaster, MELD-like scenes.

{"dialogue_id": "1_00000", "services": ["Restaurants_2"], "turns": [
    {"speaker": "USER", "utterance": "A table for two.", "frames": []}, {"speaker": "SYSTEM", "utterance": "Where?"}]}
{"conversation_id": "dlg-1", "utterances": [{"speaker": "user", "text": "one tea please", "annotations": []}]}

A speaker `system` is the assistant unless somebody else is. What else is known of a turn goes to `extra`, an
`emotion` to the labels.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pipeline.collect.shapes.talk import (
    ROLE_WORDS,
    Talk,
    Turn,
    dict_of,
    items,
    list_of,
    record_id,
    rest,
    text_of,
    with_machine,
)
from pipeline.conversation import Label

PLACES = ("turns", "utterances", "dialogue", "dialog", "messages", "conversation", "log", "chat", "lines")
SPEAKERS = ("speaker", "speakers", "author", "sender", "role", "name", "user", "agent")
TEXTS = ("utterance", "text", "content", "message", "transcript", "value")
IDS = ("dialogue_id", "conversation_id", "dialog_id", "scene_id", "id")


def recognise(record: Any) -> bool:
    return _place(record) is not None


def read(record: Any) -> Iterator[Talk]:
    place = _place(dict_of(record, "the record")) or "turns"
    said = [dict_of(item, f"turn {n}") for n, item in enumerate(list_of(record.get(place), place), 1)]
    turns = with_machine([_turn(n, item) for n, item in enumerate(said, 1)])
    emotions = [item.get("emotion") if isinstance(item.get("emotion"), str) else None for item in said]
    labels = tuple(Label(emotion=e.lower() if e else None) for e in emotions) if any(emotions) else ()
    extra = rest(record, place, *IDS[:2])
    known = [rest(item, *SPEAKERS, *TEXTS, "emotion") for item in said]
    if any(known):
        extra["turns"] = known
    yield Talk(turns, record=record_id(record, *IDS), labels=labels, extra=extra)


def _turn(number: int, item: dict[str, Any]) -> Turn:
    speaker = next((item[name] for name in SPEAKERS if name in item), None)
    text = next((item[name] for name in TEXTS if name in item), None)
    if isinstance(speaker, list):
        speaker = " and ".join(str(name) for name in speaker)
    name = str(speaker) if isinstance(speaker, str | int) and speaker != "" else None
    role = ROLE_WORDS.get((name or "").lower())
    return None if role else name, text_of(text, f"the text of turn {number}"), role


def _place(record: Any) -> str | None:
    if not isinstance(record, dict):
        return None
    return next((place for place in PLACES if _holds(items(record.get(place)))), None)


def _holds(value: Any) -> bool:
    return isinstance(value, list) and any(
        isinstance(item, dict) and any(n in item for n in SPEAKERS) and any(n in item for n in TEXTS) for item in value
    )
