"""What all sections of a recipe share."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from typing import get_args

from pydantic import BaseModel, ConfigDict, model_validator

LAST_PART = re.compile(r"[^./]*$")  # of `structure.turns`, of `3-filter/measured`


class Settings(BaseModel):
    """A section of a recipe: immutable; unknown keys are errors; an empty section is its default.

        dedup:               the same as no `dedup` at all
          # threshold: 0.7

    Every field has a description, of which `rapport recipe --reference` is made.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    @model_validator(mode="before")
    @classmethod
    def _without_empty_sections(cls, given: object) -> object:
        if not isinstance(given, dict):
            return given
        empty = {key for key, value in given.items() if value is None and _is_section(cls, key)}
        return {key: value for key, value in given.items() if key not in empty}


def _is_section(model: type[BaseModel], key: object) -> bool:
    field = model.model_fields.get(str(key))
    return field is not None and is_settings(field.annotation)


def is_settings(kind: object) -> bool:
    """Is a type a section of settings?"""
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def settings_in(kind: object) -> type[BaseModel] | None:
    """The section that a type is or holds: `Price` of `Price | None`, of `list[Price]`."""
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return kind
    found = (settings_in(part) for part in get_args(kind))
    return next((section for section in found if section is not None), None)


def nearest(name: str, known: Iterable[str], most: int = 1) -> list[str]:
    """The known names that look most like a misspelt one, the best first.

    The last part of a name counts too: `turn` is near `structure.turns`.
    """
    by_part = {part: full for full in known for part in (LAST_PART.findall(full)[0], full)}
    close = difflib.get_close_matches(name, by_part, most)
    return list(dict.fromkeys(by_part[part] for part in close))


def plural(count: int, thing: str) -> str:
    """`1 file`, `2 files`."""
    if count == 1:
        return f"1 {thing}"
    return f"{count} {thing}s"


def unknown(kind: str, name: str, known: Iterable[str], otherwise: str = "") -> str:
    """`there is no shape `mesages`; did you mean `messages`?`

    otherwise: the hint where no known name is near; by default all known names are listed.
    """
    names = list(known)
    hint = did_you_mean(name, names) or otherwise or f"there are {', '.join(names)}"
    return f"there is no {kind} `{name}`; {hint}"


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """`did you mean `a` or `b`?`; empty where no known name is near."""
    near = [f"`{one}`" for one in nearest(name, known, 2)]
    if not near:
        return ""
    return f"did you mean {' or '.join(near)}?"
