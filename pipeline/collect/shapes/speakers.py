"""A list of turns that name their speaker: schema-guided dialogue (SGD), Taskmaster, MELD-like scenes.

{"dialogue_id": "1_00000", "services": ["Restaurants_2"], "turns": [
    {"speaker": "USER", "utterance": "A table for two.", "frames": []}, {"speaker": "SYSTEM", "utterance": "Where?"}]}
{"conversation_id": "dlg-1", "utterances": [{"speaker": "user", "text": "one tea please", "annotations": []}]}

A speaker `system` is the assistant unless somebody else is. What else is known of a turn goes to `extra`, an
`emotion` to the annotations.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pipeline.collect.shapes.talk import (
    ROLE_WORDS,
    Talk,
    Turn,
    dict_of,
    id_field,
    items,
    list_of,
    record_id,
    rest,
    text_of,
    with_machine,
)
from pipeline.conversation import Annotation

PLACES = (
    "turns",
    "utterances",
    "dialogue",
    "dialog",
    "messages",
    "conversation",
    "log",
    "chat",
    "lines",
)
SPEAKERS = ("speaker", "speakers", "author", "sender", "role", "name", "user", "agent")
TEXTS = ("utterance", "text", "content", "message", "transcript", "value")
IDS = ("dialogue_id", "conversation_id", "dialog_id", "scene_id", "id")


def recognise(record: Any) -> bool:
    return _place(record) is not None


def read(record: Any) -> Iterator[Talk]:
    place = _place(dict_of(record, "the record")) or "turns"
    said = [
        dict_of(item, f"turn {n}") for n, item in enumerate(list_of(record.get(place), place), 1)
    ]
    turns = with_machine([_turn(n, item) for n, item in enumerate(said, 1)])
    emotions = [
        item.get("emotion") if isinstance(item.get("emotion"), str) else None for item in said
    ]
    annotations = (
        tuple(Annotation(emotion=e.lower() if e else None) for e in emotions)
        if any(emotions)
        else ()
    )
    extra = rest(record, place, id_field(record, *IDS))
    known = [
        rest(item, *_fields(item), "name" if _own(item) else None, "emotion" if emotion else None)
        for item, emotion in zip(said, emotions, strict=True)
    ]
    if any(known):
        extra["turns"] = known
    yield Talk(turns, record=record_id(record, *IDS), annotations=annotations, extra=extra)


def _turn(number: int, item: dict[str, Any]) -> Turn:
    who, what = _fields(item)
    speaker, text = item.get(who or ""), item.get(what or "")
    if isinstance(speaker, list):
        speaker = " and ".join(str(name) for name in speaker)
    name = str(speaker) if isinstance(speaker, str | int) and speaker != "" else None
    role = ROLE_WORDS.get((name or "").lower())
    return _own(item) or (None if role else name), text_of(text, f"the text of turn {number}"), role


def _fields(item: dict[str, Any]) -> tuple[str | None, str | None]:
    """Where a turn says who speaks, and what."""
    who, what = (
        next((name for name in names if name in item), None) for names in (SPEAKERS, TEXTS)
    )
    return who, what


def _own(item: dict[str, Any]) -> str | None:
    """The name of a speaker that stands beside a role."""
    name = item.get("name")
    return name if _fields(item)[0] == "role" and isinstance(name, str) and name else None


def _place(record: Any) -> str | None:
    if not isinstance(record, dict):
        return None
    return next((place for place in PLACES if _holds(items(record.get(place)))), None)


def _holds(value: Any) -> bool:
    return isinstance(value, list) and any(
        isinstance(item, dict)
        and any(n in item for n in SPEAKERS)
        and any(n in item for n in TEXTS)
        for item in value
    )
