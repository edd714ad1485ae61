"""How far scorers agree with people, as a recipe names it for the card."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.store.agreement import Agreements, read

if TYPE_CHECKING:
    from pipeline.recipe.settings import Recipe


def calibration(recipe: Recipe) -> Agreements | None:
    """None where the recipe names no file. Raises UserError where it is not what it should be."""
    named = recipe.publish.calibration
    if named is None:
        return None
    return read(recipe.folder / Path(named).expanduser())
