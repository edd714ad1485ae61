"""The command line. The only file that prints, reads the environment and exits; it decides nothing."""

from __future__ import annotations

import errno
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pipeline import UserError, __version__
from pipeline.run.startup import lean

if TYPE_CHECKING:  # imported where used: --help must not wait for pydantic and pyarrow
    from rich.table import Table

    from pipeline.recipe.settings import Recipe
    from pipeline.run.context import Progress
    from pipeline.store.report import FunnelRow

ROOMS = ("collect", "generate", "filter", "dedup", "score", "publish")
INTERRUPTED = "Interrupted. What was finished is kept; the same command goes on from there."

SQLITE_TROUBLES = (
    "disk is full",
    "disk I/O error",
    "readonly database",
    "unable to open database file",
)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="rapport")
def cli() -> None:
    """Dialogue datasets from one recipe: collect, generate, filter, dedup, score, publish."""


def _shared(command: Callable[..., None]) -> Callable[..., None]:
    """Options of everything that walks rooms."""
    command = click.option(
        "--workers", type=click.IntRange(1), help="Processes [default: one a core]."
    )(command)
    return click.option("--json", "as_json", is_flag=True, help="The result as JSON.")(command)


@cli.command()
@click.argument("recipe")
@click.option(
    "--from", "first", type=click.Choice(ROOMS), help="Work this room and those after it again."
)
@click.option("--until", "last", type=click.Choice(ROOMS), help="Stop after this room.")
@click.option("--out", help="Folder of the run [default: output/<recipe name>].")
@click.option(
    "--rehearse", is_flag=True, help="Every model replaced by the offline rehearsal model."
)
@click.option(
    "--reparse", is_flag=True, help="Read the stored pages of all crawls again; touch no site."
)
@_shared
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
    """Walk a recipe from its first room to its last; what is done already is not done again."""
    from pipeline.recipe.loading import find, load
    from pipeline.recipe.one_stage import rehearsed, reparsed

    loaded = load(find(recipe))
    loaded = rehearsed(loaded) if rehearse else loaded
    loaded = reparsed(loaded) if reparse else loaded
    folder = out or f"output/{loaded.name}"
    way = _walk(loaded, folder, workers, first="collect" if reparse else first, last=last)
    _tell(way, as_json)
    if not as_json:
        click.echo(_next_commands(folder, way))
    _exit_partial(way)


@cli.command()
@click.argument("recipe")
def check(recipe: str) -> None:
    """Every mistake of a recipe at once, with file, line and key."""
    from pipeline.recipe.loading import find, load

    path = find(recipe)
    load(path, doors=True)
    click.echo(f"{path}: no mistakes.")


@cli.command()
@click.argument("recipe")
@click.option("--out", help="Folder of the run [default: output/<recipe name>].")
@click.option("--json", "as_json", is_flag=True, help="The result as JSON.")
def plan(recipe: str, out: str | None, as_json: bool) -> None:
    """What a run would do, and what it would cost. Runs nothing."""
    from pipeline.cli import render
    from pipeline.recipe.loading import find, load
    from pipeline.run.context import Job
    from pipeline.run.engine import Engine
    from pipeline.run.plan import plan as planned_run

    loaded = load(find(recipe))
    folder = out or f"output/{loaded.name}"
    planned = planned_run(Job(loaded, folder, Engine(1)))
    if as_json:
        click.echo(json.dumps(planned, ensure_ascii=False))
        return
    columns = (
        "stage",
        "state",
        "rows",
        "calls",
        "prompt_tokens",
        "completion_tokens",
        "cost",
        "spent",
    )
    _show(
        render.table(
            (
                "stage",
                "what happens",
                "rows",
                "model calls",
                "tokens in",
                "tokens out",
                "cost in all, $",
                "spent so far, $",
            ),
            [[render.cell(row.get(c)) for c in columns] for row in planned],
        )
    )
    for line in render.over_budget(planned):
        click.echo(line, err=True)


# What a room's own command takes besides --set: settings of the room, under their own names.
OPTIONS: dict[str, list[Callable[[Any], Any]]] = {
    "collect": [
        click.option(
            "--reparse",
            is_flag=True,
            help="INPUT is a recipe: read the pages again that its run has stored.",
        )
    ],
    "dedup": [
        click.option(
            "--threshold",
            type=float,
            help="Jaccard similarity from which two are one [default: 0.7].",
        ),
        click.option(
            "--only-report", is_flag=True, default=None, help="Write the pairs, drop nothing."
        ),
    ],
    "generate": [
        click.option(
            "--model",
            default="rehearsal",
            help="Name of the model [default: the offline stand-in].",
        ),
        click.option(
            "--base-url", help="Where it is served; what OPENAI_API_KEY holds is sent there."
        ),
    ],
    "filter": [
        click.option(
            "--explain", is_flag=True, help="Rows that these settings decide otherwise than before."
        )
    ],
    "publish": [
        click.option(
            "--layout", type=click.Choice(["messages", "realm"]), help="realm: also characters."
        )
    ],
}


