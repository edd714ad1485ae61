"""The store of what `score` has measured, inside the stage's own: another criterion, level or judge
measures nothing anew.

It holds only the columns that measuring changes, row for row as in the stage before.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from pipeline.conversation import Conversation
from pipeline.recipe.score import ScoreSettings
from pipeline.run.context import StageContext
from pipeline.run.keys import ingredients
from pipeline.run.stages import MEASURING
from pipeline.score.measure import measure
from pipeline.store.columns import SCHEMA, from_table
from pipeline.store.counts import Counts
from pipeline.store.files import digest
from pipeline.store.store import Mark, Part, Store

FOLDER = "measured"
CHANGED = ("language", "edits", "measures", "annotations", "findings")
COLUMNS = pa.schema([SCHEMA.field(name) for name in ("id", *CHANGED)])


@dataclass(frozen=True)
class Measured:
    """The store, and the key under which it holds."""

    store: Store
    key: str

    def mark(self, part: Part) -> Mark | None:
        """The mark of a part that is measured."""
        return self.store.finished(part.name, self.key)

    def add(
        self,
        table: pa.Table,
        part: Part,
        settings: ScoreSettings,
    ) -> tuple[Counts, Sequence[Conversation]]:
        """Measure a part of the stage before. Returns its rows too, none where it was measured
        already."""
        before = self.mark(part)
        if before is not None:
            return before.counts, ()
        rows = list(measure(from_table(table), settings))
        return self.store.write(part.name, self.key, rows, COLUMNS), rows

    def joined(self, table: pa.Table, part: Part) -> pa.Table:
        """A part of the stage before, with what was measured of it."""
        (found,) = self.store.parts_of_unit(part.name)
        columns = self.store.columns(found, list(CHANGED))
        for name in CHANGED:
            table = with_column(table, name, columns[name])
        return table


def with_column(table: pa.Table, name: str, values: pa.Array | pa.ChunkedArray) -> pa.Table:
    """A table of rows with other values in one column."""
    return table.set_column(SCHEMA.get_field_index(name), SCHEMA.field(name), values)


def measured(context: StageContext) -> Measured:
    """What the stage has measured; the key names all that measuring depends on."""
    store = Store(context.output.root, f"{context.output.folder}/{FOLDER}")
    # of classifiers the digests count, which are among what is read
    settings = context.settings.measuring().model_dump(mode="json", exclude={"classifiers"})
    made_from = ingredients(MEASURING, context.job.recipe) | {"settings": settings}
    return Measured(store, digest(context.before, made_from))
