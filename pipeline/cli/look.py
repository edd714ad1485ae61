"""Commands that look at a run and change nothing: why, stats."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import click

from pipeline.cli import streams

if TYPE_CHECKING:
    from pipeline.store.report import Report


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


COMMANDS = (why, stats)
