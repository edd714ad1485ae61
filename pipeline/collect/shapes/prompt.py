"""A question and its answer, after an earlier history: prompt/completion, Alpaca, query/response.

{"prompt": "Who are you?", "completion": "Ada, the librarian."}
{"instruction": "Greet the guest.", "input": "It is evening.", "output": "Good evening."}
{"system": "You are Ada.", "query": "And now?", "response": "Tea.",
 "history": [["Hello", "Good evening."]]}

Prompt and completion may be lists of messages. `input` stands below the instruction, after an empty
line.
"""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.collect.shapes import messages, pairs
from pipeline.collect.shapes.transcript import (
    About,
    Fields,
    Transcript,
    Turn,
    dict_of,
    id_field,
    record_id,
    rest,
    text_of,
)
from pipeline.conversation import Role

ABOUT = About("a question and its answer: Alpaca, prompt and completion", ("roles",))

ASKS = ("prompt", "instruction", "query", "question")
ANSWERS = ("completion", "response", "output", "answer", "chosen")
SYSTEM = ("system", "system_prompt")
IDS = ("id", "uuid", "prompt_id")


def recognise(record: object) -> bool:
    if not isinstance(record, dict):
        return False
    return _field(record, ASKS) is not None and _field(record, ANSWERS) is not None


def read(record: object) -> Iterator[Transcript]:
    fields = dict_of(record, "the record")
    ask = _field(fields, ASKS) or ASKS[0]
    answer = _field(fields, ANSWERS) or ANSWERS[0]
    used = [ask, answer, "history", *SYSTEM]
    question = _turns(fields.get(ask), "user", ask)
    if ask != "prompt":
        question = _with_input(question, fields.get("input"))
        used.append("input")
    answers = _turns(fields.get(answer), "assistant", answer)
    history = pairs.exchanges(fields.get("history") or [], "history", "history")
    extra = rest(fields, *used, id_field(fields, *IDS))
    turns = [*_system(fields), *history, *question, *answers]
    yield Transcript(turns, record=record_id(fields, *IDS), extra=extra)


def _with_input(question: list[Turn], value: object) -> list[Turn]:
    if not value:
        return question
    (_, text, _), *others = question
    return [(None, f"{text}\n\n{text_of(value, 'input')}", "user"), *others]


def _system(record: Fields) -> list[Turn]:
    """The first turn of the first system prompt; the second field would say the same."""
    fields = [(name, record[name]) for name in SYSTEM if record.get(name)]
    return [turn for name, value in fields for turn in _turns(value, "system", name)][:1]


def _turns(value: object, role: Role, where: str) -> list[Turn]:
    if isinstance(value, list):
        return messages.turns(value)
    return [(None, text_of(value, where), role)]


def _field(record: Fields, names: tuple[str, ...]) -> str | None:
    """The first of these fields that holds a text or messages."""
    return next((name for name in names if _is_message(record.get(name))), None)


def _is_message(value: object) -> bool:
    return isinstance(value, str) or messages.recognise(value)
