"""A room's key: a hash of its settings, its code, what it reads besides rows, and the key of the room before."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from pipeline.recipe.settings import CollectSettings, Recipe
from pipeline.texts import configs


def digest(*parts: object) -> str:
    return hashlib.blake2b(
        json.dumps(parts, sort_keys=True, default=str).encode(), digest_size=12
    ).hexdigest()


def ingredients(
    name: str, recipe: Recipe, code: Sequence[str], packages: Sequence[str]
) -> dict[str, Any]:
    """All that decides what a room makes of its rows. A number that cannot be had is an error, not a blank."""
    found: dict[str, Any] = {
        "settings": getattr(recipe, name).model_dump(
            mode="json", exclude={"reparse"}
        ),  # says how, not what
        "code": _code("conversation", "texts", "store", "run", "recipe", *code),
        "packages": {package: importlib.metadata.version(package) for package in packages},
    }
    if name == "collect":
        found["inputs"] = _inputs(recipe.collect, recipe.folder)
    if name == "dedup" and recipe.dedup.against:
        found["against"] = _inputs(CollectSettings(sources=recipe.dedup.against), recipe.folder)
    if name in ("generate", "filter", "score", "publish"):
        found["configs"] = [
            _content(configs() / folder) for folder in ("words", "prompts", "personas", "rehearsal")
        ]
    if name == "generate":
        answering = {
            "base_url",
            "model",
            "extra",
        }  # what decides an answer; limits and prices do not
        found["cards"] = [_content(card) for card in cards(recipe)]
        found["models"] = {
            use: model.model_dump(mode="json", include=answering)
            for use, model in recipe.models.items()
        }
    if name in ("generate", "publish"):
        found["seed"] = recipe.seed
        found["name"] = recipe.name
    return found


def cards(recipe: Recipe) -> list[Path]:
    """Every card file of a recipe. Raises UserError where there is none."""
    from pipeline.generate.personas import card_files

    places = [recipe.folder / Path(card).expanduser() for card in recipe.generate.cards]
    return [file for place in places for file in card_files(place)]


def _code(*names: str) -> list[str]:
    """Hashes of the source files of modules and packages under pipeline/."""
    here = Path(__file__).parents[1]
    return [
        _content(path if path.is_dir() else path.with_suffix(".py"))
        for path in (here / name for name in names)
    ]


def _content(path: Path) -> str:
    """Hash of a file, or of every source, text and card below a folder."""
    inside = [
        p
        for p in sorted(path.rglob("*"))
        if p.suffix in (".py", ".md", ".txt", ".yaml", ".json", ".png")
    ]
    names = [(str(p.relative_to(path)), hashlib.sha256(p.read_bytes()).hexdigest()) for p in inside]
    return digest(names) if path.is_dir() else hashlib.sha256(path.read_bytes()).hexdigest()


def _inputs(settings: CollectSettings, folder: Path) -> str:
    """What stands behind the doors: an edited file has another size or time of change and is read again.

    A Hub dataset is named by its commit, which the settings hold.
    """
    from pipeline import collect

    near = settings.model_copy(
        update={"sources": [source for source in settings.sources if not source.hub]}
    )
    units = collect.units(near, folder)
    return digest([(repr(unit), _pages(unit, folder)) for unit in units])


def _pages(unit: Any, folder: Path) -> list[tuple[str, int, int]]:
    """Every file that a crawl of local pages may come to: below the folders of its start pages."""
    starts = unit.source.start if unit.source.spider else ()
    local = [start for start in starts if start.startswith("file:") or "://" not in start]
    tops = {
        (folder / unquote(urlsplit(start).path if "://" in start else start)).parent
        for start in local
    }
    files = (path for top in sorted(tops) for path in sorted(top.rglob("*")) if path.is_file())
    return [(str(path), stat.st_size, stat.st_mtime_ns) for path in files if (stat := path.stat())]
