"""CaSiNo negotiations: two campers, what each needs and why, and how each felt afterwards.

{"dialogue_id": 938, "chat_logs": [{"text": "Hello!", "task_data": {}, "id": "mturk_agent_1"}],
 "participant_info": {"mturk_agent_1": {
     "value2issue": {"High": "Firewood"}, "value2reason": {"High": "Nights are cold"},
     "outcomes": {"satisfaction": "Extremely satisfied"}, "personality": {"svo": "prosocial"}}},
 "annotations": [["Hello!", "small-talk"]]}

Needs and reasons become the persona of a speaker; the deals, outcomes, personality and strategy
annotations stay in `extra`.
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
from pipeline.conversation import Persona

ABOUT = About("CaSiNo negotiations", ("names", "personas"))


def recognise(record: object) -> bool:
    if not isinstance(record, dict):
        return False
    return isinstance(record.get("chat_logs"), list) and "participant_info" in record


def read(record: object) -> Iterator[Transcript]:
    fields = dict_of(record, "the record")
    logs = dicts_of(fields.get("chat_logs"), "chat_logs", "turn")
    turns = [_turn(number, item) for number, item in enumerate(logs, 1)]
    people = dict_of(fields.get("participant_info"), "participant_info")
    personas: dict[str | None, Persona] = {
        name: Persona(description=_needs(dict_of(about, name))) for name, about in people.items()
    }
    extra = rest(fields, "chat_logs", "dialogue_id") | if_any("deals", _deals(logs))
    yield Transcript(turns, personas, record_id(fields, "dialogue_id"), extra=extra)


def _turn(number: int, item: Fields) -> Turn:
    speaker = text_of(item.get("id"), f"the id of turn {number}")
    return speaker, text_of(item.get("text"), f"turn {number}"), None


def _deals(logs: list[Fields]) -> list[Fields]:
    """The offers and answers made with buttons beside the chat, with the index of their turn."""
    offers = ((number, item.get("task_data")) for number, item in enumerate(logs))
    return [{"turn": number, **data} for number, data in offers if isinstance(data, dict) and data]


def _needs(about: Fields) -> str | None:
    issues, reasons = about.get("value2issue"), about.get("value2reason")
    if not isinstance(issues, dict) or not isinstance(reasons, dict):
        return None
    lines = []
    for value, issue in issues.items():
        reason = reasons.get(value) or ""
        lines.append(f"{value} need: {issue}. {reason}".strip())
    return "\n".join(lines) or None
