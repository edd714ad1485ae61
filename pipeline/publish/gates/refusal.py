"""What a refusal says: which rows, and what to do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from pipeline.recipe.base import plural

FIRST = 3  # rows that are named


@dataclass
class NamedRows:
    """How many rows, and the ids of the first of them."""

    rows: int = 0
    first: list[str] = field(default_factory=list)

    def add(self, ids: Sequence[str]) -> None:
        self.rows += len(ids)
        self.first += ids[: FIRST - len(self.first)]

    def merge(self, other: NamedRows) -> None:
        """Add rows that come after these."""
        self.add(other.first)
        self.rows += other.rows - len(other.first)

    def __str__(self) -> str:
        """`5 rows (a, b, c, …)`"""
        more = ", …" if self.rows > len(self.first) else ""
        return f"{plural(self.rows, 'row')} ({', '.join(self.first)}{more})"


@dataclass(frozen=True)
class Refusal:
    """Why a dataset may not be released. gate: its name in `publish.allow`, or what else it is
    called. problem, advice: sentences without a point at the end."""

    gate: str
    problem: str
    advice: str

    def __str__(self) -> str:
        return f"{self.problem}: {self.advice}."
