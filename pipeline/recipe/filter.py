"""Settings of `filter`: repairs, languages, and changes to the table of rules."""

from __future__ import annotations

import dataclasses
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from pipeline.recipe.base import Settings
from pipeline.rules import LANGUAGES, RULES, Rule


class RepairSettings(Settings):
    """What `filter` mends before it judges; each can be switched off."""

    mojibake: bool = True
    html: bool = True
    characters: bool = True
    labels: bool = True
    empty: bool = True
    pair: bool = True
    merge: bool = True
    tail: bool = True
    trim: bool = True
    least: int = Field(
        6, ge=2, description="messages of the stretch between two speakers that a play is cut to"
    )


class RuleSettings(Settings):
    """Another limit or decision for one rule of `pipeline.rules.RULES`."""

    limit: float | None = None
    decision: Literal["off", "warn", "drop"] | None = None

    @model_validator(mode="before")
    @classmethod
    def _both_named(cls, given: Any) -> Any:
        if not isinstance(given, dict | RuleSettings):
            raise ValueError("a rule has a limit, a decision or both: {limit: 2}, {decision: off}")
        return given

    @field_validator("decision", mode="before")
    @classmethod
    def _unquoted(cls, decision: Any) -> Any:
        """`decision: off` without quotes is YAML's word for false."""
        return "off" if decision is False else decision


class FilterSettings(Settings):
    """languages: ISO 639-1 codes that may stay, all when empty. rules: changes to the table of rules."""

    languages: list[str] = []
    repairs: RepairSettings = RepairSettings()
    privacy: Literal["label", "mask", "drop"] = Field(
        "label", description="what is done about personal data"
    )
    rules: dict[str, RuleSettings] = {}

    @field_validator("languages")
    @classmethod
    def _known_languages(cls, languages: list[str]) -> list[str]:
        for code in languages:
            if code not in LANGUAGES.split():
                raise ValueError(
                    f"language {code!r} cannot be told (codes are ISO 639-1, zh for Chinese): {LANGUAGES}"
                )
        return languages

    @field_validator("rules", mode="before")
    @classmethod
    def _written_out(cls, rules: Any) -> Any:
        """`{structure: {turns: {limit: 6}}}`, as `--set rules.structure.turns.limit=6` gives, is the same rule."""
        families = {name.partition(".")[0] for name in RULES}
        if not isinstance(rules, dict):
            return rules
        nested = {
            key: value
            for key, value in rules.items()
            if key in families and isinstance(value, dict)
        }
        flat = {
            f"{family}.{name}": change
            for family, names in nested.items()
            for name, change in names.items()
        }
        return {key: value for key, value in rules.items() if key not in nested} | flat

    @field_validator("rules")
    @classmethod
    def _known_rules(cls, rules: dict[str, RuleSettings]) -> dict[str, RuleSettings]:
        for name, change in rules.items():
            if name not in RULES:
                raise ValueError(f"unknown rule {name!r}; the rules are {', '.join(RULES)}")
            if RULES[name].fixed and change != RuleSettings():
                raise ValueError(f"the rule {name!r} cannot be changed by a recipe")
        return rules

    def measuring(self) -> FilterSettings:
        """Only what measuring depends on: limits and decisions can change without measuring anew."""
        return FilterSettings(languages=self.languages, repairs=self.repairs)

    def limits(self) -> dict[str, Rule]:
        """The table of rules with this recipe's limits and decisions, without the rules that are off."""
        every = ((name, rule, self.rules.get(name, RuleSettings())) for name, rule in RULES.items())
        return {
            name: self._changed(name, rule, change)
            for name, rule, change in every
            if change.decision != "off"
        }

    def _changed(self, name: str, rule: Rule, change: RuleSettings) -> Rule:
        limit = rule.limit if change.limit is None else change.limit
        usual = "drop" if self.privacy == "drop" and name.startswith("privacy.") else rule.decision
        decision = change.decision if change.decision in ("warn", "drop") else usual
        return dataclasses.replace(rule, limit=limit, decision=decision)
