"""Repair, then every rule; then compare with the limits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from typing import cast

from pipeline.conversation import Conversation, Drop, Finding, Language
from pipeline.filter.repair import mend, shape
from pipeline.recipe import FilterSettings
from pipeline.rules import Rule, beyond, cards, language, privacy, safety, stand_ins, structure, style
from pipeline.rules.kernel import numbers
from pipeline.rules.view import view

BATCH = 512  # rows whose language is found together


def work(part: Iterable[Conversation], settings: FilterSettings) -> Iterator[Conversation | Drop]:
    """Rows in, rows fit to go on and rows sent away out."""
    return decide(measure(part, settings), settings)


def measure(part: Iterable[Conversation], settings: FilterSettings) -> Iterator[Conversation]:
    """Repaired rows with their language, measures and a finding (decision "measured") for every reading."""
    rows = iter(part)
    while batch := list(islice(rows, BATCH)):
        mended = [mend(row, settings.repairs) for row in batch]
        shaped = [shape(row, settings.repairs) for row in mended]
        said = [[m.content for m in row.messages if m.role != "system"] for row in shaped]
        heard = language.detect(said, settings.languages)
        for whole, row, ear in zip(mended, shaped, heard, strict=True):
            yield _measure(whole, row, ear)


def _measure(whole: Conversation, row: Conversation, heard: language.Heard) -> Conversation:
    seen = view(row.messages, row.persona, row.user_persona)
    counted = numbers(seen.text, seen.starts, row.messages)
    found = structure.measures(seen, counted)
    readings = [
        *structure.readings(seen, counted, found),
        *style.readings(seen, counted, found),
        *cards.readings(seen),
        *safety.readings(seen),
        *_privacy(row, heard.language, found),
        *_cut_minors(whole, row),
        *_language(row, heard, found),
    ]
    findings = (*row.findings, *_discreet(readings))
    return replace(row, language=heard.language, measures={**row.measures, **found}, findings=findings)


def _discreet(readings: Sequence[Finding]) -> Iterator[Finding]:
    """No evidence quotes personal data: a quotation that overlaps some is left out."""
    private = [f for f in readings if f.rule.startswith("privacy.")]
    for f in readings:
        overlaps = f.evidence is not None and f.start is not None and any(_overlap(f, p) for p in private)
        yield replace(f, evidence=None) if overlaps else f


def _overlap(f: Finding, private: Finding) -> bool:
    if f.message != private.message or f.start is None or private.end is None or private.start is None:
        return False
    return f.start < private.end and (f.end is None or private.start < f.end)


def _privacy(row: Conversation, spoken: Language | None, found: dict[str, float]) -> Iterator[Finding]:
    """Where personal data stand and of which kind; never what they are."""
    code = spoken.code if spoken else None
    spans = [(i, span) for i, m in enumerate(row.messages) for span in privacy.find(m.content, code)]
    kinds = Counter(span.kind for _, span in spans)
    found["pii"] = len(spans)
    for i, (kind, start, end) in spans:
        yield Finding("filter", f"privacy.{kind}", kinds[kind], None, i, start, end, None, "measured")


def _cut_minors(whole: Conversation, row: Conversation) -> Iterator[Finding]:
    """A speaker is as young in the messages that were cut away: an age stated there counts."""
    if len(whole.messages) == len(row.messages):
        return
    text = "\n".join(m.content for m in row.messages)
    cut = [m for m in whole.messages if m.content not in text]
    for finding in safety.minors(view(cut)) if cut else ():
        yield replace(finding, message=None, start=None, end=None)


def _language(row: Conversation, heard: language.Heard, found: dict[str, float]) -> Iterator[Finding]:
    """What the language rules read; message numbers count the system message too."""
    if heard.language is None:
        return
    found["language_confidence"] = heard.language.confidence
    talk = [i for i, m in enumerate(row.messages) if m.role != "system"]
    foreign = [
        (i, code, e)
        for i, code, e in zip(talk, heard.codes, heard.evidence, strict=True)
        if code != heard.language.code
    ]
    found["foreign_turns"] = len(foreign)
    yield Finding("filter", "language.unknown", heard.language.confidence, decision="measured")
    for i, code, _ in foreign:
        yield Finding("filter", "language.foreign", len(foreign), None, i, 0, None, code, "measured")


def decide(part: Iterable[Conversation], settings: FilterSettings) -> Iterator[Conversation | Drop]:
    """Keeps of a row's readings those beyond their limit, as warnings or reasons to drop."""
    rules = settings.limits()
    for row in part:
        if settings.privacy == "mask":
            row = masked(row)
        findings = [*_decided(row.findings, rules), *_admitted(row, settings.languages, rules.get("language.admitted"))]
        decided = replace(row, findings=tuple(findings))
        yield Drop(decided) if any(f.room == "filter" and f.decision == "drop" for f in findings) else decided


def masked(row: Conversation) -> Conversation:
    """With made-up stand-ins in place of personal data; findings move along with the text."""
    spans: list[list[privacy.Span]] = [[] for _ in row.messages]
    for f in row.findings:
        if f.rule.startswith("privacy.") and f.message is not None:
            spans[f.message].append(privacy.Span(cast("privacy.Kind", f.rule[8:]), f.start or 0, f.end or 0))
    if not any(spans):
        return row
    messages, moved = stand_ins.mask(row.messages, spans, row.id)
    findings = tuple(f if f.message is None else _moved(f, spans[f.message], moved[f.message]) for f in row.findings)
    numbers = ", ".join(str(i) for i, found in enumerate(spans) if found)
    edits = (*row.edits, f"filter: masked personal data in messages {numbers}")
    return replace(row, messages=tuple(messages), findings=findings, edits=edits)


def _moved(finding: Finding, old: Sequence[privacy.Span], new: Sequence[privacy.Span]) -> Finding:
    start, end = (None if place is None else _shifted(place, old, new) for place in (finding.start, finding.end))
    return replace(finding, start=start, end=end)


def _shifted(place: int, old: Sequence[privacy.Span], new: Sequence[privacy.Span]) -> int:
    """Where a character of the text stands after masking; inside a masked value: where its stand-in begins."""
    for was, now in zip(reversed(old), reversed(new), strict=True):
        if place >= was.end:
            return place + now.end - was.end
        if place > was.start:
            return now.start
    return place


def _decided(findings: Sequence[Finding], rules: dict[str, Rule]) -> Iterator[Finding]:
    for finding in findings:
        if finding.decision != "measured" or finding.room != "filter":
            yield finding
        elif (rule := rules.get(finding.rule)) and beyond(finding.value, rule):
            yield replace(finding, limit=rule.limit, decision=rule.decision)


def _admitted(row: Conversation, languages: Sequence[str], rule: Rule | None) -> Iterator[Finding]:
    if rule and languages and row.language and row.language.code not in languages:
        code = row.language.code
        yield Finding("filter", "language.admitted", 1, rule.limit, None, None, None, code, rule.decision)
