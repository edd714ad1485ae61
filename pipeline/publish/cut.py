"""Which rows are published: those inside every cut of the recipe, none with a minor in it, and
private ones only where the recipe does not leave them out.

An alternative with a minor in it is removed, and its row stays.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from pipeline.conversation import CRITERIA, Conversation, Drop, Finding
from pipeline.criteria import score_of
from pipeline.recipe.publish import Cut, PublishSettings
from pipeline.rules import RULES, alternatives
from pipeline.rules.override import keeps
from pipeline.rules.reading.reading import read
from pipeline.rules.safety.underage import underage

MINOR = "safety.minor"


def work(part: Iterable[Conversation], settings: PublishSettings) -> Iterator[Conversation | Drop]:
    """Rows outside a cut are dropped with measure, value and limit, unless a person has decided to
    keep them; and so is every row with a minor in it, whoever has."""
    gate = {MINOR: RULES[MINOR]}
    for row in part:
        if row.alternatives:
            row = alternatives.judged(row, gate, stage="publish")
        cuts = tuple(_cuts(row, settings))
        if keeps(row.findings):
            warnings = (replace(finding, decision="warn") for finding in cuts)
            row, cuts = replace(row, findings=(*row.findings, *warnings)), ()
        findings = (*_minors(row), *_private(row, settings), *cuts)
        if findings:
            yield Drop(replace(row, findings=row.findings + findings))
        else:
            yield row


def _minors(row: Conversation) -> Iterator[Finding]:
    """The gate that no recipe opens: rows may come here past `filter`, by `rapport publish` on
    files."""
    reading = read(row.messages, row.persona, row.user_persona)
    for finding in underage(reading):
        yield replace(finding, stage="publish", limit=RULES[MINOR].limit, decision="drop")


def _private(row: Conversation, settings: PublishSettings) -> Iterator[Finding]:
    """A row of a messenger, a mailbox or a person's account, where the recipe leaves them out."""
    if row.source.private and settings.private_rows == "leave_out":
        yield Finding("publish", "publish.private", 1, 0, decision="drop")


def _cuts(row: Conversation, settings: PublishSettings) -> Iterator[Finding]:
    for name, cut in settings.cut.items():
        value = value_of(row, name)
        limit = _limit_passed(value, cut)
        if limit is not None:
            yield Finding("publish", f"publish.{name}", value, limit, decision="drop")


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
