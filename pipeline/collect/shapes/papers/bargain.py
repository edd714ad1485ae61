"""Events of two agents: CraigslistBargain, MutualFriends and others of Stanford's `cocoa`.

{"uuid": "C1", "agents": {"0": "human", "1": "human"},
 "scenario": {"kbs": [{"personal": {"Role": "buyer"}}, {"personal": {"Role": "seller"}}]},
 "events": [{"action": "message", "agent": 0, "data": "Still there?"},
            {"action": "message", "agent": 1, "data": "It is."},
            {"action": "offer", "agent": 0, "data": {"price": 20}}]}

Only messages are turns; offers and choices are counted, and kept in `extra`. One agent who is no
human is the assistant.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from pipeline.collect.shapes.transcript import (
    About,
    Fields,
    Transcript,
    Turn,
    dict_of,
    dicts_of,
    record_id,
    rest,
    text_of,
)
from pipeline.conversation import Role

ABOUT = About("CraigslistBargain, MutualFriends", ("names",))

MESSAGE = "message"


def recognise(record: object) -> bool:
    events = record.get("events") if isinstance(record, dict) else None
    if not isinstance(events, list) or not events:
        return False
    needed = {"action", "agent", "data"}
    return all(isinstance(event, dict) and needed <= event.keys() for event in events)


def read(record: object) -> Iterator[Transcript]:
    fields = dict_of(record, "the record")
    events = dicts_of(fields.get("events"), "events", "event")
    kinds = _kinds(fields)
    turns: list[Turn] = []
    others: list[Fields] = []
    for number, event in enumerate(events, 1):
        if event.get("action") != MESSAGE:
            others.append({"after": len(turns)} | event)
            continue
        agent = event.get("agent")
        text = text_of(event.get("data"), f"the data of event {number}")
        turns.append((_name(fields, agent), text, kinds.get(str(agent))))
    extra = rest(fields, "events", "uuid")
    if others:
        extra["events"] = others
    left_out = Counter(str(event.get("action")) for event in others)
    yield Transcript(turns, record=record_id(fields, "uuid"), extra=extra, left_out=left_out)


def _kinds(record: Fields) -> dict[str, Role]:
    """The roles of the agents, where one of them is a human and the other is not."""
    agents = record.get("agents")
    if not isinstance(agents, dict):
        return {}
    humans = {str(agent): kind == "human" for agent, kind in agents.items()}
    if sorted(humans.values()) != [False, True]:
        return {}
    sides: tuple[Role, Role] = ("assistant", "user")
    return {agent: sides[is_human] for agent, is_human in humans.items()}


def _name(record: Fields, agent: object) -> str:
    """The part that an agent plays, `buyer` or `seller`; else its number."""
    scenario = record.get("scenario")
    parts = scenario.get("kbs") if isinstance(scenario, dict) else None
    if isinstance(parts, list) and isinstance(agent, int) and 0 <= agent < len(parts):
        personal = parts[agent].get("personal") if isinstance(parts[agent], dict) else None
        part = personal.get("Role") if isinstance(personal, dict) else None
        if isinstance(part, str):
            return part
    return f"agent {agent}"
