"""What a stage is given: the job, where its rows come from and go to, and the key they stand under."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipeline.recipe.settings import Recipe
from pipeline.run.engine import Engine
from pipeline.run.keys import ingredients
from pipeline.store.counts import Counts
from pipeline.store.store import Store

LITTLE_ROWS = 2_000  # rows that one process has done before a second one has begun
LITTLE_BYTES = 4_000_000  # the same for files

Progress = Callable[[str, int, int], None]  # stage, units done, units in all


@dataclass(frozen=True)
class Stage:
    """One stage. `code` and `packages`: what makes its shelf stale when edited or upgraded, besides its settings.

    walk: may return what else its report says.
    """

    name: str
    walk: Callable[[StageContext], dict[str, Any] | None]
    code: tuple[str, ...]
    packages: tuple[str, ...] = ()


@dataclass(frozen=True)
class Job:
    """One pass over a recipe. secrets: values by the name of their environment variable, handed in by the caller."""

    recipe: Recipe
    out: str
    engine: Engine
    progress: Progress = lambda stage, done, total: None
    secrets: Mapping[str, str] = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        """Where pages and answers are kept. Of no use in an object store, where `run` lets nobody crawl or generate."""
        return Path(Store(self.out).path)


@dataclass(frozen=True)
class StageContext:
    """What a room is given: where rows come from, where they go, and the key they stand under."""

    job: Job
    stage: Stage
    inbox: Store | None
    outbox: Store
    key: str
    before: str
    way: Sequence[Mapping[str, Any]] = ()  # the funnel so far

    @property
    def settings(self) -> Any:
        return getattr(self.job.recipe, self.stage.name)

    def ingredients(self) -> dict[str, Any]:
        return ingredients(self.stage.name, self.job.recipe, self.stage.code, self.stage.packages)

    def flow(self) -> dict[str, Any]:
        """What became of the room's rows. Raises AssertionError when one is not accounted for: that is a bug."""
        units = (self.outbox.done(unit, self.key) for unit in self.outbox.units())
        total = Counts.total(counts for counts in units if counts)
        rows_in = sum(map(self.inbox.count, self.inbox.parts())) if self.inbox else total.rows_in
        added = total.rows_in - rows_in
        if added < 0 or (added and self.stage.name != "generate"):
            raise AssertionError(
                f"{self.stage.name}: {rows_in} rows in, {total.rows_in} accounted for"
            )
        names = ("kept", "dropped", "merged", "quarantined", "edited", "missing", "passing")
        numbers = {name: getattr(total, name) for name in names}
        reasons = {"reasons": _ordered(total.reasons), "findings": _ordered(total.findings)}
        return {"stage": self.stage.name, "in": rows_in, "added": added, **numbers, **reasons}

    def map(
        self,
        function: Callable[..., Counts],
        jobs: Sequence[tuple[object, ...]],
        little: bool = False,
    ) -> None:
        if jobs:
            self.job.progress(self.stage.name, 0, len(jobs))
        for done, _ in enumerate(self.job.engine.map(function, jobs, little), 1):
            self.job.progress(self.stage.name, done, len(jobs))

    def each_part(self, function: Callable[..., Counts], *more: object) -> None:
        """`function(inbox, outbox, part, key, settings, *more)` for every part of the room before."""
        assert self.inbox is not None
        jobs = [
            (self.inbox, self.outbox, part, self.key, self.settings, *more)
            for part in self.inbox.parts()
        ]
        self.map(function, jobs, self.little())

    def little(self) -> bool:
        return (
            self.inbox is not None and sum(map(self.inbox.count, self.inbox.parts())) < LITTLE_ROWS
        )


def _ordered(reasons: Mapping[str, int]) -> dict[str, int]:
    return dict(sorted(reasons.items(), key=lambda item: (-item[1], item[0])))
