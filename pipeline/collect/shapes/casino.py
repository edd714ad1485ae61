"""CaSiNo negotiations: two campers, what each needs and why, and how each felt afterwards.

{"dialogue_id": 938, "chat_logs": [{"text": "Hello!", "task_data": {}, "id": "mturk_agent_1"}],
 "participant_info": {"mturk_agent_1": {
     "value2issue": {"High": "Firewood"}, "value2reason": {"High": "Nights are cold"},
     "outcomes": {"satisfaction": "Extremely satisfied"}, "personality": {"svo": "prosocial"}}},
 "annotations": [["Hello!", "small-talk"]]}

Needs and reasons become the persona of a speaker; outcomes, personality and strategy marks stay in `extra`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pipeline.collect.shapes.talk import Talk, Turn, dict_of, list_of, record_id, rest, text_of
from pipeline.conversation import Persona


def recognise(record: Any) -> bool:
    return (
        isinstance(record, dict)
        and isinstance(record.get("chat_logs"), list)
        and "participant_info" in record
    )


def read(record: Any) -> Iterator[Talk]:
    logs = list_of(dict_of(record, "the record").get("chat_logs"), "chat_logs")
    items = [dict_of(item, f"turn {n}") for n, item in enumerate(logs, 1)]
    turns = [_turn(n, item) for n, item in enumerate(items, 1)]
    people = dict_of(record.get("participant_info"), "participant_info")
    personas: dict[str | None, Persona] = {
        name: Persona(description=_needs(dict_of(info, name))) for name, info in people.items()
    }
    deals = [
        {"turn": n, **i["task_data"]}
        for n, i in enumerate(items)
        if isinstance(i.get("task_data"), dict) and i["task_data"]
    ]
    extra = {**rest(record, "chat_logs", "dialogue_id"), **({"deals": deals} if deals else {})}
    yield Talk(turns, personas, record_id(record, "dialogue_id"), extra=extra)


def _turn(number: int, item: dict[str, Any]) -> Turn:
    return (
        text_of(item.get("id"), f"the id of turn {number}"),
        text_of(item.get("text"), f"turn {number}"),
        None,
    )


def _needs(info: dict[str, Any]) -> str | None:
    issues, reasons = info.get("value2issue"), info.get("value2reason")
    if not isinstance(issues, dict) or not isinstance(reasons, dict):
        return None
    lines = [
        f"{value} need: {issues[value]}. {reasons.get(value) or ''}".strip() for value in issues
    ]
    return "\n".join(lines) or None
