"""Which rows are asked for: parsed from the parameters of an address, or the options of a command.

where=source=forum|letters   one of several values; `!=` none of them
where=turns=4..60            a range, ends included; either may be left out
where=pacing<3               also <= > >=
where=pacing=null            not known
find=old kettle              in the folded texts of messages; regex=1: a pattern of RE2
sample=200&seed=1&by=source  so many, in equal parts over the values of a facet
sort=turns&order=desc
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from pipeline import UserError
from pipeline.look.index.fields import FACETS, NUMBERS
from pipeline.recipe.base import did_you_mean

CLAUSE = re.compile(r"\s*(?P<field>[\w.]+)\s*(?P<sign>!=|<=|>=|=|<|>)\s*(?P<value>.*?)\s*", re.S)
RANGE = re.compile(r"(?P<low>[-+.\de]*)\.\.(?P<high>[-+.\de]*)")
SPLIT = re.compile(r"(?<!\\)\|")  # between two values; `\|` is a stroke
NULL = "null"
# more that rows are found by: an id, and what `whatif` and `compare` have found
OF_ROWS = ("id", "newly_dropped", "newly_kept", "moved")
SORTS = (*NUMBERS, "source", "review")
Relation = Literal["=", "!=", "<", "<=", ">", ">="]
Parameters = Mapping[str, Sequence[str]]  # of an address


@dataclass(frozen=True, slots=True)
class Clause:
    """`FIELD SIGN VALUE`. values: those between strokes."""

    field: str
    sign: Relation
    values: tuple[str, ...]

    @property
    def is_numeric(self) -> bool:
        return self.field in NUMBERS


@dataclass(frozen=True, slots=True)
class Selection:
    """Rows for which every clause holds, and how many of them, in which order. sample: 0 for all.
    sort: empty for the order of the stores."""

    where: tuple[Clause, ...] = ()
    find: str = ""
    regex: bool = False
    sample: int = 0
    seed: int = 1
    by: str = "source"
    sort: str = ""
    descending: bool = False

    @property
    def filter(self) -> Selection:
        """The same without an order: the same rows."""
        return replace(self, sort="", descending=False)


def selection(parameters: Parameters) -> Selection:
    """Raises UserError that names what is wrong."""
    where = tuple(clause(text) for text in parameters.get("where", ()) if text.strip())
    found = Selection(
        where,
        find=one(parameters, "find"),
        regex=one(parameters, "regex") in ("1", "true"),
        sample=whole(parameters, "sample", 0),
        seed=whole(parameters, "seed", 1),
        by=one(parameters, "by") or "source",
        sort=one(parameters, "sort"),
        descending=one(parameters, "order") == "desc",
    )
    if found.sort and found.sort not in SORTS:
        raise UserError(_unknown("sort", found.sort, SORTS))
    if found.by not in FACETS:
        raise UserError(_unknown("by", found.by, [*FACETS]))
    return found


def one(parameters: Parameters, name: str) -> str:
    """The last value of a parameter; empty where it is not given."""
    values = parameters.get(name) or [""]
    return values[-1]


def whole(parameters: Parameters, name: str, otherwise: int, most: int = 1_000_000_000) -> int:
    """A whole number that is not negative. Raises UserError."""
    text = one(parameters, name)
    if not text:
        return otherwise
    if not text.isdecimal():
        raise UserError(f"{name}={text}: a whole number is expected.")
    return min(int(text[:12]), most)


def clause(text: str) -> Clause:
    """Raises UserError where it cannot be read."""
    match = CLAUSE.fullmatch(text)
    if match is None:
        raise UserError(f"where `{text}`: write FIELD=VALUE, as in rule=style.refusal or turns=4..")
    field, sign = match["field"], match["sign"]
    if field not in FACETS and field not in NUMBERS and field not in OF_ROWS:
        raise UserError(_unknown("where", field, [*FACETS, *NUMBERS, *OF_ROWS]))
    if sign not in ("=", "!=") and field not in NUMBERS:
        raise UserError(f"where `{text}`: `{field}` is not a number; `=` and `!=` are for it.")
    parts = SPLIT.split(match["value"])
    values = tuple(part.replace("\\|", "|") for part in parts)
    found = Clause(field, sign, values)  # type: ignore[arg-type]
    if found.is_numeric:
        for value in values:
            bounds(value, text)
    return found


def bounds(value: str, text: str) -> tuple[float, float] | None:
    """The ends of a range, or of a single number; None for null. Raises UserError."""
    if value == NULL:
        return None
    match = RANGE.fullmatch(value)
    low, high = (match["low"], match["high"]) if match else (value, value)
    try:
        ends = float(low or "-inf"), float(high or "inf")
    except ValueError:
        ends = (float("nan"),) * 2
    if not value or ends[0] != ends[0] or ends[1] != ends[1]:
        raise UserError(f"where `{text}`: a number, a range as 4..60, or null is expected.")
    return ends


def _unknown(what: str, name: str, known: Sequence[str]) -> str:
    hint = did_you_mean(name, known) or f"there are {', '.join(known)}"
    return f"{what} `{name}`: there is nothing of that name; {hint}"
