"""ShareGPT: `conversations` of `from` and `value`.

{"id": "QWJhYvA_0", "system": "You are Ada.",
 "conversations": [{"from": "human", "value": "Who are you?"},
                   {"from": "gpt", "value": "Ada, the librarian."}]}
{"conversations": [["human", "Who are you?"], ["gpt", "Ada, the librarian."]]}

`from` is human or user, gpt or assistant (and the like), system, or the name of a character. What
holds for `messages` holds here as well. A long conversation was often cut into pieces, whose ids
differ in the number of their first message: QWJhYvA_0 and QWJhYvA_14 are one group.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from pipeline.collect.shapes.general import messages
from pipeline.collect.shapes.transcript import ROLE_WORDS, About, Transcript, dict_of

ABOUT = About("ShareGPT", ("roles", "names", "personas", "groups"))

PLACES = ("conversations", "conversation", "messages", "dialogue", "items")
PIECE = re.compile(r"([A-Za-z0-9]+)_(\d+)")
WORD = re.compile(r"[A-Za-z]?[a-z]{2,}|[A-Z]{3,}")  # `train_7` is the name of a set and a number
CUT = re.compile(r"(?=.*[a-z])(?=.*[A-Z0-9]).{7}")  # ids of the first collection have 7 characters


def recognise(record: object) -> bool:
    return messages.place_of(_with_objects(record), PLACES, "from") is not None


def read(record: object) -> Iterator[Transcript]:
    if isinstance(record, list):
        record = {"conversations": record}
    fields = dict_of(_with_objects(record), "the record")
    place = messages.place_of(fields, PLACES, "from") or "conversations"
    transcript = messages.transcript(fields, place, "from")
    transcript.group = transcript.group or _whole(transcript)
    yield transcript


def _with_objects(record: object) -> object:
    """The record; pairs of a role and a text in it become objects."""
    if not isinstance(record, dict):
        return record
    for name in PLACES:
        if name in record and _are_pairs(record[name]):
            objects = [{"from": who, "value": what} for who, what in record[name]]
            record = record | {name: objects}
    return record


def _are_pairs(value: object) -> bool:
    """Whether these are lists of a role and a text each: [["human", "Hi"], ["gpt", "Hello"]]"""
    if not isinstance(value, list) or not value or not isinstance(value[0], list):
        return False
    return all(map(_is_pair, value)) and len({pair[0].lower() for pair in value}) > 1


def _is_pair(item: object) -> bool:
    if not isinstance(item, list) or len(item) != 2 or not isinstance(item[0], str):
        return False
    return item[0].lower() in ROLE_WORDS


def _whole(transcript: Transcript) -> str | None:
    """The id of the conversation that this one is a piece of; None where its id shows none."""
    piece = PIECE.fullmatch(transcript.record or "")
    if piece is None or WORD.fullmatch(piece[1]):
        return None
    roles = [role for _, _, role in transcript.turns if role != "system"]
    goes_on = int(piece[2]) == 0 or roles[:1] == ["assistant"]
    return piece[1] if goes_on or CUT.fullmatch(piece[1]) else None
