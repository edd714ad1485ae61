"""Personal data of a whole row: found in every text that is published, and replaced alike in all of
them.

The texts of a row have an order, by which spans are told apart:

    messages       names of their speakers     texts of the two personas     alternatives
    0 … n-1        n … 2n-1, "" for none       2n …                          the last of all
"""

from __future__ import annotations

import json
from bisect import bisect
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from operator import attrgetter
from typing import NamedTuple, cast

from pipeline.conversation import Conversation, Finding, Language, Persona
from pipeline.filter.repair.draft import listed
from pipeline.rules.privacy import stand_ins
from pipeline.rules.privacy.datum import find_all
from pipeline.rules.privacy.find import Span, find

# characters of evidence that may be looked for in cards; fewer are the code of a language
SHORTEST = 4
PERSONA_TEXTS = ("name", "description", "greeting", "scenario")

ChangeText = Callable[[str], str]


class PrivateTexts(NamedTuple):
    """Every published text of a row, and where personal data stand in each."""

    texts: list[str]
    spans: list[list[Span]]


def private_texts(row: Conversation, language: Language | None) -> PrivateTexts:
    """Found in the messages, the names, the cards and the alternatives; what is found in one is
    found in all."""
    texts = published_texts(row)
    return PrivateTexts(texts, find_all(texts, language.code if language else None))


def of_alternatives(row: Conversation) -> list[list[Span]]:
    """Where personal data stand in each alternative of a row that has some."""
    return private_texts(row, row.language).spans[-len(row.alternatives) :]


# --- evidence


def discreet(findings: Iterable[Finding], known: PrivateTexts, messages: int) -> Iterator[Finding]:
    """No evidence quotes personal data: a quotation that overlaps some is left out. messages: how
    many the row has."""
    elsewhere = zip(known.texts[messages:], known.spans[messages:], strict=True)
    cards = [(text, spans) for text, spans in elsewhere if spans]
    for finding in findings:
        if finding.evidence and _is_private(finding, finding.evidence, known, cards):
            yield replace(finding, evidence=None)
        else:
            yield finding


def _is_private(
    finding: Finding,
    evidence: str,
    known: PrivateTexts,
    cards: Sequence[tuple[str, list[Span]]],
) -> bool:
    """Does the evidence of a finding quote personal data?"""
    message, start = finding.message, finding.start
    if (
        message is not None
        and start is not None
        and known.texts[message].startswith(evidence, start)
    ):
        return _overlaps(known.spans[message], start, start + len(evidence))
    if message is None and find(evidence):  # it stands in a message that was cut away
        return True
    if len(evidence) < SHORTEST:
        return False
    return any(_quotes(evidence, text, spans) for text, spans in cards)


def _quotes(evidence: str, text: str, spans: Sequence[Span]) -> bool:
    """Does the evidence stand in a text where personal data are?"""
    return any(_overlaps(spans, place, place + len(evidence)) for place in _places(evidence, text))


def _places(part: str, text: str) -> Iterator[int]:
    place = text.find(part)
    while place >= 0:
        yield place
        place = text.find(part, place + len(part))


def _overlaps(spans: Sequence[Span], start: int, end: int) -> bool:
    place = bisect(spans, start, key=attrgetter("end"))
    return place < len(spans) and spans[place].start < end


# --- masking


def published_texts(row: Conversation) -> list[str]:
    """Messages, then the names of their speakers ("" for none), then every text of the cards, then
    the alternatives."""
    texts = [message.content for message in row.messages]
    texts += [message.name or "" for message in row.messages]

    def note(text: str) -> str:
        texts.append(text)
        return text

    for persona in (row.persona, row.user_persona):
        if persona is not None:
            _changed_persona(persona, note)
    return [*texts, *(other.content for other in row.alternatives)]


def masked(row: Conversation) -> Conversation:
    """With made-up stand-ins in place of personal data; findings move along with the text. For
    measured rows."""
    if not row.measures.get("pii"):
        return row
    texts, spans = private_texts(row, row.language)
    stand_in_texts, moved = stand_ins.mask(texts, spans)
    remaining = iter(stand_in_texts)
    changed = _with_texts(row, lambda _: next(remaining))
    findings = tuple(_moved(finding, spans, moved) for finding in row.findings)
    places = _masked_places(row, spans)
    if not places:  # what was counted stood in an alternative that was removed
        return row
    edit = f"filter: masked personal data in {' and '.join(places)}"
    return replace(changed, findings=findings, edits=(*row.edits, edit))


def _masked_places(row: Conversation, spans: Sequence[Sequence[Span]]) -> list[str]:
    """What was masked, in words."""
    count, end = len(row.messages), len(spans) - len(row.alternatives)
    numbers = [index for index in range(count) if spans[index]]
    others = zip(row.alternatives, spans[end:], strict=True)
    replaced = sorted({other.message for other, found in others if found})
    places = [listed(numbers)] if numbers else []
    if any(spans[count : 2 * count]):
        places.append("speakers' names")
    if any(spans[2 * count : end]):
        places.append("the cards")
    if replaced:
        places.append(f"alternatives of {listed(replaced)}")
    return places


def _with_texts(row: Conversation, change: ChangeText) -> Conversation:
    """With every published text changed, in the order of `published_texts`."""
    contents = [change(message.content) for message in row.messages]
    names = [change(message.name or "") or None for message in row.messages]
    messages = tuple(
        message._replace(content=content, name=name)
        for message, content, name in zip(row.messages, contents, names, strict=True)
    )
    persona = row.persona and _changed_persona(row.persona, change)
    user_persona = row.user_persona and _changed_persona(row.user_persona, change)
    others = tuple(other._replace(content=change(other.content)) for other in row.alternatives)
    return replace(
        row, messages=messages, persona=persona, user_persona=user_persona, alternatives=others
    )


def _changed_persona(persona: Persona, change: ChangeText) -> Persona:
    """A persona with every text changed, the card last."""
    texts: dict[str, str] = {}
    for field in PERSONA_TEXTS:
        text = getattr(persona, field)
        if text:
            texts[field] = change(text)
    card = persona.card and _changed_card(persona.card, change)
    return replace(persona, **texts, card=card)


def _changed_card(card: str, change: ChangeText) -> str:
    """A card keeps its exact words unless some are changed."""
    try:
        known = cast("object", json.loads(card))
    except json.JSONDecodeError:
        return change(card)
    changed = _changed_strings(known, change)
    return card if changed == known else json.dumps(changed, ensure_ascii=False)


def _changed_strings(value: object, change: ChangeText) -> object:
    """A JSON value with every string changed; keys stay."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, list):
        return [_changed_strings(item, change) for item in value]
    if isinstance(value, dict):
        return {key: _changed_strings(item, change) for key, item in value.items()}
    return value


def _moved(
    finding: Finding, before: Sequence[Sequence[Span]], after: Sequence[Sequence[Span]]
) -> Finding:
    """A finding at the place where its text stands after masking. before, after: spans by text."""
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
