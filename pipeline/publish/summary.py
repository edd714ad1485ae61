"""What the card says of the published rows: sources, languages, measures."""

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
    model are a split of their own. sources: rows of each. private: private rows by the name of
    their source. ratings: of every scorer. configs: as they were written. tokenizer: that has
    counted their tokens; None: they are an estimate. licences: the rows of each. grades: rows by
    how sexual they are, those that are. allowed: what gates have found and the recipe allows."""

    splits: Mapping[str, int]
    sources: Mapping[SourceName, int]
    languages: Mapping[str, int]
    measures: Mapping[str, Percentiles]
    private: Mapping[str, int] = field(default_factory=dict)
    ratings: Sequence[Rating] = ()
    configs: Sequence[ConfigInfo] = ()
    tokenizer: str | None = None
    licences: LicenceRows = field(default_factory=dict)
    grades: Mapping[int, int] = field(default_factory=dict)
    allowed: Sequence[str] = ()


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
        scores = pa.Table.from_struct_array(table.column("scores").combine_chunks().flatten())
        self._scores.append(scores.select(["criterion", "by", "value"]))

    def summary(self, splits: Mapping[str, int], configs: Sequence[ConfigInfo] = ()) -> Summary:
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
        ratings = list(self._ratings())
        return Summary(splits, sources, languages, taken, private, ratings, configs)

    def _ratings(self) -> Iterator[Rating]:
        """In the order of the criteria, then by scorer."""
        if not self._scores:
            return
        every = pa.concat_tables(self._scores)
        for criterion in CRITERIA:
            own = every.filter(pc.equal(every["criterion"], criterion))
            for by in sorted(own["by"].unique().to_pylist()):
                values = own.filter(pc.equal(own["by"], by))["value"]
                rows = len(values) - values.null_count
                found = percentiles(values.drop_null()) if rows else None
                yield Rating(criterion, by, rows, values.null_count, found)


def percentiles(values: pa.ChunkedArray) -> Percentiles:
    """The 5th, 50th and 95th percentile of values, of which there is at least one."""
    return Percentiles(*pc.quantile(values, [0.05, 0.5, 0.95]).to_pylist())
