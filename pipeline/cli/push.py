"""`rapport push`: the dataset of a run goes to the Hub."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from pipeline.cli import streams

if TYPE_CHECKING:
    from pipeline.publish.hub import Changes, Pushed


@click.command()
@click.argument("folder", metavar="RUN")
@click.argument("name", metavar="OWNER/NAME")
@click.option("--private", is_flag=True, help="A new repository is seen by its owner only.")
@click.option("--pull-request", is_flag=True, help="Propose the release; `main` stays as it is.")
@click.option("--overwrite", is_flag=True, help="Also replace what others have changed there.")
@click.option("--dry-run", is_flag=True, help="Show what would change, in bytes; write nothing.")
def push(
    folder: str, name: str, private: bool, pull_request: bool, overwrite: bool, dry_run: bool
) -> None:
    """Push the dataset of a run to the Hugging Face Hub.

    One commit and one tag a release; where nothing has changed, neither. It is loaded back and
    compared before it is tagged. The token is that of HF_TOKEN or of `hf auth login`.
    """
    from pipeline.publish import hub, outgoing
    from pipeline.run.standing import standing
    from pipeline.store.files import RunFolder
    from pipeline.store.lock import locked

    report = standing(folder).get(outgoing.STAGE)
    wanted = hub.Wanted(private, pull_request, overwrite)
    with locked(RunFolder(folder)):  # what is checked must be what is sent
        release = outgoing.release(folder, report, name)
        if dry_run:
            streams.show_lines(_plan(name, hub.planned(name, release, wanted)))
        else:
            streams.show_lines(_result(hub.push(name, release, wanted)))


def _plan(name: str, changes: Changes) -> Iterator[str]:
    for what, files in (
        ("new", changes.added),
        ("changed", changes.changed),
        ("removed", changes.removed),
    ):
        yield from (f"{what:8} {size:>15,} bytes  {path}" for path, size in files.items())
    sent, same = sum(changes.sent.values()), sum(changes.same.values())
    yield f"{name}: {sent:,} bytes to send in one commit, {same:,} bytes are there already."
    yield "A changed file is sent whole; with Xet only its new parts are."


def _result(pushed: Pushed) -> Iterator[str]:
    done = "Pushed, loaded back and compared" if pushed.committed else "Nothing to change"
    tag = f" ({pushed.tag})" if pushed.tag else ""
    yield f"{done}{tag}: {pushed.where}"


COMMANDS = (push,)
