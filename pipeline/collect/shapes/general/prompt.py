"""A question and its answer, after an earlier history: prompt/completion, Alpaca, query/response.

{"prompt": "Who are you?", "completion": "Ada, the librarian."}
{"instruction": "Greet the guest.", "input": "It is evening.", "output": "Good evening."}
{"system": "You are Ada.", "query": "And now?", "response": "Tea.",
 "history": [["Hello", "Good evening."]]}
{"user": "Tea?", "bot": "With pleasure."}
{"chat_history": [{"role": "USER", "message": "Tea?"}, {"role": "CHATBOT", "message": "Please."}],
 "message": "And sugar?"}

The fields are known by their names (`known.ALL_ASKS`, `known.ALL_ANSWERS`, and those called after
the sides), in any case. Question and answer may be lists of messages. `input` and `context` stand
below the question, after an empty line.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pipeline.collect.shapes.common import known, sides
from pipeline.collect.shapes.general import cell, listed, messages, pairs, sharegpt, speakers
from pipeline.collect.shapes.transcript import (
    About,
    Fields,
    Transcript,
    Turn,
    Unclear,
    dict_of,
    list_of,
    text_of,
)
from pipeline.conversation import Role

ABOUT = About("a question and its answer: Alpaca, prompt and completion", ("roles",))

IDS = ("id", "uuid", "prompt_id", *known.IDS)
ANSWER_WORDS = ("answer", "response", "reply", "output", "completion")
LAST = ("message", *known.ASKS)  # the question after earlier messages


def recognise(record: object) -> bool:
    if not isinstance(record, dict):
        return False
    return sides.pair_of(record) is not None or _earlier(record) is not None


def read(record: object) -> Iterator[Transcript]:
    fields = dict_of(record, "the record")
    ask, answer = _sides(fields)
    if answer is None:
        _check_unanswered(fields)
    joined = sides.joined(fields, ask) if ask else []
    question = _question(fields, ask, answer, joined) if ask else []
    answers = _turns(fields[answer], "assistant", answer) if answer else []
    history, place, assumed = _history(fields, question)
    used = (ask, answer, *joined, place, known.one_of(IDS, fields))
    transcript = speakers.with_beside([*history, *question, *answers], fields, *used)
    transcript.assumed += assumed
    yield transcript


def _sides(record: Fields) -> tuple[str | None, str | None]:
    """The fields of the question and of the answer; after earlier messages one may be missing."""
    pair = sides.pair_of(record)
    if pair:
        return pair
    answer = next(iter(known.holds_text(known.ALL_ANSWERS, record)), None)
    if answer:
        return None, answer
    return next(iter(known.holds_text(LAST, record)), None), None


def _check_unanswered(record: Fields) -> None:
    """Unclear where a question has no answer under a known name, and perhaps one under another."""
    for name, value in record.items():
        if known.plain(name).endswith(ANSWER_WORDS) and known.is_text(value):
            raise Unclear(f"`{name}` may be the answer")


def _question(record: Fields, ask: str, answer: str | None, beside: Sequence[str]) -> list[Turn]:
    """The question, and below it what belongs to it and does not stand in it already."""
    sides.check(record, ask, answer)
    question = _turns(record[ask], "user", ask)
    if len(question) != 1:
        return question
    [(speaker, text, role)] = question
    for name in beside:
        value = record[name]
        if isinstance(value, list):
            raise Unclear(f"`{name}` beside `{ask}` may hold earlier messages, or something else")
        if text_of(value, name).strip() not in text:
            text = f"{text}\n\n{value}"
    return [(speaker, text, role)]


# --- earlier messages


def _earlier(record: Fields) -> str | None:
    """The field of earlier messages where they are all that stands before an answer, or where a
    question follows them that has none.
    """
    answers = known.holds_text(known.ALL_ANSWERS, record)
    names = ("context", *known.HISTORIES) if answers else known.HISTORIES
    if not answers and not known.holds_text(LAST, record):
        return None
    lists = (name for name in known.all_of(names, record) if isinstance(record[name], list))
    return next((name for name in lists if record[name]), None)


def _history(
    record: Fields, question: Sequence[Turn]
) -> tuple[list[Turn], str | None, tuple[str, ...]]:
    """The earlier messages, the field they stand in, and what was assumed.

    A question that is also the last of them stands once.
    """
    place = known.one_of(known.HISTORIES, record)
    if not question:
        place = _earlier(record)
    if place is None or record[place] in (None, "", []):
        return [], place, ()
    turns, assumed = _earlier_turns(record[place], place, "user" if not question else "assistant")
    if question and turns and turns[-1][1:] == question[0][1:]:
        turns = turns[:-1]
    return turns, place, assumed


def _earlier_turns(value: object, place: str, last: Role) -> tuple[list[Turn], tuple[str, ...]]:
    """last: the role of the last message, where the messages do not have one."""
    if isinstance(value, str):
        return _of_text(value, place), ()
    items = list_of(value, place)
    if messages.recognise(items):
        return messages.turns(items), ()
    if sharegpt.recognise({"conversations": items}):
        [transcript] = sharegpt.read({"conversations": items})
        return transcript.turns, ()
    if speakers.recognise({"turns": items}):
        [transcript] = speakers.read({"turns": items, "id": ""})
        return transcript.turns, ()
    if all(isinstance(item, str) for item in items):
        return _alternating(items, place, last)
    return pairs.exchanges(items, place, place), ()


def _alternating(
    items: Sequence[object], place: str, last: Role
) -> tuple[list[Turn], tuple[str, ...]]:
    texts = [text_of(item, place) for item in items]
    by_label = listed.labelled(texts)
    if by_label:
        return by_label, ()
    roles: tuple[Role, Role] = ("assistant", "user")
    if last == "user":
        roles = ("user", "assistant")
    count = len(texts)
    turns: list[Turn] = [
        (None, text, roles[(count - number) % 2]) for number, text in enumerate(texts, 1)
    ]
    return turns, (listed.ALTERNATE,)


def _of_text(text: str, place: str) -> list[Turn]:
    if not cell.are_speakers([match[1].strip() for match in cell.heads_in(text)]):
        raise Unclear(f"`{place}` is one text, and nothing in it says who wrote what")
    return cell.turns_of(text)


# --- the other parts


def _turns(value: object, role: Role, where: str) -> list[Turn]:
    if isinstance(value, list):
        return messages.turns(value)
    return [(None, text_of(value, where), role)]
