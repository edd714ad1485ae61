"""What became of the rows of a unit of work, and what was asked for and is missing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import TypedDict

from pipeline.conversation import Conversation, Drop, FileRead, Finding, Merged, Quarantine, Row

# rules of calls that brought no reply, see `llm.CallFailed`: the next run asks again
CALLS = ("call.timeout", "call.server", "call.overloaded", "call.connection", "call.garbled")


class FileRecord(TypedDict):
    """A `FileRead` as a mark and a report hold it."""

    path: str
    shape: str | None
    conversations: int
    assumed: Sequence[str]
    left_out: dict[str, int]
    passed_over: str | None


@dataclass(frozen=True)
class Counts:
    """What became of the rows of one unit: rows in = kept + dropped + merged + quarantined."""

    kept: int = 0
    dropped: int = 0
    merged: int = 0
    quarantined: int = 0
    reasons: dict[str, int] = field(default_factory=dict)  # rule → rows that it decided
    findings: dict[str, int] = field(default_factory=dict)  # rule → rows that it fired on
    edited: int = 0  # kept rows that this stage changed
    missing: int = 0  # rows that were asked for and given up, see `Losses`
    transient: int = 0  # failures that the same command may mend another time
    seconds: float = 0.0
    read: list[FileRecord] = field(default_factory=list)  # the files of a unit of `collect`

    @property
    def rows_in(self) -> int:
        return self.kept + self.dropped + self.merged + self.quarantined

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            kept=self.kept + other.kept,
            dropped=self.dropped + other.dropped,
            merged=self.merged + other.merged,
            quarantined=self.quarantined + other.quarantined,
            reasons=_added(self.reasons, other.reasons),
            findings=_added(self.findings, other.findings),
            edited=self.edited + other.edited,
            missing=self.missing + other.missing,
            transient=self.transient + other.transient,
            seconds=self.seconds + other.seconds,
            read=self.read + other.read,
        )


def _added(first: dict[str, int], second: dict[str, int]) -> dict[str, int]:
    return dict(Counter(first) + Counter(second))


def counted(numbers: Mapping[str, int]) -> str:
    """{"notice": 2, "picture": 1} → "2 × notice, 1 × picture"."""
    return ", ".join(f"{count} × {what}" for what, count in numbers.items())


def total(counts: Iterable[Counts]) -> Counts:
    """The sum of the counts of all units."""
    parts = list(counts)
    summed = sum((replace(part, read=[]) for part in parts), Counts())
    return replace(summed, read=list(chain.from_iterable(part.read for part in parts)))


def deciding_rule(findings: Iterable[Finding]) -> str:
    """The rule that a dropped row is counted under: that of its first finding that drops.

    Raises ValueError when no finding drops: a row is dropped with a reason or not at all.
    """
    for finding in findings:
        if finding.decision == "drop":
            return finding.rule
    raise ValueError("a dropped row without a reason")


class Losses:
    """Adds up over the rows of one unit, in the order in which the stage gives them.

    missing: rows that were asked for and given up. transient: failures that cost a row or its end,
    and may pass. A failure that was made up for, by a second attempt or another candidate, is not a
    loss.
    """

    def __init__(self, stage: str) -> None:
        self.stage = stage
        self.missing = 0
        self.transient = 0
        self._pending = 0  # failures that may still be made up for
        self._topic = ""  # what they belong to

    def add(self, row: Row) -> None:
        if isinstance(row, Merged | FileRead):
            return
        if self.stage == "score":
            self.transient += _judge_failed(row)
        if self.stage != "generate":
            self.transient += isinstance(row, Quarantine) and row.transient
            return
        topic = _topic_of(row)
        if topic != self._topic:
            self._pending, self._topic = 0, topic
        self._pending += _call_failed(row)
        self._settle(row)

    def _settle(self, row: Conversation | Drop | Quarantine) -> None:
        """A row that was kept, or given up for good, ends its attempts."""
        given_up_rows = given_up(row)
        if isinstance(row, Conversation):  # of all that failed, only what cut it short is lost
            self.transient += _call_failed(row)
            self._pending = 0
        elif given_up_rows:
            self.missing += given_up_rows
            self.transient += self._pending
            self._pending = 0


def given_up(row: Row) -> int:
    """How many of the rows that were asked for this one gives up for good."""
    if isinstance(row, Quarantine):
        return row.missing
    if isinstance(row, Drop):
        return int(any(finding.rule == "slot.given_up" for finding in row.conversation.findings))
    return 0


def _topic_of(row: Conversation | Drop | Quarantine) -> str:
    """What a row of `generate` belongs to: the invention of a kind of thing, or the talks."""
    return row.where.partition("/")[0] if isinstance(row, Quarantine) else "generated"


def _call_failed(row: Conversation | Drop | Quarantine) -> bool:
    """Did it fail, or end too soon, because a call brought no reply?"""
    if isinstance(row, Quarantine):
        return row.transient or row.rule in CALLS
    conversation = row.conversation if isinstance(row, Drop) else row
    return any(finding.rule in CALLS for finding in conversation.findings)


def _judge_failed(row: Conversation | Drop | Quarantine) -> bool:
    """Has a criterion no value because a call of the judge brought no reply?"""
    findings = row.findings if isinstance(row, Conversation) else ()
    return any(finding.stage == "score" and finding.rule in CALLS for finding in findings)
