"""A list of texts by two speakers who take turns: DailyDialog, KdConv.

{"dialog": ["Tea?", "With pleasure."], "emotion": [0, 4]}
{"name": "The film", "messages": [{"message": "Do you know it?"},
                                  {"message": "I do.", "attrs": [{"name": "year"}]}]}

The further fields of a message (`attrs`) go to `extra`.
"""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.collect.shapes.transcript import (
    About,
    Fields,
    Transcript,
    Turn,
    alternating,
    dict_of,
    first_of,
    id_field,
    if_any,
    list_of,
    record_id,
    rest,
    text_of,
)

ABOUT = About("a list of texts: DailyDialog, KdConv")

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


def recognise(record: object) -> bool:
    return _place(record) is not None


def read(record: object) -> Iterator[Transcript]:
    fields = dict_of(record, "the record")
    place = _place(fields) or "messages"
    items = list_of(fields.get(place), place)
    further = if_any("turns", [_further(item) for item in items])
    extra = rest(fields, place, id_field(fields, *IDS)) | further
    yield Transcript(turns(items), record=record_id(fields, *IDS), extra=extra)


def turns(items: list[object]) -> list[Turn]:
    """Texts, or objects with a text, as turns of two speakers."""
    return alternating(text_of(_text(item), f"text {n}") for n, item in enumerate(items, 1))


def _text(item: object) -> object:
    """The text of an item; what is neither a text nor an object with one is found by `text_of`."""
    if not isinstance(item, dict):
        return item
    return item.get(first_of(TEXTS, item))


def _further(item: object) -> Fields:
    if not isinstance(item, dict):
        return {}
    return rest(item, first_of(TEXTS, item))


def _place(record: object) -> str | None:
    if not isinstance(record, dict):
        return None
    return next((place for place in PLACES if _is_list_of_texts(record.get(place))), None)


def _is_list_of_texts(value: object) -> bool:
    if not isinstance(value, list) or len(value) < 2:
        return False
    return any(isinstance(_text(item), str) for item in value)
