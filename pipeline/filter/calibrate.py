"""Limits are chosen by looking at data: what is measured per source, what each rule would do, what a change changes."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from pipeline.conversation import Conversation, Drop
from pipeline.filter.apply import decide
from pipeline.filter.masking import masked
from pipeline.filter.openings import Openings, Tally
from pipeline.recipe.settings import FilterSettings

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
    """What a rule does to one source: rows beyond its limit, of all rows, and rows dropped by this rule alone."""

    source: str
    rule: str
    decision: str
    limit: float
    rows: int
    of: int
    alone: int


@dataclass(frozen=True)
class Calibration:
    spreads: list[Spread]
    effects: list[Effect]
    openings: list[Openings]


@dataclass(frozen=True)
class Change:
    """A row that a changed limit decides otherwise, what says why, and the message where that is seen first."""

    row: Conversation
    reasons: tuple[str, ...]
    message: int


def calibrate(measured: Iterable[Conversation], settings: FilterSettings) -> Calibration:
    """Every measure's percentiles per source and what each rule would do. measured: rows from `measure`."""
    tally = _Tally()
    for row in decide(measured, settings):
        tally.add(row.conversation if isinstance(row, Drop) else row)
    limits = settings.limits()
    return Calibration(
        [
            Spread(source, measure, v.seen, v.percentiles())
            for (source, measure), v in tally.values.items()
        ],
        [
            Effect(
                source,
                rule,
                decision,
                limits[rule].limit,
                n,
                tally.rows[source],
                tally.alone[source, rule],
            )
            for (source, rule, decision), n in tally.fired.most_common()
        ],
        tally.openings.openings(),
    )


def explain(
    measured: Iterable[Conversation], before: FilterSettings, after: FilterSettings, most: int = 10
) -> tuple[list[Change], list[Change]]:
    """Rows that only `after` drops and rows that only `before` drops, `most` of each. Both must measure alike.

    The rows are to be shown: personal data are masked, whatever the settings do about them.
    """
    dropped: list[Change] = []
    kept: list[Change] = []
    for row in measured:
        (was, then), (now, at) = reasons(row, before), reasons(row, after)
        if now and not was and len(dropped) < most:
            dropped.append(Change(masked(row), now, at))
        elif was and not now and len(kept) < most:
            kept.append(Change(masked(row), was, then))
        if len(dropped) == len(kept) == most:
            break
    return dropped, kept


def reasons(row: Conversation, settings: FilterSettings) -> tuple[tuple[str, ...], int]:
    """Why a measured row is dropped, and at which message first: (("style.refusal 1 above 0: I cannot assist",), 3).

    ((), 0) when it is kept.
    """
    (decided,) = decide([row], settings)
    if not isinstance(decided, Drop):
        return (), 0
    limits = settings.limits()
    told: dict[str, list[str]] = {}
    places = []
    for f in decided.conversation.findings:
        if f.stage == "filter" and f.decision == "drop" and f.value is not None:
            said = told.setdefault(f"{f.rule} {f.value:g} {limits[f.rule].fires} {f.limit:g}", [])
            said += [f.evidence] if f.evidence and f.evidence not in said else []
            places += [f.message] if f.message is not None else []
    return tuple(
        f"{head}: {', '.join(said)}" if said else head for head, said in told.items()
    ), min(places, default=0)


@dataclass
class _Tally:
    """What is counted while rows pass; keys: source and measure, source, rule and decision, source and rule."""

    rows: Counter[str] = field(default_factory=Counter)
    values: dict[tuple[str, str], _Sample] = field(default_factory=lambda: defaultdict(_Sample))
    fired: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    alone: Counter[tuple[str, str]] = field(default_factory=Counter)
    openings: Tally = field(default_factory=Tally)

    def add(self, row: Conversation) -> None:
        source = row.source.name
        self.rows[source] += 1
        first = next((m.content for m in row.messages if m.role != "system"), "")
        self.openings.add(source, first, row.language.code if row.language else None)
        for measure, value in row.measures.items():
            self.values[source, measure].add(value)
        found = {(f.rule, f.decision) for f in row.findings if f.stage == "filter"}
        self.fired.update((source, *rule) for rule in found)
        drops = [rule for rule, decision in found if decision == "drop"]
        self.alone.update((source, rule) for rule in drops if len(drops) == 1)


class _Sample:
    """All of up to `HELD` values, and of more a sample in which each is as likely (reservoir sampling)."""

    def __init__(self) -> None:
        self.seen = 0
        self.held: list[float] = []
        self.draw = random.Random(0)

    def add(self, value: float) -> None:
        self.seen += 1
        if len(self.held) < HELD:
            self.held.append(value)
        elif (place := int(self.draw.random() * self.seen)) < HELD:
            self.held[place] = value

    def percentiles(self) -> tuple[float, ...]:
        return tuple(np.percentile(self.held, PERCENTILES).tolist())
