"""Wizard of Wikipedia: an apprentice asks, a wizard who reads the encyclopedia answers.

{"chosen_topic": "Ferry", "persona": "i love boats.", "dialog": [
    {"speaker": "0_Apprentice", "text": "Did it run?"},
    {"speaker": "1_Wizard", "text": "Once.", "checked_sentence": {}}]}

The wizard is the assistant, whoever begins.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from pipeline.collect.shapes.transcript import (
    About,
    Fields,
    Transcript,
    Turn,
    dict_of,
    dicts_of,
    if_any,
    rest,
    text_of,
)
from pipeline.conversation import Role

ABOUT = About("Wizard of Wikipedia", ("roles",))

SPEAKER = re.compile(r"[01]_(Wizard|Apprentice)")
SIDES: dict[str, Role] = {"Wizard": "assistant", "Apprentice": "user"}


def recognise(record: object) -> bool:
    dialog = record.get("dialog") if isinstance(record, dict) else None
    if not isinstance(dialog, list) or not dialog:
        return False
    return all(isinstance(item, dict) and _side(item) is not None for item in dialog)


def read(record: object) -> Iterator[Transcript]:
    fields = dict_of(record, "the record")
    items = dicts_of(fields.get("dialog"), "dialog", "turn")
    turns = [_turn(item, f"turn {number}") for number, item in enumerate(items, 1)]
    further = if_any("turns", [rest(item, "speaker", "text") for item in items])
    yield Transcript(turns, extra=rest(fields, "dialog") | further)


def _turn(item: Fields, where: str) -> Turn:
    role = _side(item)
    if role is None:
        raise ValueError(f"{where} is neither by the wizard nor by the apprentice")
    return None, text_of(item.get("text"), where), role


def _side(item: Fields) -> Role | None:
    match = SPEAKER.fullmatch(str(item.get("speaker")))
    return SIDES[match[1]] if match else None
