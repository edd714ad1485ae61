"""Repair, then every rule; then compare with the limits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice

from pipeline.conversation import Conversation, Drop, Finding
from pipeline.filter import masking
from pipeline.filter.repair import repair_shape, repair_texts
from pipeline.recipe.settings import FilterSettings
from pipeline.rules import COUNT, RULES, Rule, beyond, cards, safety, structure, style
from pipeline.rules.language import detect
from pipeline.rules.reading.numbers import numbers
from pipeline.rules.reading.view import view

BATCH = 512  # rows whose language is found together


def work(part: Iterable[Conversation], settings: FilterSettings) -> Iterator[Conversation | Drop]:
    """Rows in, rows fit to go on and rows sent away out."""
    return decide(measure(part, settings), settings)


def measure(part: Iterable[Conversation], settings: FilterSettings) -> Iterator[Conversation]:
    """Repaired rows with their language, measures and a finding (decision "measured") for every
    reading."""
    rows = iter(part)
    while batch := list(islice(rows, BATCH)):
        mended = [repair_texts(row, settings.repairs) for row in batch]
        shaped = [repair_shape(row, settings.repairs) for row in mended]
        said = [[m.content for m in row.messages if m.role != "system"] for row in shaped]
        heard = detect.detect(said, settings.languages)
        for whole, row, ear in zip(mended, shaped, heard, strict=True):
            yield _measure(whole, row, ear)


def _measure(whole: Conversation, row: Conversation, heard: detect.Heard) -> Conversation:
    seen = view(row.messages, row.persona, row.user_persona)
    counted = numbers(seen.text, seen.starts, row.messages)
    found = structure.measures(seen, counted)
    known = masking.private_texts(row, heard.language)
    found["pii"] = sum(map(len, known.spans))
    readings = [
        *structure.readings(seen, counted, found),
        *style.readings(seen, counted, found),
        *cards.readings(seen),
        *safety.readings(seen),
        *masking.readings(row, known),
        *_cut_minors(whole, row),
        *_language(row, heard, found),
    ]
    findings = (*row.findings, *masking.discreet(_counted(readings), known, len(row.messages)))
    return replace(
        row, language=heard.language, measures={**row.measures, **found}, findings=findings
    )


def _counted(readings: Sequence[Finding]) -> Iterator[Finding]:
    """Where a rule counts places in the conversation, every reading of it says how many there
    are."""
    places = Counter(f.rule for f in readings)
    for f in readings:
        yield (
            replace(f, value=places[f.rule])
            if RULES[f.rule].unit == COUNT and f.value != places[f.rule]
            else f
        )


def _cut_minors(whole: Conversation, row: Conversation) -> Iterator[Finding]:
    """A speaker is as young in the messages that were cut away: an age stated there counts."""
    if len(whole.messages) == len(row.messages):
        return
    text = "\n".join(m.content for m in row.messages)
    cut = [m for m in whole.messages if m.content not in text]
    for finding in safety.minors(view(cut)) if cut else ():
        yield replace(finding, message=None, start=None, end=None)


def _language(row: Conversation, heard: detect.Heard, found: dict[str, float]) -> Iterator[Finding]:
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
        yield Finding(
            "filter", "language.foreign", len(foreign), None, i, 0, None, code, "measured"
        )


def decide(part: Iterable[Conversation], settings: FilterSettings) -> Iterator[Conversation | Drop]:
    """Keeps of a row's readings those beyond their limit, as warnings or reasons to drop."""
    rules = settings.limits()
    for row in part:
        if settings.privacy == "mask":
            row = masking.masked(row)
        findings = [
            *_decided(row.findings, rules),
            *_admitted(row, settings.languages, rules.get("language.admitted")),
        ]
        decided = replace(row, findings=tuple(findings))
        yield (
            Drop(decided)
            if any(f.stage == "filter" and f.decision == "drop" for f in findings)
            else decided
        )


def _decided(findings: Sequence[Finding], rules: dict[str, Rule]) -> Iterator[Finding]:
    for finding in findings:
        if finding.decision != "measured" or finding.stage != "filter":
            yield finding
        elif (rule := rules.get(finding.rule)) and beyond(finding.value, rule):
            yield replace(finding, limit=rule.limit, decision=rule.decision)


def _admitted(row: Conversation, languages: Sequence[str], rule: Rule | None) -> Iterator[Finding]:
    if rule and languages and row.language and row.language.code not in languages:
        code = row.language.code
        yield Finding(
            "filter", "language.admitted", 1, rule.limit, None, None, None, code, rule.decision
        )
