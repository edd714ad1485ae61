"""Settings of `publish`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from pipeline.recipe.base import Settings


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
