"""What report, card and `rapport stats` say of a choice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pipeline.recipe.base import plural
from pipeline.recipe.publish import Choose

# what becomes of rows without a value of what rows are ordered by first, or later
LACKS_FIRST = "they have a share of their own, and among rows alike stand behind the others"
LACKS_LATER = "they stand behind the others that are equal so far"


@dataclass(frozen=True)
class GroupCount:
    """How many rows of a group were chosen. of: source and stage, where these make the group; None
    where not known. without: what the group has no value of."""

    of: dict[str, str | None]
    without: str | None
    rows: int
    chosen: int


@dataclass(frozen=True)
class Choice:
    """how: by what rows were chosen, in sentences; none where nothing was asked for. groups: in the
    order of their names."""

    how: list[str] = field(default_factory=list)
    groups: list[GroupCount] = field(default_factory=list)


def rows_of(groups: Sequence[GroupCount]) -> list[tuple[object, ...]]:
    """A table of groups, its head first."""
    of = [what for group in groups[:1] for what in group.of]
    return [(*of, "without", "rows", "chosen"), *map(_row_of, groups)]


def _row_of(group: GroupCount) -> tuple[object, ...]:
    of = [value or "unknown" for value in group.of.values()]
    return (*of, group.without or "", group.rows, group.chosen)


def sentences(
    settings: Choose, without: Mapping[str, int], unknown: Mapping[str, int]
) -> list[str]:
    """What was asked for, and where it could not be known.

    without: rows without a value, by what rows are ordered by. unknown: rows that belong to no
    group, by what may be alike.
    """
    by = f"by {', then '.join(settings.by) or 'id'}"
    found = []
    if settings.top < 1:
        every = " and ".join(settings.per) or "dataset"
        found.append(f"Of every {every} the best {settings.top * 100:g} % are chosen, {by}.")
    for what, most in settings.at_most:
        if most:
            found.append(f"At most {most} rows with the same {what} are chosen, {by}.")
    for number, (name, rows) in enumerate(without.items()):
        if rows:
            then = LACKS_LATER if number else LACKS_FIRST
            found.append(f"{plural(rows, 'row')} without {name}: {then}.")
    for what, rows in unknown.items():
        if rows:
            found.append(f"{plural(rows, 'row')} of which no {what} is known: not limited by it.")
    return found
