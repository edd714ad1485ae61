"""Which rows are published: those inside every cut and the rating of the recipe, none with a minor
in it, none that a benchmark has, and private ones only where the recipe does not leave them out.

An alternative with a minor in it, or beyond the rating, is removed, and its row stays. Speakers of
private rows get made-up names. Personal data that is left is noted.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Literal

from pipeline.conversation import CRITERIA, Conversation, Drop, Finding
from pipeline.criteria import score_of
from pipeline.publish.gates.benchmarks import KnownRuns
from pipeline.publish.gates.people import People
from pipeline.publish.gates.personal import unmasked
from pipeline.publish.gates.rating import rated, rule_of
from pipeline.recipe.publish import Cut, PublishSettings
from pipeline.rules import RULES, alternatives
from pipeline.rules.override import keeps
from pipeline.rules.reading.reading import Reading, read
from pipeline.rules.safety.underage import underage

MINOR = "safety.minor"


@dataclass(frozen=True)
class BesideRows:
    """What rows are compared with. runs: of benchmarks. people: the names of private speakers."""

    runs: KnownRuns = field(default_factory=KnownRuns)
    people: People = field(default_factory=People)


NOTHING_BESIDE = BesideRows()


def work(
    part: Iterable[Conversation],
    settings: PublishSettings,
    beside: BesideRows = NOTHING_BESIDE,
) -> Iterator[Conversation | Drop]:
    """Rows that may be published, and those that may not, with measure, value and limit. A cut
    gives way to a person who has decided to keep the row."""
    gate = {MINOR: RULES[MINOR], "safety.sexual": rule_of(settings)}
    for row in part:
        row = beside.people.hidden(row)
        if row.alternatives:
            row = alternatives.judged(row, gate, stage="publish")
        findings = tuple(_found(row, settings, beside))
        if findings:
            row = replace(row, findings=row.findings + findings)
        if any(finding.decision == "drop" for finding in findings):
            yield Drop(row)
        else:
            yield row


def _found(row: Conversation, settings: PublishSettings, beside: BesideRows) -> Iterator[Finding]:
    reading = read(row.messages, row.persona, row.user_persona)
    yield from _minors(reading)
    yield from _private(row, settings)
    yield from rated(reading, settings)
    yield from beside.runs.overlap(row)
    yield from _cuts(row, settings)
    yield from unmasked(row)


def _minors(reading: Reading) -> Iterator[Finding]:
    """The gate that no recipe opens: rows may come here past `filter`, by `rapport publish` on
    files."""
    for finding in underage(reading):
        yield replace(finding, stage="publish", limit=RULES[MINOR].limit, decision="drop")


def _private(row: Conversation, settings: PublishSettings) -> Iterator[Finding]:
    """A row of a messenger, a mailbox or a person's account, where the recipe leaves out those
    that it states no consent for."""
    agreed = row.source.name in settings.consent
    if row.source.private and settings.private_rows == "leave_out" and not agreed:
        yield Finding("publish", "publish.private", 1, 0, decision="drop")


def _cuts(row: Conversation, settings: PublishSettings) -> Iterator[Finding]:
    """Where a person has decided to keep the row, a warning is left."""
    decision: Literal["drop", "warn"] = "warn" if keeps(row.findings) else "drop"
    for name, cut in settings.cut.items():
        value = value_of(row, name)
        limit = _limit_passed(value, cut)
        if limit is not None:
            yield Finding("publish", f"publish.{name}", value, limit, decision=decision)


def value_of(row: Conversation, name: str) -> float | None:
    """Of a criterion, or else of a measure; None where the row has none. A name that is both is
    that of the criterion."""
    if name not in CRITERIA:
        return row.measures.get(name)
    score = score_of(row, name)
    return score.value if score else None


def _limit_passed(value: float | None, cut: Cut) -> float | None:
    """The limit of a cut that a value lies beyond. What was not measured is not judged."""
    if value is None:
        return None
    if cut.min is not None and value < cut.min:
        return cut.min
    if cut.max is not None and value > cut.max:
        return cut.max
    return None
