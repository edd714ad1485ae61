"""Settings of `publish`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from pipeline.recipe.base import Settings


class Cut(Settings):
    """What a measure or criterion must reach to be published; an unmeasured row is not cut."""

    min: float | None = Field(None, description="rows below it are dropped; none: no such limit")
    max: float | None = Field(None, description="rows above it are dropped; none: no such limit")


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
    layout: Literal["messages", "realm"] = Field(
        "messages",
        description="realm: generated rows also as gpt_roleplay_realm's records, and their "
        "characters as V2 cards",
    )
    private_rows: Literal["refuse", "leave_out", "publish"] = Field(
        "refuse",
        description="rows from messengers, mailboxes and accounts of persons. refuse: the dataset "
        "on this disk has them and must not be released; leave_out: they are dropped; publish: all "
        "who wrote them agree",
    )
    test: float = Field(
        0.05, ge=0, lt=1, description="share of groups held out for testing; our choice"
    )
