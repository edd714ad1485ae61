"""Every text of a row that may hold something personal, and the row with other texts.

The texts of a row have an order, by which spans are told apart:

    messages    names of their speakers      texts of the two personas    extra    alternatives
    0 … n-1     n … 2n-1, "" for none        2n …                                  the last of all
"""

from __future__ import annotations

import json
from bisect import bisect
from collections.abc import Callable, Sequence
from dataclasses import replace
from operator import attrgetter
from typing import cast

from pipeline.conversation import Conversation, Finding, Message, Persona
from pipeline.rules.privacy.find import Span

PERSONA_TEXTS = ("name", "description", "greeting", "scenario")

ChangeText = Callable[[str], str]


def published_texts(row: Conversation) -> list[str]:
    """Messages, then the names of their speakers ("" for none), then every text of the cards and of
    `extra`, then the alternatives."""
    texts = [message.content for message in row.messages]
    texts += [message.name or "" for message in row.messages]
    for persona in (row.persona, row.user_persona):
        if persona is not None:
            texts += persona_texts(persona)
    texts += extra_texts(row)
    return [*texts, *(other.content for other in row.alternatives)]


def persona_texts(persona: Persona) -> list[str]:
    """Every text of a persona, those inside its card last."""
    found: list[str] = []
    with_changed_texts(persona, lambda text: _noted(found, text))
    return found


def extra_texts(row: Conversation) -> list[str]:
    """Every text inside `extra`."""
    found: list[str] = []
    if row.extra:
        changed_json(row.extra, lambda text: _noted(found, text))
    return found


def _noted(found: list[str], text: str) -> str:
    found.append(text)
    return text


def with_texts(row: Conversation, change: ChangeText) -> Conversation:
    """With every published text changed, in the order of `published_texts`."""
    contents = [change(message.content) for message in row.messages]
    names = [change(message.name or "") or None for message in row.messages]
    messages = tuple(map(Message, map(attrgetter("role"), row.messages), contents, names))
    persona = row.persona and with_changed_texts(row.persona, change)
    user_persona = row.user_persona and with_changed_texts(row.user_persona, change)
    extra = row.extra and changed_json(row.extra, change)
    others = tuple(other._replace(content=change(other.content)) for other in row.alternatives)
    changed = replace(row, messages=messages, persona=persona, user_persona=user_persona)
    return replace(changed, extra=extra, alternatives=others)


def with_changed_texts(persona: Persona, change: ChangeText) -> Persona:
    """A persona with every text changed, the card last."""
    texts: dict[str, str] = {}
    for field in PERSONA_TEXTS:
        text = getattr(persona, field)
        if text:
            texts[field] = change(text)
    card = persona.card and changed_json(persona.card, change)
    return replace(persona, **texts, card=card)


def changed_json(text: str, change: ChangeText) -> str:
    """JSON keeps its exact words unless some are changed; what is not JSON is one text."""
    try:
        known = cast("object", json.loads(text))
    except json.JSONDecodeError:
        return change(text)
    changed = _changed_strings(known, change)
    return text if changed == known else json.dumps(changed, ensure_ascii=False)


def _changed_strings(value: object, change: ChangeText) -> object:
    """A JSON value with every string changed, keys included."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, list):
        return [_changed_strings(item, change) for item in value]
    if isinstance(value, dict):
        return {change(key): _changed_strings(item, change) for key, item in value.items()}
    return value


def moved(
    finding: Finding, before: Sequence[Sequence[Span]], after: Sequence[Sequence[Span]]
) -> Finding:
    """A finding at the place where its text stands after a change. before, after: spans by text."""
    if finding.message is None:
        return finding
    old, new = before[finding.message], after[finding.message]
    start, end = finding.start, finding.end
    if start is not None:
        start = _shifted(start, old, new)
    if end is not None:
        end = _shifted(end, old, new)
    return replace(finding, start=start, end=end)


def _shifted(place: int, old: Sequence[Span], new: Sequence[Span]) -> int:
    """Where a character of the text stands after masking; inside a masked value: where its stand-in
    begins.

        before   call 555-0123 now      place 15 (`now`)
        after    call 555-0199123 now   place 18
    """
    index = bisect(old, place, key=attrgetter("start")) - 1
    if index < 0:
        return place
    was, now = old[index], new[index]
    return place + now.end - was.end if place >= was.end else now.start
