"""Gemini: `contents` of a role and parts, as for its interface and its tuning; AI Studio's prompts.

{"systemInstruction": {"parts": [{"text": "You are Ada."}]}, "contents": [
    {"role": "user", "parts": [{"text": "Hello"}]},
    {"role": "model", "parts": [{"text": "A guest.", "thought": true}, {"text": "Evening."}]}]}
{"request": {"contents": [..]}, "response": {"candidates": [{"content": {..}}]}}

Pictures, files and calls of functions make a record unreadable: without them the conversation would
not make sense. So do several candidates in the log of a batch: nothing says which is the best.
Thoughts go to `extra`.
"""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.collect.shapes.common import branches
from pipeline.collect.shapes.common.parts import content_of
from pipeline.collect.shapes.transcript import (
    About,
    Fields,
    Transcript,
    Turn,
    dict_of,
    dicts_of,
    id_field,
    if_any,
    record_id,
    rest,
)
from pipeline.conversation import Role

ABOUT = About("Gemini's interface and tuning sets", ("roles", "personas"))

ROLES: dict[str, Role] = {"user": "user", "model": "assistant", "system": "system"}
PROMPTS = ("systemInstruction", "system_instruction")
LOGGED = ("request", "response")
IDS = ("id", "key")


def recognise(record: object) -> bool:
    if not isinstance(record, dict):
        return False
    contents = _request(record).get("contents")
    return isinstance(contents, list) and any(map(_is_content, contents))


def _is_content(one: object) -> bool:
    return isinstance(one, dict) and isinstance(one.get("parts"), list)


def _request(record: Fields) -> Fields:
    request = record.get("request")
    return request if isinstance(request, dict) else record


def read(record: object) -> Iterator[Transcript]:
    fields = dict_of(record, "the record")
    request = _request(fields)
    spoken = _all_spoken(dicts_of(request.get("contents"), "contents", "message"), "message")
    replies = _all_spoken(_candidates(fields), "candidate")
    if len(replies) > 1:
        raise ValueError("several candidates, and nothing says which of them is the best")
    shown = spoken + replies
    turns = [turn for turn, _ in shown]
    thoughts = [known for _, known in shown]
    found = Transcript(turns, record=record_id(fields, *IDS), extra=if_any("turns", thoughts))
    branches.with_prompt(dict(zip(PROMPTS, map(request.get, PROMPTS), strict=True)), found)
    used = ["contents", *PROMPTS, *LOGGED, id_field(fields, *IDS)]
    found.extra = {**rest(fields, *used), **found.extra}
    yield found


def _all_spoken(messages: list[Fields], each: str) -> list[tuple[Turn, Fields]]:
    return [_spoken(one, f"{each} {number}") for number, one in enumerate(messages, 1)]


def _candidates(record: Fields) -> list[Fields]:
    """The answers in the log of a batch, as contents."""
    response = record.get("response")
    if not isinstance(response, dict) or "request" not in record:
        return []
    candidates = dicts_of(response.get("candidates") or [], "candidates", "candidate")
    return [{"role": "model"} | dict_of(one.get("content"), "content") for one in candidates]


def _spoken(message: Fields, where: str) -> tuple[Turn, Fields]:
    """(the turn of a content, its thoughts)"""
    role = ROLES.get(str(message.get("role", "user")))
    if role is None:
        raise ValueError(f"{where} has the role {message.get('role')!r}")
    content = content_of(message.get("parts"), where)
    if content.left_out:
        raise ValueError(f"{where} holds more than text: {', '.join(content.left_out)}")
    # The parts of an answer are pieces of one text, those of a question texts of their own.
    between = "\n" if role == "user" else ""
    return (None, between.join(content.texts), role), if_any("thoughts", content.thoughts)
