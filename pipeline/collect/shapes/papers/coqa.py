"""CoQA and QuAC: questions about a text, one after another, each resting on those before it.

{"id": "3z", "story": "The ferry leaves at seven.", "questions": [
    {"turn_id": 1, "input_text": "When does it leave?"}],
 "answers": [{"turn_id": 1, "input_text": "At seven", "span_text": "leaves at seven"}]}
{"title": "The ferry", "paragraphs": [{"context": "The ferry leaves at seven.", "qas": [
    {"question": "When does it leave?", "followup": "y", "orig_answer": {"text": "at seven"}}]}]}

Both as their papers give them and as the Hub has them, in columns. The text is the system prompt:
the answers stand in it. Further answers to a question are alternatives.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from pipeline.collect.shapes.transcript import (
    About,
    Fields,
    Transcript,
    candidates,
    dict_of,
    dicts_of,
    fields_in,
    items_in,
    list_of,
    record_id,
    rest,
    text_of,
)

ABOUT = About("CoQA, QuAC", ("roles", "groups", "alternatives"))

IDS = ("id", "dialogue_id")
USED = ("story", "questions", "answers", "additional_answers", "context", "orig_answers")


class Asked(NamedTuple):
    """A question and its answers, of which the first is the one that was given."""

    question: str
    answers: list[str]


def recognise(record: object) -> bool:
    if not isinstance(record, dict):
        return False
    paragraphs = record.get("paragraphs")
    if isinstance(paragraphs, list):
        return any(map(_is_paragraph, paragraphs))
    is_list = isinstance(record.get("questions"), list)
    return is_list and "answers" in record and ("story" in record or "followups" in record)


def _is_paragraph(one: object) -> bool:
    asked = map(fields_in, items_in(fields_in(one).get("qas")))
    return any({"question", "followup"} <= item.keys() for item in asked)


def read(record: object) -> Iterator[Transcript]:
    fields = dict_of(record, "the record")
    if "paragraphs" in fields:
        for part in dicts_of(fields["paragraphs"], "paragraphs", "paragraph"):
            asked = [_of_quac(one) for one in dicts_of(part.get("qas"), "qas", "question")]
            yield _transcript(part, asked, rest(fields, "paragraphs"), fields.get("title"))
    else:
        asked = _asked(fields)
        title = fields.get("wikipedia_page_title") or fields.get("filename")
        yield _transcript(fields, asked, rest(fields, *USED, *IDS), title)


def _transcript(part: Fields, asked: list[Asked], extra: Fields, title: object) -> Transcript:
    text = text_of(part.get("story") or part.get("context"), "the text")
    found = Transcript([(None, text, "system")], record=record_id(part, *IDS), extra=extra)
    for one in asked:
        found.turns += [(None, one.question, "user"), (None, one.answers[0], "assistant")]
        answers = list(dict.fromkeys(one.answers))
        found.alternatives += candidates(answers, 0, len(found.turns) - 1)
    if isinstance(title, str):
        found.group = title or None
    found.assumed = ("the text that is asked about is the system prompt",)
    return found


def _of_quac(one: Fields) -> Asked:
    given = dict_of(one.get("orig_answer"), "orig_answer")
    answers = dicts_of(one.get("answers") or [], "answers", "answer")
    return Asked(text_of(one.get("question"), "a question"), _texts([given, *answers], "text"))


def _texts(answers: Sequence[Fields], name: str) -> list[str]:
    return [text_of(answer.get(name), "an answer") for answer in answers]


def _asked(record: Fields) -> list[Asked]:
    if isinstance(record.get("answers"), dict):
        return _in_columns(record)
    return _of_coqa(record)


def _of_coqa(record: Fields) -> list[Asked]:
    """The questions in the order of their turns. ValueError where one has no answer."""
    further = dict_of(record.get("additional_answers") or {}, "additional_answers")
    columns = [record.get("questions"), record.get("answers"), *further.values()]
    several = [_by_turn(column) for column in columns]
    questions, answers, *others = several
    if questions.keys() != answers.keys():
        raise ValueError("a question has no answer, or an answer no question")
    return [
        Asked(questions[at], [answers[at], *(one[at] for one in others if at in one)])
        for at in sorted(questions)
    ]


def _by_turn(items: object) -> dict[int, str]:
    """The texts by the number of their turn."""
    found = {}
    for item in dicts_of(items, "a list", "item"):
        turn = item.get("turn_id")
        if not isinstance(turn, int) or turn in found:
            raise ValueError(f"the number of a turn is {turn!r}")
        found[turn] = text_of(item.get("input_text"), f"turn {turn}")
    return found


# --- as the Hub has them


def _in_columns(record: Fields) -> list[Asked]:
    questions = [
        text_of(one, "a question") for one in list_of(record.get("questions"), "questions")
    ]
    answers = dict_of(record.get("answers"), "answers")
    given = _given(dict_of(record.get("orig_answers") or answers, "orig_answers"))
    every = [items_in(one) for one in items_in(answers.get("texts"))]
    if len(questions) != len(given):
        raise ValueError(f"{len(questions)} questions and {len(given)} answers")
    every += [[] for _ in given[len(every) :]]
    parts = zip(questions, given, every, strict=True)
    return [Asked(question, [one, *map(str, others)]) for question, one, others in parts]


def _given(answers: Fields) -> list[str]:
    texts = next((answers[name] for name in ("texts", "input_text") if name in answers), None)
    return [text_of(one, "an answer") for one in list_of(texts, "answers")]
