"""One room on the user's own files: the recipe that a command like `rapport filter FILE` stands for."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from pipeline.mistakes import mistake
from pipeline.recipe import Recipe, UserError


def of_files(
    name: str, room: str, inputs: Sequence[str], sets: Sequence[str], models: dict[str, Any] | None = None
) -> Recipe:
    """The recipe of one room on the user's own files. sets: settings of the room as KEY=VALUE, values in YAML.

    Raises UserError that names the setting that is wrong.
    """
    section: dict[str, Any] = {}
    for text in sets:
        key, _, value = text.partition("=")
        *path, last = key.split(".")
        place = section
        for part in path:
            place = place.setdefault(part, {})
        place[last] = yaml.safe_load(value)
    doors = {"sources": [{"name": name, "files": [path]} for name, path in _named_files(inputs)]}
    sections = {"collect": doors | section} if room == "collect" else {"collect": doors, room: section}
    values = {"name": name, "models": models or {}, **sections}
    try:
        recipe = Recipe.model_validate(values)
    except ValidationError as error:
        tree = yaml.compose(yaml.safe_dump(values), Loader=yaml.SafeLoader)
        assert tree is not None
        found = [mistake(tree, detail, Recipe) for detail in error.errors()]
        raise UserError("\n".join(f"{m.key}: {m.problem}" for m in sorted(found))) from None
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
