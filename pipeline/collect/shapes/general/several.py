"""Several answers to one question, of which one may be marked: n-best lists, UltraFeedback.

{"prompt": "Who are you?", "responses": ["Ada.", "A program."]}
{"instruction": "Who are you?", "completions": [{"response": "Ada.", "overall_score": 8.5},
                                                {"response": "A program.", "overall_score": 3}]}

The answer of the conversation is the one that is marked as chosen, else the one of the lowest rank,
else the one to which the judges of the set gave the highest score; all of them are its
alternatives. Where nothing says which answer is the best, a record is not read.
"""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.collect.shapes.common import beside
from pipeline.collect.shapes.general import messages
from pipeline.collect.shapes.general.preference import ASKS, HISTORIES, question_of
from pipeline.collect.shapes.transcript import (
    About,
    Fields,
    Transcript,
    candidates,
    dict_of,
    first_of,
    id_field,
    if_any,
    list_of,
    record_id,
    rest,
    text_of,
)

ABOUT = About("several answers to one question", ("roles", "personas", "alternatives"))

PLACES = ("completions", "candidates", "responses", "generations", "answers")
TEXTS = ("text", "content", "response", "completion", "generation", "output", "answer")
CHOICES = ("chosen", "selected", "accepted", "is_chosen", "is_selected", "is_accepted", "is_best")
SCORES = ("overall_score", "reward")


def recognise(record: object) -> bool:
    if not isinstance(record, dict) or first_of(("completion", "response", "answer"), record):
        return False
    return _place(record) is not None and any(map(_asks, map(record.get, (*ASKS, *HISTORIES))))


def _asks(value: object) -> bool:
    """Whether a field holds a question: a text, or messages."""
    if isinstance(value, list):
        return bool(value) and all(isinstance(item, dict) for item in value)
    return isinstance(value, str) and bool(value)


def read(record: object) -> Iterator[Transcript]:
    fields = dict_of(record, "the record")
    place = _place(fields) or PLACES[0]
    answers = list_of(fields.get(place), place)
    texts = [text_of(_text(answer), "an answer") for answer in answers]
    if not texts:
        raise ValueError(f"{place} holds no answer")
    question, asked = question_of(fields)
    if not question or question[-1][2] == "assistant":
        raise ValueError(f"no question stands before the answers in {place}")
    shown, assumed = _best(answers)
    around = beside.found(fields, [*question, (None, texts[shown], "assistant")], *asked)
    used = [place, *asked, *around.used, id_field(fields, *messages.IDS)]
    yield Transcript(
        around.turns,
        around.personas,
        record_id(fields, *messages.IDS),
        around.group,
        alternatives=candidates(texts, shown, len(around.turns) - 1),
        extra=rest(fields, *used) | if_any("answers", list(map(_further, answers))),
        assumed=(*around.assumed, *assumed),
    )


def _place(record: Fields) -> str | None:
    return next((name for name in PLACES if _holds_answers(record.get(name))), None)


def _holds_answers(value: object) -> bool:
    """Whether these are texts, or objects with one text each, and not messages of two sides."""
    if not isinstance(value, list) or len(value) < 2:
        return False
    sides = any(isinstance(item, dict) and ("role" in item or "from" in item) for item in value)
    return not sides and all(isinstance(_text(item), str) for item in value)


def _text(answer: object) -> object:
    """The text of an answer; `text_of` finds what is neither a text nor an object with one."""
    if not isinstance(answer, dict):
        return answer
    return answer.get(first_of(TEXTS, answer))


def _further(answer: object) -> Fields:
    if not isinstance(answer, dict):
        return {}
    return rest(answer, first_of(TEXTS, answer))


# --- which of them


def _best(answers: list[object]) -> tuple[int, tuple[str, ...]]:
    """(the number of the answer that stands in the conversation, what was assumed)"""
    objects = [answer for answer in answers if isinstance(answer, dict)]
    chosen = [n for n, one in enumerate(objects) if any(one.get(name) is True for name in CHOICES)]
    if len(chosen) == 1:
        return chosen[0], ()
    if len(objects) < len(answers):
        objects = []  # texts have neither a rank nor a score
    ranks = _numbers(objects, "rank")
    if ranks:
        return ranks.index(min(ranks)), ("the answer of the lowest `rank` is the best",)
    for name in SCORES:
        scores = _numbers(objects, name)
        if scores:
            return scores.index(max(scores)), (f"the answer of the highest `{name}` is the best",)
    raise ValueError("several answers, and nothing says which of them is the best")


def _numbers(objects: list[Fields], name: str) -> list[float]:
    """The numbers that all the answers have under a name; [] where one has none."""
    found = [one.get(name) for one in objects]
    numbers = [float(one) for one in found if isinstance(one, int | float)]
    return numbers if len(numbers) == len(found) else []