def _room_command(room: str, says: str) -> None:
    """One room on the user's own files, in any known shape."""

    @cli.command(room, help=says, short_help=says.split(".")[0] + ".")
    @click.argument("inputs", nargs=-1, required=room != "generate")
    @click.option(
        "--out", required=True, help="Folder of the result; rows stand in its <n>-<room>/kept."
    )
    @click.option(
        "--set",
        "sets",
        multiple=True,
        metavar="KEY=VALUE",
        help="A setting of the room: languages=[en].",
    )
    @_shared
    def command(
        inputs: Sequence[str],
        out: str,
        sets: Sequence[str],
        workers: int | None,
        as_json: bool,
        **more: Any,
    ) -> None:
        from pipeline.recipe.loading import find, load
        from pipeline.recipe.one_stage import of_files, reparsed
        from pipeline.run.reports import recipe_of

        explain, model, address = (
            more.pop("explain", False),
            more.pop("model", None),
            more.pop("base_url", None),
        )
        key = "OPENAI_API_KEY" if "OPENAI_API_KEY" in os.environ else None
        models = {
            "writer": {
                "model": model,
                "base_url": "rehearsal" if model == "rehearsal" else address,
                "key": key,
            }
        }
        how: dict[str, Any] = {"only": ("collect", room)}
        if more.pop("reparse", False):
            recipe, how = reparsed(load(find(inputs[0]))), {"first": "collect", "last": "collect"}
        else:
            extra = [
                f"{key}={json.dumps(value)}" for key, value in more.items() if value is not None
            ]
            recipe = of_files(out, room, inputs, [*sets, *extra], models if model else {})
        before = recipe_of(out) if explain else None
        way = _walk(recipe, out, workers, **how)
        _tell(way, as_json)
        if explain:
            _explain(out, before, recipe)
        _exit_partial(way)

    for option in OPTIONS.get(room, []):
        option(command)


for _room, _says in {
    "collect": "Read dialogue files of any known shape. INPUT: files, folders, globs or fsspec addresses.",
    "generate": "Invent characters and let two models talk. INPUT: rows to pass on, if any.",
    "filter": "Repair rows and send away the unfit. INPUT: files of any known shape.",
    "dedup": "Send away what was heard before. INPUT: files of any known shape.",
    "score": "Put numbers and labels on rows. INPUT: files of any known shape.",
    "publish": "Split without leaks and write a dataset with its card. INPUT: files of any known shape.",
}.items():
    _room_command(_room, _says)


@cli.command()
@click.argument("stage", type=click.Choice(["filter"]))
@click.argument("inputs", nargs=-1, required=True)
@click.option(
    "--set",
    "sets",
    multiple=True,
    metavar="KEY=VALUE",
    help="A setting of the room: languages=[en].",
)
@click.option("--workers", type=click.IntRange(1), help="Processes [default: one a core].")
def calibrate(room: str, inputs: Sequence[str], sets: Sequence[str], workers: int | None) -> None:
    """Percentiles of every measure per source, and what each rule would drop: to choose limits by looking."""
    from pipeline.cli import render
    from pipeline.filter.calibrate import calibrate as calibrated
    from pipeline.recipe.one_stage import of_files
    from pipeline.run.reports import measured

    with tempfile.TemporaryDirectory(prefix="rapport-") as folder:
        recipe = of_files(folder, room, inputs, sets)
        _walk(recipe, folder, workers, only=("collect", room))
        for table in render.calibration(calibrated(measured(folder), recipe.filter)):
            _show(table)


@cli.command()
@click.argument("folder", metavar="RUN")
@click.argument("wanted", metavar="ID")
def why(folder: str, wanted: str) -> None:
    """The whole life of one conversation: where from, every edit, every finding, where it ended."""
    from pipeline.cli import render
    from pipeline.run.trace import life

    for line in render.story(life(folder, wanted)):
        click.echo(line)


@cli.command()
@click.argument("folder", metavar="RUN")
@click.option("--json", "as_json", is_flag=True, help="The reports as JSON.")
def stats(folder: str, as_json: bool) -> None:
    """The funnel, the reasons and the histograms of a run."""
    from pipeline.cli import render
    from pipeline.filter.openings import Openings
    from pipeline.run.reports import funnel, reports

    found = reports(folder)
    if as_json:
        click.echo(json.dumps(found, ensure_ascii=False))
        return
    _show(render.funnel(funnel(folder)))
    rows = [
        (r["stage"], rule, count, r["reasons"].get(rule, 0))
        for r in found
        for rule, count in {**r["reasons"], **r["findings"]}.items()
    ]
    _show(render.table(("stage", "rule", "rows it fired on", "rows it decided"), rows))
    if openings := [Openings(**one) for r in found for one in r.get("openings", ())]:
        _show(render.openings(openings))
    for line in render.measures(found[-1]["measures"] if found else {}):
        click.echo(line)
    for line in (
        line for report in found if "usage" in report for line in render.usage(report["usage"])
    ):
        click.echo(line)
    for line in (
        line
        for report in found
        if report.get("link", {}).get("rows")
        for line in render.links(report["link"])
    ):
        click.echo(line)


