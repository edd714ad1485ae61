"""The list of what is taken down in a run.

    taken_down.json      in the run folder: every later run into it honours the list

It holds what was asked for, names and words included: it is never published.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from pipeline.publish import taken_down
from pipeline.recipe.one_stage import changed
from pipeline.recipe.publish import TakenDown
from pipeline.recipe.settings import Recipe
from pipeline.store.store import Store

FILE = "taken_down.json"


def listed(out: str) -> list[TakenDown]:
    """What is taken down in a run. Raises DamagedFile."""
    record = cast("dict[str, Any] | None", Store(out).read_record(FILE))
    entries = record["taken_down"] if record else []
    return [TakenDown(**entry) for entry in entries]


def with_taken_down(recipe: Recipe, out: str) -> Recipe:
    """The recipe with the list of the run in this folder."""
    every = taken_down.merged(recipe.publish.taken_down, listed(out))
    if every == recipe.publish.taken_down:
        return recipe
    return changed(recipe, publish=recipe.publish.model_copy(update={"taken_down": every}))


def write(out: str, wanted: Sequence[TakenDown]) -> None:
    """Add to the list of a run."""
    every = taken_down.merged(listed(out), wanted)
    entries = [entry.model_dump(exclude_none=True) for entry in every]
    Store(out).write_record(FILE, {"taken_down": entries})
