"""Runs a recipe for a command: with progress meanwhile, and its funnel at the end."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pipeline.cli import streams
from pipeline.cli.progress import display

if TYPE_CHECKING:  # imported where used: --help must not wait for pydantic and pyarrow
    from pipeline.recipe.settings import Recipe
    from pipeline.store.report import FunnelRow

DONE_IN_PART = 3
UNKEPT = "Nothing is kept without --out."


@contextmanager
def unkept_folder() -> Iterator[str]:
    """A folder that is removed afterwards. Whoever stops in it has a note that says so."""
    with tempfile.TemporaryDirectory(prefix="rapport-") as folder:
        try:
            yield folder
        except (KeyboardInterrupt, OSError) as error:
            error.add_note(UNKEPT)
            raise


def execute(
    recipe: Recipe,
    out: str,
    workers: int | None,
    first: str | None = None,
    last: str | None = None,
    only: Sequence[str] | None = None,
    answers: Path | None = None,
) -> list[FunnelRow]:
    """Run a recipe into a folder and return the funnel. first, last, only: see `runner.run`.
    answers: see `Job`."""
    from pipeline.run import runner
    from pipeline.run.context import Job
    from pipeline.run.engine import Engine

    with Engine(workers) as engine, display() as shown:
        keys = secrets(recipe)
        job = Job(recipe, out, engine, shown.progress, shown.notice, keys, answers)
        return runner.run(job, first=first, last=last, only=only)


def kept_answers() -> Path:
    """The folder in which answers of models are kept that belong to no run: the user's cache."""
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    folder = Path(cache, "rapport")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)  # what was asked may be private
    return folder


def secrets(recipe: Recipe) -> Mapping[str, str]:
    """The keys that the recipe's models name, from the environment."""
    names = {model.key for model in recipe.models.values() if model.key}
    return {name: os.environ[name] for name in names if name in os.environ}


def show_funnel(funnel: Sequence[FunnelRow], as_json: bool) -> None:
    """The result of a run."""
    if as_json:
        streams.show_json(funnel)
        return
    from pipeline.cli import render

    streams.show(render.funnel(funnel))
    streams.show_lines(render.files_read(funnel))


def exit_if_partial(funnel: Sequence[FunnelRow]) -> None:
    """Exit with 3 where something that was asked for is missing, so that a script can see it."""
    from pipeline.run.reports import losses

    missing = losses(funnel)
    if missing:
        raise click.exceptions.Exit(streams.complain("\n".join(missing), DONE_IN_PART))
