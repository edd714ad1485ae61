"""What is wrong with a recipe: the place, told as line and key, and the nearest right spelling."""

from __future__ import annotations

import difflib
import glob
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple, get_args

import yaml
from pydantic import BaseModel

Place = tuple[str | int, ...]


class Mistake(NamedTuple):
    line: int
    key: str
    problem: str


def missing_inputs(tree: yaml.Node, values: dict[str, Any], folder: Path) -> Iterator[Mistake]:
    """What a recipe names and what is not there, looked for even where the recipe has other mistakes."""
    for where, pattern in _named_paths(values):
        path = folder / pattern
        if "://" not in pattern and not glob.has_magic(str(path)) and not path.exists():
            near = difflib.get_close_matches(path.name, _neighbours(path), 1)
            hint = f"; did you mean {near[0]}?" if near else ""
            yield Mistake(_line(tree, where), _dotted(where), f"there is no {path}{hint}")
    generate, models = _section(values, "generate"), _section(values, "models")
    for part in ("inventor", "character", "user") if generate.get("talks") else ():
        name = str(generate.get(part, "writer"))
        if name not in models:
            known = ", ".join(map(str, models)) or "none"
            problem = f"there is no model `{name}` under `models` (there: {known})"
            yield Mistake(_line(tree, ("generate", part)), f"generate.{part}", problem)


def _named_paths(values: dict[str, Any]) -> Iterator[tuple[Place, str]]:
    sources = _section(values, "collect").get("sources")
    for number, source in enumerate(sources if isinstance(sources, list) else []):
        for door in ("files", "start"):
            paths = source.get(door) if isinstance(source, dict) else None
            for index, pattern in enumerate(paths if isinstance(paths, list) else []):
                yield ("collect", "sources", number, door, index), str(pattern)
    cards = _section(values, "generate").get("cards")
    for index, card in enumerate(cards if isinstance(cards, list) else []):
        yield ("generate", "cards", index), str(card)


def _section(values: dict[str, Any], name: str) -> dict[str, Any]:
    found = values.get(name)
    return found if isinstance(found, dict) else {}


def _neighbours(path: Path) -> list[str]:
    return [p.name for p in path.parent.iterdir()] if path.parent.is_dir() else []


def mistake(tree: yaml.Node, detail: Any, recipe: type[BaseModel]) -> Mistake:
    """One of pydantic's error details, told with line, key and the nearest right spelling."""
    where = tuple(detail["loc"])
    key, line = _dotted(where), _line(tree, where)
    if detail["type"] == "extra_forbidden":
        known = _known_keys(recipe, where[:-1])
        near = difflib.get_close_matches(str(where[-1]), known, 1, cutoff=0.5)
        hint = f"did you mean `{near[0]}`?" if near else f"known here: {', '.join(known)}"
        return Mistake(line, key, f"unknown key; {hint}")
    if detail["type"] == "missing":
        return Mistake(line, key, "is missing")
    found = f" (found {detail['input']!r})" if not isinstance(detail["input"], dict | list) else ""
    return Mistake(line, key, detail["msg"].removeprefix("Value error, ") + found)


def _dotted(where: Place) -> str:
    return ".".join(f"[{part + 1}]" if isinstance(part, int) else part for part in where).replace(".[", "[")


def _line(node: yaml.Node, where: Place) -> int:
    """The line, from 1, of the deepest part of a place that the file has."""
    line = node.start_mark.line
    for part in where:
        if isinstance(node, yaml.MappingNode):
            pair = next(((k, v) for k, v in reversed(node.value) if k.value == str(part)), None)
            if pair is None:
                break
            line, node = pair[0].start_mark.line, pair[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
            line = node.start_mark.line
    return line + 1


def repeated_keys(node: yaml.Node, where: Place = ()) -> Iterator[Mistake]:
    """Keys that stand twice in one section: YAML would silently take the last."""
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if key.value in seen:
                yield Mistake(key.start_mark.line + 1, _dotted((*where, key.value)), "stands here twice")
            seen.add(key.value)
            yield from repeated_keys(value, (*where, key.value))
    elif isinstance(node, yaml.SequenceNode):
        for number, value in enumerate(node.value):
            yield from repeated_keys(value, (*where, number))


def _known_keys(recipe: type[BaseModel], where: Place) -> list[str]:
    """The keys that the section at a place may have."""
    kind: Any = recipe
    for part in where:
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            kind = kind.model_fields[str(part)].annotation if str(part) in kind.model_fields else None
        else:  # list[X], dict[str, X], X | None
            kind = next((a for a in reversed(get_args(kind)) if a is not type(None)), None)
        while get_args(kind) and not isinstance(kind, type) and type(None) in get_args(kind):
            kind = next(a for a in get_args(kind) if a is not type(None))
    return sorted(kind.model_fields) if isinstance(kind, type) and issubclass(kind, BaseModel) else []
