"""A recipe: one section of settings per stage."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, PrivateAttr

from pipeline.recipe.base import Settings
from pipeline.recipe.collect import CollectSettings as CollectSettings
from pipeline.recipe.collect import CrawlSettings as CrawlSettings
from pipeline.recipe.collect import SourceSettings as SourceSettings
from pipeline.recipe.dedup import DedupSettings as DedupSettings
from pipeline.recipe.filter import FilterSettings as FilterSettings
from pipeline.recipe.filter import RepairSettings as RepairSettings
from pipeline.recipe.filter import RuleSettings as RuleSettings
from pipeline.recipe.generate import GenerateSettings as GenerateSettings
from pipeline.recipe.models import BudgetSettings as BudgetSettings
from pipeline.recipe.models import ModelSettings as ModelSettings
from pipeline.recipe.models import Price as Price
from pipeline.recipe.publish import Cut as Cut
from pipeline.recipe.publish import PublishSettings as PublishSettings
from pipeline.recipe.score import ScoreSettings as ScoreSettings


class Recipe(Settings):
    """A whole recipe. `name` is also the name of its output folder."""

    name: str = Field(pattern=r"^[\w][\w.-]*$")
    seed: int = 0
    models: dict[str, ModelSettings] = {}
    budget: BudgetSettings = BudgetSettings()
    collect: CollectSettings = CollectSettings()
    generate: GenerateSettings = GenerateSettings()
    filter: FilterSettings = FilterSettings()
    dedup: DedupSettings = DedupSettings()
    score: ScoreSettings = ScoreSettings()
    publish: PublishSettings = PublishSettings()

    _folder: Path = PrivateAttr(default=Path())

    @property
    def folder(self) -> Path:
        """Where the recipe's relative paths start."""
        return self._folder
