"""How far scorers agree with people, as a table and lines. Prints nothing itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.table import Table

from pipeline.cli.render import table
from pipeline.recipe.base import plural
from pipeline.score.calibrate import LEAST_GROUP, LEAST_ROWS, LENGTH
from pipeline.store.agreement import Agreement, Agreements, Interval

HEADS = ("criterion", "by", "n", "null", "all rows", "95 %", "within", "95 %", "verdict")


def agreements(found: Agreements) -> Table:
    """A row for each scorer of each criterion, and for what it is to be seen beside."""
    return table(HEADS, [_agreement(one) for one in found.found])


def _agreement(one: Agreement) -> tuple[object, ...]:
    pooled, within = _interval(one.pooled), _interval(one.within)
    return (one.criterion, one.by, one.n, one.nulls, *pooled, *within, one.verdict or "")


def _interval(one: Interval | None) -> tuple[str, str]:
    if one is None:
        return "-", ""
    return f"{one.value:+.2f}", f"{one.low:+.2f} to {one.high:+.2f}"


def explained(found: Agreements, not_criteria: Sequence[str]) -> Iterator[str]:
    """What the table says. not_criteria: what was rated and is none."""
    rated = plural(found.rows, "rated conversation")
    yield f"{rated} of {', '.join(found.sources)}. Spearman's rank correlation."
    yield (
        f"within: in each system or source alone, of {LEAST_GROUP} rows or more; averaged by rows."
    )
    yield (
        "useful: the interval within lies above 0; not shown: it does not; "
        f"too few: less than {LEAST_ROWS} rows."
    )
    behind = [*_behind_length(found.found)]
    if behind:
        yield f"Length alone agrees better with people: {', '.join(behind)}."
    if not_criteria:
        yield f"Rated, and no criterion: {', '.join(not_criteria)}."


def _behind_length(found: Sequence[Agreement]) -> Iterator[str]:
    """The scorers that say less than the number of words does."""
    length = {one.criterion: one.within for one in found if one.by == LENGTH}
    for one in found:
        words = length.get(one.criterion)
        if one.verdict and one.within and words and one.within.value < words.value:
            yield f"{one.criterion} by {one.by}"
