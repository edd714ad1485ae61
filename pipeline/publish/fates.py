"""What became of the rows of each source in each stage, counted from the stores of a run.

Rows of the rehearsal model are not counted: they are nobody's data.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, cast

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.store.columns import finding_of
from pipeline.store.counts import deciding_rule
from pipeline.store.report import FunnelRow, by_count

KEPT = ["source.name", "source.rehearsal"]
DROPPED = [*KEPT, "findings"]
QUARANTINE = "quarantine: "  # how a report names the rule of what could not be read


class Fate(NamedTuple):
    """What a stage did with the rows of a source. reasons: of the dropped ones, by rule."""

    stage: str
    source: str
    kept: int
    dropped: int
    reasons: Mapping[str, int]


@dataclass
class FateCounts:
    """Of one stage, by source."""

    kept: Counter[str] = field(default_factory=Counter)
    dropped: defaultdict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))

    def add(self, kind: str, table: pa.Table) -> None:
        """Count the rows of a part. table: `KEPT` or `DROPPED` of it."""
        rehearsal = pc.struct_field(table["source"], "rehearsal")
        table = table.filter(pc.invert(pc.fill_null(rehearsal, False)))
        names = pc.struct_field(table["source"], "name").to_pylist()
        if kind == "kept":
            self.kept.update(names)
            return
        for name, findings in zip(
            names,
            table["findings"].to_pylist(),
            strict=True,
        ):
            rule = deciding_rule(finding_of(record) for record in findings)
            self.dropped[name][rule] += 1

    def fates(self, stage: str) -> Iterator[Fate]:
        for name in sorted(self.kept.keys() | self.dropped.keys()):
            reasons = by_count(self.dropped[name])
            yield Fate(
                stage,
                name,
                self.kept[name],
                sum(reasons.values()),
                reasons,
            )


def of_real_rows(
    funnel: Sequence[FunnelRow], fates: Iterable[Fate], rehearsed: bool
) -> list[FunnelRow]:
    """A funnel without the rows of the rehearsal model. rehearsed: that model wrote what `generate`
    added, and what it failed to."""
    by_stage: defaultdict[str, list[Fate]] = defaultdict(list)
    for fate in fates:
        by_stage[fate.stage].append(fate)
    found: list[FunnelRow] = []
    before = 0
    for row in funnel:
        own = _of_fates(
            row,
            by_stage[row["stage"]],
            rehearsed and row["stage"] == "generate",
        )
        accounted = own["kept"] + own["dropped"] + own["merged"] + own["quarantined"]
        own["in"] = before if found else accounted
        own["added"] = accounted - own["in"]
        before = own["kept"]
        found.append(own)
    return found


def _of_fates(
    row: FunnelRow,
    fates: Sequence[Fate],
    rehearsed: bool,
) -> FunnelRow:
    reasons = Counter[str]()
    for fate in fates:
        reasons.update(fate.reasons)
    unread = {name: n for name, n in row["reasons"].items() if name.startswith(QUARANTINE)}
    own = dict(row)
    if rehearsed:
        own |= {"quarantined": 0}
        unread = {}
    own["kept"] = sum(fate.kept for fate in fates)
    own["dropped"] = sum(fate.dropped for fate in fates)
    own["reasons"] = by_count(reasons + Counter(unread))
    return cast("FunnelRow", own)
