"""A recipe: one settings section per room. `load` reports every mistake at once, each with its line and key."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field


class UserError(Exception):
    """Something the user can mend: what was wrong, where, what to do. Shown as it is, without a traceback."""


class Settings(BaseModel):
    """A section of a recipe: immutable, unknown keys are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ModelSettings(Settings):
    """A model that can be asked. `key` is the name of the environment variable that holds the key, never the key."""

    base_url: str | None = None
    model: str
    key: str = "OPENAI_API_KEY"


class SourceSettings(Settings):
    """One door: files, a Hub dataset or a spider."""

    name: str
    files: list[str] = []
    hub: str | None = None
    spider: str | None = None
    start: list[str] = []
    options: dict[str, Any] = {}
    shape: str | None = None
    assistant: str = "second"
    license: str | None = None
    attribution: str | None = None


class CollectSettings(Settings):
    sources: list[SourceSettings] = []
    max_bytes: int = Field(1_000_000, gt=0, description="bytes of one conversation; longer ones are quarantined")


class GenerateSettings(Settings):
    pass


class FilterSettings(Settings):
    languages: list[str] = []


class DedupSettings(Settings):
    threshold: float = Field(0.7, ge=0.3, le=1, description="Jaccard similarity of 5-word shingles")
    view: Literal["dialogue", "assistant", "opening"] = "dialogue"


class ScoreSettings(Settings):
    pass


class PublishSettings(Settings):
    test: float = Field(0.05, ge=0, lt=1, description="share of groups held out for testing")


def configs() -> Path:
    """The folder of bundled recipes, prompts, personas and word lists: in a checkout or inside the wheel."""
    inside = Path(__file__).parent / "configs"
    return inside if inside.is_dir() else Path(__file__).parents[1] / "configs"
