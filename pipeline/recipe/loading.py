"""Finding and reading a recipe: every mistake at once, each with its line and key."""

from __future__ import annotations

import difflib
import re
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from pipeline import UserError
from pipeline.recipe.mistakes import (
    NotYaml,
    closed_doors,
    missing_inputs,
    mistake,
    parsed,
    repeated_keys,
    unknown_sources,
    wrong_names,
)
from pipeline.recipe.settings import Recipe
from pipeline.texts import configs


def bundled_recipes() -> list[Path]:
    """The recipes that come with Rapport; configs/ holds other tables too, and these have no name."""
    return [
        path
        for path in sorted(configs().glob("*.yaml"))
        if re.search(r"^name:", path.read_text("utf-8"), re.M)
    ]


def find(name: str) -> Path:
    """The recipe file that is meant: a path, or the name of a bundled recipe. Raises UserError with what there is."""
    path = Path(name)
    if path.is_file():
        return path
    bundled = configs() / f"{path.name.removesuffix('.yaml')}.yaml"
    if path.parent == Path() and bundled.is_file():
        return bundled
    names = [p.stem for p in bundled_recipes()]
    near = difflib.get_close_matches(path.stem, names, 1)
    raise UserError(
        f"There is no recipe {name}. "
        + (f"Did you mean {near[0]}? " if near else "")
        + f"Bundled: {', '.join(names)}."
    )


def load(path: Path, doors: bool = False) -> Recipe:
    """Read a recipe. Raises UserError that lists every mistake with file, line, key and the nearest right spelling.

    doors: also look behind every source, which may ask the Hub.
    """
    try:
        tree, values = parsed(path.read_text("utf-8"))
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError as error:
        raise UserError(
            f"{path}: byte {error.start} is not UTF-8; save the recipe as UTF-8."
        ) from None
    except NotYaml as error:
        raise UserError(f"{path}:{error.line}: {error}") from None
    if tree is None or not isinstance(values, dict):
        raise UserError(
            f"{path}:1: a recipe is a list of sections (name, collect, filter …); see configs/quickstart.yaml."
        )
    return _validated(values, path, tree, doors)


def _validated(values: dict[str, Any], path: Path, tree: yaml.Node, doors: bool) -> Recipe:
    folder = path.resolve().parent
    found = [*repeated_keys(tree), *missing_inputs(tree, values, folder)]
    found += [*wrong_names(tree, values), *unknown_sources(tree, values)]
    try:
        recipe = Recipe.model_validate(values)
    except ValidationError as error:
        found += [mistake(tree, detail, Recipe) for detail in error.errors()]
    if doors:
        found += [
            m
            for m in closed_doors(tree, values, folder)
            if not any(f.key.startswith(m.key) for f in found)
        ]
    if found:
        lines = [f"{path}:{m.line}: {m.key}: {m.problem}" for m in sorted(found)]
        raise UserError(
            "\n".join([f"{path} has {len(lines)} mistake{'s' * (len(lines) > 1)}:", *lines])
        )
    recipe._folder = folder
    return recipe
