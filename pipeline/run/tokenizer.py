"""The tokenizer that a recipe names for `publish`."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.publish.tokens import FILE, counter
from pipeline.recipe.publish import PublishSettings

if TYPE_CHECKING:
    from pipeline.recipe.settings import Recipe


def with_tokenizer(settings: PublishSettings, recipe: Recipe) -> PublishSettings:
    """Settings with the folder of the tokenizer as every process finds it. Raises UserError where
    it cannot be read."""
    file = _file(recipe)
    if file is not None:
        settings = settings.model_copy(update={"tokenizer": str(file.parent)})
    counter(settings.tokenizer)
    return settings


def tokenizer_digest(recipe: Recipe) -> str | None:
    """Names the tokenizer in the recipe's folders; None of one on the Hub, or of none."""
    file = _file(recipe)
    return None if file is None else hashlib.sha256(file.read_bytes()).hexdigest()


def _file(recipe: Recipe) -> Path | None:
    named = recipe.publish.tokenizer
    file = recipe.folder / Path(named).expanduser() / FILE if named else None
    return file if file and file.is_file() else None
