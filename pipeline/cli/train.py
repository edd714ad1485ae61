"""`rapport train`: a model on what `publish` has written, and configs for other trainers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, TypedDict, Unpack

import click

from pipeline.cli import streams
from pipeline.cli.progress import display

if TYPE_CHECKING:  # imported where used: --help must not wait for pydantic and pyarrow
    from pipeline.train.plan import TrainingPlan, TrainingTask
    from pipeline.train.result import TrainingResult
    from pipeline.train.settings import Kind

TOOLS = ("axolotl", "llama-factory", "unsloth", "trl")
TEMPLATES = ("chatml", "gemma", "llama-3", "plain")
ABOUT: dict[Kind, str] = {
    "sft": "Train on conversations: the assistant's messages, and nothing else.",
    "dpo": "Train on pairs: a reply shall become likelier than a worse one.",
    "kto": "Train on replies that are labelled good or bad.",
}
DATA = click.Argument(["data"], metavar="RUN|DATASET")
MODEL = click.Option(
    ["--model"], required=True, metavar="DIR|NAME", help="A folder, or a model on the Hub."
)
OUT = click.Option(
    ["--out"],
    default="",
    metavar="DIR",
    help="Folder of the result; the same goes on after a kill.",
)
CONFIG = click.Option(
    ["--config"], metavar="NAME", help="The dataset's config, `noted` say [default: the usual one]."
)
TEMPLATE = click.Option(
    ["--template"],
    type=click.Choice(TEMPLATES),
    help="The chat template [default: the model's own, or the one its tokenizer has tokens for].",
)
SET = click.Option(
    ["--set", "sets"],
    multiple=True,
    metavar="KEY=VALUE",
    help="A setting: epochs=2, rank=8, lora=false. pipeline/train/README.md lists them.",
)
EXPORT = click.Option(
    ["--export"],
    type=click.Choice(TOOLS),
    help="Train nothing: write to --out what this trainer reads for the same.",
)
DRY_RUN = click.Option(
    ["--dry-run"], is_flag=True, help="Show rows, tokens, steps, memory and time; write nothing."
)
FORCE = click.Option(
    ["--force"],
    is_flag=True,
    help="Also on rows whose licence forbids it, and on those of the rehearsal model.",
)


@click.group()
def train() -> None:
    """Train a model on a dataset, or classifiers of messages.

    sft, dpo and kto take a published one, annotations takes labelled rows.
    """


class TaskOptions(TypedDict):
    """What a command was given, as `TrainingTask` has it."""

    data: str
    model: str
    out: str
    config: str | None
    template: str | None
    force: bool


def of_model(
    kind: Kind,
    sets: tuple[str, ...],
    export: str | None,
    dry_run: bool,
    **given: Unpack[TaskOptions],
) -> None:
    from pipeline.train import libraries
    from pipeline.train.plan import TrainingTask, plan
    from pipeline.train.settings import settings_of

    if not given["out"] and (export or not dry_run):
        raise click.UsageError("Missing option '--out'.")
    task = TrainingTask(kind=kind, settings=settings_of(list(sets)), **given)
    if export:
        _export(task, export)
        return
    if not dry_run:
        libraries.check(f"rapport train {kind}")
    planned = plan(task)
    for sentence in planned.notes():
        streams.complain(sentence, 0)
    if dry_run:
        streams.show_lines(planned.lines())
    else:
        _train(planned)


def _export(task: TrainingTask, tool: str) -> None:
    from pipeline.train.export import export

    made = export(task, tool)
    for sentence in made.notes:
        streams.complain(sentence, 0)
    streams.show_lines(f"{task.out}/{name}" for name in made.files)
    streams.show_lines([f"cd {task.out} && {made.command}"])


def _train(planned: TrainingPlan) -> None:
    from pipeline.train.training import train as trained

    with display() as shown:
        for line in planned.lines():
            shown.notice(line)
        result = trained(planned, shown.progress, shown.notice)
    streams.show_lines(_lines(planned, result))


def _lines(planned: TrainingPlan, result: TrainingResult) -> Iterator[str]:
    """What came of it."""
    if result.again:
        yield "It was done before: nothing was trained."
    yield f"steps            {result.losses[-1][0]}, mean loss of the last {result.last:.4f}"
    losses, before, after = result.losses_held_out(), result.before, result.after
    if losses:
        change = 100 * (losses[1] / losses[0] - 1)
        both = f"{losses[0]:.4f} before, {losses[1]:.4f} after"
        yield f"held-out loss    {both} ({change:+.1f} %)"
    if before.accuracy is not None and after.accuracy is not None:
        yield f"chosen likelier  {before.accuracy:.3f} before, {after.accuracy:.3f} after"
    if after.replies:
        yield f"break a rule     {before.broken()} replies before, {after.broken()} after"
    what = "adapter/, merged/" if planned.task.settings.lora else "model/"
    yield f"written          {planned.task.out}: {what}, curve.svg, README.md (the model card)"


def _command(kind: Kind) -> click.Command:
    callback: Callable[..., None] = partial(of_model, kind)
    params = [DATA, MODEL, OUT, CONFIG, TEMPLATE, SET, EXPORT, DRY_RUN, FORCE]
    return click.Command(kind, callback=callback, params=list(params), help=ABOUT[kind])


@click.command("annotations")
@click.argument("rows", nargs=-1, required=True, metavar="ROWS…")
@click.option("--out", required=True, metavar="DIR", help="Folder of the classifiers.")
@click.option("--force", is_flag=True, help="Also on talks of the rehearsal model.")
def of_messages(rows: tuple[str, ...], out: str, force: bool) -> None:
    """Train classifiers of messages on labelled rows: emotion, closeness, stage, decision.

    ROWS is a file with a message a row (text, and the labels there are; group: what belongs
    together), or a run or dataset whose talks were planned. `score: {classifiers: DIR}` uses them.
    """
    from pipeline.train.annotations.train import train_annotations

    with display() as shown:
        found = train_annotations(rows, out, force, shown.notice)
    for one in found:
        streams.show_lines([f"{one.kind}: {one.messages} messages in {one.groups} groups"])
        streams.show_lines(f"  {name:32} {value:.3f}" for name, value in one.measures.items())
    streams.show_lines([f"written: {out}; use it by `score: {{classifiers: {out}}}` in a recipe"])


for _kind in ABOUT:
    train.add_command(_command(_kind))

train.add_command(of_messages)

COMMANDS = (train,)
