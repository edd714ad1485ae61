"""Models that can be asked, and what all of them may cost."""

from __future__ import annotations

from typing import Any

from pydantic import Field, model_validator

from pipeline.recipe.base import Settings


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
