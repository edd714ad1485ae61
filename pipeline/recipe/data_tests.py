"""Tests of the data in a recipe: what the published rows must be like.

rows >= 1000                   how many rows there are
count language=en >= 100       how many of a language, source, license or split
share source=cafe <= 0.5       the same as a share of all rows
share turns<6 <= 0.01          of the rows that have this measure or criterion
median pacing >= 3             also min, p5, mean, p95 and max of a measure or criterion

parsed("share turns<6 <= 0.01") -> DataTest
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from typing import NamedTuple

from pipeline.conversation import CRITERIA, MEASURES
from pipeline.recipe.base import did_you_mean, unknown

COMPARES: dict[str, Callable[[float, float], bool]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "<": operator.lt,
    ">": operator.gt,
}
FIELDS = ("language", "source", "license", "split")
STATISTICS = ("min", "p5", "median", "mean", "p95", "max")
OF_ROWS = ("count", "share")
FORMS = (
    "write a test as `rows >= 100`, `share language=en >= 0.9`, `share turns<6 <= 0.01` or "
    "`median pacing >= 3`"
)
_NUMBER = r"[-+]?\d+(?:\.\d+)?"
_TEST = re.compile(rf"(?P<subject>.+?)\s*(?P<sign><=|>=|<|>)\s*(?P<limit>{_NUMBER})")
_BEYOND = re.compile(rf"(?P<name>\w+)\s*(?P<sign><=|>=|<|>)\s*(?P<limit>{_NUMBER})")


class RowCondition(NamedTuple):
    """Which rows are counted: those with this value of a field, or beyond a value of a measure.

    sign: `=` of a field.
    """

    name: str
    sign: str
    value: str


class DataTest(NamedTuple):
    """One test. what: rows, count, share or a statistic. of: which rows are counted, or the name of
    the measure; None for `rows`. limit: what the number must be, by `sign`."""

    text: str
    what: str
    of: RowCondition | str | None
    sign: str
    limit: float

    def holds(self, found: float) -> bool:
        return COMPARES[self.sign](found, self.limit)


def parsed(text: str) -> DataTest:
    """A test as it is written in a recipe. Raises ValueError that says what is wrong with it."""
    match = _TEST.fullmatch(text.strip())
    if match is None:
        raise ValueError(FORMS)
    what, _, rest = match["subject"].partition(" ")
    subject, sign, limit = rest.strip(), match["sign"], float(match["limit"])
    if what == "rows" and not subject:
        return DataTest(text, what, None, sign, limit)
    if what in OF_ROWS and subject:
        return DataTest(text, what, _condition(subject), sign, limit)
    if what in STATISTICS and subject:
        return DataTest(text, what, _known(subject), sign, limit)
    near = did_you_mean(what, ("rows", *OF_ROWS, *STATISTICS))
    raise ValueError(f"`{what}` begins no test; {near or FORMS}")


def _condition(text: str) -> RowCondition:
    name, equals, value = text.partition("=")
    match = _BEYOND.fullmatch(text)
    if match:
        return RowCondition(_known(match["name"]), match["sign"], match["limit"])
    if equals and name.strip() in FIELDS and value.strip():
        return RowCondition(name.strip(), "=", value.strip())
    if equals and name.strip() not in FIELDS:
        raise ValueError(unknown("field", name.strip(), FIELDS))
    raise ValueError(f"`{text}` names no rows; write `language=en` or `turns<6`")


def _known(name: str) -> str:
    """A measure or criterion."""
    known = (*MEASURES, *CRITERIA)
    if name not in known:
        every = "`rapport recipe --reference` lists them"
        raise ValueError(unknown("measure or criterion", name, known, every))
    return name


def checked(text: str) -> str:
    """The text of a test that can be read. Raises ValueError."""
    return parsed(text).text
