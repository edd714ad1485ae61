"""The rating: how sexual a row is, against what the recipe admits.

    general 0    mature 1 (suggestive)    explicit 2         grades of the rule safety.sexual

The rule is read anew, as a recipe may have switched it off in `filter`; the highest grade of any
message, card or alternative counts. An alternative beyond the rating is removed and its row stays.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from pipeline.conversation import Finding
from pipeline.recipe.publish import PublishSettings
from pipeline.rules import RULES, Rule
from pipeline.rules.safety.sexual import sexual

if TYPE_CHECKING:
    from pipeline.rules.reading.reading import Reading

GRADES = {"general": 0, "mature": 1, "explicit": 2}
SEXUAL = "safety.sexual"
RATED = "publish.rating"


def rule_of(settings: PublishSettings) -> Rule:
    """The rule with the limit of the recipe."""
    return replace(RULES[SEXUAL], limit=GRADES[settings.rating], decision="drop")


def rated(reading: Reading, settings: PublishSettings) -> Iterator[Finding]:
    """The highest grade of a row that has one: a reason to drop it, or noted for the card."""
    found = max(sexual(reading), key=_grade, default=None)
    if found is None:
        return
    limit = GRADES[settings.rating]
    decided = replace(found, stage="publish", rule=RATED, limit=limit, decision="measured")
    if _grade(found) > limit:
        decided = replace(decided, decision="drop")
    yield decided


def _grade(finding: Finding) -> float:
    return finding.value or 0
