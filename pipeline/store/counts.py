"""What became of the rows of a unit, and what was asked for and is not there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from pipeline.conversation import Conversation, Drop, Merged, Quarantine, Row

# rules of calls that brought no reply, see `llm.CallFailed`: the next run asks again
CALLS = ("call.timeout", "call.server", "call.overloaded", "call.connection", "call.garbled")


@dataclass(frozen=True)
class Counts:
    """What became of the rows of one unit. rows in = kept + dropped + merged + quarantined, checked on creation."""

    kept: int = 0
    dropped: int = 0
    merged: int = 0
    quarantined: int = 0
    parts: tuple[str, ...] = ()
    reasons: dict[str, int] = field(
        default_factory=dict
    )  # rule → rows that it decided (first drop finding)
    findings: dict[str, int] = field(
        default_factory=dict
    )  # rule of this room → rows that it fired on
    edited: int = 0  # kept rows that this room changed
    missing: int = 0  # rows asked for and given up, see `Losses`
    passing: int = 0  # failures that the same command may mend another time
    seconds: float = 0.0

    @property
    def rows_in(self) -> int:
        return self.kept + self.dropped + self.merged + self.quarantined

    @classmethod
    def total(cls, counts: Iterable[Counts]) -> Counts:
        every = list(counts)
        numbers = (
            "kept",
            "dropped",
            "merged",
            "quarantined",
            "edited",
            "missing",
            "passing",
            "seconds",
        )
        return cls(
            **{name: sum(getattr(c, name) for c in every) for name in numbers},
            parts=tuple(p for c in every for p in c.parts),
            reasons=dict(sum((Counter(c.reasons) for c in every), Counter())),
            findings=dict(sum((Counter(c.findings) for c in every), Counter())),
        )


class Losses:
    """Adds up over the rows of one unit, in the order in which the room gives them.

    missing: rows that were asked for and given up. passing: failures that cost a row or its end, and may pass.
    A failure that was made up for, by a second attempt or another candidate, is no loss.
    """

    def __init__(self, room: str) -> None:
        self.room = room
        self.missing = self.passing = 0
        self._pending, self._about = (
            0,
            "",
        )  # failures that may still be made up for, and what they are about

    def add(self, row: Row) -> None:
        if isinstance(row, Quarantine):
            self.passing += row.transient
        if self.room != "generate" or isinstance(row, Merged):
            return
        if (about := _about(row)) != self._about:
            self._pending, self._about = 0, about
        self._pending += _call_failed(row)
        if isinstance(row, Conversation):  # of all that failed, only what cut it short is lost
            self.passing += _call_failed(row)
            self._pending = 0
        elif count := given_up(row):
            self.missing += count
            self.passing += self._pending
            self._pending = 0


def given_up(row: Row) -> int:
    """How many of the things that were asked for this row gives up for good."""
    if isinstance(row, Drop):
        return int(any(f.rule == "slot.given_up" for f in row.conversation.findings))
    return row.missing if isinstance(row, Quarantine) else 0


def _about(row: Conversation | Drop | Quarantine) -> str:
    """What a row of `generate` belongs to: the invention of a kind of thing, or the talks."""
    return row.where.partition("/")[0] if isinstance(row, Quarantine) else "generated"


def _call_failed(row: Conversation | Drop | Quarantine) -> bool:
    """Whether it failed, or ended too soon, because a call brought no reply."""
    if isinstance(row, Quarantine):
        return row.rule in CALLS
    found = (row.conversation if isinstance(row, Drop) else row).findings
    return any(f.rule in CALLS for f in found)