# --- walking and telling


def _walk(recipe: Recipe, out: str, workers: int | None, **how: Any) -> list[FunnelRow]:
    from pipeline.run import runner as corridor
    from pipeline.run.context import Job
    from pipeline.run.engine import Engine

    with Engine(workers) as engine:
        job = Job(recipe, out, engine, _progress, _notice, secrets=_secrets(recipe))
        return corridor.run(job, **how)


def _tell(way: Sequence[FunnelRow], as_json: bool) -> None:
    from pipeline.cli import render

    if as_json:
        click.echo(json.dumps(way, ensure_ascii=False))
    else:
        _show(render.funnel(way))


def _exit_partial(way: Sequence[FunnelRow]) -> None:
    """Exit 3 where something that was asked for is missing, so that a script can tell partial from full."""
    from pipeline.run.reports import losses

    if told := losses(way):
        raise click.exceptions.Exit(_say("\n".join(told), 3))


def _explain(out: str, before: Recipe | None, now: Recipe) -> None:
    from pipeline.cli import render
    from pipeline.filter.calibrate import explain
    from pipeline.recipe.settings import FilterSettings
    from pipeline.run.reports import measured

    old = before.filter if before else FilterSettings(languages=now.filter.languages)
    for line in render.changes(*explain(measured(out), old, now.filter)):
        click.echo(line)


def _secrets(recipe: Recipe) -> Mapping[str, str]:
    """The keys that the recipe's models name, from the environment."""
    return {
        model.key: os.environ[model.key]
        for model in recipe.models.values()
        if model.key and model.key in os.environ
    }


def _progress(progress: Progress) -> None:
    """A line that is written over on a terminal; elsewhere a line now and then."""
    done, wanted = progress.done, progress.total
    line = f"{progress.stage}: {done} of {wanted} {progress.activity}"
    if sys.stderr.isatty():
        end = "\n" if done == wanted else ""
        print(f"\r{line}   ", end=end, file=sys.stderr, flush=True)
    elif done in (0, wanted) or (wanted > 100 and done % (wanted // 10) == 0):
        print(line, file=sys.stderr, flush=True)


def _notice(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)


def _next_commands(out: str, way: Sequence[FunnelRow]) -> str:
    from pipeline.run.reports import a_dropped_row

    here = (
        Path(sys.argv[0]).name == "rapport" and shutil.which("rapport") is None
    )  # not on PATH: as it was called
    rapport, python = (sys.argv[0], sys.executable) if here else ("rapport", "python")
    lines = ["", "Next:", f"  {rapport} stats {out}"]
    if (dropped := a_dropped_row(out)) is not None:
        lines.append(f"  {rapport} why {out} {dropped}")
    if way and way[-1]["stage"] == "publish":
        lines.append(
            f"  {python} -c \"import datasets; print(datasets.load_dataset('{out}/6-publish/dataset'))\""
        )
    return "\n".join(lines)


def _show(table: Table) -> None:
    from rich.console import Console

    width = None if sys.stdout.isatty() else 140
    Console(width=width).print(table)


def main() -> None:
    """Job a command. Exit 0: done, 1: the user must act, 2: usage, 3: done in part, 130: interrupted."""
    lean(os.environ)
    try:
        sys.exit(cli.main(standalone_mode=False))
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (KeyboardInterrupt, click.Abort):
        sys.exit(_say(INTERRUPTED, 130))
    except UserError as error:
        sys.exit(_say(str(error), 1))
    except BrokenPipeError:  # `rapport stats … | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except Exception as error:
        if (trouble := _disk_trouble(error)) is None:
            raise
        sys.exit(
            _say(f"{trouble}. What was finished is kept; the same command goes on from there.", 1)
        )


def _disk_trouble(error: Exception) -> str | None:
    """What the disk says when it is full or may not be written, be it to us or to SQLite."""
    if isinstance(error, OSError) and error.errno in (
        errno.ENOSPC,
        errno.EDQUOT,
        errno.EACCES,
        errno.EROFS,
    ):
        return os.strerror(error.errno) + (f" at {error.filename}" if error.filename else "")
    if type(error).__module__ == "sqlite3" and any(
        trouble in str(error) for trouble in SQLITE_TROUBLES
    ):
        return f"SQLite: {error}"
    return None


def _say(message: str, code: int) -> int:
    print(message, file=sys.stderr)
    return code


if __name__ == "__main__":
    main()
