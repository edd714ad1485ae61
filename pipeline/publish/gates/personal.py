"""Personal data and secrets that nobody has masked, in every text of a row that is published.

What `filter` masks stands in messages, names, cards, `extra` and alternatives. Here the rest is
read too: where the row is from, quotations in scores and findings. Stand-ins are nobody's data.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from pipeline.conversation import Conversation, Finding
from pipeline.rules.privacy.datum import find_all
from pipeline.rules.privacy.row_texts import extra_texts, persona_texts
from pipeline.rules.privacy.stand_ins import is_stand_in

UNMASKED = "publish.personal_data"
_PLACE = re.compile(r"#[\d/]+$")  # of a record in its file: `talks.jsonl#1234` is no handle


def unmasked(row: Conversation) -> Iterator[Finding]:
    """One finding for a row that holds some; value: how many; evidence: where and of which kind,
    never what they are."""
    named = list(_texts(row))
    code = row.language.code if row.language else None
    spans = find_all([text for _, text in named], code)
    places: dict[str, None] = {}  # in order, each once
    count = 0
    for (place, text), found in zip(named, spans, strict=True):
        for span in found:
            if not is_stand_in(span.kind, text[span.start : span.end]):
                places[f"{span.kind} in {place}"] = None
                count += 1
    if count:
        yield Finding("publish", UNMASKED, count, 0, evidence=", ".join(places), decision="warn")


def _texts(row: Conversation) -> Iterator[tuple[str, str]]:
    """Every text that may be published, with its place. Not the attribution, which a licence asks
    for, nor ids, hashes and names of models."""
    for number, message in enumerate(row.messages):
        yield f"message {number}", message.content
        if message.name:
            yield "a speaker's name", message.name
    for who in (row.persona, row.user_persona):
        if who:
            yield from (("a card", text) for text in persona_texts(who))
    yield from (("extra", text) for text in extra_texts(row))
    for other in row.alternatives:
        yield f"an alternative of message {other.message}", other.content
    yield from _origin(row)
    yield from _quotations(row)


def _origin(row: Conversation) -> Iterator[tuple[str, str]]:
    """Names of files and pages may hold data; those of the Hub and of characters do not."""
    if row.source.kind in ("file", "web"):
        yield "source.ref", _PLACE.sub("", row.source.ref)
        yield "source.record", row.source.record or ""
        yield "the thread", _PLACE.sub("", row.split_group or "")


def _quotations(row: Conversation) -> Iterator[tuple[str, str]]:
    for score in row.scores:
        yield "a score", f"{score.evidence or ''}\n{score.error or ''}"
    for finding in row.findings:
        if finding.evidence:
            yield "a finding", finding.evidence
