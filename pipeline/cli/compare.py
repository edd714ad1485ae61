"""`rapport compare`: two published releases."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from pipeline.cli import streams

if TYPE_CHECKING:
    from pipeline.publish.compare import ReleaseDifference


@click.command()
@click.argument("first", metavar="A")
@click.argument("second", metavar="B")
@click.option(
    "--json",
    "as_json",
    is_flag=True,
    help="The result as JSON.",
)
def compare(first: str, second: str, as_json: bool) -> None:
    """Show which rows came, went and changed from one published release to another.

    A and B are run folders, or folders of datasets. Where the runs are there, it says why.
    """
    from pipeline.publish.compare import compared, published

    found = compared(published(first), published(second))
    if as_json:
        streams.show_json(asdict(found))
    else:
        streams.show_lines(_lines(found))


def _lines(found: ReleaseDifference) -> Iterator[str]:
    before, after = found.rows
    yield f"{before:,} rows before, {after:,} after"
    for what, reasons in (("came", found.came), ("went", found.went)):
        yield f"{what}: {sum(reasons.values()):,}{_examples(found, what)}"
        yield from (f"  {rows:,}  {reason}" for reason, rows in reasons.items())
    yield "in both, and other than before:"
    for column, rows in found.changed.items():
        yield f"  {rows:,}  {column}{_examples(found, column)}"


def _examples(found: ReleaseDifference, what: str) -> str:
    names = found.examples.get(what, [])
    return f"  ({', '.join(names)})" if names else ""


COMMANDS = (compare,)
