"""A question and its answer, with whatever was said before: prompt/completion, Alpaca, query/response/history.

{"prompt": "Who are you?", "completion": "Ada, the librarian."}
{"instruction": "Greet the guest.", "input": "It is evening.", "output": "Good evening."}
{"system": "You are Ada.", "query": "And now?", "response": "Tea.", "history": [["Hello", "Good evening."]]}

Prompt and completion may be lists of messages. `input` stands below the instruction, an empty line between.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pipeline.collect.shapes import messages, pairs
from pipeline.collect.shapes.talk import (
    Talk,
    Turn,
    dict_of,
    id_field,
    list_of,
    record_id,
    rest,
    text_of,
)

ASKS = ("prompt", "instruction", "query", "question")
ANSWERS = ("completion", "response", "output", "answer", "chosen")
SYSTEM = ("system", "system_prompt")
IDS = ("id", "uuid", "prompt_id")


def recognise(record: Any) -> bool:
    return isinstance(record, dict) and _holds(record, ASKS) and _holds(record, ANSWERS)


def read(record: Any) -> Iterator[Talk]:
    ask, answer = _name(dict_of(record, "the record"), ASKS), _name(record, ANSWERS)
    context = record.get("input") or ""
    said = [*_turns(record.get(ask), "user", ask), *_turns(record.get(answer), "assistant", answer)]
    if context and said and ask != "prompt":
        said[0] = (None, f"{said[0][1]}\n\n{text_of(context, 'input')}", "user")
    before = list_of(record.get("history") or [], "history")
    history = [
        turn for n, pair in enumerate(before, 1) for turn in pairs.exchange(pair, f"history {n}")
    ]
    system = [t for name in SYSTEM for t in _turns(record.get(name) or [], "system", name)][:1]
    used = (
        ask,
        answer,
        "history",
        *SYSTEM,
        id_field(record, *IDS),
        *(("input",) if ask != "prompt" else ()),
    )
    yield Talk(
        [*system, *history, *said], record=record_id(record, *IDS), extra=rest(record, *used)
    )


def _turns(value: Any, role: Any, where: str) -> list[Turn]:
    return (
        messages.turns(value) if isinstance(value, list) else [(None, text_of(value, where), role)]
    )


def _holds(record: dict[str, Any], names: tuple[str, ...]) -> bool:
    return any(
        isinstance(record.get(name), str) or messages.recognise(record.get(name)) for name in names
    )


def _name(record: dict[str, Any], names: tuple[str, ...]) -> str:
    found = (
        name
        for name in names
        if isinstance(record.get(name), str) or messages.recognise(record.get(name))
    )
    return next(found, names[0])
