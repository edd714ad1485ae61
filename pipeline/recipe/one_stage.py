"""Recipes without a file: one stage on the user's own files, and a recipe changed for one run."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import count
from pathlib import Path
from typing import TypedDict, Unpack

from pipeline import UserError
from pipeline.recipe import checks
from pipeline.recipe.collect import CollectSettings
from pipeline.recipe.dedup import DedupSettings
from pipeline.recipe.document import Document, NotYaml, parsed
from pipeline.recipe.loading import accepted, checked
from pipeline.recipe.mistakes import Mistake
from pipeline.recipe.models import ModelSettings
from pipeline.recipe.publish import PublishSettings
from pipeline.recipe.settings import Recipe

KEY_VALUE = "write KEY=VALUE, as in languages=[en] or rules.structure.turns.limit=6."

Values = dict[str, object]  # a section, as a recipe holds it


class Sections(TypedDict, total=False):
    """Sections of a recipe that may be changed for one run."""

    models: dict[str, ModelSettings]
    collect: CollectSettings
    dedup: DedupSettings
    publish: PublishSettings


def of_files(
    out: str,
    stage: str,
    inputs: Sequence[str],
    sets: Sequence[str],
    models: Mapping[str, Values] | None = None,
    reading: Mapping[str, object] | None = None,
) -> Recipe:
    """The recipe of one stage on the user's own files, named after its folder.

    sets: the stage's settings, each KEY=VALUE. reading: how the files are read, as a source has it.
    Raises UserError that names the wrong setting.
    """
    settings: Values = {}
    for text in sets:
        put(settings, text)
    sources: list[Values] = [
        {"name": name, "files": [path], **(reading or {})} for name, path in named(inputs)
    ]
    return of_sources(Path(out).resolve().name, stage, sources, settings, models)


def of_sources(
    name: str,
    stage: str,
    sources: Sequence[Values],
    settings: Mapping[str, object],
    models: Mapping[str, Values] | None = None,
) -> Recipe:
    """The recipe of one stage on sources. Raises UserError that names the wrong setting."""
    values: Values = {"name": folder_name(name), "models": models or {}}
    values |= {"collect": {"sources": sources}}
    values[stage] = {**_section(values, stage), **settings}
    document = Document(values)
    recipe, found = checked(document)
    return accepted(recipe, found + _missing_files(document))


def _section(values: Values, stage: str) -> Values:
    return Document(values).section(stage)


def folder_name(name: str) -> str:
    """A name that a recipe may have: `my out` is `my-out`."""
    return re.sub(r"[^\w.-]+", "-", name).lstrip("-.") or "files"


def _missing_files(document: Document) -> list[Mistake]:
    """Those that settings name."""
    # of its own inputs, `collect` reports what is missing, by the words of the command
    missing = checks.missing_files(document, Path.cwd())
    return [one for one in missing if not one.key.startswith("collect.")]


def named(inputs: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Each input with the name of its source: that of the file or folder, numbered where taken.

    talks/mine.jsonl.gz → mine · other/mine.jsonl → mine-2 · logs/*.csv → logs
    """
    taken: set[str] = set()
    numbers: defaultdict[str, Iterator[int]] = defaultdict(partial(count, 2))
    for path in inputs:
        stem = name = _stem(path)
        while name in taken:
            name = f"{stem}-{next(numbers[stem])}"
        taken.add(name)
        yield name, path


def _stem(path: str) -> str:
    """The name of the last part of a path that is not a pattern, without its endings."""
    parts = [part for part in path.rstrip("/").split("/") if not set("*?[") & set(part)]
    if not parts:
        return "input"
    return parts[-1].partition(".")[0] or "input"


def put(settings: Values, text: str) -> None:
    """Put a setting, as `rules.structure.turns.limit=6`, into a section. Values are YAML."""
    key, equals, value = text.partition("=")
    *path, last = key.split(".")
    place: object = settings
    for part in path:
        if isinstance(place, dict):
            place = place.setdefault(part, {})
    if not equals or not isinstance(place, dict):
        raise UserError(f"--set {text}: {KEY_VALUE}")
    try:
        place[last] = parsed(value)[1]
    except NotYaml as error:
        raise UserError(f"--set {text}: {error}") from None


# --- changed for one run


def rehearsed(recipe: Recipe) -> Recipe:
    """The same recipe with every model replaced by the offline rehearsal model."""
    offline = {"base_url": "rehearsal"}
    models = {use: model.model_copy(update=offline) for use, model in recipe.models.items()}
    return changed(recipe, models=models)


def reparsed(recipe: Recipe) -> Recipe:
    """The same recipe, reading only stored pages."""
    return changed(recipe, collect=recipe.collect.model_copy(update={"reparse": True}))


def changed(recipe: Recipe, **sections: Unpack[Sections]) -> Recipe:
    """The same recipe with other sections; relative paths start where they did."""
    copy = recipe.model_copy(update=dict(sections))
    copy._folder = recipe.folder
    return copy
