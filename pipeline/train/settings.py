"""Settings of `rapport train sft|dpo|kto`, each given by `--set KEY=VALUE`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, ValidationError, model_validator

from pipeline.recipe.base import Settings
from pipeline.recipe.document import Document
from pipeline.recipe.loading import accepted
from pipeline.recipe.mistakes import in_words
from pipeline.recipe.one_stage import put

Kind = Literal["sft", "dpo", "kto"]
KINDS: tuple[Kind, ...] = ("sft", "dpo", "kto")
# The config of a published set that each kind is trained on.
CONFIG: dict[Kind, str] = {"sft": "default", "dpo": "preference", "kto": "unpaired"}
# Learning rates with LoRA: ten times TRL's defaults (2e-5, 1e-6, 1e-6), as its documentation on
# peft advises; without LoRA these themselves.
RATE: dict[Kind, float] = {"sft": 2e-4, "dpo": 1e-5, "kto": 1e-5}
WITHOUT_LORA = 10


class TrainingSettings(Settings):
    """How a model is trained."""

    epochs: float = Field(1.0, gt=0, description="times that every row is trained on; our choice")
    steps: int | None = Field(
        None, ge=1, description="steps, instead of epochs; none: as many as the epochs need"
    )
    batch: int = Field(16, ge=1, description="rows of one step; our choice")
    at_once: int = Field(
        2, ge=1, description="rows that are in memory together; divides `batch`; our choice"
    )
    rate: float | None = Field(
        None,
        gt=0,
        description="learning rate; none: 2e-4 for sft, 1e-5 for dpo and kto, with "
        "LoRA; a tenth of it without",
    )
    length: int = Field(
        2048, ge=8, description="tokens of the longest row; longer ones are cut after a reply"
    )
    lora: bool = Field(True, description="train small matrices beside the weights (LoRA)")
    rank: int = Field(16, ge=1, description="rank of LoRA's matrices; peft's examples")
    packing: bool | None = Field(
        None,
        description="several conversations in one row of tokens (sft); none: on a GPU, where "
        "the model is measured to keep them apart",
    )
    held_out: int = Field(
        200, ge=0, description="most rows of the test split that losses are measured on"
    )
    replies: int = Field(8, ge=0, description="sample replies before and after")
    new_tokens: int = Field(80, ge=1, description="most tokens of a sample reply")
    checkpoint: int = Field(50, ge=1, description="steps between two checkpoints")
    seed: int = Field(1, ge=0, description="of the order of rows and of LoRA's first weights")

    @model_validator(mode="after")
    def _is_divided(self) -> TrainingSettings:
        if self.batch % self.at_once:
            raise ValueError(f"`batch` ({self.batch}) must be a multiple of `at_once`")
        return self

    def rate_of(self, kind: Kind) -> float:
        """The learning rate."""
        if self.rate is not None:
            return self.rate
        return RATE[kind] if self.lora else RATE[kind] / WITHOUT_LORA


def settings_of(sets: list[str]) -> TrainingSettings:
    """Settings from KEY=VALUE texts. Raises UserError that names the wrong one."""
    values: dict[str, object] = {}
    for text in sets:
        put(values, text)
    document = Document(values)
    try:
        return TrainingSettings.model_validate(values)
    except ValidationError as error:
        accepted(None, in_words(document, error, TrainingSettings))
        raise
