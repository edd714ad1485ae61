"""Personal data of a whole row: found in every text that is published, and replaced alike in all of
them. `rules/privacy/row_texts.py` says in which order the texts stand."""

from __future__ import annotations

from bisect import bisect
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from operator import attrgetter
from typing import NamedTuple

from pipeline.conversation import Conversation, Finding, Language
from pipeline.filter.repair.draft import listed
from pipeline.rules.privacy import stand_ins
from pipeline.rules.privacy.datum import find_all
from pipeline.rules.privacy.find import Span, find
from pipeline.rules.privacy.row_texts import extra_texts, moved, published_texts, with_texts

# characters of evidence that may be looked for in cards; fewer are the code of a language
SHORTEST = 4


class PrivateTexts(NamedTuple):
    """Every published text of a row, and where personal data stand in each."""

    texts: list[str]
    spans: list[list[Span]]


def private_texts(row: Conversation, language: Language | None) -> PrivateTexts:
    """Found in the messages, the names, the cards, `extra` and the alternatives; what is found in
    one is found in all."""
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


def masked(row: Conversation) -> Conversation:
    """With made-up stand-ins in place of personal data; findings move along with the text. For
    measured rows."""
    if not row.measures.get("pii"):
        return row
    texts, spans = private_texts(row, row.language)
    stand_in_texts, places_now = stand_ins.mask(texts, spans)
    remaining = iter(stand_in_texts)
    changed = with_texts(row, lambda _: next(remaining))
    findings = tuple(moved(finding, spans, places_now) for finding in row.findings)
    places = _masked_places(row, spans)
    if not places:  # what was counted stood in an alternative that was removed
        return row
    edit = f"filter: masked personal data in {' and '.join(places)}"
    return replace(changed, findings=findings, edits=(*row.edits, edit))


def _masked_places(row: Conversation, spans: Sequence[Sequence[Span]]) -> list[str]:
    """What was masked, in words."""
    count, end = len(row.messages), len(spans) - len(row.alternatives)
    cards = end - len(extra_texts(row))
    numbers = [index for index in range(count) if spans[index]]
    others = zip(row.alternatives, spans[end:], strict=True)
    replaced = sorted({other.message for other, found in others if found})
    places = [listed(numbers)] if numbers else []
    if any(spans[count : 2 * count]):
        places.append("speakers' names")
    if any(spans[2 * count : cards]):
        places.append("the cards")
    if any(spans[cards:end]):
        places.append("what the source has beside the talk")
    if replaced:
        places.append(f"alternatives of {listed(replaced)}")
    return places
