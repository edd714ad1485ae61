"""The six stages, in order."""

from __future__ import annotations

from pipeline.recipe.settings import Recipe
from pipeline.run import steps
from pipeline.run.context import Stage


def stages(recipe: Recipe) -> list[Stage]:
    """The whole pipeline."""
    return [
        Stage(
            "collect",
            steps.walk_collect,
            ("collect", "../spiders"),
            ("scrapy", "datasets", "charset-normalizer"),
        ),
        Stage(
            "generate",
            steps.walk_generate,
            ("generate", "formats", "llm", "rules"),
            ("openai", "rapidfuzz"),
        ),
        Stage(
            "filter",
            steps.walk_filter,
            ("filter", "rules"),
            ("langdetect", "ftfy", "phonenumbers", "ahocorasick-rs"),
        ),
        Stage("dedup", steps.walk_dedup, ("dedup",), ("datasketch", "numba")),
        Stage("score", steps.walk_score, ("score", "rules")),
        Stage("publish", steps.walk_publish, ("publish", "rules"), ("pyarrow",)),
    ]
