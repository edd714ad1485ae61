"""A recipe: one settings section per stage."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, field_validator, model_validator

from pipeline.rules import LANGUAGES, RULES, Rule


class Settings(BaseModel):
    """A section of a recipe: immutable, unknown keys are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class Price(Settings):
    """US dollars a million tokens."""

    input: float = Field(ge=0)
    output: float = Field(ge=0)


class ModelSettings(Settings):
    """A model that can be asked. `key` is the name of the environment variable that holds the key, never the key.

    OpenAI's own key goes to OpenAI alone: any other address gets the key that the recipe names for it, or none.
    """

    base_url: str | None = Field(
        None, description="none: OpenAI; `rehearsal`: the offline stand-in"
    )
    model: str
    key: str | None = Field(
        None, description="none: OPENAI_API_KEY for OpenAI, and no key for any other address"
    )
    in_flight: int = Field(
        64, ge=1, description="requests under way at once, at most; fewer when the server is slow"
    )
    requests_per_minute: int | None = Field(
        None, ge=1, description="the account's limit, where known"
    )
    tokens_per_minute: int | None = Field(
        None, ge=1, description="the account's limit, where known"
    )
    timeout: float = Field(
        120.0, gt=0, description="seconds until an unanswered request is given up"
    )
    attempts: int = Field(
        6, ge=1, description="failed requests (500, cut, time-out) of one call; 429 is none"
    )
    reasks: int = Field(
        2, ge=0, description="times a useless answer (empty, cut by length, no JSON) is asked again"
    )
    batch: bool = Field(
        False, description="use the Batch API: half the price, answers within a day, no turn-taking"
    )
    price: Price | None = Field(
        None, description="where configs/prices.yaml does not know the model"
    )
    extra: dict[str, Any] = Field(
        {}, description="further fields of the request, as the server wants them"
    )

    @model_validator(mode="before")
    @classmethod
    def _openai_by_its_key(cls, given: Any) -> Any:
        unnamed = isinstance(given, dict) and not given.get("base_url") and not given.get("key")
        return {**given, "key": "OPENAI_API_KEY"} if unnamed else given

    @property
    def is_rehearsal(self) -> bool:
        return self.base_url == "rehearsal"


class BudgetSettings(Settings):
    """What all runs into one output folder may spend together. A run stops before the call that could exceed it."""

    max_cost: float | None = Field(None, gt=0, description="US dollars")
    max_tokens: int | None = Field(None, gt=0, description="prompt and completion tokens")


class CrawlSettings(Settings):
    """How far and how fast a spider goes, for one source."""

    delay: float = Field(
        1.0, ge=0, description="seconds between two requests; a longer Crawl-delay of the site wins"
    )
    max_pages: int = Field(10_000, gt=0, description="pages of the whole crawl, restarts included")
    max_bytes: int = Field(1_000_000_000, gt=0, description="bytes of all pages, as sent")
    page_bytes: int = Field(20_000_000, gt=0, description="bytes of one page, unpacked")
    depth: int = Field(50, gt=0, description="links from the start page to the farthest page")
    seconds: float = Field(
        86_400, gt=0, description="seconds of one crawl; the same command goes on where it ended"
    )
    timeout: float = Field(60, gt=0, description="seconds for one answer")
    retries: int = Field(3, ge=0, description="how often a page that failed is asked for again")
    patience: float = Field(
        600, ge=0, description="longest wait in seconds that a site may ask for"
    )
    hosts: list[str] = Field([], description="other hosts of the same site, as host or host:port")
    private: bool = Field(False, description="allow names that lead into a private network")


class SourceSettings(Settings):
    """One door: files, a Hub dataset or a spider."""

    name: str = Field(description="shown in every row; for a Hub dataset its own name unless given")
    files: list[str] = []
    hub: str | None = Field(None, description="a dataset on the Hub, as owner/name")
    config: str | None = Field(
        None, description="which of the Hub dataset's configs; needed where it has several"
    )
    split: str | None = Field(None, description="which of its splits; none: all")
    revision: str | None = Field(
        None, description="branch, tag or commit; the run notes the commit"
    )
    stream: bool = Field(
        False, description="read from the Hub without keeping a copy; needs the network every time"
    )
    spider: str | None = None
    start: list[str] = []
    crawl: CrawlSettings = CrawlSettings()
    options: dict[str, Any] = {}
    shape: str | None = Field(
        None, description="a module of pipeline/collect/shapes; none: recognised"
    )
    assistant: str = Field(
        "second", description="who is the assistant if no model is: second, first, most, or a name"
    )
    license: str | None = None
    attribution: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _named(cls, given: Any) -> Any:
        unnamed = isinstance(given, dict) and given.get("hub") and not given.get("name")
        return {**given, "name": given["hub"]} if unnamed else given


class CollectSettings(Settings):
    sources: list[SourceSettings] = []
    contact: str | None = Field(
        None, description="who crawls: an e-mail or web address, sent to every public site"
    )
    reparse: bool = Field(False, description="read stored pages again and touch no network")
    max_bytes: int = Field(
        1_000_000, gt=0, description="bytes of one conversation; longer ones are quarantined"
    )


