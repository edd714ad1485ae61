"""What a companion says and is told besides the prompts: `configs/companion/<language>.yaml`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cache

from pipeline import UserError, texts
from pipeline.conversation import normalised
from pipeline.pacing.uptake import holds


@dataclass(frozen=True, slots=True)
class CompanionWords:
    """The sentences of one language.

    user, situation: for the prompt where nothing is known. low, boundaries, ahead, space, glad: in
    a note; facts: before what is remembered. close, held: why a try could not be used.
    adults, harm: in place of a model. safe, farewells: lines of the last resort. clinging: phrases,
    normalised, that nobody says to somebody who leaves. reasons: of decisions, by `state.Reason`.
    """

    user: str
    situation: str
    low: str
    boundaries: str
    ahead: str
    space: str
    glad: str
    facts: str
    close: str
    held: str
    adults: str
    harm: str
    safe: tuple[str, ...]
    farewells: tuple[str, ...]
    clinging: tuple[str, ...]
    reasons: Mapping[str, str]

    def clings(self, text: str) -> bool:
        """Does a text hold on to somebody who leaves?"""
        words = f" {normalised(text)} "
        return any(holds(words, phrase) for phrase in self.clinging)


@cache
def load(language: str) -> CompanionWords:
    """The sentences of a language. Raises UserError that names what is missing."""
    found = texts.values("companion", f"{language}.yaml")
    lacking = {field.name for field in fields(CompanionWords)} - found.keys()
    if lacking:
        where = f"{texts.configs()}/companion/{language}.yaml"
        raise UserError(f"{where} lacks {', '.join(sorted(lacking))}; en.yaml has them all.")
    lists = {name: tuple(found[name]) for name in ("safe", "farewells")}
    clinging = tuple(map(normalised, found["clinging"]))
    return CompanionWords(**found | lists | {"clinging": clinging})
