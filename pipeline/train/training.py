"""Trains a model, and measures what it has gained. Stopped at any instant, it goes on.

OUT/training.json      what is trained, on what: another task needs another folder
    before.json        held-out loss and sample replies before
    checkpoints/       of the trainer
    adapter/ merged/   the result; model/ where all weights were trained
    curve.svg  README.md
    result.json        written last: with it, the training is done
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Any

from pipeline import UserError
from pipeline.run.context import Progress
from pipeline.store.files import RunFolder
from pipeline.store.lock import locked
from pipeline.train import libraries
from pipeline.train.chart import CurvePoint, chart
from pipeline.train.model_folder import model_folder
from pipeline.train.plan import TrainingPlan

if TYPE_CHECKING:  # these import torch
    from pipeline.train.held_out import HeldOut
    from pipeline.train.trainer import LoadedModel, TrainerOptions

TASK, BEFORE, RESULT = "training.json", "before.json", "result.json"
CURVE, CARD, CHECKPOINTS = "curve.svg", "README.md", "checkpoints"
LAST = 10  # steps whose mean loss is called the last
Record = Mapping[str, Any]


@dataclass(frozen=True)
class TrainingResult:
    """What came of a training. losses: step and loss of each step. last: mean of the last steps.
    again: it was done before."""

    out: str
    before: HeldOut
    after: HeldOut
    losses: Sequence[tuple[int, float]]
    again: bool = False

    @property
    def last(self) -> float:
        return fmean(loss for _, loss in self.losses[-LAST:])

    def record(self) -> dict[str, object]:
        """As `result.json` holds it."""
        return {
            "losses": [list(one) for one in self.losses],
            "before": self.before.record(),
            "after": self.after.record(),
        }


def train(
    plan: TrainingPlan,
    progress: Callable[[Progress], None],
    notice: Callable[[str], None],
) -> TrainingResult:
    """Do what a plan says.

    Raises UserError: libraries missing, another training or process in the folder, a model that
    cannot be loaded.
    """
    task = plan.task
    libraries.check(f"rapport train {task.kind}")
    folder = RunFolder(task.out)
    with locked(folder):
        folder.sweep()
        _claim(folder, plan)
        done = folder.read_record(RESULT)
        if done is not None:
            return replace(_of_record(task.out, done), again=True)
        return _trained(folder, plan, progress, notice)


def _claim(folder: RunFolder, plan: TrainingPlan) -> None:
    """Write what is trained, or compare it with what the folder has."""
    wanted = identity(plan)
    there = folder.read_record(TASK)
    if there is None:
        folder.write_record(TASK, wanted)
        return
    other = [name for name in wanted if there.get(name) != wanted[name]]
    if other:
        raise UserError(
            f"{plan.task.out} holds another training: it differs in {', '.join(other)}. "
            "Choose another --out, or remove the folder."
        )


def identity(plan: TrainingPlan) -> dict[str, object]:
    """What decides the result of a training, as JSON holds it."""
    task, template = plan.task, plan.template
    return {
        "kind": task.kind,
        "data": plan.rows.digest,
        "config": plan.rows.config,
        "model": task.model,
        "revision": plan.model.revision,
        "template": template and template.text,
        "settings": task.settings.model_dump(mode="json"),
        "device": plan.device.name,
        "libraries": libraries.versions(),
    }


def _trained(
    folder: RunFolder,
    plan: TrainingPlan,
    progress: Callable[[Progress], None],
    notice: Callable[[str], None],
) -> TrainingResult:
    from pipeline.train import trainer
    from pipeline.train.trainer import TrainerOptions

    task, settings = plan.task, plan.task.settings
    checkpoints = Path(folder.path, CHECKPOINTS)
    found = model_folder(task.model)
    loaded = trainer.load(found, task.template, settings.lora)
    packing = trainer.packs(task.kind, loaded, settings)
    options = TrainerOptions(task.kind, settings, checkpoints, packing, plan.memory.checkpointed)

    def on_step(step: int, steps: int, loss: float) -> None:
        progress(Progress(task.kind, f"steps, loss {loss:.3f}", step, steps))

    made = trainer.trainer(loaded, plan.train, plan.held_out, options, on_step)
    before = _before(folder, plan, made, loaded)
    start = trainer.newest(checkpoints)
    if start:
        notice(f"goes on from {start.name}")
    made.train(resume_from_checkpoint=start and str(start))
    after = _measured(plan, made, loaded)
    result = TrainingResult(task.out, before, after, trainer.history(checkpoints))
    _save(folder, made, loaded, settings.lora)
    _describe(folder, plan, result, options)
    folder.write_record(RESULT, result.record())
    return result


def _before(folder: RunFolder, plan: TrainingPlan, made: Any, loaded: LoadedModel) -> HeldOut:
    """What the model is before, measured once: LoRA begins as nothing."""
    from pipeline.train.held_out import HeldOut

    known = folder.read_record(BEFORE)
    if known is not None:
        return HeldOut.of_record(known)
    found = _measured(plan, made, loaded)
    folder.write_record(BEFORE, found.record())
    return found


def _measured(plan: TrainingPlan, made: Any, loaded: LoadedModel) -> HeldOut:
    from pipeline.train.held_out import measured

    task = plan.task
    samples = plan.rows.held_out[: task.settings.replies]
    return measured(task.kind, made, loaded, plan.held_out, samples, task.settings)


def _save(folder: RunFolder, made: Any, loaded: LoadedModel, lora: bool) -> None:
    """The adapter, and the model with the adapter in its weights."""
    model = made.model
    if lora:
        _written(folder, "adapter", model, loaded)
        _written(folder, "merged", model.merge_and_unload(), loaded)
    else:
        _written(folder, "model", model, loaded)


def _written(folder: RunFolder, name: str, model: Any, loaded: LoadedModel) -> None:
    place = str(Path(folder.path, name))
    model.save_pretrained(place)
    loaded.tokenizer.save_pretrained(place)


def _describe(
    folder: RunFolder, plan: TrainingPlan, result: TrainingResult, options: TrainerOptions
) -> None:
    """The learning curve and the model card."""
    from pipeline.train import card

    points = [CurvePoint(*one) for one in result.losses]
    held = []
    if result.before.loss is not None and result.after.loss is not None:
        last = points[-1].step
        held = [CurvePoint(0, result.before.loss), CurvePoint(last, result.after.loss)]
    title = f"{plan.task.kind} of {plan.model.name} on {plan.source.name}"
    folder.write_text(CURVE, chart(points, held, title))
    folder.write_text(CARD, card.card(plan, result, options.packing))


def _of_record(out: str, record: Record) -> TrainingResult:
    from pipeline.train.held_out import HeldOut

    losses = [(int(step), float(loss)) for step, loss in record["losses"]]
    before, after = (HeldOut.of_record(record[name]) for name in ("before", "after"))
    return TrainingResult(out, before, after, losses)
