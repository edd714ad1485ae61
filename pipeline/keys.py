"""A room's key: a hash of its settings, its code, what it reads besides rows, and the key of the room before."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pipeline.recipe import Recipe, configs


def digest(*parts: object) -> str:
    return hashlib.blake2b(json.dumps(parts, sort_keys=True, default=str).encode(), digest_size=12).hexdigest()


def ingredients(name: str, recipe: Recipe, code: Sequence[str], packages: Sequence[str]) -> dict[str, Any]:
    """All that decides what a room makes of its rows. A number that cannot be had is an error, not a blank."""
    found: dict[str, Any] = {
        "settings": getattr(recipe, name).model_dump(mode="json"),
        "code": _code("conversation", "shelf", *code),
        "packages": {package: importlib.metadata.version(package) for package in packages},
    }
    if name == "collect":
        found["inputs"] = _inputs(recipe)
    if name in ("generate", "filter", "score", "publish"):
        found["configs"] = [_content(configs() / folder) for folder in ("words", "prompts", "personas", "rehearsal")]
    if name == "generate":
        answering = {"base_url", "model", "extra"}  # what decides an answer; limits and prices do not
        found["cards"] = [_content(recipe.folder / card) for card in recipe.generate.cards]
        found["models"] = {
            use: model.model_dump(mode="json", include=answering) for use, model in recipe.models.items()
        }
    if name in ("generate", "publish"):
        found["seed"] = recipe.seed
        found["name"] = recipe.name
    return found


def _code(*names: str) -> list[str]:
    """Hashes of the source files of modules and packages under pipeline/."""
    here = Path(__file__).parent
    return [_content(path if path.is_dir() else path.with_suffix(".py")) for path in (here / name for name in names)]


def _content(path: Path) -> str:
    """Hash of a file, or of every source, text and card below a folder."""
    inside = [p for p in sorted(path.rglob("*")) if p.suffix in (".py", ".md", ".txt", ".yaml", ".json", ".png")]
    names = [(str(p.relative_to(path)), hashlib.sha256(p.read_bytes()).hexdigest()) for p in inside]
    return digest(names) if path.is_dir() else hashlib.sha256(path.read_bytes()).hexdigest()


def _inputs(recipe: Recipe) -> str:
    """What stands behind the doors: an edited file has another size or time of change and is read again."""
    from pipeline import collect

    return digest([repr(unit) for unit in collect.units(recipe.collect, recipe.folder)])
