"""`rapport compare`: two runs, or two published releases."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from pipeline.cli import streams

if TYPE_CHECKING:
    from pipeline.publish.compare import ReleaseDifference


@click.command()
@click.argument("first", metavar="A")
@click.argument("second", metavar="B")
@click.option("--released", is_flag=True, help="What was published only, and why it changed.")
@click.option("--json", "as_json", is_flag=True, help="The result as JSON.")
def compare(first: str, second: str, released: bool, as_json: bool) -> None:
    """Show how two runs, or two releases, differ.

    A and B are run folders, folders of datasets, or files. --released looks at what was published:
    which rows came, went and changed; where the runs are there, it says why.
    """
    if released:
        from pipeline.publish.compare import compared, published

        found = compared(published(first), published(second))
        _show(asdict(found), _lines(found), as_json)
    else:
        _compare_runs(first, second, as_json)


def _compare_runs(first: str, second: str, as_json: bool) -> None:
    from pipeline.cli import chats
    from pipeline.cli.look import indexed, subject_of
    from pipeline.cli.render import table
    from pipeline.look.compare import compared

    with ExitStack() as stack:
        one, other = (indexed(subject_of(name, stack)) for name in (first, second))
        found = compared(one, other)
    _show(found, chats.comparison(found), as_json)
    rules = [(one["rule"], one["a"], one["b"]) for one in found["reasons"]]
    if rules and not as_json:
        streams.show(table(("dropped by", "A", "B"), rules))


def _show(found: object, lines: Iterable[str], as_json: bool) -> None:
    if as_json:
        streams.show_json(found)
    else:
        streams.show_lines(lines)


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