class GenerateSettings(Settings):
    """Conversations to add: (seeds + cards + characters) × talks. Without talks nothing is generated."""

    language: Literal["en", "ru"] = "en"
    seeds: int = Field(0, ge=0, description="bundled characters that talk themselves")
    cards: list[str] = Field(
        [], description="character cards (.json, .png) or folders of them; their characters talk"
    )
    characters: int = Field(0, ge=0, description="characters to invent")
    users: int = Field(0, ge=0, description="user personas to invent beside the bundled ones")
    situations: int = Field(0, ge=0, description="situations to invent beside the bundled ones")
    talks: int = Field(0, ge=0, description="conversations of each character")
    mode: Literal["talk", "script"] = Field(
        "talk", description="two models in turn, or a whole dialogue in one call"
    )
    inventor: str = Field(
        "writer", description="which of the recipe's models invents and writes scripts"
    )
    character: str = Field(
        "writer", description="which of the recipe's models speaks for the character"
    )
    user: str = Field("writer", description="which of the recipe's models speaks for the user")
    turns: tuple[int, int] = Field((6, 30), description="fewest and most messages of a talk")
    character_words: int = Field(
        22, gt=0, description="median words of a character's message; our choice"
    )
    user_words: int = Field(12, gt=0, description="median words of a user's message; our choice")
    length_variation: float = Field(
        0.9, ge=0, le=2, description="deviation / mean of lengths; people: .8 to 1.0"
    )
    novelty: float | None = Field(
        None, ge=0, le=1, description="fixed ROUGE-L F cut-off; none: calibrated"
    )
    unrelated_accepted: float = Field(
        0.95, gt=0, lt=1, description="share of unrelated texts that are new enough"
    )
    asks: int = Field(
        3, ge=1, description="calls for one message: the first, then with the reason of the failure"
    )
    attempts: int = Field(3, ge=1, description="talks begun for one slot before it is given up")
    temperature: float = Field(
        1.0, ge=0, le=2, description="sampling temperature (gpt_roleplay_realm: 1.0)"
    )
    top_p: float = Field(0.95, gt=0, le=1, description="nucleus sampling (gpt_roleplay_realm: .95)")
    license: str | None = Field(None, description="SPDX name under which the generated rows go out")

    @field_validator("turns")
    @classmethod
    def _in_order(cls, turns: tuple[int, int]) -> tuple[int, int]:
        if not 2 <= turns[0] <= turns[1]:
            raise ValueError("the fewest messages first, 2 or more, then the most: [6, 30]")
        return turns

    @property
    def wanted(self) -> bool:
        """Whether there is anything to do at all."""
        return self.talks > 0 and (self.seeds > 0 or self.characters > 0 or bool(self.cards))


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


def _door(address: str) -> dict[str, Any]:
    """A set named in one word: a file, a folder, a glob, or `hub:owner/name`."""
    return {"hub": address[4:]} if address.startswith("hub:") else {"files": [address]}


class DedupSettings(Settings):
    """Who counts as heard before. Measured in pipeline/dedup/README.md."""

    threshold: float = Field(0.7, ge=0.3, le=1, description="Jaccard similarity of 5-word shingles")
    view: Literal["dialogue", "assistant", "opening"] = "dialogue"
    contained: float | None = Field(
        1.0, ge=0.5, le=1, description="share of a row's shingles found in one longer row"
    )
    contained_words: int = Field(
        20, ge=5, description="words; a shorter row is never sent away as a part of another"
    )
    shared_by: int = Field(
        50, ge=2, description="rows (and 1 in 10,000) that share a passage before it is boilerplate"
    )
    bucket: int = Field(
        50, ge=1, description="rows of one LSH bucket that each of its rows is compared with"
    )
    sources: list[str] = Field(
        [], description="names of sources, the preferred first; the others after them, all equal"
    )
    against: list[SourceSettings] = Field(
        [],
        description="sets whose conversations must not be in the result: files, `hub:owner/name`, or as sources",
    )
    only_report: bool = Field(False, description="write the pairs that are alike and drop nothing")

    @field_validator("against", mode="before")
    @classmethod
    def _doors(cls, given: Any) -> Any:
        if not isinstance(given, list):
            return given
        doors = [_door(one) if isinstance(one, str) else one for one in given]
        usual = [
            {"name": f"against {number}", "license": "LicenseRef-compared"}
            for number in range(1, len(doors) + 1)
        ]
        return [
            name | door if isinstance(door, dict) else door
            for name, door in zip(usual, doors, strict=True)
        ]


class ScoreSettings(Settings):
    """How messages become the course of a talk."""

    window: int = Field(
        3, ge=1, description="messages that are averaged to tell how close two are; our choice"
    )


class Cut(Settings):
    """What a measure or criterion must reach to be published; an unmeasured row is not cut."""

    min: float | None = None
    max: float | None = None


class PublishSettings(Settings):
    cut: dict[str, Cut] = {}
    layout: Literal["messages", "realm"] = Field(
        "messages",
        description="realm: generated rows also as gpt_roleplay_realm's records, characters as V2 cards",
    )
    test: float = Field(0.05, ge=0, lt=1, description="share of groups held out for testing")


class Recipe(Settings):
    """A whole recipe. `name` is also the name of its output folder."""

    name: str = Field(pattern=r"^[\w][\w.-]*$")
    seed: int = 0
    models: dict[str, ModelSettings] = {}
    budget: BudgetSettings = BudgetSettings()
    collect: CollectSettings = CollectSettings()
    generate: GenerateSettings = GenerateSettings()
    filter: FilterSettings = FilterSettings()
    dedup: DedupSettings = DedupSettings()
    score: ScoreSettings = ScoreSettings()
    publish: PublishSettings = PublishSettings()

    _folder: Path = PrivateAttr(default=Path())

    @property
    def folder(self) -> Path:
        """Where the recipe's relative paths start."""
        return self._folder
