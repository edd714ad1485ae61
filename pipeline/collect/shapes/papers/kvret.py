"""Stanford's in-car assistant (KVRET): a driver and an assistant.

{"dialogue": [{"turn": "driver", "data": {"utterance": "Where is tea?"}},
              {"turn": "assistant", "data": {"utterance": "Two streets on."}}],
 "scenario": {"uuid": "s1"}}
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
    if_any,
    rest,
    text_of,
)
from pipeline.conversation import Role

ABOUT = About("Stanford's in-car assistant (KVRET)", ("roles",))

SIDES: dict[str, Role] = {"driver": "user", "assistant": "assistant"}


def recognise(record: object) -> bool:
    dialogue = record.get("dialogue") if isinstance(record, dict) else None
    if not isinstance(dialogue, list) or not dialogue:
        return False
    return all(isinstance(item, dict) and str(item.get("turn")) in SIDES for item in dialogue)


def read(record: object) -> Iterator[Transcript]:
    fields = dict_of(record, "the record")
    items = dicts_of(fields.get("dialogue"), "dialogue", "turn")
    turns = [_turn(item, f"turn {number}") for number, item in enumerate(items, 1)]
    further = [rest(dict_of(item["data"], "data"), "utterance") for item in items]
    yield Transcript(turns, extra=rest(fields, "dialogue") | if_any("turns", further))


def _turn(item: Fields, where: str) -> Turn:
    role = SIDES.get(str(item.get("turn")))
    if role is None:
        raise ValueError(f"{where} is neither by the driver nor by the assistant")
    data = dict_of(item.get("data"), f"the data of {where}")
    return None, text_of(data.get("utterance"), where), role
