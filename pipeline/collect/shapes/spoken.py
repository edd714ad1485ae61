"""Lists of [speaker, text], as in ABCD.

{"convo_id": 3592, "original": [["agent", "Hi! How can I help?"],
                                ["customer", "I need to return it."],
                                ["action", "Account has been pulled up."]]}

Speakers are recognised by being few: in pairs of a message and its answer the first halves differ.
An `action` is not a message: it is left out of the conversation and kept in `extra`.
"""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.collect.shapes.transcript import (
    ROLE_WORDS,
    About,
    Fields,
    Transcript,
    dict_of,
    id_field,
    list_of,
    record_id,
    rest,
    text_of,
    turn_by,
)

ABOUT = About("lists of [speaker, text]: ABCD", ("roles", "names"))

ACTION = "action"
IDS = ("convo_id", "conversation_id", "dialogue_id", "id")
LONG_NAME = 40  # characters; a longer first half is not a speaker


def recognise(record: object) -> bool:
    return isinstance(record, dict) and _place(record) is not None


def read(record: object) -> Iterator[Transcript]:
    fields = dict_of(record, "the record")
    place = _place(fields)
    if place is None:
        raise ValueError("no field holds a list of [speaker, text]")
    items = enumerate(list_of(fields[place], place), 1)
    pairs = [_pair(item, f"turn {number}") for number, item in items]
    turns = [turn_by(name, text) for name, text in pairs if name != ACTION]
    transcript = Transcript(turns, record=record_id(fields, *IDS))
    transcript.extra = rest(fields, place, id_field(fields, *IDS))
    if actions := _actions(pairs):
        transcript.extra |= {"actions": actions}
        transcript.notes = (f"collect: left out {len(actions)} actions",)
    yield transcript


def _pair(item: object, where: str) -> tuple[str, str]:
    """(speaker, text)"""
    halves = list_of(item, where)
    if len(halves) != 2:
        raise ValueError(f"{where} has {len(halves)} parts, expected a speaker and a text")
    return text_of(halves[0], f"the speaker of {where}"), text_of(halves[1], f"the text of {where}")


def _actions(pairs: list[tuple[str, str]]) -> list[Fields]:
    """What happened beside the conversation, each with the number of entries before it."""
    numbered = enumerate(pairs)
    return [{"after": number, "text": text} for number, (name, text) in numbered if name == ACTION]


def _place(record: Fields) -> str | None:
    return next((str(name) for name, value in record.items() if _holds_pairs(value)), None)


def _holds_pairs(value: object) -> bool:
    if not isinstance(value, list) or not value:
        return False
    names = [item[0] for item in value if _may_be_pair(item)]
    known = sum(name.lower() in ROLE_WORDS for name in names)
    # Two speakers of a long conversation come back again and again; messages hardly ever do.
    come_back = len(set(names)) * 2 <= len(names)
    return len(names) * 2 > len(value) and (known * 2 > len(names) or come_back)


def _may_be_pair(item: object) -> bool:
    if not isinstance(item, list) or len(item) != 2:
        return False
    return isinstance(item[0], str) and len(item[0]) <= LONG_NAME
