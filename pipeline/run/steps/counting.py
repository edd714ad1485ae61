"""What card, gates and tests of the data count over the published rows: each part by itself, then
added up."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.publish import summary
from pipeline.publish.gates import tally
from pipeline.publish.gates.data_tests import RowsForTests
from pipeline.publish.gates.tally import GateTally
from pipeline.publish.summary import Tally
from pipeline.recipe.publish import PublishSettings
from pipeline.run.context import StageContext
from pipeline.store.store import Part, Store


@dataclass(frozen=True)
class PublishedCounts:
    """Of some of the rows, or of all."""

    card: Tally
    gates: GateTally
    tests: RowsForTests

    def merge(self, other: PublishedCounts) -> None:
        """Add what was counted of later rows."""
        self.card.merge(other.card)
        self.gates.merge(other.gates)
        self.tests.merge(other.tests)


def counted(context: StageContext) -> PublishedCounts:
    """The counts of all parts; in their order, as sums of fractions and ids named depend on it."""
    output, settings = context.output, context.settings
    jobs = [(output, part, settings) for part in output.parts()]
    every = _nothing(settings)
    for of_part in context.of_each(_counted_of_part, jobs):
        every.merge(of_part)
    return every


def _nothing(settings: PublishSettings) -> PublishedCounts:
    return PublishedCounts(Tally(), GateTally(settings), RowsForTests(settings))


def _counted_of_part(
    number: int, output: Store, part: Part, settings: PublishSettings
) -> tuple[int, PublishedCounts]:
    found = _nothing(settings)
    found.card.add(output.columns(part, summary.COLUMNS))
    found.gates.add(output.columns(part, tally.COLUMNS))
    if settings.tests:
        found.tests.add(output.columns(part, found.tests.columns))
    return number, found
