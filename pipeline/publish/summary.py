"""What the card says of the published rows, counted part by part.

Rows of the rehearsal model are in none of these counts. A `Tally` holds counts only, so that parts
can be counted by several processes and added up.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.conversation import CRITERIA, MEASURES
from pipeline.publish.gates.licences import LicenceRows
from pipeline.publish.infos import ConfigInfo
from pipeline.publish.turn_means import TurnMeans, turn_means
from pipeline.publish.value_counts import Percentiles, ValueCounts, added
from pipeline.store.report import by_count

# of a part, what is read for it
COLUMNS = [
    "messages.list.element.role",
    "source",
    "language",
    "measures",
    "annotations.list.element.closeness",
    "scores.list.element.criterion",
    "scores.list.element.by",
    "scores.list.element.value",
]
UNKNOWN = "unknown"


class SourceName(NamedTuple):
    """A source as the card lists it."""

    name: str
    kind: str
    license: str | None
    attribution: str | None


class WrittenBy(NamedTuple):
    """The models that wrote generated rows, and the hash of the prompt."""

    models: tuple[str, ...]
    prompt: str | None


class Rating(NamedTuple):
    """What one scorer says of one criterion over the published rows. null: rows that it could not
    rate; found: of the others, None where there are none."""

    criterion: str
    by: str
    rows: int
    null: int
    found: Percentiles | None


@dataclass(frozen=True)
class Summary:
    """splits, languages: rows by name, the languages with most rows first; rows of the rehearsal
    model are a split of their own, and counted nowhere else. sources, writers: rows of each.
    private: private rows by the name of their source. ratings: of every scorer. turns: rows by
    their messages of user and assistant. values: of every measure. closeness: see `TurnMeans`.
    configs: as they were written. tokenizer: that has counted their tokens; None: they are an
    estimate. licences: the rows of each. grades: rows by how sexual they are, those that are.
    allowed: what gates have found and the recipe allows."""

    splits: Mapping[str, int]
    sources: Mapping[SourceName, int]
    languages: Mapping[str, int]
    measures: Mapping[str, Percentiles]
    private: Mapping[str, int] = field(default_factory=dict)
    ratings: Sequence[Rating] = ()
    configs: Sequence[ConfigInfo] = ()
    tokenizer: str | None = None
    writers: Mapping[WrittenBy, int] = field(default_factory=dict)
    turns: Mapping[int, int] = field(default_factory=dict)
    values: Mapping[str, ValueCounts] = field(default_factory=dict)
    closeness: TurnMeans = field(default_factory=TurnMeans)
    licences: LicenceRows = field(default_factory=dict)
    grades: Mapping[int, int] = field(default_factory=dict)
    allowed: Sequence[str] = ()


@dataclass
class Tally:
    """Adds up over the published parts. ratings: values by criterion and scorer; unrated: rows
    without one."""

    sources: Counter[SourceName] = field(default_factory=Counter)
    writers: Counter[WrittenBy] = field(default_factory=Counter)
    languages: Counter[str] = field(default_factory=Counter)
    private: Counter[str] = field(default_factory=Counter)
    turns: Counter[int] = field(default_factory=Counter)
    values: dict[str, ValueCounts] = field(default_factory=dict)
    ratings: dict[str, ValueCounts] = field(default_factory=dict)
    unrated: Counter[str] = field(default_factory=Counter)
    closeness: TurnMeans = field(default_factory=TurnMeans)

    def add(self, table: pa.Table) -> None:
        """Count the rows of a table that has `COLUMNS`."""
        rehearsal = pc.struct_field(table["source"], "rehearsal")
        table = table.filter(pc.invert(rehearsal)).combine_chunks()
        self._count_sources(table["source"].to_pylist())
        codes = pc.fill_null(pc.struct_field(table["language"], "code"), UNKNOWN)
        self.languages.update(codes.to_pylist())
        measures = table["measures"].combine_chunks()
        taken = {name: ValueCounts.of(measures.field(name)) for name in _names(measures.type)}
        self.values = added(self.values, taken)
        self._count_scores(table["scores"].combine_chunks().flatten())
        means, turns = turn_means(table["messages"], table["annotations"])
        self.closeness += means
        self.turns.update(turns)

    def _count_sources(self, sources: Sequence[dict[str, object]]) -> None:
        for source in sources:
            name = SourceName(*(source[field] for field in SourceName._fields))  # type: ignore[arg-type]
            self.sources[name] += 1
            if source["private"]:
                self.private[name.name] += 1
            if source["models"]:
                writer = WrittenBy(tuple(source["models"]), source["prompt"])  # type: ignore[arg-type]
                self.writers[writer] += 1

    def _count_scores(self, scores: pa.StructArray) -> None:
        names = pc.binary_join_element_wise(
            scores.field("criterion"),
            scores.field("by"),
            "\x1f",
        )
        values = scores.field("value")
        for name in names.unique().to_pylist():
            own = values.filter(pc.equal(names, name))
            self.ratings = added(self.ratings, {name: ValueCounts.of(own)})
            self.unrated[name] += own.null_count

    def merge(self, other: Tally) -> None:
        """Add what was counted elsewhere."""
        self.sources.update(other.sources)
        self.writers.update(other.writers)
        self.languages.update(other.languages)
        self.private.update(other.private)
        self.turns.update(other.turns)
        self.values = added(self.values, other.values)
        self.ratings = added(self.ratings, other.ratings)
        self.unrated.update(other.unrated)
        self.closeness += other.closeness

    def summary(
        self,
        splits: Mapping[str, int],
        configs: Sequence[ConfigInfo] = (),
    ) -> Summary:
        values = {name: found for name, found in self.values.items() if len(found)}
        taken = {name: values[name].percentiles() for name in MEASURES if name in values}
        sources = dict(sorted(self.sources.items(), key=lambda item: str(item[0])))
        private = dict(sorted(self.private.items()))
        return Summary(
            splits,
            sources,
            by_count(self.languages),
            taken,
            private,
            list(self._ratings()),
            configs,
            writers=dict(sorted(self.writers.items(), key=str)),
            turns=dict(sorted(self.turns.items())),
            values=values | self.ratings,
            closeness=self.closeness,
        )

    def _ratings(self) -> Iterator[Rating]:
        """In the order of the criteria, then by scorer."""
        for criterion in CRITERIA:
            for name in sorted(self.ratings):
                of, _, by = name.partition("\x1f")
                if of == criterion:
                    values = self.ratings[name]
                    found = values.percentiles() if len(values) else None
                    yield Rating(
                        criterion,
                        by,
                        len(values),
                        self.unrated[name],
                        found,
                    )


def _names(kind: pa.StructType) -> list[str]:
    return [kind.field(place).name for place in range(kind.num_fields)]
