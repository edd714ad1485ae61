"""A recipe: one section of settings per stage."""

from __future__ import annotations

import re
from pathlib import Path

from pydantic import Field, PrivateAttr, field_validator

from pipeline.recipe.base import Settings
from pipeline.recipe.collect import CollectSettings
from pipeline.recipe.dedup import DedupSettings
from pipeline.recipe.filter import FilterSettings
from pipeline.recipe.generate import GenerateSettings
from pipeline.recipe.models import BudgetSettings, ModelSettings
from pipeline.recipe.publish import PublishSettings
from pipeline.recipe.score import ScoreSettings

NAME = re.compile(r"\w[\w.-]*")  # of a recipe: a folder may be called so


class Recipe(Settings):
    """A whole recipe."""

    name: str = Field(description="of the recipe, and of its folder below output/")
    seed: int = Field(0, description="of everything that is drawn by chance")
    models: dict[str, ModelSettings] = Field({}, description="models by the names used below")
    budget: BudgetSettings = Field(
        BudgetSettings(), description="what all runs into one folder may spend"
    )
    collect: CollectSettings = Field(CollectSettings(), description="where conversations come from")
    generate: GenerateSettings = Field(GenerateSettings(), description="conversations to add")
    filter: FilterSettings = Field(FilterSettings(), description="what is repaired and dropped")
    dedup: DedupSettings = Field(DedupSettings(), description="which rows count as duplicates")
    score: ScoreSettings = Field(ScoreSettings(), description="how rows are annotated")
    publish: PublishSettings = Field(PublishSettings(), description="how the dataset is written")

    _folder: Path = PrivateAttr(default=Path())

    @field_validator("name")
    @classmethod
    def _names_a_folder(cls, name: str) -> str:
        if not NAME.fullmatch(name):
            allowed = "letters, digits, `.`, `_` and `-`, a letter or digit first"
            raise ValueError(f"names the run's folder, so it may hold only {allowed}")
        return name

    @property
    def folder(self) -> Path:
        """Where the recipe's relative paths start."""
        return self._folder
