"""Commands that look at a run and change none of its rows: look, why, stats, sample, export,
compare."""

from __future__ import annotations

import getpass
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pipeline import UserError
from pipeline.cli import streams
from pipeline.cli.execute import execute, kept_answers, unkept_folder

if TYPE_CHECKING:
    from pipeline.look.selection import Selection
    from pipeline.look.state import Look
    from pipeline.look.subject import Subject
    from pipeline.recipe.one_stage import Values
    from pipeline.store.report import Report

HUB = "hub:"
WHERE = click.option(
    "--where",
    multiple=True,
    metavar="FIELD=VALUE",
    help="Only rows for which this holds: rule=style.refusal, source=forum|letters, turns=4..60, "
    "pacing<3, pacing=null. Given several times, all must hold.",
)


@click.command()
@click.argument("what", metavar="RUN|DATASET|FILE")
@click.option(
    "--export",
    type=click.Choice(("html", "sqlite")),
    help="Write NAME.html (funnel, charts, 200 rows, in one file) or NAME.sqlite, and end.",
)
@click.option("--text", "wanted", metavar="ID", help="Show one conversation here, and end.")
@click.option("--no-browser", is_flag=True, help="Print the address, open nothing.")
def look(what: str, export: str | None, wanted: str | None, no_browser: bool) -> None:
    """Look at every conversation, on a page of your own.

    Of a run: kept, dropped and quarantined rows, also while it is at work. Of a published dataset,
    of files of any known shape, or of hub:owner/name: their rows. The page is served on this
    machine alone, at an address that nobody can guess; Ctrl-C ends it.
    """
    with ExitStack() as stack:
        subject = subject_of(what, stack)
        if wanted:
            streams.show_lines(_one(subject, wanted))
        elif export:
            click.echo(_exported(subject, export))
        else:
            _serve(subject, no_browser)


def subject_of(what: str, stack: ExitStack) -> Subject:
    """A run or dataset; or a run, not kept, that has read the files. Raises UserError."""
    from pipeline.look.subject import Subject, subject

    path = Path(what)
    if path.is_dir():
        return subject(path, _cache())
    if not what.startswith(HUB) and not path.is_file():
        raise UserError(f"There is nothing at {what}. Name a run, a dataset's folder or a file.")
    folder = stack.enter_context(unkept_folder())
    out = Path(folder, "read")
    _read(what, str(out))
    return Subject("file", out, path.name, out / ".look")


def _cache() -> Path:
    return kept_answers() / "look"


def _read(what: str, out: str) -> None:
    """Read files with `collect` into a folder."""
    from pipeline.recipe.one_stage import of_files, of_sources

    if what.startswith(HUB):
        name = what.removeprefix(HUB)
        source: Values = {"name": name.replace("/", "-"), "hub": name}
        recipe = of_sources(name.rpartition("/")[2], "collect", [source], {})
    else:
        recipe = of_files(out, "collect", [what], ())
    execute(recipe, out, None, only=("collect",))


def _serve(subject: Subject, no_browser: bool) -> None:
    from pipeline.look.server import serve

    def announce(address: str) -> None:
        click.echo(f"{subject.name}: {address}")
        click.echo("Ctrl-C ends it.", err=True)
        if not no_browser:
            click.launch(address)

    try:
        serve(subject, _user(), announce)
    except KeyboardInterrupt:
        click.echo("", err=True)


