"""Grok, exported (`prod-grok-backend.json`): conversations with their responses.

{"conversation": {"id": "c1", "title": "Tea", "create_time": "2025-05-01T10:00:00Z"},
 "responses": [
    {"response": {"_id": "u1", "sender": "human", "message": "Which tea?",
                  "create_time": {"$date": {"$numberLong": "1746093600000"}}}},
    {"response": {"_id": "a1", "sender": "ASSISTANT", "message": "Darjeeling.",
                  "parent_response_id": "u1", "model": "grok-3"}}]}

The conversation is the path to the newest message. Models and times go to `extra`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from pipeline.collect.shapes.common import branches
from pipeline.collect.shapes.common.branches import Node, moment
from pipeline.collect.shapes.transcript import (
    ROLE_WORDS,
    About,
    Fields,
    Transcript,
    dict_of,
    dicts_of,
    list_of,
    record_id,
    rest,
    text_of,
)

ABOUT = About("Grok, exported", ("roles", "times", "alternatives"), private=True)


def recognise(record: object) -> bool:
    if not isinstance(record, dict) or not isinstance(record.get("conversation"), dict):
        return False
    responses = record.get("responses")
    return isinstance(responses, list) and any(map(_is_response, responses))


def _is_response(item: object) -> bool:
    response = item.get("response") if isinstance(item, dict) else None
    return isinstance(response, dict) and "sender" in response and "message" in response


def read(record: object) -> Iterator[Transcript]:
    fields = dict_of(record, "the record")
    items = dicts_of(fields.get("responses"), "responses", "response")
    messages = [dict_of(one.get("response"), f"response {n}") for n, one in enumerate(items, 1)]
    found = branches.read(branches.by_id(messages, ["_id", "id"], _node), None)
    conversation = dict_of(fields.get("conversation"), "conversation")
    found.record = record_id(conversation, "id")
    found.extra = {**rest(conversation, "id"), **found.extra}
    yield found


def _node(message: Fields, where: str) -> Node:
    role = ROLE_WORDS.get(str(message.get("sender")).lower())
    if role is None:
        raise ValueError(f"{where} is sent by {message.get('sender')!r}")
    text = text_of(message.get("message"), where)
    thoughts = [text for text in [message.get("thinking_trace")] if isinstance(text, str) and text]
    known = branches.about(_time(message.get("create_time")), message.get("model"), thoughts)
    files = list_of(message.get("file_attachments") or [], "file_attachments")
    parent = record_id(message, "parent_response_id")
    return branches.node(parent, (None, text, role), known, ["file" for _ in files])


def _time(value: object) -> dt.datetime | None:
    """The time inside {"$date": {"$numberLong": "1746093600000"}}, milliseconds since 1970."""
    while isinstance(value, dict) and len(value) == 1:
        [value] = value.values()
    if isinstance(value, str) and value.isdecimal():
        value = int(value)
    return moment(value)
