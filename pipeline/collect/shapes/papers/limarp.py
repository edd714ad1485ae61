"""LimaRP: a roleplay of two, in YAML, with the names and personas of both.

names: {<FIRST>: Ada, <SECOND>: Ben}
persona: {<FIRST>: A librarian., <SECOND>: A courier.}
scenario: <SECOND> comes in from the storm.
conversation:
- {name: <SECOND>, text: Still open?}
- {name: <FIRST>, text: For you.}

<FIRST> is the character, and the assistant. The names stand in the place of these marks.
"""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.collect.shapes.common import placeholders
from pipeline.collect.shapes.transcript import (
    About,
    Fields,
    Transcript,
    Turn,
    description,
    dict_of,
    dicts_of,
    record_id,
    rest,
    text_of,
)
from pipeline.conversation import Persona, Role

ABOUT = About("LimaRP", ("roles", "names", "personas"))

SIDES: dict[str, Role] = {"<FIRST>": "assistant", "<SECOND>": "user"}


def recognise(record: object) -> bool:
    conversation = record.get("conversation") if isinstance(record, dict) else None
    if not isinstance(conversation, list):
        return False
    names = [item.get("name") for item in conversation if isinstance(item, dict)]
    return any(name in SIDES for name in names if isinstance(name, str))


def read(record: object) -> Iterator[Transcript]:
    fields = dict_of(record, "the record")
    items = dicts_of(fields.get("conversation"), "conversation", "message")
    names = _of_sides(fields, "names")
    turns = [_turn(item, f"message {number}", names) for number, item in enumerate(items, 1)]
    extra = rest(fields, "conversation", "names", "persona", "scenario", "id")
    transcript = Transcript(turns, _personas(fields, names), record_id(fields, "id"), extra=extra)
    first, second = SIDES
    yield placeholders.fill(transcript, {"assistant": names.get(first), "user": names.get(second)})


def _of_sides(record: Fields, name: str) -> dict[str, str | None]:
    """A field with a text for each side; {} where the record has none."""
    texts = dict_of(record.get(name) or {}, name)
    return {side: description(text) for side, text in texts.items()}


def _turn(item: Fields, where: str, names: dict[str, str | None]) -> Turn:
    side = text_of(item.get("name"), f"the name of {where}")
    if side not in SIDES:
        raise ValueError(f"{where} is by {side}, who is neither of the two")
    return names.get(side), text_of(item.get("text"), where), SIDES[side]


def _personas(record: Fields, names: dict[str, str | None]) -> dict[str | None, Persona]:
    about = _of_sides(record, "persona")
    scenario = description(record.get("scenario"))
    first, second = SIDES
    return {
        None: Persona(names.get(first), about.get(first), scenario=scenario),
        names.get(second) or "user": Persona(names.get(second), about.get(second)),
    }
