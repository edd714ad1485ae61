"""The criteria: what they mean, what their levels look like, and who can rate them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import cast

from pipeline import UserError, texts
from pipeline.conversation import CRITERIA, Conversation, Score

LEVELS = (1, 2, 3, 4, 5)
FILE = "criteria.yaml"


@dataclass(frozen=True, slots=True)
class Criterion:
    """One criterion of `configs/criteria.yaml`.

    needs: what a scorer must have, in words. scorers: those that work without a model, by name.
    levels: from 1 to 5, what it looks like.
    """

    name: str
    definition: str
    needs: str
    scorers: tuple[str, ...]
    levels: dict[int, str]


@cache
def criteria() -> dict[str, Criterion]:
    """All criteria by name, in the order of `CRITERIA`. Raises UserError where the file lacks one
    of them, or a level of it."""
    found = texts.values(".", FILE)
    if not isinstance(found, dict) or set(found) != set(CRITERIA):
        raise UserError(f"configs/{FILE} must have exactly these keys: {', '.join(CRITERIA)}.")
    return {name: _criterion(name, found[name]) for name in CRITERIA}


def _criterion(name: str, values: object) -> Criterion:
    given = cast("dict[str, object]", values) if isinstance(values, dict) else {}
    levels = given.get("levels")
    if not isinstance(levels, dict) or set(levels) != set(LEVELS):
        raise UserError(f"configs/{FILE}, {name}: `levels` must have the keys 1 to 5.")
    scorers = given.get("scorers")
    return Criterion(
        name,
        definition=str(given.get("definition", "")),
        needs=str(given.get("needs", "")),
        scorers=tuple(map(str, scorers)) if isinstance(scorers, list) else (),
        levels={level: str(levels[level]) for level in sorted(levels, reverse=True)},
    )


def score_of(row: Conversation, criterion: str) -> Score | None:
    """What is said of a criterion: by the judges where they gave a value, else by an offline
    scorer; None where nobody has rated it."""
    found = [score for score in row.scores if score.criterion == criterion]
    offline = criteria()[criterion].scorers
    found.sort(key=lambda score: (score.value is None, score.by in offline))
    return found[0] if found else None
