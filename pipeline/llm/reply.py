"""What a model wrote where JSON was asked for: read with patience, then held against the schema."""

from __future__ import annotations

import json
import re
from typing import Any

_FENCE = re.compile(r"```[\w-]*\s*\n?(.*?)```", re.DOTALL)
_TRAILING_COMMA = re.compile(r'("(?:\\.|[^"\\])*")|,(?=\s*[}\]])', re.DOTALL)
_TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,), "array": (list,), "string": (str,), "integer": (int,), "number": (int, float),
    "boolean": (bool,), "null": (type(None),),
}  # fmt: skip


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


_DECODER = json.JSONDecoder(
    strict=False, parse_constant=_no_number
)  # a raw line break inside a string is legible


def read_json(text: str) -> Any:
    """The JSON value in a reply: bare, fenced, with prose around it or with trailing commas.

    Raises ValueError when there is none, or when it is cut off.
    """
    for candidate in (text, *_FENCE.findall(text), _outermost(text)):
        for tidy in (candidate, _TRAILING_COMMA.sub(r"\1", candidate)):
            try:
                value = _DECODER.decode(tidy.strip().removeprefix("\ufeff"))
                json.dumps(
                    value, ensure_ascii=False
                ).encode()  # half an emoji ("\\ud83d") could not be stored
                return value
            except ValueError:
                continue
            except RecursionError:
                break
    raise ValueError(
        "no JSON in the answer"
        if "{" not in text and "[" not in text
        else "the JSON is broken or cut off"
    )


def _outermost(text: str) -> str:
    """From the first bracket to the last of its kind: what is left when the prose around is taken away."""
    starts = [at for at in (text.find("{"), text.find("[")) if at >= 0]
    if not starts:
        return ""
    start = min(starts)
    return text[start : text.rfind("}" if text[start] == "{" else "]") + 1]


def misfit(value: Any, schema: dict[str, Any], where: str = "the answer") -> str | None:
    """What is wrong with a value, in words a model understands; None when it fits.

    Checks type, enum, required, properties, items, minItems and anyOf: the part of JSON Schema that servers enforce.
    """
    if "anyOf" in schema:
        problems = [misfit(value, choice, where) for choice in schema["anyOf"]]
        return None if None in problems else problems[0]
    kinds = schema.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    if kinds and not any(_is(value, kind) for kind in kinds):
        return f"{where} must be of type {' or '.join(kinds)}, not {_kind(value)}"
    if "enum" in schema and value not in schema["enum"]:
        return f"{where} must be one of {schema['enum']}"
    if isinstance(value, dict):
        return _misfit_object(value, schema, where)
    return _misfit_array(value, schema, where) if isinstance(value, list) else None


def _misfit_object(value: dict[str, Any], schema: dict[str, Any], where: str) -> str | None:
    for name in schema.get("required", []):
        if name not in value:
            return f'{where} lacks "{name}"'
    parts = schema.get("properties", {})
    return next(
        (p for k, v in value.items() if k in parts and (p := misfit(v, parts[k], f'"{k}"'))), None
    )


def _misfit_array(value: list[Any], schema: dict[str, Any], where: str) -> str | None:
    if len(value) < schema.get("minItems", 0):
        return f"{where} must have {schema['minItems']} items or more, not {len(value)}"
    kind = schema.get("items", {})
    return next(
        (p for i, v in enumerate(value) if (p := misfit(v, kind, f"item {i + 1} of {where}"))), None
    )


def _is(value: Any, kind: str) -> bool:
    return isinstance(value, _TYPES[kind]) and (kind == "boolean" or not isinstance(value, bool))


def _kind(value: Any) -> str:
    return next(
        kind
        for kind in ("null", "boolean", "string", "integer", "number", "array", "object")
        if _is(value, kind)
    )
