"""A stage's cache key: settings, code, texts, inputs and library versions, and the name of the
store before."""

from __future__ import annotations

import hashlib
import importlib.metadata
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pipeline.recipe.settings import Recipe
from pipeline.run.code import code_digest
from pipeline.run.stages import Stage, function_of
from pipeline.store.files import digest
from pipeline.texts import configs


def ingredients(stage: Stage, recipe: Recipe) -> dict[str, Any]:
    """All that decides what a stage makes of its rows. A number that cannot be had is an error, not
    a blank."""
    settings = getattr(recipe, stage.name)
    return {
        # `reparse` says how pages are read, not what they hold
        "settings": settings.model_dump(mode="json", exclude={"reparse"}),
        "code": code_digest(stage.modules),
        "texts": texts_digest(stage.texts),
        "packages": {name: importlib.metadata.version(name) for name in stage.packages},
        "reads": function_of(stage.reads)(recipe) if stage.reads else None,
    }


def texts_digest(patterns: Sequence[str]) -> str:
    """Names the files below `configs/` that a stage reads, and what they hold."""
    folder = configs()
    paths: set[Path] = set()
    for pattern in patterns:  # the last one that fits a file counts
        if pattern.startswith("!"):
            paths -= set(folder.glob(pattern[1:]))
        else:
            paths |= set(folder.glob(pattern))
    found = [
        (str(path.relative_to(folder)), hashlib.sha256(path.read_bytes()).hexdigest())
        for path in sorted(paths)
    ]
    return digest(found)
