"""Personal data of a whole row: found in every text that is published, and replaced alike in all of them."""

from __future__ import annotations

import json
from bisect import bisect
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from operator import attrgetter
from typing import Any, NamedTuple

from pipeline.conversation import Conversation, Finding, Language, Persona
from pipeline.rules.privacy import stand_ins
from pipeline.rules.privacy.datum import find_all
from pipeline.rules.privacy.find import Span, find

CODE = 3  # letters: evidence this short is the code of a language

Change = Callable[[str], str]


class Private(NamedTuple):
    """Every published text of a row, and where personal data stand in each."""

    texts: list[str]
    spans: list[list[Span]]


def private(row: Conversation, language: Language | None) -> Private:
    """Found in the messages, the names and the cards; what is found in one is found in all."""
    texts = published(row)
    return Private(texts, find_all(texts, language.code if language else None))


def discreet(found: Iterable[Finding], known: Private, said: int) -> Iterator[Finding]:
    """No evidence quotes personal data: a quotation that overlaps some is left out. said: messages of the row."""
    cards = [
        (text, spans)
        for text, spans in zip(known.texts[said:], known.spans[said:], strict=True)
        if spans
    ]
    for f in found:
        yield replace(f, evidence=None) if f.evidence and _tells(f, f.evidence, known, cards) else f


def _tells(
    f: Finding, evidence: str, known: Private, cards: Sequence[tuple[str, list[Span]]]
) -> bool:
    if (
        f.message is not None
        and f.start is not None
        and known.texts[f.message].startswith(evidence, f.start)
    ):
        return _overlaps(known.spans[f.message], f.start, f.start + len(evidence))
    if f.message is None and find(evidence):  # said in a message that was cut away
        return True
    if len(evidence) <= CODE:
        return False
    quoted = ((spans, at) for text, spans in cards for at in _places(evidence, text))
    return any(_overlaps(spans, at, at + len(evidence)) for spans, at in quoted)


def _places(part: str, text: str) -> Iterator[int]:
    at = text.find(part)
    while at >= 0:
        yield at
        at = text.find(part, at + len(part))


def _overlaps(spans: Sequence[Span], start: int, end: int) -> bool:
    at = bisect(spans, start, key=attrgetter("end"))
    return at < len(spans) and spans[at].start < end


def published(row: Conversation) -> list[str]:
    """Messages, then the names of their speakers ("" for none), then every text of the cards."""
    texts = [m.content for m in row.messages] + [m.name or "" for m in row.messages]

    def note(text: str) -> str:
        texts.append(text)
        return text

    for persona in filter(None, (row.persona, row.user_persona)):
        _persona(persona, note)
    return texts


def masked(row: Conversation) -> Conversation:
    """With made-up stand-ins in place of personal data; findings move along with the text. For measured rows."""
    if not row.measures.get("pii"):
        return row
    texts, spans = private(row, row.language)
    new, moved = stand_ins.mask(texts, spans)
    fresh = iter(new)
    changed = _rewritten(row, lambda _: next(fresh))
    findings = tuple(
        f if f.message is None else _moved(f, spans[f.message], moved[f.message])
        for f in row.findings
    )
    return replace(changed, findings=findings, edits=(*row.edits, _edit(spans, len(row.messages))))


def _edit(spans: Sequence[Sequence[Span]], said: int) -> str:
    numbers = [str(i) for i in range(said) if spans[i]]
    places = [f"message{'s' if len(numbers) > 1 else ''} {', '.join(numbers)}"] if numbers else []
    places += ["speakers' names"] if any(spans[said : 2 * said]) else []
    places += ["the cards"] if any(spans[2 * said :]) else []
    return f"filter: masked personal data in {' and '.join(places)}"


def _rewritten(row: Conversation, change: Change) -> Conversation:
    """With every published text changed, in the order of `published`."""
    contents = [change(m.content) for m in row.messages]
    names = [change(m.name or "") or None for m in row.messages]
    messages = tuple(
        m._replace(content=content, name=name)
        for m, content, name in zip(row.messages, contents, names, strict=True)
    )
    cards = [persona and _persona(persona, change) for persona in (row.persona, row.user_persona)]
    return replace(row, messages=messages, persona=cards[0], user_persona=cards[1])


def _persona(persona: Persona, change: Change) -> Persona:
    fields = ("name", "description", "greeting", "scenario")
    texts = {
        field: text and change(text)
        for field in fields
        if (text := getattr(persona, field)) is not None
    }
    return replace(persona, **texts, card=persona.card and _card(persona.card, change))


def _card(card: str, change: Change) -> str:
    """A card keeps its exact words unless some are changed."""
    try:
        known = json.loads(card)
    except json.JSONDecodeError:
        return change(card)
    told = _strings(known, change)
    return card if told == known else json.dumps(told, ensure_ascii=False)


def _strings(value: Any, change: Change) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, list):
        return [_strings(item, change) for item in value]
    return (
        {k: _strings(item, change) for k, item in value.items()}
        if isinstance(value, dict)
        else value
    )


def _moved(finding: Finding, old: Sequence[Span], new: Sequence[Span]) -> Finding:
    start, end = (
        None if place is None else _shifted(place, old, new)
        for place in (finding.start, finding.end)
    )
    return replace(finding, start=start, end=end)


def _shifted(place: int, old: Sequence[Span], new: Sequence[Span]) -> int:
    """Where a character of the text stands after masking; inside a masked value: where its stand-in begins."""
    at = bisect(old, place, key=attrgetter("start")) - 1
    if at < 0:
        return place
    was, now = old[at], new[at]
    return place + now.end - was.end if place >= was.end else now.start
