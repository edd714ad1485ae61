"""What judging will take, before anything is asked: calls and tokens of each model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil

from pipeline.conversation import Conversation
from pipeline.judge.jury import chosen
from pipeline.judge.ranges import ranges
from pipeline.judge.rate import chat
from pipeline.llm import Estimate, estimate, tokens_in
from pipeline.recipe.models import ModelSettings
from pipeline.recipe.score import JudgeSettings

ANSWER = 150  # tokens of an answer: three quotes of a dozen words, and a sentence; our choice


@dataclass(frozen=True)
class RowSample:
    """Some rows, and how many they stand for."""

    rows: Sequence[Conversation]
    total: int


def expected(
    settings: JudgeSettings, models: Mapping[str, ModelSettings], samples: Sequence[RowSample]
) -> dict[str, Estimate]:
    """Calls, tokens and dollars by the recipe's name of the model.

    Useless answers that are asked for again come on top.
    """
    calls, tokens = 0.0, 0.0
    for sample in samples:
        prompts = [size for row in sample.rows for size in _prompts(row, settings)]
        share = sample.total / max(1, len(sample.rows))
        calls += share * len(prompts)
        tokens += share * sum(prompts)
    if not calls:
        return {}
    return {
        name: estimate(models[name], ceil(calls), tokens / calls, ANSWER)
        for name in settings.models
    }


def _prompts(row: Conversation, settings: JudgeSettings) -> list[int]:
    """The tokens of each request for one row."""
    found = []
    for part in ranges(row.messages, settings.messages):
        for criterion in chosen(settings):
            (message,) = chat(row, part, criterion)
            found.append(tokens_in(message["content"]))
    return found
