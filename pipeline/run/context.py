"""What a stage is given: the job, where its rows come from and go to, and its cache key."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from pipeline.run.engine import Engine
from pipeline.run.stages import Stage
from pipeline.store.counts import Counts, total
from pipeline.store.report import FunnelRow
from pipeline.store.store import Part, Store

if TYPE_CHECKING:
    from pipeline.recipe.settings import Recipe

T = TypeVar("T")
LITTLE_ROWS = 2_000  # rows that one process has done before a second one has begun
LITTLE_BYTES = 4_000_000  # the same for files
# `dedup` writes it and `publish` reads it. Every decision: the row, its partner, their similarity.
PAIRS = "pairs.parquet"


@dataclass(frozen=True)
class Progress:
    """How far a stage is. activity: what is counted, `parts` or `talks`. rows: all rows, where
    known."""

    stage: str
    activity: str
    done: int
    total: int
    counts: Counts = field(default_factory=Counts)
    rows: int | None = None


@dataclass(frozen=True)
class Job:
    """One run of a recipe. secrets: values by the name of their environment variable, given by the
    caller. answers: where those of models are kept, if not in the run's own folder.

    progress and notice are called with what a person may want to see meanwhile.
    """

    recipe: Recipe
    out: str
    engine: Engine
    progress: Callable[[Progress], None] = lambda progress: None
    notice: Callable[[str], None] = lambda sentence: None
    secrets: Mapping[str, str] = field(default_factory=dict)
    answers: Path | None = None

    @property
    def folder(self) -> Path:
        """Where pages and answers are kept. A run in an object store neither crawls nor
        generates."""
        return Path(Store(self.out).path)


@dataclass(frozen=True)
class StageContext:
    """What one stage works with.

    settings: its section of the recipe. source: the store of the stage before, `parts` what it
    holds; none for the first. output: its own store. key: names all that decides its rows; before:
    the name of the store that is read. ingredients: what the key was made from, besides `before`.
    funnel: of the stages before.
    """

    job: Job
    stage: Stage
    settings: Any
    source: Store | None
    parts: Sequence[Part]
    output: Store
    key: str
    before: str
    ingredients: Mapping[str, object]
    funnel: Sequence[FunnelRow] = ()
    results: list[Counts] = field(default_factory=list)  # of all units, as their workers counted

    @property
    def rows_in(self) -> int:
        """Rows that the stage before has handed on."""
        return sum(part.rows for part in self.parts)

    @property
    def is_little(self) -> bool:
        """Are there so few rows that a second process would take longer to begin than to work?"""
        return self.source is not None and self.rows_in < LITTLE_ROWS

    def map(
        self, function: Callable[..., Counts], jobs: Sequence[tuple[object, ...]], little: bool
    ) -> list[Counts]:
        """`function(*job)` for every job, by this process or by workers."""
        found: list[Counts] = []
        self._show(len(jobs), found)
        for counts in self.job.engine.map(function, jobs, little):
            found.append(counts)
            self._show(len(jobs), found)
        return found

    def of_each(
        self, function: Callable[..., tuple[int, T]], jobs: Sequence[tuple[object, ...]]
    ) -> list[T]:
        """What `function(number, *job)` gives for every job beside its number, in their order."""
        named = [(number, *job) for number, job in enumerate(jobs)]
        found = dict(self.job.engine.map(function, named, self.is_little))
        return [found[number] for number in range(len(jobs))]

    def _show(self, jobs: int, found: Sequence[Counts]) -> None:
        rows = self.rows_in if self.source else None
        if jobs:
            shown = Progress(self.stage.name, "parts", len(found), jobs, total(found), rows)
            self.job.progress(shown)

    def each_part(
        self,
        function: Callable[..., Counts],
        *more: object,
        slow: bool = False,
    ) -> None:
        """`function(source, output, part, key, settings, *more)` for every part of the stage
        before. slow: a row takes so long that workers share even a few."""
        jobs = [
            (self.source, self.output, part, self.key, self.settings, *more) for part in self.parts
        ]
        self.results.extend(self.map(function, jobs, self.is_little and not slow))

    def prepare(self, store: Store, key: str) -> None:
        """Keep what a stopped run under the same key has finished in a store, forget everything
        else."""
        for sentence in store.keep_only(key):
            self.job.notice(sentence)
