"""What every invention and every talk of one run shares, and how they ask a model."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.generate.plan import Side
from pipeline.generate.prompts import Prompts
from pipeline.llm import Answer, Client
from pipeline.recipe.generate import GenerateSettings

Chat = list[dict[str, str]]  # messages as a server of models takes them
JsonSchema = dict[str, object]


@dataclass(frozen=True, slots=True)
class GenerateContext:
    """The client of the models, the settings, the prompts and the seed of one run."""

    client: Client
    settings: GenerateSettings
    prompts: Prompts
    seed: int

    async def ask(
        self,
        model: str,
        chat: Chat,
        sample: int,
        *,
        max_tokens: int | None = None,
        schema: JsonSchema | None = None,
    ) -> Answer:
        """Ask a model with the sampling settings of the recipe. Raises CallFailed or Stop.

        sample: numbers calls that are otherwise equal. schema: of the answer, if it is JSON.
        """
        return await self.client.ask(
            model,
            chat,
            sample=sample,
            schema=schema,
            max_tokens=max_tokens,
            temperature=self.settings.temperature,
            top_p=self.settings.top_p,
        )


def model_of(side: Side, settings: GenerateSettings) -> str:
    """The recipe's name of the model that speaks for a side."""
    return settings.user if side == "user" else settings.character
