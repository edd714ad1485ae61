"""`rapport train`: a model on what `publish` has written, and configs for other trainers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING

import click

from pipeline.cli import streams
from pipeline.cli.progress import display

if TYPE_CHECKING:  # imported where used: --help must not wait for pydantic and pyarrow
    from pipeline.train.held_out import HeldOut
    from pipeline.train.plan import TrainingPlan
    from pipeline.train.training import TrainingResult

TOOLS = ("axolotl", "llama-factory", "unsloth", "trl")
TEMPLATES = ("chatml", "gemma", "llama-3", "plain")
ABOUT = {
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
    """Train a model on a dataset: sft, dpo, kto; or classifiers of messages on labelled rows."""


def of_model(
    kind: str,
    data: str,
    model: str,
    out: str,
    config: str | None,
    template: str | None,
    sets: tuple[str, ...],
    export: str | None,
    dry_run: bool,
    force: bool,
) -> None:
    from pipeline.train import libraries
    from pipeline.train.plan import TrainingTask, plan
    from pipeline.train.settings import settings_of

    if not out and not dry_run:
        raise click.UsageError("Missing option '--out'.")
    settings = settings_of(list(sets))
    if not export and not dry_run:
        libraries.check(f"rapport train {kind}")
    task = TrainingTask(kind, data, model, out, settings, config, template, force)  # type: ignore[arg-type]
    if export:
        _export(task, export)
        return
    planned = plan(task)
    for sentence in planned.notes():
        streams.complain(sentence, 0)
    if dry_run:
        streams.show_lines(planned.lines())
        return
    _train(planned)


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
    before, after = result.before, result.after
    if before.loss is not None and after.loss is not None:
        change = 100 * (after.loss / before.loss - 1)
        yield f"held-out loss    {before.loss:.4f} before, {after.loss:.4f} after ({change:+.1f} %)"
    if before.accuracy is not None and after.accuracy is not None:
        yield f"chosen likelier  {before.accuracy:.3f} before, {after.accuracy:.3f} after"
    if after.replies:
        yield f"break a rule     {_broken(before)} before, {_broken(after)} after"
    what = "adapter/, merged/" if planned.task.settings.lora else "model/"
    yield f"written          {result.out}: {what}, curve.svg, README.md (the model card)"


def _broken(found: HeldOut) -> str:
    count = sum(bool(one.rules) for one in found.replies)
    return f"{count} of {len(found.replies)} replies"


def _command(kind: str) -> click.Command:
    callback: Callable[..., None] = partial(of_model, kind)
    params = [DATA, MODEL, OUT, CONFIG, TEMPLATE, SET, EXPORT, DRY_RUN, FORCE]
    return click.Command(kind, callback=callback, params=list(params), help=ABOUT[kind])


for _kind in ABOUT:
    train.add_command(_command(_kind))

COMMANDS = (train,)
