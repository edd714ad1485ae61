"""Settings of a companion: how it is served, not a section of a recipe."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from pipeline.pacing import EARLIEST
from pipeline.recipe.base import Settings


class CompanionSettings(Settings):
    """How a character talks with people."""

    language: str | None = Field(
        None, description="ISO 639-1, of what it says; none: the language of the card"
    )
    earliest: tuple[int, int] = Field(
        EARLIEST, description="messages before a step to casual, to close; see `pacing/`"
    )
    asks: int = Field(
        3, ge=1, description="times that a model is asked for one reply; FIELD: write, check, again"
    )
    window: int = Field(
        6_000, ge=200, description="tokens of messages that a model is sent, the latest; our choice"
    )
    words: int = Field(30, ge=1, description="words wanted of a reply; as in `generate`")
    tracker: Literal["annotations", "model"] = Field(
        "annotations",
        description="who reads feelings and uptake: the shipped classifiers, or the model itself; "
        "where one cannot say, the other is asked",
    )
    help_text: str = Field(
        "", description="the operator's words behind the sentence on self-harm: whom to call"
    )
