"""The tests of the data that a recipe asks for, over the published rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.conversation import CRITERIA
from pipeline.publish.cut import value_of
from pipeline.publish.gates.refusal import NamedRows, Refusal
from pipeline.publish.split import AT_REHEARSAL, PLACES, Codes
from pipeline.recipe.data_tests import COMPARES, DataTest, RowCondition, parsed
from pipeline.recipe.publish import PublishSettings
from pipeline.store.columns import from_table

ADVICE = "change what is published, or the test under `publish.tests`"
NOTHING = "no row has a value of it"
STATISTICS: dict[str, Callable[[npt.NDArray[np.float64]], float]] = {
    "min": lambda values: float(values.min()),
    "p5": lambda values: float(np.percentile(values, 5)),
    "median": lambda values: float(np.median(values)),
    "mean": lambda values: float(values.mean()),
    "p95": lambda values: float(np.percentile(values, 95)),
    "max": lambda values: float(values.max()),
}
COLUMNS = ["id", "language", "source", "measures"]  # of a part, what is read for tests
READS = ["id", "messages", "source", "scores"]  # what a criterion's value is read from


class RowsForTests:
    """The columns of the published rows that tests name."""

    def __init__(self, settings: PublishSettings) -> None:
        self._tests = list(map(parsed, settings.tests))
        self._names = {name for test in self._tests for name in _names(test)}
        self._tables: list[pa.Table] = []

    @property
    def columns(self) -> list[str]:
        """What is read of a part."""
        of_criteria = READS if self._names & set(CRITERIA) else []
        return sorted({*COLUMNS, *of_criteria})

    def add(self, table: pa.Table) -> None:
        """table: a part of the rows, in their order, with `columns`."""
        if self._tests:
            columns = {name: self._column(table, name) for name in sorted(self._names)}
            self._tables.append(pa.table({"id": table["id"], **columns}))

    def merge(self, other: RowsForTests) -> None:
        """Add rows that come after these."""
        self._tables += other._tables

    def _column(self, table: pa.Table, name: str) -> pa.Array:
        match name:
            case "language":
                return pc.struct_field(table["language"], "code")
            case "source":
                return pc.struct_field(table["source"], "name")
            case "license":
                return pc.struct_field(table["source"], "license")
            case "split":
                return pa.nulls(table.num_rows, pa.string())
        if name in CRITERIA:
            rows = from_table(table.select(READS))
            return pa.array([value_of(row, name) for row in rows], pa.float64())
        return pc.struct_field(table["measures"], name)

    def refusals(self, sides: Codes) -> Iterator[Refusal]:
        """What does not hold. sides: (rows,) the split of each, in the order in which they came."""
        if not self._tests:
            return
        every = pa.concat_tables(self._tables)
        if "split" in self._names:
            names = pa.array(PLACES).take(pa.array(sides))
            every = every.set_column(every.schema.get_field_index("split"), "split", names)
        real = every.filter(pa.array(sides != AT_REHEARSAL))
        for test in self._tests:
            yield from _refused(test, real)


def _names(test: DataTest) -> Sequence[str]:
    """The columns that a test reads."""
    if isinstance(test.of, RowCondition):
        return (test.of.name,)
    return (test.of,) if test.of else ()


def _refused(test: DataTest, rows: pa.Table) -> Iterator[Refusal]:
    """Why a test does not hold."""
    if isinstance(test.of, RowCondition):
        found, named = _counted(test, test.of, rows)
    elif test.of:
        found, named = _measured(test, test.of, rows)
    else:
        found, named = float(rows.num_rows), None
    if found is None:
        yield Refusal("tests", f"`{test.text}` does not hold: {NOTHING}", ADVICE)
    elif not test.holds(found):
        which = f", by {named}" if named and named.rows else ""
        yield Refusal("tests", f"`{test.text}` does not hold: it is {found:g}{which}", ADVICE)


def _counted(
    test: DataTest, of: RowCondition, rows: pa.Table
) -> tuple[float | None, NamedRows | None]:
    """How many rows, or which share; and these rows, where there are too many of them."""
    column = rows[of.name]
    if of.sign == "=":
        fits, known = pc.equal(column, of.value), rows.num_rows
    else:
        compare = getattr(pc, _ARROW[of.sign])
        fits, known = compare(column, float(of.value)), rows.num_rows - column.null_count
    ids = rows["id"].filter(pc.fill_null(fits, False))
    named = _named(ids.to_pylist()) if test.sign.startswith("<") else None
    if test.what == "count":
        return float(len(ids)), named
    return (len(ids) / known if known else None), named


_ARROW = {"<=": "less_equal", ">=": "greater_equal", "<": "less", ">": "greater"}


def _measured(test: DataTest, name: str, rows: pa.Table) -> tuple[float | None, NamedRows | None]:
    """A statistic of a measure, and the rows that are beyond the limit themselves."""
    known = rows.filter(rows[name].is_valid())
    values = known[name].to_numpy()
    if not len(values):
        return None, None
    beyond = ~np.array([COMPARES[test.sign](value, test.limit) for value in values.tolist()])
    return STATISTICS[test.what](values), _named(known["id"].filter(pa.array(beyond)).to_pylist())


def _named(ids: list[str]) -> NamedRows:
    found = NamedRows()
    found.add(ids)
    return found
