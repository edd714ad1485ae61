"""The publisher's own text for the card, as a recipe names its file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pipeline import UserError

if TYPE_CHECKING:
    from pipeline.recipe.settings import Recipe


def about(recipe: Recipe) -> str:
    """Empty where the recipe names no file. Raises UserError where it cannot be read."""
    named = recipe.publish.about
    if named is None:
        return ""
    path = recipe.folder / Path(named).expanduser()
    try:
        return path.read_text("utf-8").strip()
    except OSError as error:
        raise UserError(f"publish.about: {path} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise UserError(f"publish.about: {path} is not UTF-8; save it as UTF-8.") from None
