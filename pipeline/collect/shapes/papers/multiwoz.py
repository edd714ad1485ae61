"""MultiWOZ 2.0, 2.1 and 2.4: a log of texts; those of the system come with a state.

{"goal": {}, "log": [{"text": "A table for two.", "metadata": {}},
                     {"text": "Where?", "metadata": {"restaurant": {}}}]}

Where no text has a state, the user begins and the two take turns. Version 2.2 is one of
`speakers`.
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
    record_id,
    rest,
    text_of,
)
from pipeline.conversation import Role

ABOUT = About("MultiWOZ 2.0, 2.1, 2.4", ("roles",))

SIDES: tuple[Role, Role] = ("user", "assistant")
ALTERNATE = "the user begins and the two speakers alternate"


def recognise(record: object) -> bool:
    log = record.get("log") if isinstance(record, dict) else None
    if not isinstance(log, list) or not log:
        return False
    return all(isinstance(item, dict) and {"text", "metadata"} <= item.keys() for item in log)


def read(record: object) -> Iterator[Transcript]:
    fields = dict_of(record, "the record")
    items = dicts_of(fields.get("log"), "log", "text")
    has_states = any(item.get("metadata") for item in items)
    turns: list[Turn] = []
    for number, item in enumerate(items):
        is_answer = bool(item.get("metadata")) if has_states else number % 2 == 1
        turns.append((None, text_of(item.get("text"), f"text {number + 1}"), SIDES[is_answer]))
    transcript = Transcript(turns, record=record_id(fields, "dialogue_id"))
    transcript.extra = rest(fields, "log", "dialogue_id") | _further(items)
    if not has_states:
        transcript.assumed = (ALTERNATE,)
    yield transcript


def _further(items: list[Fields]) -> Fields:
    return if_any("turns", [rest(item, "text") for item in items])
