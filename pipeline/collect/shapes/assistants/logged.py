"""Logged calls of a model's interface: a request with its messages, and the response.

{"request": {"model": "gpt-4o", "messages": [{"role": "user", "content": "Which tea?"}]},
 "response": {"choices": [{"message": {"role": "assistant", "content": "Darjeeling."}}]}}
{"input": [{"role": "user", "content": "Which tea?"}], "output": [
    {"type": "message", "role": "assistant", "content": [
        {"type": "output_text", "text": "Darjeeling."}]}]}
{"custom_id": "t1", "body": {"messages": [{"role": "user", "content": "Which tea?"}]}}

Several choices, of which nothing says which is the best, and a call of a tool make a record
unreadable.
"""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.collect.shapes.common import beside
from pipeline.collect.shapes.common.parts import content_of
from pipeline.collect.shapes.general import messages
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

ABOUT = About("logged calls of models", ("roles", "personas"))

REQUESTS = ("request", "body", "input", "inputs")
RESPONSES = ("response", "output", "outputs", "choices")
LISTS = ("messages", "input")  # of a request
IDS = (*messages.IDS, "custom_id", "request_id")


def recognise(record: object) -> bool:
    return isinstance(record, dict) and _asked(record) is not None


def _asked(record: Fields) -> tuple[str, list[object]] | None:
    """(the field of the request, its messages)"""
    for name in REQUESTS:
        request = record.get(name)
        inner = [request.get(key) for key in LISTS] if isinstance(request, dict) else [request]
        for value in inner:
            if isinstance(value, list) and messages.recognise(value):
                return name, value
    return None


def read(record: object) -> Iterator[Transcript]:
    fields = dict_of(record, "the record")
    place, asked = _asked(fields) or ("", [])
    if not asked:
        raise ValueError("the request holds no messages")
    response = next((name for name in RESPONSES if fields.get(name)), "")
    turns, thoughts = _answered(fields.get(response))
    others = rest(fields, place, response, id_field(fields, *IDS))
    settings = _settings(fields[place], others)
    around = beside.found(settings, messages.turns(asked) + turns)
    yield Transcript(
        around.turns,
        around.personas,
        record_id(fields, *IDS),
        around.group,
        extra=_extra(others, settings, around.used) | if_any("thoughts", thoughts),
    )


def _extra(others: Fields, settings: Fields, used: tuple[str, ...]) -> Fields:
    """What is left of a record; what its request had besides the messages stays below `request`."""
    unused = rest(settings, *used)
    return unused if settings is others else others | rest({"request": unused})


def _settings(request: object, others: Fields) -> Fields:
    """What a request holds besides its messages: the model, a system prompt.

    others: what stands beside a request that is a list.
    """
    return rest(request, *LISTS) if isinstance(request, dict) else others


def _answered(response: object) -> tuple[list[Turn], list[str]]:
    """(the turn of the one answer, the thoughts before it)"""
    texts, thoughts = _answers(response)
    if len(texts) > 1:
        raise ValueError("several answers, and nothing says which of them is the best")
    return [(None, text, "assistant") for text in texts], thoughts


def _answers(response: object) -> tuple[list[str], list[str]]:
    """(the texts of all answers in a response, the thoughts before the first)"""
    if isinstance(response, dict) and isinstance(response.get("body"), dict):
        response = response["body"]
    if isinstance(response, dict):
        response = response.get("choices") or response.get("output") or [response]
    items = dicts_of(response or [], "the response", "answer")
    if any(item.get("type") in ("message", "reasoning") for item in items):
        text, thoughts = _joined(items)  # the pieces of one answer
        return [text], thoughts
    answers = [_answer(item, f"answer {number}") for number, item in enumerate(items, 1)]
    return [text for text, _ in answers], [one for _, found in answers[:1] for one in found]


def _joined(items: list[Fields]) -> tuple[str, list[str]]:
    texts, thoughts = [], []
    for number, item in enumerate(items, 1):
        kind = item.get("type", "message")
        if kind == "reasoning":
            thoughts += content_of(item.get("summary") or [], "the reasoning").texts
        elif kind == "message":
            texts.append(_answer(item, f"item {number}")[0])
        else:
            raise ValueError(f"item {number} of the answer is of the type {kind!r}")
    return "\n".join(texts), [text for text in thoughts if text]


def _answer(value: object, where: str) -> tuple[str, list[str]]:
    """(text, thoughts) of a message, or of a choice that holds one"""
    fields = dict_of(value, where)
    message = dict_of(fields.get("message", fields), where)
    if any(message.get(name) for name in messages.CALLS):
        raise ValueError(f"{where} is a tool call")
    content = content_of(message.get("content"), where)
    if content.left_out:
        raise ValueError(f"{where} holds more than text: {', '.join(content.left_out)}")
    return "\n".join(content.texts), content.thoughts
