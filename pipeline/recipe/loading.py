"""Finding and reading a recipe: every mistake at once, each with its line and key."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from pydantic import ValidationError

from pipeline import UserError
from pipeline.recipe import checks
from pipeline.recipe.base import nearest, plural
from pipeline.recipe.document import Document, NotYaml, parsed
from pipeline.recipe.mistakes import Mistake, in_words, repeated
from pipeline.recipe.settings import Recipe
from pipeline.texts import configs

NAMED = re.compile(r"^name:", re.M)  # a recipe; other tables in configs/ have no name


def bundled_recipes() -> list[Path]:
    """The recipes that come with Rapport."""
    tables = sorted(configs().glob("*.yaml"))
    return [path for path in tables if NAMED.search(path.read_text("utf-8"))]


def find(name: str) -> Path:
    """The file of a recipe: a path, or the name of a bundled one.

    Raises UserError that says which there are.
    """
    path = Path(name)
    if path.is_file():
        return path
    bundled = configs() / f"{path.name.removesuffix('.yaml')}.yaml"
    if path.parent == Path() and bundled in bundled_recipes():
        return bundled
    names = [recipe.stem for recipe in bundled_recipes()]
    hint = "".join(f"Did you mean {near}? " for near in nearest(path.stem, names))
    raise UserError(f"There is no recipe {name}. {hint}Bundled: {', '.join(names)}.")


def load(path: Path, sources: bool = False) -> Recipe:
    """Read a recipe. sources: also open every source, which may ask the Hub.

    Raises UserError that lists every mistake with file, line, key and the nearest right spelling.
    """
    document = read(path)
    folder = path.resolve().parent
    recipe, found = checked(document)
    found += [*repeated(document), *checks.missing_files(document, folder)]
    found += checks.unknown_sources(document)
    if sources:
        # a source that is reported already, for a file that is missing say, is not opened in vain
        known = tuple(found)
        for one in checks.unreadable_sources(document, folder):
            if not any(other.key.startswith(one.key) for other in known):
                found.append(one)
    if found or recipe is None:
        raise UserError(_report(path, found))
    recipe._folder = folder
    return recipe


def from_values(values: Mapping[str, object]) -> Recipe:
    """The recipe that these values make; relative paths start here. Raises UserError."""
    document = Document(dict(values))
    recipe, found = checked(document)
    found += [*checks.missing_files(document, Path.cwd()), *checks.unknown_sources(document)]
    return accepted(recipe, found)


def accepted(recipe: Recipe | None, found: list[Mistake]) -> Recipe:
    """A recipe without a file, whose relative paths start here. Raises UserError at mistakes."""
    if found or recipe is None:
        raise UserError("\n".join(f"{one.key}: {one.problem}" for one in sorted(found)))
    recipe._folder = Path.cwd()
    return recipe


def read(path: Path) -> Document:
    """The text of a recipe. Raises UserError where it is not a YAML text of sections."""
    try:
        tree, values = parsed(path.read_text("utf-8"))
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError as error:
        where = f"{path}: byte {error.start} is not UTF-8"
        raise UserError(f"{where}; save the recipe as UTF-8.") from None
    except NotYaml as error:
        raise UserError(f"{path}:{error.line}: {error}") from None
    if not isinstance(values, dict):
        sections = "a recipe is a list of sections (name, collect, filter …)"
        raise UserError(f"{path}:1: {sections}; `rapport init FOLDER` writes one.")
    return Document(values, tree)


def checked(document: Document) -> tuple[Recipe | None, list[Mistake]]:
    """The recipe, where its values make one, and the mistakes that are in them."""
    found = [*checks.missing_models(document), *checks.unknown_names(document)]
    found += [*checks.unknown_measures(document), *checks.unknown_criteria(document)]
    found += checks.repeated_sources(document)
    try:
        recipe = Recipe.model_validate(document.values)
    except ValidationError as error:
        return None, found + in_words(document, error, Recipe)
    return recipe, [*found, *checks.judges_of_their_own(recipe, document)]


def _report(path: Path, found: list[Mistake]) -> str:
    lines = [f"{path}:{one.line}: {one.key}: {one.problem}" for one in sorted(found)]
    return "\n".join([f"{path} has {plural(len(lines), 'mistake')}:", *lines])
