"""Trains a model, and measures what it has gained. Stopped at any instant, it goes on.

OUT/training.json      what is trained, on what: another task needs another folder
    before.json        held-out loss and sample replies before
    checkpoints/       of the trainer
    adapter/ merged/   the result; model/ where all weights were trained
    curve.svg  README.md
    result.json        written last: with it, the training is done
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline import UserError
from pipeline.run.context import Progress
from pipeline.store.files import RunFolder
from pipeline.store.lock import locked
from pipeline.train import card, libraries
from pipeline.train.chart import CurvePoint, chart
from pipeline.train.model_folder import model_folder
from pipeline.train.plan import TrainingPlan
from pipeline.train.result import HeldOut, TrainingResult

if TYPE_CHECKING:  # these import torch
    from pipeline.train.trainer import LoadedModel, TrainerOptions

TASK, BEFORE, RESULT = "training.json", "before.json", "result.json"
CURVE, CARD, CHECKPOINTS = "curve.svg", "README.md", "checkpoints"


@dataclass(frozen=True)
class TrainingJob:
    """A plan at work. progress and notice are called with what a person may want to see."""

    plan: TrainingPlan
    folder: RunFolder
    progress: Callable[[Progress], None]
    notice: Callable[[str], None]

    @property
    def checkpoints(self) -> Path:
        return Path(self.folder.path, CHECKPOINTS)

    def on_step(self, step: int, steps: int, loss: float) -> None:
        kind = self.plan.task.kind
        self.progress(Progress(kind, f"steps, loss {loss:.3f}", step, steps))


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
            return TrainingResult.of_record(done)
        return _trained(TrainingJob(plan, folder, progress, notice))


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
    task = plan.task
    return {
        "kind": task.kind,
        "data": plan.rows.digest,
        "config": plan.rows.config,
        "model": task.model,
        "revision": plan.model.revision,
        "template": plan.template.text,
        "settings": task.settings.model_dump(mode="json"),
        "device": plan.cost.device.name,
        "libraries": libraries.versions(),
    }


def _trained(job: TrainingJob) -> TrainingResult:
    from pipeline.train import trainer

    plan, lora = job.plan, job.plan.task.settings.lora
    loaded = trainer.load(model_folder(plan.task.model), plan.template, lora)
    options = _options(job, loaded)
    made = trainer.trainer(loaded, plan.train, plan.held_out, options, job.on_step)
    before = _before(job, made, loaded)
    start = trainer.newest(job.checkpoints)
    if start:
        job.notice(f"goes on from {start.name}")
    made.train(resume_from_checkpoint=start and str(start))
    after = _measured(plan, made, loaded)
    result = TrainingResult(before, after, trainer.history(job.checkpoints))
    _save(job.folder, made, loaded, lora)
    _describe(job, result, options.packing)
    job.folder.write_record(RESULT, result.record())
    return result


def _options(job: TrainingJob, loaded: LoadedModel) -> TrainerOptions:
    from pipeline.train import trainer

    task, checkpointed = job.plan.task, job.plan.cost.memory.checkpointed
    packing = trainer.packs(task.kind, loaded, task.settings)
    return trainer.TrainerOptions(task.kind, task.settings, job.checkpoints, packing, checkpointed)


def _before(job: TrainingJob, made: Any, loaded: LoadedModel) -> HeldOut:
    """What the model is before, measured once: LoRA begins as nothing."""
    known = job.folder.read_record(BEFORE)
    if known is not None:
        return HeldOut.of_record(known)
    found = _measured(job.plan, made, loaded)
    job.folder.write_record(BEFORE, found.record())
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


def _describe(job: TrainingJob, result: TrainingResult, packing: bool) -> None:
    """The learning curve and the model card."""
    plan, points = job.plan, [CurvePoint(*one) for one in result.losses]
    held = []
    found = result.losses_held_out()
    if found:
        held = [CurvePoint(0, found[0]), CurvePoint(points[-1].step, found[1])]
    title = f"{plan.task.kind} of {plan.model.name} on {plan.source.name}"
    job.folder.write_text(CURVE, chart(points, held, title))
    job.folder.write_text(CARD, card.card(plan, result, packing))
