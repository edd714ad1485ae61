"""A list of turns that name their speaker: schema-guided dialogue (SGD), Taskmaster, scenes (MELD).

{"dialogue_id": "1_00000", "services": ["Restaurants_2"], "turns": [
    {"speaker": "USER", "utterance": "A table for two.", "frames": []},
    {"speaker": "SYSTEM", "utterance": "Where?"}]}
{"conversation_id": "dlg-1", "utterances": [
    {"speaker": "user", "text": "one tea please", "annotations": []}]}

A speaker `system` is the assistant unless somebody else is. The further fields of a turn go to
`extra`, an `emotion` to the annotations.
"""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.collect.shapes.transcript import (
    About,
    Fields,
    Transcript,
    Turn,
    dict_of,
    dicts_of,
    first_of,
    from_columns,
    id_field,
    if_any,
    record_id,
    rest,
    system_as_assistant,
    text_of,
    turn_by,
)
from pipeline.conversation import Annotation

ABOUT = About("turns with speakers: SGD, Taskmaster, MELD", ("roles", "names", "annotations"))

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


def recognise(record: object) -> bool:
    return _place(record) is not None


def read(record: object) -> Iterator[Transcript]:
    fields = dict_of(record, "the record")
    place = _place(fields) or "turns"
    items = dicts_of(fields.get(place), place, "turn")
    turns = system_as_assistant([_turn(number, item) for number, item in enumerate(items, 1)])
    further = if_any("turns", [_further(item) for item in items])
    yield Transcript(
        turns,
        record=record_id(fields, *IDS),
        annotations=_annotations(items),
        extra=rest(fields, place, id_field(fields, *IDS)) | further,
    )


def _annotations(items: list[Fields]) -> tuple[Annotation, ...]:
    emotions = [_emotion(item) for item in items]
    if not any(emotions):
        return ()
    return tuple(Annotation(emotion=emotion) for emotion in emotions)


def _emotion(item: Fields) -> str | None:
    """The emotion of a turn, where it is a word: a number goes to `extra`."""
    emotion = item.get("emotion")
    if not isinstance(emotion, str):
        return None
    return emotion.lower() or None


def _turn(number: int, item: Fields) -> Turn:
    speaker = item.get(first_of(SPEAKERS, item) or "")
    text = item.get(first_of(TEXTS, item) or "")
    if isinstance(speaker, list):
        speaker = " and ".join(str(name) for name in speaker)
    name = None
    if isinstance(speaker, str | int) and speaker != "":
        name = str(speaker)
    return turn_by(name, text_of(text, f"the text of turn {number}"), _own_name(item))


def _own_name(item: Fields) -> str | None:
    """The name of a speaker that stands beside a role."""
    name = item.get("name")
    if first_of(SPEAKERS, item) != "role" or not isinstance(name, str):
        return None
    return name or None


def _further(item: Fields) -> Fields:
    """The fields that make neither the turn nor its annotation."""
    used = [first_of(SPEAKERS, item), first_of(TEXTS, item)]
    if _own_name(item):
        used.append("name")
    if _emotion(item):
        used.append("emotion")
    return rest(item, *used)


def _place(record: object) -> str | None:
    if not isinstance(record, dict):
        return None
    return next((place for place in PLACES if _holds_turns(from_columns(record.get(place)))), None)


def _holds_turns(value: object) -> bool:
    return isinstance(value, list) and any(map(_is_turn, value))


def _is_turn(item: object) -> bool:
    if not isinstance(item, dict):
        return False
    return first_of(SPEAKERS, item) is not None and first_of(TEXTS, item) is not None
