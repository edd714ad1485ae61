"""Settings of `score`."""

from __future__ import annotations

from pydantic import Field

from pipeline.recipe.base import Settings


class ScoreSettings(Settings):
    """How messages become the course of a talk."""

    window: int = Field(
        3, ge=1, description="messages that are averaged to tell how close two are; our choice"
    )
