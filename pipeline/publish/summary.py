"""What the card says of the published rows: sources, languages, measures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.conversation import CRITERIA, MEASURES

SCORED = ["criterion", "by", "value"]  # of a score


class SourceName(NamedTuple):
    """A source as the card lists it."""

    name: str
    kind: str
    license: str | None
    attribution: str | None


class Percentiles(NamedTuple):
    """Of one measure over the published rows."""

    p5: float
    p50: float
    p95: float


class Scored(NamedTuple):
    """What one scorer says of one criterion over the published rows. nulls: rows without value."""

    criterion: str
    by: str
    rows: int
    nulls: int
    mean: float | None


@dataclass(frozen=True)
class Summary:
    """splits, languages: rows by name, the languages with most rows first. sources: rows of
    each. private: private rows by the name of their source."""

    splits: Mapping[str, int]
    sources: Mapping[SourceName, int]
    languages: Mapping[str, int]
    measures: Mapping[str, Percentiles]
    private: Mapping[str, int] = field(default_factory=dict)
    scores: Sequence[Scored] = ()


class Tally:
    """Adds up over the published parts."""

    def __init__(self) -> None:
        self._sources: Counter[SourceName] = Counter()
        self._languages: Counter[str] = Counter()
        self._private: Counter[str] = Counter()
        self._measures: dict[str, list[pa.Array]] = {name: [] for name in MEASURES}
        self._scores: list[pa.Table] = []

    def add(self, table: pa.Table) -> None:
        for source in table.column("source").to_pylist():
            name = SourceName(*(source[field] for field in SourceName._fields))
            self._sources[name] += 1
            if source["private"]:
                self._private[name.name] += 1
        for language in table.column("language").to_pylist():
            self._languages[language["code"] if language else "unknown"] += 1
        measures = table.column("measures").combine_chunks()
        for measure, values in self._measures.items():
            values.append(measures.field(measure).drop_null())
        scores = table.column("scores").combine_chunks().flatten()
        self._scores.append(pa.table([scores.field(name) for name in SCORED], SCORED))

    def summary(self, splits: Mapping[str, int]) -> Summary:
        taken = {}
        for name, arrays in self._measures.items():
            values = pa.chunked_array(arrays, pa.float64())
            if len(values):
                taken[name] = percentiles(values)
        sources = dict(sorted(self._sources.items(), key=lambda item: str(item[0])))
        languages, private = (
            dict(self._languages.most_common()),
            dict(sorted(self._private.items())),
        )
        return Summary(splits, sources, languages, taken, private, _scores(self._scores))


def _scores(tables: Sequence[pa.Table]) -> list[Scored]:
    """A row for each criterion and scorer, the criteria in their order."""
    if not tables:
        return []
    given = [("value", "count"), ([], "count_all"), ("value", "mean")]
    found = pa.concat_tables(tables).group_by(SCORED[:2]).aggregate(given)
    scores = [
        Scored(
            criterion=one["criterion"],
            by=one["by"],
            rows=one["value_count"],
            nulls=one["count_all"] - one["value_count"],
            mean=one["value_mean"],
        )
        for one in found.to_pylist()
    ]
    return sorted(scores, key=lambda score: (CRITERIA.index(score.criterion), score.by))


def percentiles(values: pa.ChunkedArray) -> Percentiles:
    """The 5th, 50th and 95th percentile of values, of which there is at least one."""
    return Percentiles(*pc.quantile(values, [0.05, 0.5, 0.95]).to_pylist())
