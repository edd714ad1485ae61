"""Lists of [speaker, text], as in ABCD.

{"convo_id": 3592, "original": [["agent", "Hi! How can I help?"], ["customer", "I need to return it."],
                                ["action", "Account has been pulled up."]]}

Told from pairs of (said, answered) by the few first halves that come back. What nobody said (`action`) is left out of
the talk and kept in `extra`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pipeline.collect.shapes.talk import (
    ROLE_WORDS,
    Talk,
    dict_of,
    id_field,
    list_of,
    record_id,
    rest,
    text_of,
)

UNSAID = ("action",)
IDS = ("convo_id", "conversation_id", "dialogue_id", "id")


def recognise(record: Any) -> bool:
    return isinstance(record, dict) and _place(record) is not None


def read(record: Any) -> Iterator[Talk]:
    place = _place(dict_of(record, "the record"))
    if place is None:
        raise ValueError("no field holds a list of [speaker, text]")
    items = [_item(item, f"turn {n}") for n, item in enumerate(record[place], 1)]
    turns = [
        (None if _role(name) else name, text, _role(name))
        for name, text in items
        if name not in UNSAID
    ]
    actions = [{"after": n, "text": text} for n, (name, text) in enumerate(items) if name in UNSAID]
    extra = {
        **rest(record, place, id_field(record, *IDS)),
        **({"actions": actions} if actions else {}),
    }
    notes = (f"collect: left out {len(actions)} actions",) if actions else ()
    yield Talk(turns, record=record_id(record, *IDS), extra=extra, notes=notes)


def _item(item: Any, where: str) -> tuple[str, str]:
    halves = list_of(item, where)
    if len(halves) != 2:
        raise ValueError(f"{where} has {len(halves)} parts, expected a speaker and a text")
    return text_of(halves[0], f"the speaker of {where}"), text_of(halves[1], f"the text of {where}")


def _role(name: str) -> Any:
    return ROLE_WORDS.get(name.lower())


def _place(record: dict[Any, Any]) -> str | None:
    return next((str(name) for name, value in record.items() if _holds(value)), None)


def _holds(value: Any) -> bool:
    if not isinstance(value, list) or not value:
        return False
    heads = [
        i[0]
        for i in value
        if isinstance(i, list) and len(i) == 2 and isinstance(i[0], str) and len(i[0]) <= 40
    ]
    known = sum(_role(head) is not None for head in heads) * 2 > len(heads)
    return len(heads) * 2 > len(value) and (known or len(set(heads)) * 2 <= len(heads))
