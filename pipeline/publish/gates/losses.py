"""What was lost on the way: too many records in quarantine, a source most of whose rows are gone.

A source is counted from what was collected or generated to what comes to `publish`; what the recipe
cuts or does not choose there is no loss.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from pipeline.publish.gates.refusal import NamedRows, Refusal
from pipeline.recipe.publish import PublishSettings
from pipeline.store.report import FunnelRow, by_count

MOST = 0.5  # of a source's rows
MAIN = 3  # reasons that are named
READ = (
    "look at them with `rapport look` and name the shape or the fields; or say under "
    "`publish.quarantined` which share you expect"
)
LOST = (
    "see with `rapport why` whether the source was read rightly, and set the rules of `filter` for "
    "it; if it is as you expect, write `publish: {allow: [losses]}`"
)


@dataclass
class Lost:
    """The rows of a source that were dropped before `publish`. came: those that there were."""

    came: int
    rows: NamedRows = field(default_factory=NamedRows)
    reasons: Mapping[str, int] = field(default_factory=dict)


def quarantined(
    funnel: Sequence[FunnelRow], places: Sequence[str], settings: PublishSettings
) -> Iterator[Refusal]:
    """places: where the first records in quarantine stood."""
    count = sum(row["quarantined"] for row in funnel)
    came = sum(row["added"] for row in funnel) + (funnel[0]["in"] if funnel else 0)
    if count > settings.quarantined * came:
        more = ", …" if count > len(places) else ""
        shown = f"{count} of {came} records are in quarantine ({', '.join(places)}{more})"
        yield Refusal("quarantine", f"{shown}, more than {settings.quarantined:.0%}", READ)


def of_sources(lost: Mapping[str, Lost]) -> Iterator[Refusal]:
    """Sources that have lost more than half of their rows."""
    for source, found in lost.items():
        if found.rows.rows > MOST * found.came:
            main = list(by_count(found.reasons).items())[:MAIN]
            why = ", ".join(f"{rule} {count}" for rule, count in main)
            problem = f"source {source} has lost {found.rows} of {found.came}, by {why}"
            yield Refusal("losses", problem, LOST)
