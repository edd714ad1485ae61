"""Recipes that stand in no file: one room on the user's own files, and a recipe with something changed for one run."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from pipeline import UserError
from pipeline.recipe.mistakes import NotYaml, missing_inputs, mistake, parsed, wrong_names
from pipeline.recipe.settings import Recipe


def of_files(
    out: str,
    room: str,
    inputs: Sequence[str],
    sets: Sequence[str],
    models: dict[str, Any] | None = None,
) -> Recipe:
    """The recipe of one room on the user's own files, named after its folder. sets: the room's settings, KEY=VALUE.

    Raises UserError that names the setting that is wrong.
    """
    section: dict[str, Any] = {}
    for text in sets:
        _put(section, text)
    doors = {"sources": [{"name": name, "files": [path]} for name, path in _named_files(inputs)]}
    sections = (
        {"collect": doors | section} if room == "collect" else {"collect": doors, room: section}
    )
    name = re.sub(r"[^\w.-]+", "-", Path(out).resolve().name).lstrip("-.") or "files"
    values = {"name": name, "models": models or {}, **sections}
    tree = yaml.compose(yaml.safe_dump(values), Loader=yaml.SafeLoader)
    assert tree is not None
    missing = (
        m for m in missing_inputs(tree, values, Path.cwd()) if not m.key.startswith("collect.")
    )
    found = [*missing, *wrong_names(tree, values)]
    try:
        recipe = Recipe.model_validate(values)
    except ValidationError as error:
        found += [mistake(tree, detail, Recipe) for detail in error.errors()]
    if found:
        raise UserError("\n".join(f"{m.key}: {m.problem}" for m in sorted(found)))
    recipe._folder = Path.cwd()
    return recipe


def _named_files(inputs: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Each input and the name of its source: that of the file or folder, numbered where another is called so."""
    given: set[str] = set()
    for path in inputs:
        called = [part for part in path.rstrip("/").split("/") if not set("*?[") & set(part)]
        stem = "".join(called[-1:]).partition(".")[0] or "input"
        numbered = (f"{stem}-{n}" for n in itertools.count(2))
        name = stem if stem not in given else next(name for name in numbered if name not in given)
        given.add(name)
        yield name, path


def _put(section: dict[str, Any], text: str) -> None:
    """Put a setting, as `rules.structure.turns.limit=6`, into a section. Values are YAML."""
    key, equals, value = text.partition("=")
    *path, last = key.split(".")
    place: Any = section
    for part in path:
        place = place.setdefault(part, {}) if isinstance(place, dict) else None
    if not equals or not isinstance(place, dict):
        raise UserError(
            f"--set {text}: write KEY=VALUE, as in languages=[en] or rules.structure.turns.limit=6."
        )
    try:
        place[last] = parsed(value)[1]
    except NotYaml as error:
        raise UserError(f"--set {text}: {error}") from None


def rehearsed(recipe: Recipe) -> Recipe:
    """The same recipe with every model replaced by the offline rehearsal model."""
    models = {
        use: model.model_copy(update={"base_url": "rehearsal"})
        for use, model in recipe.models.items()
    }
    return changed(recipe, models=models)


def reparsed(recipe: Recipe) -> Recipe:
    """The same recipe, reading only stored pages."""
    return changed(recipe, collect=recipe.collect.model_copy(update={"reparse": True}))


def changed(recipe: Recipe, **sections: Any) -> Recipe:
    """The same recipe with other sections; relative paths start where they did."""
    copy = recipe.model_copy(update=sections)
    copy._folder = recipe.folder
    return copy