def _user() -> str:
    """Who decides, if the page is given no other name."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "reviewer"


def indexed(subject: Subject) -> Look:
    """With all its rows. Raises UserError."""
    from pipeline.look.state import Look

    found = Look(subject)
    found.index.refresh()
    for problem in found.index.problems:
        streams.complain(problem, 0)
    return found


def _one(subject: Subject, wanted: str) -> Iterator[str]:
    from pipeline.cli import chats
    from pipeline.look.stored import number_of, stored

    found = indexed(subject)
    row = stored(found.frame, number_of(found.frame, wanted))
    yield from chats.chat(row, found.decided().get(row.id), whole=True)


def _exported(subject: Subject, form: str) -> str:
    """Write the file; returns its name."""
    from pipeline.look import database, snapshot

    path = Path(f"{Path(subject.name).stem}.{form}")
    if path.exists():
        raise UserError(f"{path} exists already: remove it, or go to another folder.")
    found = indexed(subject)
    write = {"html": snapshot.write, "sqlite": database.write}[form]
    write(found, path)
    return str(path)


@click.command()
@click.argument("folder", metavar="RUN")
@click.argument("wanted", metavar="ID")
def why(folder: str, wanted: str) -> None:
    """Show the whole life of one conversation.

    Its source, every edit and finding, and where it ended. ID is the row's id, the beginning of
    it, or the id of the record at its source.
    """
    from pipeline.cli import render
    from pipeline.run.trace import life

    streams.show_lines(render.story(life(folder, wanted)))


@click.command()
@click.argument("folder", metavar="RUN")
@click.option("--json", "as_json", is_flag=True, help="The reports as JSON.")
def stats(folder: str, as_json: bool) -> None:
    """Show the funnel, the reasons and the histograms of a run."""
    from pipeline.cli import render
    from pipeline.run.reports import funnel, reports

    found = reports(folder)
    if as_json:
        streams.show_json(found)
        return
    streams.show(render.funnel(funnel(folder)))
    streams.show(render.rules(found))
    for table in (*render.reported_openings(found), *render.choices(found)):
        streams.show(table)
    streams.show_lines(_details(found))


def _details(reports: Sequence[Report]) -> Iterator[str]:
    """Measures after the last stage, what models took, what `dedup` compared, what `publish` has
    chosen and refused."""
    from pipeline.cli import render

    if reports:
        yield from render.measures(reports[-1]["measures"])
    for report in reports:
        if "usage" in report:
            yield from render.usage(report["stage"], report["usage"])
    for report in reports:
        if report.get("diversity", {}).get("talks"):
            yield from render.diversity(report["diversity"])
    for report in reports:
        if report.get("link", {}).get("rows"):
            yield from render.links(report["link"])
    for report in reports:
        sentences = [*report.get("choice", {}).get("how", ()), *report.get("refused", ())]
        yield from (f"publish: {sentence}" for sentence in sentences)


# --- samples, files, two runs


@click.command()
@click.argument("folder", metavar="RUN")
@click.option("-n", "count", type=click.IntRange(1), default=10, show_default=True, help="Rows.")
@click.option("--stage", help="Rows that ended in this stage.")
@click.option("--dropped", is_flag=True, help="Dropped rows only.")
@WHERE
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True, help="Which rows.")
def sample(
    folder: str, count: int, stage: str | None, dropped: bool, where: tuple[str, ...], seed: int
) -> None:
    """Show some conversations with what was found in them.

    The same seed shows the same rows, in equal parts of every source.
    """
    from pipeline.look.selection import selection

    more = [f"stage={stage}"] * bool(stage) + ["outcome=dropped"] * dropped
    parameters = {"where": [*where, *more], "sample": [str(count)], "seed": [str(seed)]}
    streams.show_lines(_sampled(folder, selection(parameters)))


def _sampled(folder: str, asked: Selection) -> Iterator[str]:
    from pipeline.cli import chats
    from pipeline.look.query import chosen_rows
    from pipeline.look.stored import stored

    with ExitStack() as stack:
        found = indexed(subject_of(folder, stack))
        rows = chosen_rows(found, found.frame, asked)
        for row in rows:
            one = stored(found.frame, int(row))
            yield from chats.chat(one, found.decided().get(one.id))
        if not len(rows):
            yield "No row is like that."


@click.command()
@click.argument("folder", metavar="RUN")
@WHERE
@click.option(
    "--to",
    "path",
    required=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="FILE.jsonl, FILE.parquet or FILE.csv.",
)
def export(folder: str, where: tuple[str, ...], path: Path) -> None:
    """Write rows to a file.

    JSON lines and Parquet hold whole conversations, which every command reads again; records that
    could not be read are left out. CSV holds a line a row: facets, measures, scores and the first
    words. No cell is a formula.
    """
    from pipeline.look.export import written
    from pipeline.look.query import chosen_rows
    from pipeline.look.selection import selection
    from pipeline.recipe.base import plural

    with ExitStack() as stack:
        found = indexed(subject_of(folder, stack))
        rows = chosen_rows(found, found.frame, selection({"where": where}))
        count = written(found.frame, rows, path)
    click.echo(f"{plural(count, 'row')}: {path}")


COMMANDS = (look, why, stats, sample, export)
