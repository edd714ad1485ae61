"""Mistakes of a recipe in words: the place as line and key, and the nearest right spelling."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from pipeline.recipe.base import did_you_mean, settings_in
from pipeline.recipe.document import Document, KeyPath, dotted, repeated_keys

FOUND = 60  # characters of a wrong value that are shown

# pydantic's type of error → our words, with what pydantic knows of it in {}. A test gives every
# section every kind of wrong value and finds no other type.
WHOLE = "must be a whole number"
NUMBER = "must be a number"
SWITCH = "must be true or false"
LIST = "must be a list, as in [a, b]"
SECTION = "must be a section of keys and values, as in {{key: value}}"
WORDS = {
    "missing": "is missing",
    "string_type": "must be a text",
    "string_pattern_mismatch": "must be the two small letters of a language, as in en",
    "int_type": WHOLE,
    "int_parsing": WHOLE,
    "int_parsing_size": "is too large a number",
    "int_from_float": WHOLE,
    "finite_number": "must be a number that ends",
    "float_type": NUMBER,
    "float_parsing": NUMBER,
    "bool_type": SWITCH,
    "bool_parsing": SWITCH,
    "list_type": LIST,
    "tuple_type": LIST,
    "dict_type": SECTION,
    "model_type": SECTION,
    "model_attributes_type": SECTION,
    "invalid_key": "must be a text",
    "greater_than": "must be more than {gt:g}",
    "greater_than_equal": "must be {ge:g} or more",
    "less_than": "must be less than {lt:g}",
    "less_than_equal": "must be {le:g} or less",
    "literal_error": "must be {expected}",
    "value_error": "{error}",
}
QUOTES = "write it in quotes: without them YAML takes it for something else"


class Mistake(NamedTuple):
    """What is wrong on which line, from 1, at which key."""

    line: int
    key: str
    problem: str


def mistake(document: Document, path: KeyPath, problem: str) -> Mistake:
    """A mistake at a path of the recipe."""
    return Mistake(document.line(path), dotted(path), problem)


def repeated(document: Document) -> Iterator[Mistake]:
    """Keys that stand twice in one section."""
    if document.tree is not None:
        for line, path in repeated_keys(document.tree):
            yield Mistake(line, dotted(path), "stands here twice")


def in_words(document: Document, error: ValidationError, recipe: type[BaseModel]) -> list[Mistake]:
    """All errors of pydantic, with line, key and the nearest right spelling."""
    return [_in_words(document, detail, recipe) for detail in error.errors()]


def _in_words(document: Document, detail: ErrorDetails, recipe: type[BaseModel]) -> Mistake:
    path = document.named(detail["loc"])
    if path and path[-1] == "[key]":  # the error is in the key before
        path = path[:-1]
    if detail["type"] == "extra_forbidden":
        return mistake(document, path, _unknown_key(str(path[-1]), recipe, path[:-1]))
    if detail["type"] == "missing":
        return mistake(document, path, WORDS["missing"])
    problem = _problem(detail)
    return mistake(document, path, problem + _found(detail, problem))


def _problem(detail: ErrorDetails) -> str:
    words = WORDS.get(detail["type"], detail["msg"])
    known: Mapping[str, object] = detail.get("ctx", {})
    return words.format_map(known)


def _found(detail: ErrorDetails, problem: str) -> str:
    """The wrong value, where that is short and new, and a hint where YAML has changed a text."""
    value: object = detail["input"]
    if value is None:
        return " (nothing stands here)"
    if isinstance(value, dict | list | tuple) or f"`{value}`" in problem:
        return ""
    shown = str(value)
    if isinstance(value, str):
        shown = repr(value)
    if len(shown) > FOUND:
        shown = f"{shown[:FOUND]}…"
    if detail["type"] in ("string_type", "invalid_key"):
        return f" (found {shown}): {QUOTES}"
    return f" (found {shown})"


def _unknown_key(name: str, recipe: type[BaseModel], path: KeyPath) -> str:
    known = known_keys(recipe, path)
    hint = did_you_mean(name, known) or f"known here: {', '.join(known)}"
    return f"unknown key; {hint}"


def known_keys(recipe: type[BaseModel], path: KeyPath) -> list[str]:
    """The keys that the section at a path may have."""
    section: type[BaseModel] | None = recipe
    for part in path:
        # an index, or a name of the user's own, stays in the section that the list or dict holds
        if section is not None and part in section.model_fields:
            section = settings_in(section.model_fields[str(part)].annotation)
    if section is None:
        return []
    return sorted(section.model_fields)
