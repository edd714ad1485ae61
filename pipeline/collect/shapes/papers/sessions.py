"""Conversations with the personas of both speakers: Multi-Session Chat, Blended Skill Talk.

{"personas": [["I keep the inn."], ["I am a courier."]], "metadata": {"initial_data_id": "t1"},
 "dialog": [{"text": "Did it run?", "id": "Speaker 1"}, {"text": "Once.", "id": "Speaker 2"}],
 "previous_dialogs": [{"dialog": [{"text": "Hello!"}], "time_back": "2 days ago"}]}
{"personas": [["i keep the inn."], ["i am a courier."]],
 "dialog": [[0, "Did it run?"], [1, "Once."]]}
{"personas": ["i keep the inn.", "i am a courier."], "free_messages": ["Did it run?"],
 "guided_messages": ["Once."]}

The personas are in the order of the speakers' numbers. The sessions of the same two people are one
group; the earlier ones go to `extra`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain, zip_longest

from pipeline.collect.shapes.transcript import (
    About,
    Fields,
    Transcript,
    Turn,
    description,
    dict_of,
    list_of,
    record_id,
    rest,
    text_of,
)
from pipeline.conversation import Persona

ABOUT = About("Multi-Session Chat, Blended Skill Talk", ("personas", "groups"))

SPEAKER = re.compile(r"(?:(?P<from_one>speaker|participant)|bot|agent)[ _](?P<number>\d)", re.I)
FREE, GUIDED = "free_messages", "guided_messages"


def recognise(record: object) -> bool:
    if not isinstance(record, dict):
        return False
    personas, dialog = record.get("personas"), record.get("dialog")
    if not isinstance(personas, list) or len(personas) != 2:
        return False
    if isinstance(record.get(FREE), list) and isinstance(record.get(GUIDED), list):
        return True
    return isinstance(dialog, list) and any(map(_is_turn, dialog))


def read(record: object) -> Iterator[Transcript]:
    fields = dict_of(record, "the record")
    if FREE in fields and GUIDED in fields:
        turns = _interleaved(fields)
    else:
        dialog = enumerate(list_of(fields.get("dialog"), "dialog"), 1)
        turns = [_turn(item, f"turn {number}") for number, item in dialog]
    people = enumerate(list_of(fields.get("personas"), "personas"))
    described = [(_name(number), description(about)) for number, about in people]
    yield Transcript(
        turns,
        {name: Persona(description=about) for name, about in described if about},
        record_id(fields, "id"),
        _group(fields),
        extra=rest(fields, "dialog", "personas", "id", FREE, GUIDED),
    )


def _name(number: int) -> str:
    return f"speaker {number + 1}"


def _turn(item: object, where: str) -> Turn:
    if isinstance(item, list):
        number, text = item if len(item) == 2 else (None, None)
    else:
        fields = dict_of(item, where)
        number, text = _number(fields.get("id")), fields.get("text")
    if number not in (0, 1) or isinstance(number, bool):
        raise ValueError(f"{where} does not name one of the two speakers")
    return _name(int(str(number))), text_of(text, where), None


def _number(label: object) -> int | None:
    """0 or 1, of `Speaker 1` and `Speaker 2`, or of `bot_0` and `bot_1`."""
    match = SPEAKER.fullmatch(str(label))
    if match is None:
        return None
    number = int(match["number"])
    return number - 1 if match["from_one"] else number


def _interleaved(record: Fields) -> list[Turn]:
    """The messages of the free and of the guided speaker, who take turns."""
    sides = [list_of(record[name], name) for name in (FREE, GUIDED)]
    if not 0 <= len(sides[0]) - len(sides[1]) <= 1:
        raise ValueError(f"{FREE} and {GUIDED} do not take turns")
    texts = list(chain.from_iterable(zip_longest(*sides)))[: sum(map(len, sides))]
    return [(_name(at % 2), text_of(text, f"turn {at + 1}"), None) for at, text in enumerate(texts)]


def _group(record: Fields) -> str | None:
    about = record.get("metadata")
    return record_id(about, "initial_data_id") if isinstance(about, dict) else None


def _is_turn(item: object) -> bool:
    if isinstance(item, dict):
        return isinstance(item.get("text"), str) and _number(item.get("id")) is not None
    return isinstance(item, list) and len(item) == 2 and item[0] in (0, 1)
