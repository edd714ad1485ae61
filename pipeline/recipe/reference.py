"""Every key of a recipe, made from the models of its settings: type, default and description."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from types import UnionType
from typing import Annotated, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from pipeline.recipe.base import settings_in
from pipeline.recipe.settings import Recipe
from pipeline.rules import RULES

# how the keys below a section are named that holds sections by names of the user's own
OWN_NAMES = {"models": "<use>", "filter.rules": "<rule>", "publish.cut": "<measure>"}
PLAIN = {str: "text", int: "whole number", float: "number", bool: "true or false", object: "value"}
# bounds of numbers, by the names that pydantic has for them
BOUNDS = {"ge": "{} or more", "gt": "more than {}", "le": "{} or less", "lt": "less than {}"}


@dataclass(frozen=True)
class Key:
    """A key of a recipe. path: `collect.sources[].files`. default: empty for a section."""

    path: str
    kind: str
    default: str
    description: str


def keys(model: type[BaseModel] = Recipe, prefix: str = "") -> Iterator[Key]:
    """The keys of a section and of the sections in it, in the order in which they are defined."""
    yield from _keys(model, prefix, {})


def _keys(model: type[BaseModel], prefix: str, seen: dict[type, str]) -> Iterator[Key]:
    """seen: sections whose keys stand already, and where."""
    for name, field in model.model_fields.items():
        path = f"{prefix}{name}"
        section = settings_in(field.annotation)
        same_as = section and seen.get(section)
        description = field.description or ""
        if same_as:
            description += f"; keys as in {same_as}"
        yield Key(path, _kind(field), _default(field), description)
        if section and not same_as:
            inside = f"{path}{_item(field, path)}"
            seen[section] = inside
            yield from _keys(section, f"{inside}.", seen)


def _item(field: FieldInfo, path: str) -> str:
    """How one item of a list or section of sections is written."""
    origin = get_origin(field.annotation)
    if origin is list:
        return "[]"
    if origin is dict:
        return f".{OWN_NAMES[path]}"
    return ""


def _kind(field: FieldInfo) -> str:
    bounds = [_bound(constraint) for constraint in field.metadata]
    return ", ".join([kind_of(field.annotation), *filter(None, bounds)])


def _bound(constraint: object) -> str:
    for name, words in BOUNDS.items():
        if hasattr(constraint, name):
            return words.format(getattr(constraint, name))
    return ""


def kind_of(kind: object) -> str:
    """A type in words: `list of text`, `label | mask | drop`, `number or null`."""
    origin, inside = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return kind_of(inside[0])
    if origin is Literal:
        return " | ".join(inside)
    if origin in (Union, UnionType):
        known = [kind_of(part) for part in inside if part is not type(None)]
        return f"{' or '.join(known)} or null"
    if origin is list:
        return f"list of {_many(inside[0])}"
    if origin is tuple:
        return f"{len(inside)} {_many(inside[0])}"
    if origin is dict:
        return f"{_many(inside[1])} by name"
    return next((words for plain, words in PLAIN.items() if kind is plain), "section")


def _many(kind: object) -> str:
    words = kind_of(kind)
    if words == "text" or get_origin(kind) is Literal:
        return words
    return f"{words}s"


def _default(field: FieldInfo) -> str:
    """As it is written in YAML; empty for a section, whose keys have their own."""
    value = field.default
    if field.is_required():
        return "none, must be given"
    if isinstance(value, BaseModel):
        return ""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        value = list(value)
    return str(value)


def rules() -> Iterator[Key]:
    """The keys of `filter.rules`: when each fires, what happens then, where its limit is from."""
    for name, rule in RULES.items():
        default = f"{{limit: {rule.limit:g}, decision: {rule.decision}}}"
        description = f"{rule.unit}; {rule.source}"
        if rule.fixed:
            description += "; cannot be changed"
        yield Key(name, f"fires {rule.fires} the limit", default, description)


def names() -> dict[str, list[str]]:
    """The names that some keys take, by key."""
    from pipeline.collect import shapes, web
    from pipeline.conversation import CRITERIA, MEASURES

    measures = [f"{name} ({unit})" for name, unit in MEASURES.items()]
    return {
        "collect.sources[].shape": shapes.names(shapes.RECORDS, shapes.TABLES, shapes.TEXTS),
        "collect.sources[].spider": list(web.SPIDERS),
        "score.judge.criteria": list(CRITERIA),
        "publish.cut.<measure> and publish.choose.by": [*measures, *CRITERIA],
    }
