"""JSON out of what a model wrote: read with patience, then checked against a schema."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import NoReturn, TypedDict

_FENCE = re.compile(r"```[\w-]*\s*\n?(.*?)```", re.DOTALL)
_TRAILING_COMMA = re.compile(r'("(?:\\.|[^"\\])*")|,(?=\s*[}\]])', re.DOTALL)
_TYPES: dict[str, tuple[type, ...]] = {  # in the order in which a value is named in a message
    "null": (type(None),),
    "boolean": (bool,),
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "array": (list,),
    "object": (dict,),
}


class Schema(TypedDict, total=False):
    """The part of JSON Schema that servers enforce and `misfit` checks."""

    type: str | list[str]
    enum: list[object]
    required: list[str]
    properties: dict[str, Schema]
    items: Schema
    minItems: int
    anyOf: list[Schema]
    additionalProperties: bool


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


# not strict: a raw line break inside a string is legible
_DECODER = json.JSONDecoder(strict=False, parse_constant=_refuse)


def read_json(text: str) -> object:
    """The JSON value in an answer: bare, fenced, inside prose, or with trailing commas.

    Raises ValueError when there is none, or when it is cut off.
    """
    for candidate in _candidates(text):
        try:
            value = _DECODER.decode(candidate.strip().removeprefix("\ufeff"))
            # half an emoji ("\\ud83d") could not be stored
            json.dumps(value, ensure_ascii=False).encode()
        except (ValueError, RecursionError):
            continue
        return value
    if "{" not in text and "[" not in text:
        raise ValueError("no JSON in the answer")
    raise ValueError("the JSON is broken or cut off")


def _candidates(text: str) -> Iterator[str]:
    """Where the JSON may be: everything, a code fence, the outermost brackets; then tidied up."""
    for part in (text, *_FENCE.findall(text), _outermost(text)):
        yield part
        yield _TRAILING_COMMA.sub(r"\1", part)


def _outermost(text: str) -> str:
    """From the first bracket to the last of its kind: what is left without the prose around it."""
    starts = [place for place in (text.find("{"), text.find("[")) if place >= 0]
    if not starts:
        return ""
    start = min(starts)
    closing = "}" if text[start] == "{" else "]"
    return text[start : text.rfind(closing) + 1]


def misfit(value: object, schema: Schema, where: str = "the answer") -> str | None:
    """What is wrong with a value, in a sentence that a model understands; None when it fits.

    where: the part of the answer that the value is.
    """
    if "anyOf" in schema:
        problems = [misfit(value, choice, where) for choice in schema["anyOf"]]
        return problems[0] if all(problems) else None
    kinds = schema.get("type", [])
    if isinstance(kinds, str):
        kinds = [kinds]
    if kinds and not any(_is(value, kind) for kind in kinds):
        return f"{where} must be of type {' or '.join(kinds)}, not {_kind(value)}"
    if "enum" in schema and value not in schema["enum"]:
        return f"{where} must be one of {schema['enum']}"
    if isinstance(value, dict):
        return _misfit_object(value, schema, where)
    if isinstance(value, list):
        return _misfit_array(value, schema, where)
    return None


def _misfit_object(value: dict[str, object], schema: Schema, where: str) -> str | None:
    for name in schema.get("required", []):
        if name not in value:
            return f'{where} lacks "{name}"'
    properties = schema.get("properties", {})
    for name, part in value.items():
        if name in properties and (problem := misfit(part, properties[name], f'"{name}"')):
            return problem
    return None


def _misfit_array(value: list[object], schema: Schema, where: str) -> str | None:
    if len(value) < schema.get("minItems", 0):
        return f"{where} must have {schema['minItems']} items or more, not {len(value)}"
    of_items = schema.get("items", Schema())
    for number, item in enumerate(value, 1):
        if problem := misfit(item, of_items, f"item {number} of {where}"):
            return problem
    return None


def _is(value: object, kind: str) -> bool:
    if isinstance(value, bool):  # Python takes True for a number
        return kind == "boolean"
    return isinstance(value, _TYPES[kind])


def _kind(value: object) -> str:
    return next(kind for kind in _TYPES if _is(value, kind))
