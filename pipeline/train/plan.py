"""What a training would do: rows, tokens, steps, memory, time. Nothing is written.

Tokens are counted with the model's tokenizer where the extra `[train]` is installed; elsewhere they
are estimated as a quarter of the bytes, and called so.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from statistics import fmean

from pipeline import UserError
from pipeline.publish.configs import CONFIGS
from pipeline.publish.configs.made import PublishedRow
from pipeline.publish.tokens import AROUND, estimate
from pipeline.recipe.base import unknown
from pipeline.train import data, libraries
from pipeline.train.data import PublishedSet, TrainingRows
from pipeline.train.estimate import GIB, Device, Memory, cpu, memory, operations, steps
from pipeline.train.model_folder import ModelFolder, model_folder
from pipeline.train.prepared import REPLIES, TOO_LONG, PreparedRows, prepared
from pipeline.train.settings import CONFIG, Kind, TrainingSettings
from pipeline.train.templates import ChatTemplate

BY_TOKENIZER = "counted with the model's tokenizer"
BY_BYTES = "estimated as a quarter of the bytes: the extra [train] is not installed"
LASTING = ((3600, "hours"), (60, "minutes"))


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


@dataclass(frozen=True)
class TrainingPlan:
    """What a training would do. train, held_out: as the trainer takes them. template: None where
    it cannot be known. steps: in all. seconds: about. counted: how tokens were."""

    task: TrainingTask
    source: PublishedSet
    rows: TrainingRows
    model: ModelFolder
    template: ChatTemplate | None
    train: PreparedRows
    held_out: PreparedRows
    steps: int
    memory: Memory
    seconds: float
    device: Device
    counted: str

    @property
    def tokens(self) -> int:
        """Tokens of all steps, those that are not trained on included."""
        return _tokens(self.train, self.steps, self.task.settings)

    @property
    def trained(self) -> int:
        """Tokens of replies in all steps."""
        return round(self.tokens * self.train.trained / sum(self.train.lengths))

    def lines(self) -> Iterator[str]:
        """For the user, before it begins."""
        model, shape = self.model.name, self.model.shape
        template = self.template or "known once the extra [train] is installed"
        settings = self.task.settings
        yield f"model       {model}, {shape.parameters / 1e6:,.1f} M weights"
        yield f"template    {template}"
        yield f"data        {self.source.name}, config `{self.rows.config}`, {self.rows.digest[:12]}"
        yield f"rows        {len(self.train.rows):,} to train on, {self._held_out()}"
        yield (
            f"tokens      {self.tokens:,} in all steps, {self.trained:,} of them of replies "
            f"({self.counted})"
        )
        yield f"steps       {self.steps:,} of {settings.batch} rows"
        yield f"memory      about {self._memory()}"
        yield f"time        about {duration(self.seconds)} on {self.device.name}"

    def _held_out(self) -> str:
        if not self.rows.split:
            return "none held out"
        return f"{len(self.held_out.rows):,} of the {self.rows.split} split held out"

    def _memory(self) -> str:
        there = ""
        if self.memory.there is not None:
            there = f", {self.memory.there / GIB:.1f} GiB are free"
        how = " with gradient checkpointing" if self.memory.checkpointed else ""
        return f"{self.memory.needed / GIB:.2f} GiB{how}{there}"

    def notes(self) -> Iterator[str]:
        """What the user must know, in sentences."""
        yield from data.notes(self.rows)
        for reason, count in self.train.counts.items():
            yield f"{count} rows to train on: {reason}."
        if not self.memory.is_enough:
            yield (
                "That is more memory than is free: take less with --set at_once=1 or a smaller "
                "--set length, or another model."
            )


def plan(task: TrainingTask) -> TrainingPlan:
    """What a task comes to. Raises UserError: no data, no model, nothing to train on."""
    config = _config(task)
    source = data.published(task.data)
    rows = data.training_rows(source, config, task.force)
    has_libraries = not libraries.missing()
    model = model_folder(task.model, weights=False)
    settings = task.settings
    ordered = data.shuffled(rows.train, settings.seed)
    held = data.shuffled(rows.held_out, settings.seed)[: settings.held_out]
    both: tuple[Sequence[PublishedRow], ...] = (ordered, held)
    if has_libraries:
        template, device, (train, held_out) = _counted(task, model, both)
    else:
        template, device = None, cpu()
        train, held_out = (_estimated(task, each) for each in both)
    if not train.rows:
        reasons = "; ".join(f"{count} rows: {why}" for why, count in train.counts.items())
        raise UserError(f"No row of {source.name} can be trained on. {reasons}.")
    count = steps(_packed(train, settings), settings)
    need = memory(task.kind, model.shape, settings, max(train.lengths), device)
    work = operations(
        task.kind, model.shape, settings, _tokens(train, count, settings), need.checkpointed
    )
    looks = 2 * 2.0 * model.shape.parameters * sum(held_out.lengths)  # held out, before and after
    return TrainingPlan(
        task,
        source,
        rows,
        model,
        template,
        train,
        held_out,
        count,
        need,
        (work + looks) / device.speed,
        device,
        BY_TOKENIZER if has_libraries else BY_BYTES,
    )


def _config(task: TrainingTask) -> str:
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


def _counted(
    task: TrainingTask, model: ModelFolder, several: Sequence[Sequence[PublishedRow]]
) -> tuple[ChatTemplate, Device, list[PreparedRows]]:
    """Rows as tokens of the model."""
    from pipeline.train import trainer

    trainer.quiet()
    tokenizer, template = trainer.tokenizer_of(model, task.template)
    length = min(task.settings.length, model.shape.context)
    found = [prepared(task.kind, tokenizer, rows, length) for rows in several]
    return template, trainer.device(task.settings.lora), found


def _estimated(task: TrainingTask, rows: Sequence[PublishedRow]) -> PreparedRows:
    """Rows with tokens by their bytes."""
    kept, lengths, trained = [], [], 0
    left_out = 0
    for row in rows:
        size, own = _size(task.kind, row)
        if task.kind != "sft" and size > task.settings.length:
            left_out += 1
            continue
        whole = min(size, task.settings.length)
        kept.append(row)
        lengths.append(whole)
        trained += round(own * whole / size)
    return PreparedRows(kept, lengths, trained, {TOO_LONG: left_out} if left_out else {})


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


def _tokens(train: PreparedRows, count: int, settings: TrainingSettings) -> int:
    rows = _packed(train, settings)
    mean = fmean(train.lengths) * len(train.rows) / rows
    of_epoch = steps(rows, settings.model_copy(update={"steps": None, "epochs": 1.0}))
    return round(mean * rows * count / of_epoch)


def duration(seconds: float) -> str:
    """`3 minutes`, `1.5 hours`."""
    for size, name in LASTING:
        if seconds >= 2 * size:
            return f"{seconds / size:.1f} {name}"
    return f"{max(1, round(seconds))} seconds"
