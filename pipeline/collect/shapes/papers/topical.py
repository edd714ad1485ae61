"""Topical-Chat: a content of messages by two agents, each with a feeling.

{"article_url": "x", "config": "A", "content": [
    {"message": "Did it run?", "agent": "agent_1", "sentiment": "Curious to dive deeper"},
    {"message": "Once.", "agent": "agent_2", "sentiment": "Happy"}]}

The feeling (`sentiment`) becomes an annotation.
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
from pipeline.conversation import Annotation

ABOUT = About("Topical-Chat", ("annotations",))


def recognise(record: object) -> bool:
    content = record.get("content") if isinstance(record, dict) else None
    if not isinstance(content, list) or not content:
        return False
    return all(isinstance(item, dict) and {"message", "agent"} <= item.keys() for item in content)


def read(record: object) -> Iterator[Transcript]:
    fields = dict_of(record, "the record")
    items = dicts_of(fields.get("content"), "content", "message")
    turns = [_turn(item, f"message {number}") for number, item in enumerate(items, 1)]
    further = if_any("turns", [rest(item, "message", "agent", "sentiment") for item in items])
    yield Transcript(
        turns,
        annotations=tuple(Annotation(emotion=_emotion(item)) for item in items),
        extra=rest(fields, "content") | further,
    )


def _turn(item: Fields, where: str) -> Turn:
    agent = text_of(item.get("agent"), f"the agent of {where}")
    return agent, text_of(item.get("message"), where), None


def _emotion(item: Fields) -> str | None:
    sentiment = item.get("sentiment")
    return sentiment.strip().lower() if isinstance(sentiment, str) else None
