"""How far scorers agree with people: written by `rapport calibrate score`, printed by a card."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

from pipeline import UserError

Usefulness = Literal["useful", "not shown", "too few"]


class Interval(NamedTuple):
    """A number, and from where to where it lies with 95 % certainty."""

    value: float
    low: float
    high: float

    @property
    def holds_zero(self) -> bool:
        return self.low <= 0 <= self.high


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far something agrees with people on one criterion, by Spearman's rank correlation.

    by: a scorer; or what it is to be seen beside, which has no verdict. n, nulls: rated rows that
    it gave a value, and none. pooled: over all of them. within: in each system or source alone,
    averaged by rows; groups: how many these are.
    """

    criterion: str
    by: str
    n: int
    nulls: int
    pooled: Interval | None
    within: Interval | None
    groups: int
    verdict: Usefulness | None = None


@dataclass(frozen=True, slots=True)
class Agreements:
    """What a calibration found. rows: rated ones; sources: their names."""

    rows: int
    sources: tuple[str, ...]
    found: tuple[Agreement, ...]


def as_record(agreements: Agreements) -> dict[str, Any]:
    """The same as JSON has it."""
    found = [asdict(one) | _intervals(one) for one in agreements.found]
    return {"rows": agreements.rows, "sources": list(agreements.sources), "found": found}


def _intervals(one: Agreement) -> dict[str, object]:
    given = {"pooled": one.pooled, "within": one.within}
    return {name: interval and interval._asdict() for name, interval in given.items()}


def write(path: Path, agreements: Agreements) -> None:
    """Raises UserError where nothing can be written."""
    text = json.dumps(as_record(agreements), ensure_ascii=False, indent=1)
    try:
        path.write_text(f"{text}\n", "utf-8")
    except OSError as error:
        raise UserError(f"{path} cannot be written: {error.strerror}.") from None


def read(path: Path) -> Agreements:
    """Raises UserError where the file is missing, or holds anything else."""
    try:
        record = json.loads(path.read_text("utf-8"))
        found = tuple(_agreement(dict(one)) for one in record["found"])
        return Agreements(record["rows"], tuple(record["sources"]), found)
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}.") from None
    except (ValueError, KeyError, TypeError):
        raise UserError(
            f"{path} does not say how far scorers agree with people. Name a file that "
            "`rapport calibrate score INPUT --out FILE` has written."
        ) from None


def _agreement(values: dict[str, Any]) -> Agreement:
    for name in ("pooled", "within"):
        values[name] = values[name] and Interval(**values[name])
    return Agreement(**values)
