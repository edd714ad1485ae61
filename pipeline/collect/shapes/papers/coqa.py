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
    asked = one.get("qas") if isinstance(one, dict) else None
    return isinstance(asked, list) and any(
        isinstance(item, dict) and {"question", "followup"} <= item.keys() for item in asked
    )


def read(record: object) -> Iterator[Transcript]:
    fields = dict_of(record, "the record")
    if "paragraphs" in fields:
        for part in dicts_of(fields["paragraphs"], "paragraphs", "paragraph"):
            asked = [_of_quac(one) for one in dicts_of(part.get("qas"), "qas", "question")]
            yield _transcript(part, asked, rest(fields, "paragraphs"), fields.get("title"))
    else:
        asked = _in_columns(fields) if _has_columns(fields) else _of_coqa(fields)
        title = fields.get("wikipedia_page_title") or fields.get("filename")
        yield _transcript(fields, asked, rest(fields, *USED, *IDS), title)


def _transcript(part: Fields, asked: list[Asked], extra: Fields, title: object) -> Transcript:
    text = text_of(part.get("story") or part.get("context"), "the text")
    found = Transcript([(None, text, "system")], record=record_id(part, *IDS), extra=extra)
    for one in asked:
        found.turns += [(None, one.question, "user"), (None, one.answers[0], "assistant")]
        answers = list(dict.fromkeys(one.answers))
        found.alternatives += candidates(answers, 0, len(found.turns) - 1)
    found.group = title if isinstance(title, str) and title else None
    found.assumed = ("the text that is asked about is the system prompt",)
    return found


def _of_quac(one: Fields) -> Asked:
    given = dict_of(one.get("orig_answer"), "orig_answer")
    answers = dicts_of(one.get("answers") or [], "answers", "answer")
    return Asked(text_of(one.get("question"), "a question"), _texts([given, *answers], "text"))


def _texts(answers: Sequence[Fields], name: str) -> list[str]:
    return [text_of(answer.get(name), "an answer") for answer in answers]


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


def _has_columns(record: Fields) -> bool:
    return isinstance(record.get("answers"), dict)


def _in_columns(record: Fields) -> list[Asked]:
    questions = [text_of(one, "a question") for one in list_of(record["questions"], "questions")]
    answers = dict_of(record.get("answers"), "answers")
    given = dict_of(record.get("orig_answers") or answers, "orig_answers")
    first = next((given[name] for name in ("texts", "input_text") if name in given), None)
    texts = [text_of(one, "an answer") for one in list_of(first, "answers")]
    every = list_of(answers.get("texts") or [], "answers")
    several = [list_of(one, "answers") if isinstance(one, list) else [] for one in every]
    several += [[] for _ in texts[len(several) :]]
    if not len(questions) == len(texts) == len(several):
        raise ValueError(f"{len(questions)} questions and {len(texts)} answers")
    parts = zip(questions, texts, several, strict=True)
    return [Asked(question, [text, *map(str, others)]) for question, text, others in parts]
