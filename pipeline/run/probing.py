"""What the models of a recipe can do, asked of their servers before a run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pipeline import UserError
from pipeline.llm import Client, Findings, RequestFailed, runner
from pipeline.llm.spent import CALLS
from pipeline.recipe.settings import Recipe


@dataclass(frozen=True, slots=True)
class Probed:
    """A model of a recipe. findings: none where the server gave no answer; problem: why.

    None and no problem: a rehearsal, which has no server.
    """

    name: str
    model: str
    findings: Findings | None = None
    problem: str = ""


def probed(recipe: Recipe, folder: Path, secrets: Mapping[str, str]) -> list[Probed]:
    """What each model can do, found out anew; the runs of the folder keep to it.

    It takes a few small requests a model, which count as spent.
    """
    with runner() as loop:
        return [
            loop.run(_probed(recipe, name, folder / CALLS, secrets))
            for name in sorted(recipe.models)
        ]


async def _probed(recipe: Recipe, name: str, calls: Path, secrets: Mapping[str, str]) -> Probed:
    settings = recipe.models[name]
    if settings.is_rehearsal:
        return Probed(name, settings.model)
    async with Client(recipe.models, calls, recipe.budget, secrets, recipe.seed) as client:
        try:
            return Probed(name, settings.model, await client.findings(name))
        except UserError as error:
            return Probed(name, settings.model, problem=str(error))
        except RequestFailed as failed:
            problem = f"no answer to learn from ({failed.reason}: {failed.detail})"
            return Probed(name, settings.model, problem=problem)
