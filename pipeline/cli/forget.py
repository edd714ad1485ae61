"""`rapport forget`: rows are taken down, or what companions remember of a user."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import click

from pipeline import UserError
from pipeline.cli import streams
from pipeline.cli.companion import memories

if TYPE_CHECKING:
    from pipeline.store.report import Report


@click.command()
@click.argument("folder", metavar="[RUN|DATASET]", required=False)
@click.option(
    "--id",
    multiple=True,
    help="A row, by its id or its source's own.",
)
@click.option(
    "--source",
    multiple=True,
    help="A source, or the address of a record.",
)
@click.option(
    "--author",
    multiple=True,
    help="Who has written a message, by name.",
)
@click.option(
    "--match",
    multiple=True,
    help="Words that a row holds anywhere.",
)
@click.option("--memory", metavar="USER", help="Instead of rows: whom companions remember.")
@click.option(
    "--workers",
    type=click.IntRange(1),
    help="Processes [default: one a core].",
)
def forget(
    folder: str | None, memory: str | None, workers: int | None, **asked: Sequence[str]
) -> None:
    """Take rows of a dataset down, or forget what a user has said.

    The dataset is published anew without the rows, here only: `rapport push` sends it. Every later
    run into the folder leaves the same rows out.
    """
    named = any(asked.values())
    if folder and named and memory is None:
        _take_down(folder, workers, asked)
    elif memory and not folder and not named:
        _forget_user(memory)
    else:
        raise click.UsageError(
            "Say what to take down: RUN with --id, --source, --author or --match; or --memory USER."
        )


def _take_down(folder: str, workers: int | None, asked: Mapping[str, Sequence[str]]) -> None:
    from pipeline.cli.progress import display
    from pipeline.recipe.publish import TakenDown
    from pipeline.run.context import Job
    from pipeline.run.engine import Engine
    from pipeline.run.forget import run_of, take_down
    from pipeline.run.reports import recipe_here

    run = run_of(folder)
    wanted = [TakenDown(**{name: one}) for name, several in asked.items() for one in several]
    with Engine(workers) as engine, display() as shown:
        job = Job(
            recipe_here(run),
            run,
            engine,
            shown.progress,
            shown.notice,
        )
        report = take_down(job, wanted)
    streams.show_lines(_result(run, report))


def _result(run: str, report: Report) -> Iterator[str]:
    from pipeline.publish.taken_down import RULE

    rows = report["reasons"].get(RULE, 0)
    yield f"{rows} rows are taken down in {run}, {report['kept']} are published."
    yield "The list is in taken_down.json there; every later run into this folder honours it."
    yield f"Send the new version: rapport push {run} OWNER/NAME"


def _forget_user(user: str) -> None:
    from pipeline.companion import memory

    cards = memory.forget(memories(), user)
    if not cards:
        raise UserError(f"Nothing is remembered of {user} in {memories()}.")
    streams.show_lines([f"Forgotten: {user}, with {cards} of {cards} cards, in {memories()}."])


COMMANDS = (forget,)
