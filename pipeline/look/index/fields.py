"""What a row is found and counted by: facets, of which it has one value or several, and numbers."""

from __future__ import annotations

from typing import NamedTuple

from pipeline.conversation import CRITERIA, MEASURES


class Facet(NamedTuple):
    """label: for the reader. several: may a row have more than one value?"""

    label: str
    several: bool = False


FACETS: dict[str, Facet] = {
    "outcome": Facet("outcome"),
    "stage": Facet("stage"),
    "reason": Facet("dropped by"),
    "rule": Facet("rule", several=True),
    "source": Facet("source"),
    "kind": Facet("kind of source"),
    "license": Facet("licence"),
    "language": Facet("language"),
    "split": Facet("split"),
    "character": Facet("character"),
    "emotion": Facet("emotion", several=True),
    "step": Facet("step", several=True),
    "closeness_stage": Facet("stage of closeness", several=True),
    "edit": Facet("edit", several=True),
    "review": Facet("review"),
}
SIMILARITY = "similarity"
MESSAGES = "messages"
ALTERNATIVES = "alternatives"
# name → unit
NUMBERS: dict[str, str] = {
    **dict.fromkeys(CRITERIA, "1 to 5"),
    **MEASURES,
    MESSAGES: "messages of all roles",
    ALTERNATIVES: "texts that could stand in the place of a message",
    SIMILARITY: "to the row that it duplicates, 0 to 1",
}
INDEXED = tuple(name for name in FACETS if name != "review")  # that one changes while one looks
