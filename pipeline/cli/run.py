"""Commands on a recipe or its run: run, check, plan, init, recipe, clean."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pipeline.cli import streams
from pipeline.cli.execute import execute, exit_if_partial, secrets, show_funnel
from pipeline.run.stages import NAMES

if TYPE_CHECKING:
    from pipeline.recipe.settings import Recipe
    from pipeline.store.report import FunnelRow

FOLDER_OF_RUN = "Folder of the run [default: output/<recipe name>]."


@click.command()
@click.argument("recipe")
@click.option(
    "--from", "first", type=click.Choice(NAMES), help="Run this stage and those after it again."
)
@click.option("--until", "last", type=click.Choice(NAMES), help="Stop after this stage.")
@click.option("--out", help=FOLDER_OF_RUN)
@click.option(
    "--rehearse", is_flag=True, help="Replace every model by the offline rehearsal model."
)
@click.option(
    "--reparse", is_flag=True, help="Read the stored pages of all crawls again; touch no site."
)
@click.option("--workers", type=click.IntRange(1), help="Processes [default: one a core].")
@click.option("--json", "as_json", is_flag=True, help="The result as JSON.")
def run(
    recipe: str,
    first: str | None,
    last: str | None,
    out: str | None,
    rehearse: bool,
    reparse: bool,
    workers: int | None,
    as_json: bool,
) -> None:
    """Run a recipe, from its first stage to its last.

    What is done already is not done again. RECIPE is a file, or the name of a bundled recipe:
    quickstart.
    """
    from pipeline.recipe.loading import find, load
    from pipeline.recipe.one_stage import rehearsed, reparsed

    loaded = load(find(recipe))
    if rehearse:
        loaded = rehearsed(loaded)
    if reparse:
        loaded, first = reparsed(loaded), "collect"
    folder = out or f"output/{loaded.name}"
    funnel = execute(loaded, folder, workers, first=first, last=last)
    show_funnel(funnel, as_json)
    if not as_json:
        streams.show_lines(["", "Next:", *_next_commands(folder, funnel)])
    exit_if_partial(funnel)


def _next_commands(out: str, funnel: Sequence[FunnelRow]) -> Iterator[str]:
    from pipeline.run.reports import a_dropped_row

    rapport, python = _programs()
    yield f"  {rapport} look {out}"
    dropped = a_dropped_row(out)
    if dropped is not None:
        yield f"  {rapport} why {out} {dropped}"
    if funnel and funnel[-1]["stage"] == "publish":
        load = f"datasets.load_dataset({_dataset(out)})"
        yield f'  {python} -c "import datasets; print({load})"'


def _dataset(out: str) -> str:
    """The folder of the dataset, with the config where it has no `default`."""
    from pipeline.store.files import RunFolder

    folder = RunFolder(f"{out}/6-publish/dataset")
    configs = folder.listing()
    only_rehearsal = "rehearsal" in configs and "full" not in configs
    return f"'{folder.address}'" + ", 'rehearsal'" * only_rehearsal


def _programs() -> tuple[str, str]:
    """`rapport` and `python` as the user can call them: by path where they are not on PATH."""
    # right after `make quickstart`, `.venv/bin` is not on PATH
    called = sys.argv[0]
    if Path(called).name == "rapport" and shutil.which("rapport") is None:
        return called, sys.executable
    return "rapport", "python"


@click.command()
@click.argument("recipe")
@click.option(
    "--models",
    "ask_models",
    is_flag=True,
    help="Ask each model what its server can do: a few small requests, which are paid.",
)
@click.option("--out", help=FOLDER_OF_RUN)
@click.option("--json", "as_json", is_flag=True, help="What the models can do as JSON.")
def check(recipe: str, ask_models: bool, out: str | None, as_json: bool) -> None:
    """List every mistake of a recipe, with line and key."""
    from pipeline.recipe.loading import find, load

    path = find(recipe)
    loaded = load(path, sources=True)
    if not as_json:
        from pipeline.publish.gates.outlook import outlook

        click.echo(f"{path}: no mistakes.")
        streams.show_lines(outlook(loaded))
    if ask_models:
        _check_models(loaded, out or f"output/{loaded.name}", as_json)


def _check_models(recipe: Recipe, out: str, as_json: bool) -> None:
    """Show what the servers can do. The folder of the run keeps it; its runs ask no more."""
    from pipeline.cli import models
    from pipeline.run.probing import probed
    from pipeline.store.store import Store

    asked = probed(recipe, Path(Store(out).path), secrets(recipe))
    if as_json:
        streams.show_json([asdict(one) for one in asked])
    else:
        streams.show(models.models(asked))
        streams.show_lines(models.consequences(asked))
    if problems := models.problems(asked):
        raise click.exceptions.Exit(streams.complain("\n".join(problems), 1))


@click.command()
@click.argument("recipe")
@click.option("--out", help=FOLDER_OF_RUN)
@click.option("--json", "as_json", is_flag=True, help="The result as JSON.")
def plan(recipe: str, out: str | None, as_json: bool) -> None:
    """Show what a run would do and cost; run nothing."""
    from pipeline.cli import plans
    from pipeline.publish.gates.outlook import outlook
    from pipeline.recipe.loading import find, load
    from pipeline.run.context import Job
    from pipeline.run.engine import Engine
    from pipeline.run.plan import plan as planned_run

    loaded = load(find(recipe))
    planned = planned_run(Job(loaded, out or f"output/{loaded.name}", Engine()))
    if as_json:
        streams.show_json(planned)
        return
    streams.show(plans.plan(planned))
    streams.show_lines(plans.families(planned))
    streams.show_lines(plans.encoding(planned))
    streams.show_lines(outlook(loaded))
    for warning in plans.over_budget(planned):
        click.echo(warning, err=True)


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
def init(folder: Path) -> None:
    """Write a first recipe for the files of a folder.

    FOLDER/recipe.yaml has a source for each group of files, the languages that were found, and the
    most useful settings as comments.
    """
    from pipeline.cli import render
    from pipeline.recipe.draft import write

    path, found = write(folder)
    streams.show_lines(render.drafted(path, found))
    rapport, _ = _programs()
    streams.show_lines(["", "Next:", f"  {rapport} check {path}", f"  {rapport} run {path}"])


@click.command()
@click.option("--reference", is_flag=True, required=True, help="Every key, with its default.")
def recipe(reference: bool) -> None:
    """Explain every key of a recipe.

    With its type, default and description, and where the default comes from.
    """
    from pipeline.cli import render
    from pipeline.recipe.reference import keys, names, rules

    streams.show_lines(render.reference(keys(), rules(), names()))


@click.command()
@click.argument("folder", metavar="RUN")
@click.option(
    "--remove", "names", multiple=True, metavar="NAME", help="Remove this one; may be repeated."
)
@click.option("--yes", is_flag=True, help="Remove all that no run needs.")
def clean(folder: str, names: Sequence[str], yes: bool) -> None:
    """List or remove old stores and caches of a run.

    The list says how large each is and what its removal costs. Nothing is removed unless you say
    so.
    """
    from pipeline.cli import render
    from pipeline.run.leftovers import leftovers, remove

    if names or yes:
        removed = remove(folder, names, yes)
        streams.show_lines(render.removed(removed))
        return
    found = leftovers(folder)
    streams.show(render.leftovers(found))
    streams.show_lines(render.how_to_remove(found, folder))


COMMANDS = (run, check, plan, init, recipe, clean)
