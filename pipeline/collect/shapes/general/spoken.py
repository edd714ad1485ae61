"""Lists of [speaker, text], as in ABCD.

{"convo_id": 3592, "original": [["agent", "Hi! How can I help?"],
                                ["customer", "I need to return it."],
                                ["action", "Account has been pulled up."]]}

Speakers are words for roles, or they are few: in pairs of a message and its answer the first halves
differ. They may be numbers. Names count only in a list under a usual name.
An `action` is not a message: it is left out of the conversation and kept in `extra`.
"""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.collect.shapes.common import known, who
from pipeline.collect.shapes.general import speakers
from pipeline.collect.shapes.transcript import (
    ROLE_WORDS,
    About,
    Fields,
    Transcript,
    dict_of,
    id_field,
    list_of,
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
    transcript = speakers.with_beside(
        turns, fields, place, id_field(fields, *IDS), for_writers=speakers.TASKS
    )
    if actions := _actions(pairs):
        transcript.extra = {**transcript.extra, "actions": actions}
        transcript.notes = (f"collect: left out {len(actions)} actions",)
    yield transcript


def _pair(item: object, where: str) -> tuple[str, str]:
    """(speaker, text)"""
    halves = list_of(item, where)
    if len(halves) != 2:
        raise ValueError(f"{where} has {len(halves)} parts, expected a speaker and a text")
    speaker = who.word(halves[0])
    if speaker is None or isinstance(halves[0], list):
        raise ValueError(f"{where} does not name its speaker")
    return speaker, text_of(halves[1], f"the text of {where}")


def _actions(pairs: list[tuple[str, str]]) -> list[Fields]:
    """What happened beside the conversation, each with the number of entries before it."""
    numbered = enumerate(pairs)
    return [{"after": number, "text": text} for number, (name, text) in numbered if name == ACTION]


def _place(record: Fields) -> str | None:
    """The field of the pairs: one with role words, or a usual one with speakers that come back."""
    pairs = {str(name): value for name, value in record.items() if _holds_pairs(value)}
    usual = known.one_of((*known.PLACES, "original"), pairs)
    return usual or next((name for name, value in pairs.items() if _has_roles(value)), None)


def _holds_pairs(value: object) -> bool:
    if not isinstance(value, list) or not value:
        return False
    names = _speakers(value)
    if len(names) * 2 <= len(value):
        return False
    # Two speakers of a long conversation come back again and again; messages hardly ever do.
    come_back = len(set(names)) * 2 <= len(names)
    return come_back or _has_roles(value) or _are_numbers(names)


def _has_roles(value: object) -> bool:
    names = _speakers(value)
    return sum(name.lower() in ROLE_WORDS for name in names) * 2 > len(names)


def _are_numbers(names: list[str]) -> bool:
    return all(map(str.isdigit, names)) and len(set(names)) < 10


def _speakers(value: object) -> list[str]:
    items = value if isinstance(value, list) else []
    return [str(item[0]) for item in items if _may_be_pair(item)]


def _may_be_pair(item: object) -> bool:
    if not isinstance(item, list) or len(item) != 2 or not isinstance(item[1], str):
        return False
    speaker = item[0]
    if isinstance(speaker, bool) or not isinstance(speaker, str | int):
        return False
    return len(str(speaker)) <= LONG_NAME
