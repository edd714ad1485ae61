"""Limits are chosen by looking at data: what is measured per source, what each rule would do, what
a change changes."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from pipeline.conversation import Conversation, Drop
from pipeline.filter.apply import decide
from pipeline.filter.masking import masked
from pipeline.filter.openings import Openings, OpeningTally
from pipeline.recipe.filter import FilterSettings

PERCENTILES = (1, 5, 25, 50, 75, 95, 99)
HELD = 10_000  # values of one measure of one source in memory; of more, a fair sample


@dataclass(frozen=True)
class Spread:
    """A measure on one source: rows that have it, and its value at each of `PERCENTILES`."""

    source: str
    measure: str
    rows: int
    values: tuple[float, ...]


@dataclass(frozen=True)
class Effect:
    """What a rule does to one source: rows beyond its limit, of all rows, and rows dropped by this
    rule alone."""

    source: str
    rule: str
    decision: str
    limit: float
    rows: int
    of: int
    alone: int


@dataclass(frozen=True)
class Calibration:
    """What `rapport calibrate filter` shows."""

    spreads: list[Spread]
    effects: list[Effect]
    openings: list[Openings]


@dataclass(frozen=True)
class ChangedRow:
    """A row that changed limits decide otherwise, the reasons, and the message where they are seen
    first."""

    row: Conversation
    reasons: tuple[str, ...]
    message: int


class DropReasons(NamedTuple):
    """Why a row is dropped, and the first message that shows it. No reasons: the row is kept."""

    reasons: tuple[str, ...]
    message: int


def calibrate(measured: Iterable[Conversation], settings: FilterSettings) -> Calibration:
    """Every measure's percentiles per source and what each rule would do. measured: rows from
    `measure`."""
    tally = CalibrationTally()
    for row in decide(measured, settings):
        tally.add(row.conversation if isinstance(row, Drop) else row)
    return Calibration(tally.spreads(), tally.effects(settings), tally.openings.openings())


def explain(
    measured: Iterable[Conversation], before: FilterSettings, after: FilterSettings, most: int = 10
) -> tuple[list[ChangedRow], list[ChangedRow]]:
    """Rows that only `after` drops and rows that only `before` drops, `most` of each. Both must
    measure the same.

    The rows are to be shown: personal data are masked, whatever the settings do about them.
    """
    dropped: list[ChangedRow] = []
    kept: list[ChangedRow] = []
    for row in measured:
        old, new = reasons(row, before), reasons(row, after)
        if new.reasons and not old.reasons and len(dropped) < most:
            dropped.append(ChangedRow(masked(row), *new))
        elif old.reasons and not new.reasons and len(kept) < most:
            kept.append(ChangedRow(masked(row), *old))
        if len(dropped) == len(kept) == most:
            break
    return dropped, kept


def reasons(row: Conversation, settings: FilterSettings) -> DropReasons:
    """Why a measured row is dropped: (("style.refusal 1 above 0: I cannot assist",), 3)."""
    (decided,) = decide([row], settings)
    if not isinstance(decided, Drop):
        return DropReasons((), 0)
    limits = settings.limits()
    evidence: dict[str, list[str]] = {}
    messages = []
    for finding in decided.conversation.findings:
        if finding.stage != "filter" or finding.decision != "drop" or finding.value is None:
            continue
        rule = limits[finding.rule]
        head = f"{finding.rule} {finding.value:g} {rule.fires} {finding.limit:g}"
        quoted = evidence.setdefault(head, [])
        if finding.evidence and finding.evidence not in quoted:
            quoted.append(finding.evidence)
        if finding.message is not None:
            messages.append(finding.message)
    sentences = tuple(_sentence(head, quoted) for head, quoted in evidence.items())
    return DropReasons(sentences, min(messages, default=0))


def _sentence(head: str, quoted: list[str]) -> str:
    return f"{head}: {', '.join(quoted)}" if quoted else head


class CalibrationTally:
    """What is counted while rows pass."""

    def __init__(self) -> None:
        self.openings = OpeningTally()
        self._rows: Counter[str] = Counter()  # by source
        self._samples: dict[tuple[str, str], _Sample] = defaultdict(_Sample)  # source, measure
        self._fired: Counter[tuple[str, str, str]] = Counter()  # source, rule, decision
        self._alone: Counter[tuple[str, str]] = Counter()  # source, rule

    def add(self, row: Conversation) -> None:
        source = row.source.name
        self._rows[source] += 1
        spoken = [message.content for message in row.messages if message.role != "system"]
        first = spoken[0] if spoken else ""
        self.openings.add(source, first, row.language.code if row.language else None)
        for measure, value in row.measures.items():
            self._samples[source, measure].add(value)
        self._add_rules(row)

    def _add_rules(self, row: Conversation) -> None:
        source = row.source.name
        fired = {
            (finding.rule, finding.decision)
            for finding in row.findings
            if finding.stage == "filter"
        }
        self._fired.update((source, *rule) for rule in fired)
        drops = [rule for rule, decision in fired if decision == "drop"]
        if len(drops) == 1:
            self._alone[source, drops[0]] += 1

    def spreads(self) -> list[Spread]:
        return [
            Spread(source, measure, sample.seen, sample.percentiles())
            for (source, measure), sample in self._samples.items()
        ]

    def effects(self, settings: FilterSettings) -> list[Effect]:
        limits = settings.limits()
        return [
            Effect(
                source=source,
                rule=rule,
                decision=decision,
                limit=limits[rule].limit,
                rows=rows,
                of=self._rows[source],
                alone=self._alone[source, rule],
            )
            for (source, rule, decision), rows in self._fired.most_common()
        ]


class _Sample:
    """All of up to `HELD` values, and of more a sample in which each is as likely (reservoir
    sampling)."""

    def __init__(self) -> None:
        self.seen = 0
        self._held: list[float] = []
        self._chance = random.Random(0)

    def add(self, value: float) -> None:
        self.seen += 1
        if len(self._held) < HELD:
            self._held.append(value)
            return
        place = int(self._chance.random() * self.seen)
        if place < HELD:
            self._held[place] = value

    def percentiles(self) -> tuple[float, ...]:
        return tuple(np.percentile(self._held, PERCENTILES).tolist())
