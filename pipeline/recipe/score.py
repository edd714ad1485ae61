"""Settings of `score`."""

from __future__ import annotations

from pydantic import Field

from pipeline.recipe.base import Settings


class ScoreSettings(Settings):
    """How annotations of messages become measures of a conversation."""

    window: int = Field(
        3, ge=1, description="messages whose mean says how close two people are; our choice"
    )
