"""What is wrong with a recipe: the place, told as line and key, and the nearest right spelling."""

from __future__ import annotations

import difflib
import glob
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple, get_args

import yaml
from pydantic import BaseModel, ValidationError

from pipeline import UserError

Place = tuple[str | int, ...]


class Mistake(NamedTuple):
    line: int
    key: str
    problem: str


class NotYaml(Exception):
    """A text that is no YAML: line, from 1, and what is wrong there."""

    def __init__(self, line: int, problem: object) -> None:
        super().__init__(f"not YAML: {problem}.")
        self.line = line


def parsed(text: str) -> tuple[yaml.Node | None, Any]:
    """A YAML text as tree, for the lines, and as value. Raises NotYaml."""
    tree = None
    try:
        tree = yaml.compose(text, Loader=yaml.SafeLoader)
        return tree, yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise NotYaml(mark.line + 1 if mark else 1, error.problem or error.context) from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise NotYaml(
            line, f"a character that may not stand here (U+{ord(text[error.position]):04X})"
        ) from None
    except (ValueError, RecursionError) as error:  # a date that is none: 2024-13-45
        raise NotYaml(_line_of_no_value(tree) if tree else 1, error) from None


def _line_of_no_value(node: yaml.Node) -> int:
    """The line of the last scalar that looks like a date or number and is none."""
    if isinstance(node, yaml.ScalarNode):
        try:
            yaml.SafeLoader("").construct_object(node)
        except ValueError:
            return node.start_mark.line + 1
        return 0
    parts = [part for pair in node.value for part in (pair if isinstance(pair, tuple) else (pair,))]
    return max(map(_line_of_no_value, parts), default=0)


def missing_inputs(tree: yaml.Node, values: dict[str, Any], folder: Path) -> Iterator[Mistake]:
    """What a recipe names and what is not there, looked for even where the recipe has other mistakes."""
    for where, pattern in _named_paths(values):
        path = folder / Path(pattern).expanduser()
        is_pattern = where[1] != "cards" and glob.has_magic(str(path))
        if "://" not in pattern and not is_pattern and not path.exists():
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
    for section, key in (("collect", "sources"), ("dedup", "against")):
        for number, source in enumerate(_listed(values, section, key)):
            for door in ("files", "start"):
                paths = source.get(door) if isinstance(source, dict) else None
                for index, pattern in enumerate(paths if isinstance(paths, list) else []):
                    yield (section, key, number, door, index), str(pattern)
    for section, key in (("generate", "cards"), ("dedup", "against")):
        for index, named in enumerate(_listed(values, section, key)):
            if isinstance(named, str) and not named.startswith("hub:"):
                yield (section, key, index), named


def wrong_names(tree: yaml.Node, values: dict[str, Any]) -> Iterator[Mistake]:
    """Names that nothing goes by, and would do nothing: shapes, spiders, what a cut is made by; and a name twice."""
    from pipeline.collect import shapes, web
    from pipeline.conversation import CRITERIA, MEASURES

    known = {
        "shape": shapes.names(shapes.RECORDS, shapes.TABLES, shapes.TEXTS),
        "spider": list(web.SPIDERS),
    }
    seen: set[str] = set()
    for number, source in enumerate(_listed(values, "collect", "sources")):
        where: Place = ("collect", "sources", number)
        given = source if isinstance(source, dict) else {}
        for key, names in known.items():
            if isinstance(given.get(key), str) and given[key] not in names:
                yield _unknown(tree, (*where, key), key, given[key], names)
        name = str(given.get("name") or given.get("hub") or number)
        if name in seen:
            problem = f"there is a source `{name}` already: its rows would get the same ids; give it another `name`"
            yield Mistake(_line(tree, (*where, "name")), _dotted((*where, "name")), problem)
        seen.add(name)
    for cut in _section(_section(values, "publish"), "cut"):
        if cut not in (*MEASURES, *CRITERIA):
            yield _unknown(
                tree,
                ("publish", "cut", str(cut)),
                "measure or criterion",
                str(cut),
                [*MEASURES, *CRITERIA],
            )


def unknown_sources(tree: yaml.Node, values: dict[str, Any]) -> Iterator[Mistake]:
    """Sources that `dedup` prefers and the recipe has not. Rows of an earlier run's shelf bring their own names."""
    sources = [
        source for source in _listed(values, "collect", "sources") if isinstance(source, dict)
    ]
    if any(
        ".parquet" in str(source.get("files")) or "kept" in str(source.get("files"))
        for source in sources
    ):
        return
    names = ["generated", *(str(source.get("name") or source.get("hub")) for source in sources)]
    for index, name in enumerate(_listed(values, "dedup", "sources")):
        if name not in names:
            yield _unknown(tree, ("dedup", "sources", index), "source", str(name), names)


def closed_doors(tree: yaml.Node, values: dict[str, Any], folder: Path) -> Iterator[Mistake]:
    """What only the doors can know: sites, licences, what the Hub says. One mistake a source at most."""
    from pipeline import collect
    from pipeline.recipe.settings import CollectSettings

    section = _section(values, "collect")
    for number, source in enumerate(_listed(values, "collect", "sources")):
        where: Place = ("collect", "sources", number)
        try:
            collect.units(CollectSettings.model_validate({**section, "sources": [source]}), folder)
        except UserError as error:
            yield Mistake(_line(tree, where), _dotted(where), str(error))
        except ValidationError:  # told already
            pass


def _unknown(tree: yaml.Node, where: Place, kind: str, name: str, known: list[str]) -> Mistake:
    near = difflib.get_close_matches(name, known, 1)
    hint = f"did you mean `{near[0]}`?" if near else f"there are {', '.join(known)}"
    return Mistake(_line(tree, where), _dotted(where), f"there is no {kind} `{name}`; {hint}")


def _listed(values: dict[str, Any], section: str, key: str) -> list[Any]:
    found = _section(values, section).get(key)
    return found if isinstance(found, list) else []


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
    return ".".join(f"[{part + 1}]" if isinstance(part, int) else part for part in where).replace(
        ".[", "["
    )


def _line(node: yaml.Node, where: Place) -> int:
    """The line, from 1, of the deepest part of a place that the file has."""
    line = node.start_mark.line
    for part in where:
        if isinstance(node, yaml.MappingNode):
            pair = next(((k, v) for k, v in reversed(node.value) if k.value == str(part)), None)
            if pair is None:
                break
            line, node = pair[0].start_mark.line, pair[1]
        elif (
            isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value)
        ):
            node = node.value[part]
            line = node.start_mark.line
    return line + 1


def repeated_keys(node: yaml.Node, where: Place = ()) -> Iterator[Mistake]:
    """Keys that stand twice in one section: YAML would silently take the last."""
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if key.value in seen:
                yield Mistake(
                    key.start_mark.line + 1, _dotted((*where, key.value)), "stands here twice"
                )
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
            kind = (
                kind.model_fields[str(part)].annotation if str(part) in kind.model_fields else None
            )
        else:  # list[X], dict[str, X], X | None
            kind = next((a for a in reversed(get_args(kind)) if a is not type(None)), None)
        while get_args(kind) and not isinstance(kind, type) and type(None) in get_args(kind):
            kind = next(a for a in get_args(kind) if a is not type(None))
    return (
        sorted(kind.model_fields) if isinstance(kind, type) and issubclass(kind, BaseModel) else []
    )
