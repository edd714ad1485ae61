"""What a training would do: rows, tokens, steps, memory, time. Nothing is written.

Tokens are counted with the model's tokenizer where the extra `[train]` is installed; elsewhere they
are estimated as a quarter of the bytes, and called so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from math import ceil
from typing import NamedTuple

from pipeline import UserError
from pipeline.publish.configs import CONFIGS
from pipeline.publish.configs.made import PublishedRow
from pipeline.publish.tokens import AROUND, estimate
from pipeline.recipe.base import unknown
from pipeline.train import data, libraries
from pipeline.train.data import PublishedSet, TrainingRows
from pipeline.train.estimate import GIB, Device, Memory, cpu, memory, operations, steps
from pipeline.train.model_folder import ModelFolder, ModelShape, model_folder
from pipeline.train.prepared import REPLIES, TOO_LONG, PreparedRows, prepared
from pipeline.train.settings import CONFIG, Kind, TrainingSettings
from pipeline.train.templates import ChatTemplate, of_model

BY_TOKENIZER = "counted with the model's tokenizer"
BY_BYTES = "estimated as a quarter of the bytes: the extra [train] is not installed"
LOOKS = 2  # at the held-out rows: before and after
LASTING = ((3600, "hours"), (60, "minutes"))

Prepare = Callable[[Sequence[PublishedRow]], PreparedRows]


@dataclass(frozen=True)
class TrainingTask:
    """What was asked for. data: a run, folder or dataset of the Hub. model: a folder or a name on
    the Hub. template: by name; None: the model's own. config: None: the usual one of the kind.
    force: also rows that are refused otherwise."""

    kind: Kind
    data: str
    model: str
    out: str
    settings: TrainingSettings
    config: str | None = None
    template: str | None = None
    force: bool = False


class TrainingCost(NamedTuple):
    """What a training takes. steps: in all. tokens: of these, of rows whole. seconds: about."""

    steps: int
    tokens: int
    memory: Memory
    seconds: float
    device: Device


@dataclass(frozen=True)
class TrainingPlan:
    """What a training would do. train, held_out: as the trainer takes them. counted: how tokens
    were."""

    task: TrainingTask
    source: PublishedSet
    rows: TrainingRows
    model: ModelFolder
    template: ChatTemplate
    train: PreparedRows
    held_out: PreparedRows
    cost: TrainingCost
    counted: str

    @property
    def trained(self) -> int:
        """Tokens of replies in all steps."""
        return round(self.cost.tokens * self.train.trained / sum(self.train.lengths))

    def lines(self) -> Iterator[str]:
        """For the user, before it begins."""
        model, cost = self.model, self.cost
        batch, counted = self.task.settings.batch, self.counted
        yield f"model       {model.name}, {model.shape.parameters / 1e6:,.1f} M weights"
        yield f"template    {self.template}"
        data = f"{self.source.name}, config `{self.rows.config}`"
        yield f"data        {data}, {self.rows.digest[:12]}"
        yield f"rows        {len(self.train.rows):,} to train on, {self._held_out()}"
        yield f"tokens      {cost.tokens:,}, {self.trained:,} of them of replies ({counted})"
        yield f"steps       {cost.steps:,} of {batch} rows"
        yield f"memory      about {self._memory()}"
        yield f"time        about {duration(cost.seconds)} on {cost.device.name}"

    def _held_out(self) -> str:
        if not self.rows.split:
            return "none held out"
        return f"{len(self.held_out.rows):,} of the {self.rows.split} split held out"

    def _memory(self) -> str:
        there = ""
        if self.cost.memory.there is not None:
            there = f", {self.cost.memory.there / GIB:.1f} GiB are free"
        how = " with gradient checkpointing" if self.cost.memory.checkpointed else ""
        return f"{self.cost.memory.needed / GIB:.2f} GiB{how}{there}"

    def notes(self) -> Iterator[str]:
        """What the user must know, in sentences."""
        yield from data.notes(self.rows)
        for reason, count in self.train.counts.items():
            yield f"{count} rows to train on: {reason}."
        if not self.cost.memory.is_enough:
            yield (
                "That is more memory than is free: take less with --set at_once=1 or a smaller "
                "--set length, or another model."
            )


def plan(task: TrainingTask) -> TrainingPlan:
    """What a task comes to. Raises UserError: no data, no model, nothing to train on."""
    _check(task)
    source = data.published(task.data)
    rows = data.training_rows(source, config_of(task), task.force)
    model = model_folder(task.model, weights=False)
    template = of_model(model.folder, task.template)
    prepare, device, counted = _means(task, model, template)
    held = data.shuffled(rows.held_out, task.settings.seed)[: task.settings.held_out]
    train, held_out = prepare(data.shuffled(rows.train, task.settings.seed)), prepare(held)
    if not train.rows:
        raise UserError(f"No row of {source.name} can be trained on. {_reasons(train)}.")
    cost = _cost(task, model.shape, device, train, held_out)
    return TrainingPlan(task, source, rows, model, template, train, held_out, cost, counted)


def _reasons(train: PreparedRows) -> str:
    return "; ".join(f"{count} rows: {why}" for why, count in train.counts.items())


def _check(task: TrainingTask) -> None:
    if task.kind == "kto" and task.settings.at_once < 2:
        raise UserError(
            "kto compares each reply with another one of its batch: at_once must be 2 or more."
        )


def _means(
    task: TrainingTask, model: ModelFolder, template: ChatTemplate
) -> tuple[Prepare, Device, str]:
    """What makes rows ready, what trains, and how tokens are counted."""
    if libraries.missing():
        return partial(_estimated, task), cpu(), BY_BYTES
    from pipeline.train import trainer

    trainer.quiet()
    tokenizer = trainer.tokenizer_of(model, template)
    length = min(task.settings.length, model.shape.context)

    def prepare(rows: Sequence[PublishedRow]) -> PreparedRows:
        return prepared(task.kind, tokenizer, rows, length)

    return prepare, trainer.device(task.settings.lora), BY_TOKENIZER


def _cost(
    task: TrainingTask,
    shape: ModelShape,
    device: Device,
    train: PreparedRows,
    held_out: PreparedRows,
) -> TrainingCost:
    settings, rows = task.settings, _packed(train, task.settings)
    count = steps(rows, settings)
    of_epoch = steps(rows, settings.model_copy(update={"steps": None, "epochs": 1.0}))
    tokens = round(sum(train.lengths) * count / of_epoch)
    need = memory(task.kind, shape, settings, max(train.lengths), device)
    work = operations(task.kind, shape, settings, tokens, need.checkpointed)
    work += LOOKS * 2.0 * shape.parameters * sum(held_out.lengths)
    return TrainingCost(count, tokens, need, work / device.speed, device)


def config_of(task: TrainingTask) -> str:
    """The config that is trained on. Raises UserError where it does not fit the kind."""
    if task.config is None:
        return CONFIG[task.kind]
    if task.config not in CONFIGS:
        raise UserError(f"--config: {unknown('config', task.config, CONFIGS)}.")
    needed = {"messages"} if task.kind == "sft" else {"prompt", *REPLIES[task.kind]}
    if not needed <= set(CONFIGS[task.config].schema.names):
        fitting = ", ".join(
            name for name, one in CONFIGS.items() if needed <= set(one.schema.names)
        )
        raise UserError(f"--config {task.config} is not for {task.kind}; these are: {fitting}.")
    return task.config


def _estimated(task: TrainingTask, rows: Sequence[PublishedRow]) -> PreparedRows:
    """Rows with tokens by their bytes. Those of sft are cut at `length`, others left out."""
    length, is_cut = task.settings.length, task.kind == "sft"
    fitting = [row for row in rows if is_cut or _size(task.kind, row)[0] <= length]
    lengths, trained = [], 0.0
    for row in fitting:
        whole, replies = _size(task.kind, row)
        lengths.append(min(whole, length))
        trained += replies * lengths[-1] / whole
    left_out = len(rows) - len(fitting)
    counts = {TOO_LONG: left_out} if left_out else {}
    return PreparedRows(fitting, lengths, round(trained), counts)


def _size(kind: Kind, row: PublishedRow) -> tuple[int, int]:
    """Tokens of a row, and of its replies, by their bytes."""
    if kind == "sft":
        messages = row["messages"]
        own = [one for one in messages if one["role"] == "assistant"]
        return _bytes(messages), _bytes(own)
    replies = [_bytes(row[name]) for name in REPLIES[kind]]
    return sum(_bytes(row["prompt"]) + reply for reply in replies), sum(replies)


def _bytes(messages: Sequence[Mapping[str, str]]) -> int:
    return sum(estimate(one["content"]) + AROUND for one in messages)


def _packed(train: PreparedRows, settings: TrainingSettings) -> int:
    """Rows of tokens that steps are made of."""
    if settings.packing:
        return ceil(sum(train.lengths) / settings.length)
    return len(train.rows)


def duration(seconds: float) -> str:
    """`3 minutes`, `1.5 hours`."""
    for size, name in LASTING:
        if seconds >= 2 * size:
            return f"{seconds / size:.1f} {name}"
    return f"{max(1, round(seconds))} seconds"
