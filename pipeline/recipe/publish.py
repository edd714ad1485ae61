"""Settings of `publish`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, field_validator, model_validator

from pipeline.recipe.base import Settings
from pipeline.recipe.data_tests import checked

ORDERS = ("", "up", "down")  # nothing: up, the better is the more
# Gates that a recipe may take the responsibility for; the others it opens by changing the rows.
Gate = Literal["personal_data", "licences", "leaks", "quarantine", "losses"]


class Cut(Settings):
    """What a measure or criterion must reach to be published; an unmeasured row is not cut."""

    min: float | None = Field(None, description="rows below it are dropped; none: no such limit")
    max: float | None = Field(None, description="rows above it are dropped; none: no such limit")


class AtMost(Settings):
    """How many rows may have the same of something, the best first. Where it is not known, a row
    counts for none."""

    character: int | None = Field(
        None,
        ge=1,
        description="rows of one character: name and description, else card, else name and source; "
        "none: no such limit",
    )
    opening: int | None = Field(
        None,
        ge=1,
        description="rows that open with the same five words, as `rapport stats` counts them; "
        "none: no such limit",
    )
    cluster: int | None = Field(
        None,
        ge=1,
        description="rows that `dedup` has joined to one cluster and not dropped, as with "
        "`only_report`; known in a run that has `dedup`; none: no such limit",
    )


def as_text(given: object) -> object:
    """`questions: down` as a text; in a list, YAML takes it for a section of one key."""
    if isinstance(given, dict) and len(given) == 1:
        ((name, order),) = given.items()
        return f"{name}: {order}"
    return given


def order_of(text: str) -> tuple[str, str]:
    """`questions: down` → questions, down; `pacing` → pacing and nothing."""
    name, _, order = text.partition(":")
    return name.strip(), order.strip()


def _checked_order(text: str) -> str:
    if order_of(text)[1] not in ORDERS:
        raise ValueError("after the colon stands what is better, `up` or `down`")
    return text


class Choose(Settings):
    """Which of the rows that may be published are the best of their group."""

    by: list[Annotated[str, AfterValidator(_checked_order)]] = Field(
        [],
        description="what rows are ordered by, the weightiest first: criteria, and measures with "
        "what is better, as [pacing, questions: down]; equal ones by id",
    )
    top: float = Field(
        1.0,
        gt=0,
        le=1,
        description="share of every group that is published, the best first, rounded up; rows "
        "without a value of the first of `by` are a group of their own",
    )
    per: list[Literal["source", "stage"]] = Field(
        ["source", "stage"],
        description="what makes a group; stage: of closeness, the highest that is reached",
    )
    at_most: AtMost = Field(AtMost(), description="how many rows may be alike")

    @property
    def chooses(self) -> bool:
        """May it leave out anything at all?"""
        return self.top < 1 or self.at_most != AtMost()

    @field_validator("by", mode="before")
    @classmethod
    def _as_texts(cls, given: object) -> object:
        if not isinstance(given, list):
            return given
        return [as_text(one) for one in given]

    @model_validator(mode="after")
    def _is_whole(self) -> Choose:
        if self.top < 1 and not self.by:
            raise ValueError("`top` needs what is better: `by: [pacing]`, say")
        if self.by and not self.chooses:
            raise ValueError("`by` alone leaves nothing out: give `top`, `at_most` or both")
        return self


class TakenDown(Settings):
    """Rows that are taken down, by one of these."""

    id: str | None = Field(None, description="the id of a row, or of the record at its source")
    source: str | None = Field(None, description="the name of a source, or where a record stands")
    author: str | None = Field(None, description="the name of who has written a message of the row")
    match: str | None = Field(None, description="words that the row holds anywhere")


class PublishSettings(Settings):
    """Which rows are published, and how."""

    cut: dict[str, Cut] = Field(
        {}, description="limits by the name of a measure or criterion, as {questions: {min: 0.05}}"
    )
    calibration: str | None = Field(
        None,
        description="a file of `rapport calibrate score --out`, which the card prints beside the "
        "scores; none: the card says nothing of how far they agree with people",
    )
    choose: Choose = Field(Choose(), description="the best rows, and not too many that are alike")
    layout: Literal["messages", "realm"] = Field(
        "messages",
        description="realm: generated rows also as gpt_roleplay_realm's records, and their "
        "characters as V2 cards",
    )
    private_rows: Literal["refuse", "leave_out"] = Field(
        "refuse",
        description="rows from messengers, mailboxes and accounts of persons, without consent. "
        "refuse: the dataset on this disk has them and must not be released; leave_out: they are "
        "dropped",
    )
    consent: list[str] = Field(
        [],
        description="names of sources whose private rows may be released, as all who wrote them "
        "agree; their speakers have made-up names in any case",
    )
    rating: Literal["general", "mature", "explicit"] = Field(
        "general",
        description="the most that a row may hold; rows beyond it are dropped. general: nothing "
        "sexual; mature: suggestive rows too; explicit: all, for adults",
    )
    allow: list[Gate] = Field(
        [],
        description="gates that keep no release back although they find something; the card says "
        "so",
    )
    quarantined: float = Field(
        0.1,
        ge=0,
        le=1,
        description="share of records that may be in quarantine before a release is kept back; our "
        "choice",
    )
    tests: list[Annotated[str, AfterValidator(checked)]] = Field(
        [],
        description="what the published rows must be like, or a release is kept back, as "
        "[rows >= 1000, share turns<6 <= 0.01, median pacing >= 3]",
    )
    benchmarks: list[str] = Field(
        [],
        description="files of benchmarks; rows that share 13 words in a row with one are dropped",
    )
    system_in: Literal["system", "first_user"] = Field(
        "system",
        description="for trainers, where the system message stands. first_user: before the user's "
        "first turn, for models whose template takes none, as older Mistral",
    )
    test: float = Field(
        0.05, ge=0, lt=1, description="share of groups held out for testing; our choice"
    )
    validation: float = Field(
        0.05, ge=0, lt=1, description="share of groups held out for validation; our choice"
    )
    persona_system: bool = Field(
        True,
        description="for trainers, persona and scenario stand in the system message; false: only "
        "what the source has there, and talks between people are in `full` alone",
    )
    greeting: Literal["system", "opening"] = Field(
        "system",
        description="for trainers, the user is first. system: what the assistant has said before "
        "goes into the system message; opening: a turn of the user from configs/publish is put "
        "before it",
    )

    taken_down: list[TakenDown] = Field(
        [],
        description="rows that are left out on request; `rapport forget` adds to it for its run",
    )
    about: str | None = Field(
        None,
        description="a Markdown file whose text stands in the card, whenever it is written; none: "
        "no such section",
    )
    contact: str | None = Field(
        None,
        description="an address to which one writes to have something taken down; none: the page "
        "of the dataset on the Hub",
    )
    tokenizer: str | None = Field(
        None,
        description="what counts tokens: a folder with tokenizer.json, or a name on the Hub; none: "
        "a quarter of the bytes, which the card calls an estimate",
    )
    max_tokens: int | None = Field(
        None,
        ge=16,
        description="tokens that a model takes: longer conversations are cut between exchanges "
        "into windows, each with the system message, in `default`, `sharegpt` and `noted`; none: "
        "nothing is cut",
    )

    @model_validator(mode="after")
    def _leaves_something_to_train_on(self) -> PublishSettings:
        if self.test + self.validation >= 1:
            raise ValueError("`test` and `validation` leave nothing to train on: take less")
        return self
