"""The models that judge: how they are asked, and what they may not judge."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from pipeline import UserError
from pipeline.criteria import Criterion, criteria
from pipeline.judge.verdict import ANSWER_TOKENS
from pipeline.llm import Answer, Client, rehearsal
from pipeline.llm.request import JsonObject
from pipeline.recipe.models import ModelSettings, family_in, own_family
from pipeline.recipe.score import JudgeSettings

Result = TypeVar("Result")


@dataclass(frozen=True)
class Jury:
    """One or two models of a recipe that rate conversations. models: by the recipe's names."""

    client: Client
    models: Mapping[str, ModelSettings]
    settings: JudgeSettings

    def name(self, model: str) -> str:
        """The name under which a model's scores are kept: its own, or that of the rehearsal."""
        settings = self.models[model]
        return rehearsal.MODEL if settings.is_rehearsal else settings.model

    async def ask(self, model: str, chat: list[dict[str, str]], schema: JsonObject) -> Answer:
        """Raises CallFailed, or StopRun when the run cannot continue."""
        return await self.client.ask(
            model,
            chat,
            schema=schema,
            max_tokens=ANSWER_TOKENS,
            temperature=self.settings.temperature,
        )


def chosen(settings: JudgeSettings) -> list[Criterion]:
    """The criteria that are rated."""
    known = criteria()
    return [known[name] for name in settings.criteria or known]


async def every(asked: Iterable[Coroutine[object, object, Result]]) -> list[Result]:
    """The results of all, in order; all are under way at once.

    Where one stops the run, the others end first: what is under way is paid for, and stored.
    """
    results: list[Result] = []
    for found in await asyncio.gather(*asked, return_exceptions=True):
        if isinstance(found, BaseException):
            raise found
        results.append(found)
    return results


def refuse_own_family(
    settings: JudgeSettings, models: Mapping[str, ModelSettings], wrote: Iterable[str]
) -> None:
    """Raises UserError where a judge would rate what a model of its own family has written.

    wrote: models, as their servers name them.
    """
    if settings.force:
        return
    kin = {model.model: model.kin for model in models.values()}
    for writer in wrote:
        for name in settings.models:
            judge = models[name]
            if kin.get(writer, family_in(writer)) == judge.kin and not judge.is_rehearsal:
                raise UserError(f"score: {own_family(name, judge, writer)}.")
