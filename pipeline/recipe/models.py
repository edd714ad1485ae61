"""Models that can be asked, and what all of them may cost."""

from __future__ import annotations

import re
from typing import Literal, Self

from pydantic import Field, model_validator

from pipeline.recipe.base import Settings


class Price(Settings):
    """What a model costs."""

    input: float = Field(ge=0, description="US dollars a million prompt tokens")
    output: float = Field(ge=0, description="US dollars a million completion tokens")


class ModelSettings(Settings):
    """A model that can be asked.

    OpenAI's own key is sent to OpenAI alone: any other address gets the key that the recipe names
    for it, or none.
    """

    base_url: str | None = Field(
        None, description="where it is served; none: OpenAI; `rehearsal`: the offline stand-in"
    )
    model: str = Field(description="its name, as the server knows it")
    key: str | None = Field(
        None,
        description="name of the environment variable that holds the key, never the key itself; "
        "none: OPENAI_API_KEY for OpenAI, and no key for any other address",
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
        120.0, gt=0, description="seconds until an unanswered request is given up; our choice"
    )
    attempts: int = Field(
        6, ge=1, description="requests of one call that may fail (500, cut, time-out; 429 excepted)"
    )
    reasks: int = Field(
        2, ge=0, description="times that a useless answer (empty, cut off, no JSON) is asked again"
    )
    chat: Literal["template", "transcript"] = Field(
        "template",
        description="`transcript`: for a base model without a chat template: a talk is sent as "
        "plain text, to `/completions`",
    )
    batch: bool = Field(
        False, description="use the Batch API: half the price, answers within a day, no turn-taking"
    )
    family: str | None = Field(
        None,
        description="a word for its kin, which may not judge what it has written; none: its name "
        "up to the first digit (gpt-4o-mini: gpt)",
    )
    price: Price | None = Field(
        None, description="where configs/prices.yaml does not know the model"
    )
    extra: dict[str, object] = Field(
        {}, description="further fields of the request, as the server wants them"
    )

    @model_validator(mode="before")
    @classmethod
    def _openai_by_its_key(cls, given: object) -> object:
        if isinstance(given, dict) and not given.get("base_url") and not given.get("key"):
            return {**given, "key": "OPENAI_API_KEY"}
        return given

    @model_validator(mode="after")
    def _batches_are_chats(self) -> Self:
        if self.batch and self.chat == "transcript":
            raise ValueError("`chat: transcript` cannot be sent in batches: leave `batch` out")
        return self

    @property
    def is_rehearsal(self) -> bool:
        return self.base_url == "rehearsal"

    @property
    def kin(self) -> str:
        """Its family, as the recipe names it or as its name does."""
        return (self.family or family_in(self.model)).lower()


def family_in(model: str) -> str:
    """The family in a model's name: `meta-llama/Llama-3.1-8B` is `llama`, `gpt-4o` is `gpt`."""
    name = model.rpartition("/")[2].lower()
    family = re.split(r"\d", name, maxsplit=1)[0].strip("-_. :")
    return family or name


def own_family(name: str, judge: ModelSettings, writer: str) -> str:
    """Why a judge may not rate what a model has written."""
    return (
        f"the judge `{name}` ({judge.model}) is of the family `{judge.kin}`, as {writer} is, which "
        "wrote what it would rate: models favour their own. Choose a judge of another family, or "
        f"name its family under `models.{name}.family`, or set `score.judge.force: true`"
    )


class BudgetSettings(Settings):
    """What all runs into one output folder may spend together.

    A run stops before the call that could exceed it.
    """

    max_cost: float | None = Field(None, gt=0, description="US dollars; none: no limit")
    max_tokens: int | None = Field(
        None, gt=0, description="prompt and completion tokens; none: no limit"
    )
