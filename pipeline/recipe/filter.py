"""Settings of `filter`: repairs, languages, and changes to the table of rules."""

from __future__ import annotations

import dataclasses
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, field_validator, model_validator

from pipeline.recipe.base import Settings, unknown
from pipeline.rules import LANGUAGES, RULES, Rule


class RepairSettings(Settings):
    """What `filter` repairs before it measures; each repair can be switched off."""

    mojibake: bool = Field(True, description="repair wrongly decoded text")
    markup: bool = Field(True, description="turn HTML, BBCode and Markdown into plain text")
    quoted: bool = Field(True, description="remove the letter that a mail quotes, and its notices")
    forum: bool = Field(True, description="remove what forums and telephones write into messages")
    characters: bool = Field(
        True,
        description="compose characters, remove invisible ones and needless blanks, undo disguises",
    )
    remains: bool = Field(
        True,
        description="remove reasoning, tool calls, citation marks and template tokens",
    )
    notes: bool = Field(
        True, description="remove a generator's notes and remarks out of character beside a message"
    )
    labels: bool = Field(True, description="remove speakers' labels from the start of messages")
    turns: bool = Field(
        True, description="cut a message where it goes on with the turn of the other side"
    )
    empty: bool = Field(True, description="remove messages that hold nothing")
    pair: bool = Field(True, description="cut a conversation of many to the longest stretch of two")
    merge: bool = Field(True, description="join messages of one speaker in a row")
    tail: bool = Field(True, description="remove a last message that is cut off")
    trim: bool = Field(True, description="remove a last message of the user that nobody answers")
    least: int = Field(
        6, ge=2, description="messages of the stretch of two speakers, at least; our choice"
    )


class RuleSettings(Settings):
    """Another limit or decision for one rule of `pipeline.rules.RULES`."""

    limit: float | None = Field(None, description="in the rule's own unit; none: the rule's own")
    decision: Literal["off", "warn", "drop"] | None = Field(
        None, description="what happens beyond the limit; none: the rule's own"
    )

    @model_validator(mode="before")
    @classmethod
    def _both_named(cls, given: object) -> object:
        if not isinstance(given, dict | RuleSettings):
            raise ValueError("must be a limit, a decision or both: {limit: 2}, {decision: off}")
        return given

    @field_validator("decision", mode="before")
    @classmethod
    def _unquoted(cls, decision: object) -> object:
        """`decision: off` without quotes is YAML's word for false."""
        if decision is False:
            return "off"
        return decision


def _known_language(code: str) -> str:
    if code not in LANGUAGES.split():
        codes = f"codes are ISO 639-1, zh for all Chinese: {LANGUAGES}"
        raise ValueError(unknown("language", code, (), codes))
    return code


def _known_rule(name: str) -> str:
    if name not in RULES:
        every = "`rapport recipe --reference` lists the rules"
        raise ValueError(unknown("rule", name, RULES, every))
    if RULES[name].fixed:
        raise ValueError(f"`{name}` cannot be changed by a recipe")
    return name


LanguageCode = Annotated[str, AfterValidator(_known_language)]
RuleName = Annotated[str, AfterValidator(_known_rule)]


class FilterSettings(Settings):
    """What is repaired, and which rows are dropped."""

    languages: list[LanguageCode] = Field(
        [], description="ISO 639-1 codes of the languages that are kept (zh: all Chinese); []: all"
    )
    repairs: RepairSettings = Field(RepairSettings(), description="which repairs are made")
    privacy: Literal["label", "mask", "drop"] = Field(
        "label", description="what is done about personal data: findings only, stand-ins, or drop"
    )
    rules: dict[RuleName, RuleSettings] = Field(
        {}, description="changes to rules by their names, as {structure.turns: {limit: 6}}"
    )

    @field_validator("rules", mode="before")
    @classmethod
    def _by_full_names(cls, rules: object) -> object:
        """Rules by full names; `--set rules.structure.turns.limit=6` nests them by family:

        {structure: {turns: {limit: 6}}}    is    {structure.turns: {limit: 6}}
        """
        if not isinstance(rules, dict):
            return rules
        families = {name.partition(".")[0] for name in RULES}
        full: dict[object, object] = {}
        for key, value in rules.items():
            if key in families and isinstance(value, dict):
                full |= {f"{key}.{name}": change for name, change in value.items()}
            else:
                full[key] = value
        return full

    def measuring(self) -> FilterSettings:
        """Only what measuring depends on: a change of the rest measures nothing again."""
        # languages: those that are expected count for more where the letters decide little
        return FilterSettings(languages=self.languages, repairs=self.repairs)

    def limits(self) -> dict[str, Rule]:
        """The rules with this recipe's limits and decisions, without those that are off."""
        changes = {name: self.rules.get(name, RuleSettings()) for name in RULES}
        return {
            name: self._changed(name, change)
            for name, change in changes.items()
            if change.decision != "off"
        }

    def _changed(self, name: str, change: RuleSettings) -> Rule:
        rule = RULES[name]
        limit, decision = rule.limit, rule.decision
        if change.limit is not None:
            limit = change.limit
        # what the recipe says of a rule by name comes last
        if self.privacy == "drop" and name.startswith("privacy."):
            decision = "drop"
        if change.decision == "warn" or change.decision == "drop":
            decision = change.decision
        return dataclasses.replace(rule, limit=limit, decision=decision)
