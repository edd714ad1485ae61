"""The two sides of an exchange as fields of one object.

{"prompt": "Tea?", "completion": "Please."}    {"user": "Tea?", "bot": "Please."}
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from pipeline.collect.shapes.common import known
from pipeline.collect.shapes.general import messages
from pipeline.collect.shapes.transcript import Fields, Unclear

JOINED = ("input", "context")  # beside a question they belong to it
CHOICES = ("choices", "options")  # of a question in a test
NUMBERED = re.compile(r"(.*?)[\s_./-]*\d+")
# where one of these holds a text, fields called after the sides hold names
OTHER_TEXTS = (*known.TEXTS, *known.PLACES)


@lru_cache(maxsize=1024)
def _candidates(names: tuple[str, ...]) -> tuple[list[str], ...]:
    """The fields of these names that may be the question, the answer, the user, the assistant."""
    present: dict[str, object] = dict.fromkeys(names)
    groups = (known.ALL_ASKS, known.ALL_ANSWERS, known.USERS, known.ASSISTANTS)
    return tuple(list(known.all_of(group, present)) for group in groups)


def pair_of(record: Fields) -> tuple[str, str] | None:
    """The fields of the user's message and of the answer to it; one of the two may be null.

    Fields called after the sides count only where nothing else could be the text: in
    {"user": "ada", "agent": "phone", "text": "Tea?"} they are names.
    """
    asks, answers, users, assistants = _candidates(tuple(record))
    ask, answer = _first(asks, record), _first(answers, record)
    if not ask or not answer:
        ask = ask or _first(users, record)
        answer = answer or _first(assistants, record)
        if not ask or not answer or _has_other_text(record):
            return None
    if record[ask] is None and record[answer] is None:
        return None
    return ask, answer


def check(record: Fields, ask: str, answer: str | None) -> None:
    """Unclear where another field could be the question or the answer as well."""
    asks, answers, _, _ = _candidates(tuple(record))
    numbered = _numbered(tuple(record))
    if numbered:
        raise Unclear(f"`{numbered}` may hold another message")
    choices = known.one_of(CHOICES, record)
    if choices and isinstance(record[choices], list | dict):
        raise Unclear(f"the question needs its `{choices}`")
    _check_one(record, ask, [name for name in asks if known.plain(name) not in JOINED], "question")
    if answer:
        _check_one(record, answer, answers, "answer")


@lru_cache(maxsize=1024)
def _numbered(names: tuple[str, ...]) -> str | None:
    """A field with the name of a question, an answer or a history, and a number: `context/0`."""
    words = (*known.ALL_ASKS, *known.ALL_ANSWERS, *known.HISTORIES)
    matches = (NUMBERED.fullmatch(str(name)) for name in names)
    found = (match for match in matches if match and known.plain(match[1]) in words)
    return next((match[0] for match in found), None)


def _check_one(record: Fields, chosen: str, names: Iterable[str], what: str) -> None:
    text = str(record[chosen])
    for name in names:
        other = record[name]
        if name != chosen and known.is_text(other) and str(other) not in text:
            raise Unclear(f"`{chosen}` and `{name}` could both be the {what}")


def joined(record: Fields, ask: str) -> list[str]:
    """The fields beside a question that belong to it."""
    return [name for name in known.all_of(JOINED, record) if name != ask and record[name]]


def _first(names: Iterable[str], record: Fields) -> str | None:
    """The first of these fields that holds a message, else the first that is null."""
    names = list(names)
    texts = (name for name in names if _is_message(record[name]))
    nulls = (name for name in names if record[name] is None)
    return next(texts, None) or next(nulls, None)


def _is_message(value: object) -> bool:
    return isinstance(value, str) or (isinstance(value, list) and messages.recognise(value))


def _has_other_text(record: Fields) -> bool:
    names = known.all_of(OTHER_TEXTS, record)
    return any(isinstance(record[name], str | list) for name in names)
