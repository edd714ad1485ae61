"""What came of a training: losses of held-out rows, sample replies, the loss of every step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any, NamedTuple

LAST = 10  # steps whose mean loss is called the last


class RowLoss(NamedTuple):
    """Of one row: the sum over its trained tokens, in nats, and how many these are."""

    total: float
    tokens: int


class SampleReply(NamedTuple):
    """What a model answers to a row. rules: that the answer breaks."""

    id: str
    asked: str
    reply: str
    rules: tuple[str, ...]


@dataclass(frozen=True)
class HeldOut:
    """How good a model is on rows that it was not trained on.

    loss: None where nothing is held out. accuracy: of dpo, the share of pairs whose better reply
    is the likelier one. rows: losses, of sft.
    """

    loss: float | None
    replies: Sequence[SampleReply]
    accuracy: float | None = None
    rows: Sequence[RowLoss] = ()

    def record(self) -> dict[str, object]:
        """As a JSON object."""
        return {
            "loss": self.loss,
            "accuracy": self.accuracy,
            "rows": [list(row) for row in self.rows],
            "replies": [one._asdict() for one in self.replies],
        }

    @classmethod
    def of_record(cls, record: Mapping[str, Any]) -> HeldOut:
        """What `record` made."""
        replies = [
            SampleReply(one["id"], one["asked"], one["reply"], tuple(one["rules"]))
            for one in record["replies"]
        ]
        rows = [RowLoss(*row) for row in record["rows"]]
        return cls(record["loss"], replies, record["accuracy"], rows)

    def broken(self) -> str:
        """How many replies break a rule: `3 of 8`."""
        count = sum(bool(one.rules) for one in self.replies)
        return f"{count} of {len(self.replies)}"


@dataclass(frozen=True)
class TrainingResult:
    """losses: step and loss of each step. again: it was done before."""

    before: HeldOut
    after: HeldOut
    losses: Sequence[tuple[int, float]]
    again: bool = False

    @property
    def last(self) -> float:
        """Mean loss of the last steps."""
        return fmean(loss for _, loss in self.losses[-LAST:])

    def losses_held_out(self) -> tuple[float, float] | None:
        """Before and after; None where nothing is held out."""
        if self.before.loss is None or self.after.loss is None:
            return None
        return self.before.loss, self.after.loss

    def record(self) -> dict[str, object]:
        """As `result.json` holds it."""
        return {
            "losses": [list(one) for one in self.losses],
            "before": self.before.record(),
            "after": self.after.record(),
        }

    @classmethod
    def of_record(cls, record: Mapping[str, Any]) -> TrainingResult:
        """What `record` made, of a training that was done before."""
        losses = [(int(step), float(loss)) for step, loss in record["losses"]]
        before, after = (HeldOut.of_record(record[name]) for name in ("before", "after"))
        return cls(before, after, losses, again=True)
