"""What the command of a stage was given, and its run."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.cli.execute import execute

if TYPE_CHECKING:  # imported where used: --help must not wait for pydantic and pyarrow
    from pipeline.recipe.one_stage import Values
    from pipeline.recipe.settings import Recipe
    from pipeline.store.report import FunnelRow

KEY = "OPENAI_API_KEY"  # the variable that holds the key for the model of a command
REHEARSAL = "rehearsal"  # name and address of the offline stand-in


@dataclass(frozen=True)
class StageRequest:
    """What a command was given.

    out: empty for `score` where nothing is to be kept. settings: KEY=VALUE. own: the stage's
    options that are no settings, by name. reading: how the input files are read, as a source of a
    recipe has it. answers: see `Job`.
    """

    stage: str
    inputs: Sequence[str]
    out: str
    settings: Sequence[str]
    workers: int | None
    as_json: bool
    own: dict[str, object]
    reading: dict[str, object]
    answers: Path | None = None

    def recipe(self) -> Recipe:
        """The recipe of this one stage. Raises UserError that names the wrong setting."""
        from pipeline.recipe.one_stage import of_files

        models, settings = self._models(), self.settings
        if "judge" in models:
            settings = ["judge.models=[judge]", *settings]
        return of_files(self.out, self.stage, self.inputs, settings, models, self.reading)

    def run(self, recipe: Recipe) -> list[FunnelRow]:
        """Read the inputs and run the stage on them, with progress meanwhile."""
        stages = ("collect", self.stage)
        return execute(recipe, self.out, self.workers, only=stages, answers=self.answers)

    def _models(self) -> dict[str, Values]:
        """The model of `rapport generate`, or the judge of `rapport score`, as a recipe has it."""
        for option, use in (("model", "writer"), ("judge", "judge")):
            name = self.own.get(option)
            if name is not None:
                return {use: self._model(name)}
        return {}

    def _model(self, name: object) -> Values:
        model: Values = {"model": name, "base_url": self.own["base_url"]}
        if name == REHEARSAL:
            model["base_url"] = REHEARSAL
        # without one the server is asked without a key: local servers need none
        if KEY in os.environ:
            model["key"] = KEY
        return model
