"""The classifiers of the user's own that a recipe names for `score`."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.recipe.score import ScoreSettings

if TYPE_CHECKING:
    from pipeline.recipe.settings import Recipe


def with_classifiers(settings: ScoreSettings, recipe: Recipe) -> ScoreSettings:
    """Settings with the folder of the classifiers as every process finds it. Raises UserError where
    they cannot be read."""
    folder = _folder(recipe)
    if folder is None:
        return settings
    from pipeline.annotate.own import own

    own(str(folder))
    return settings.model_copy(update={"classifiers": str(folder)})


def classifiers_digest(recipe: Recipe) -> dict[str, str] | None:
    """The files of the classifiers by their digests; None where the shipped ones are used."""
    folder = _folder(recipe)
    if folder is None:
        return None
    files = sorted(folder.glob("*.npz"))
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


def _folder(recipe: Recipe) -> Path | None:
    named = recipe.score.classifiers
    return (recipe.folder / Path(named).expanduser()).resolve() if named else None
