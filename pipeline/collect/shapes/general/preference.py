r"""Preferences: an answer that was chosen and one that was rejected, as for DPO and reward models.

{"system": "You are Ada.", "prompt": "Who are you?", "chosen": "Ada.", "rejected": "A program."}
{"chosen": [{"role": "user", "content": "Who are you?"}, {"role": "assistant", "content": "Ada."}],
 "rejected": [{"role": "user", "content": "Who are you?"}, {"role": "assistant", "content": "I?"}]}
{"chosen": "\n\nHuman: Who are you?\n\nAssistant: Ada.", "rejected": "\n\nHuman: .."}
{"input": {"messages": [..]}, "preferred_output": [..], "non_preferred_output": [..]}
{"conversation_a": [..], "conversation_b": [..], "winner": "model_b"}
{"context": [..], "response1": "Ada.", "response2": "A program.", "overall_preference": -2}

The conversation is the chosen one. The message in which the rejected one departs from it becomes an
alternative; where more follows there, all of it goes to `extra` as well.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from pipeline.collect.shapes.common import beside
from pipeline.collect.shapes.general import marked, messages, pairs
from pipeline.collect.shapes.transcript import (
    About,
    Fields,
    Transcript,
    Turn,
    dict_of,
    first_of,
    from_columns,
    id_field,
    record_id,
    rest,
    text_of,
)
from pipeline.conversation import Alternative, Role
from pipeline.formats import templates

ABOUT = About("preferences: DPO, reward models, arenas", ("roles", "personas", "alternatives"))

CHOSEN = ("chosen", "chosen_response", "chosen_answer", "preferred_output")
REJECTED = ("rejected", "rejected_response", "rejected_answer", "non_preferred_output")
# two fields with answers; the field with the choice, and what stands there for each of them
CONTESTS = (
    ("conversation_a", "conversation_b", "winner", ("model_a",), ("model_b",)),
    (
        "response_a",
        "response_b",
        "winner",
        ("a", "response_a", "model_a"),
        ("b", "response_b", "model_b"),
    ),
    ("response_0", "response_1", "better_response_id", ("0",), ("1",)),
    ("response1", "response2", "overall_preference", ("-3", "-2", "-1"), ("1", "2", "3")),
    ("human_ref_A", "human_ref_B", "labels", ("1",), ("0",)),
)
ASKS = ("prompt", "question", "instruction", "query", "input")
HISTORIES = ("conversations", "conversation", "messages", "history", "context")
# a whole conversation in one text, as in HH-RLHF
MARK = re.compile(r"(?:^|\n\n)(Human|Assistant):")
MARKS: dict[str, Role] = {"Human": "user", "Assistant": "assistant"}
IDS = (*messages.IDS, "question_id")


class Answers(NamedTuple):
    """The names of the fields with the better and the worse answer. used: all that say it."""

    better: str
    worse: str
    used: tuple[str, ...]


def recognise(record: object) -> bool:
    if not isinstance(record, dict):
        return False
    answers = _answers(record)
    if answers is None:
        return False
    better, worse = record[answers.better], record[answers.worse]
    if not all(answer and isinstance(answer, str | list | dict) for answer in (better, worse)):
        return False
    if any(_has_template(record.get(name)) for name in (*ASKS, answers.better)):
        return False  # `marked` takes them apart
    # Two texts without a question may be whole conversations, which `cell` takes apart.
    alone = isinstance(better, str) and not _marked(better)
    return not alone or any(record.get(name) for name in (*ASKS, *HISTORIES))


def read(record: object) -> Iterator[Transcript]:
    fields = dict_of(record, "the record")
    answers = _answers(fields)
    if answers is None:
        raise ValueError("it is not said which answer is the better one")
    question, asked = question_of(fields)
    whole = _wholes(question, fields[answers.better], answers.better)[0]
    others = _wholes(question, fields[answers.worse], answers.worse)
    used = [*answers.used, id_field(fields, *IDS)]
    if any(turn in whole for turn in question):  # else the prompt is another text: for `extra`
        used += asked
    around = beside.found(fields, whole, *asked)
    extra = rest(fields, *used, *around.used)
    if any(len(other) - parting(whole, other) > 1 for other in others):
        extra[answers.worse] = fields[answers.worse]
    yield Transcript(
        around.turns,
        around.personas,
        record_id(fields, *IDS),
        around.group,
        alternatives=_alternatives(whole, others, len(around.turns) - len(whole)),
        extra=extra,
    )


def _has_template(value: object) -> bool:
    return isinstance(value, str) and templates.is_marked(value)


def _answers(record: Fields) -> Answers | None:
    better, worse = first_of(CHOSEN, record), first_of(REJECTED, record)
    if better and worse:
        return Answers(better, worse, (better, worse))
    for one, other, choice, for_one, for_other in CONTESTS:
        if one in record and other in record:
            word = str(record.get(choice)).lower()
            if word in for_one:
                return Answers(one, other, (one, other, choice))
            if word in for_other:
                return Answers(other, one, (one, other, choice))
    return None


# --- the turns


def question_of(record: Fields) -> tuple[list[Turn], list[str]]:
    """(what was asked, with what was said before it; the fields that hold it)"""
    turns: list[Turn] = []
    history = next((name for name in HISTORIES if record.get(name)), None)
    ask = next((name for name in ASKS if record.get(name)), None)
    if history:
        turns += _history(record[history], history)
    if ask:
        turns += _turns(record[ask], "user", ask)
    used = [name for name in (history, ask) if name]
    more = record.get("input")
    if more and ask == "instruction":
        turns[-1] = (None, f"{turns[-1][1]}\n\n{text_of(more, 'input')}", "user")
        used.append("input")
    return turns, used


def _history(value: object, where: str) -> list[Turn]:
    if isinstance(value, list) and isinstance(value[0], list):
        return pairs.exchanges(value, where, "exchange")
    return _turns(value, "user", where)


def _wholes(question: list[Turn], value: object, where: str) -> list[list[Turn]]:
    """The conversations that answers make: one, or several where the value is a list of texts."""
    texts = isinstance(value, list) and all(isinstance(item, str) for item in value)
    answers = value if texts and isinstance(value, list) else [value]
    found = [_turns(answer, "assistant", where) for answer in answers]
    return [_whole(question, answer) for answer in found]


def _whole(question: list[Turn], answer: list[Turn]) -> list[Turn]:
    """The conversation of an answer, which may begin with the question itself."""
    if len(answer) > 1 and answer[0][2] != "assistant":
        return answer
    return question + answer


def _turns(value: object, role: Role, where: str) -> list[Turn]:
    if isinstance(value, dict) and "messages" in value:
        value = value["messages"]
    value = from_columns(value)
    if isinstance(value, str):
        return _marked(value) or [(None, value, role)]
    if isinstance(value, dict):
        value = [value]
    if not isinstance(value, list) or not value:
        raise ValueError(f"{where} holds neither a text nor messages")
    first = value[0]
    who = "from" if isinstance(first, dict) and "from" in first else "role"
    return messages.turns(value, who)


def _marked(text: str) -> list[Turn]:
    """The turns of a text with marks, whose last one may be empty; [] of one without."""
    if templates.is_marked(text):
        return marked.turns_of(templates.conversation_of(text))
    if not text.lstrip().startswith(("Human:", "Assistant:")):
        return []
    _, *found = MARK.split("\n\n" + text.lstrip())
    sides = [MARKS[mark] for mark in found[::2]]
    texts = [content.strip() for content in found[1::2]]
    turns: list[Turn] = [(None, text, side) for side, text in zip(sides, texts, strict=True)]
    return turns[:-1] if not texts[-1] else turns


# --- what was rejected


def parting(one: list[Turn], other: list[Turn]) -> int:
    """The number of the first turn in which two conversations differ."""
    same = (turn == twin for turn, twin in zip(one, other, strict=False))
    return next(
        (number for number, equal in enumerate(same) if not equal), min(len(one), len(other))
    )


def _alternatives(
    whole: list[Turn], others: list[list[Turn]], shift: int
) -> tuple[Alternative, ...]:
    """The answers in whose place the whole has another; shift: turns that will stand before it."""
    chosen: dict[int, Alternative] = {}
    found: list[Alternative] = []
    for other in others:
        at = parting(whole, other)
        both = at < min(len(whole), len(other))
        if both and whole[at][2] == other[at][2] == "assistant":
            chosen[at] = Alternative(at + shift, whole[at][1], "chosen", True)
            found.append(Alternative(at + shift, other[at][1], "rejected"))
    return (*chosen.values(), *found)
