"""A new version of a dataset, without rows that are taken down."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from pipeline import UserError
from pipeline.publish.taken_down import fits
from pipeline.recipe.publish import TakenDown
from pipeline.run import runner
from pipeline.run.context import Job
from pipeline.run.standing import standing
from pipeline.run.taken_down import with_taken_down, write
from pipeline.store.report import Report
from pipeline.store.store import Store

STAGE = "6-publish"


def run_of(folder: str) -> str:
    """The run that a folder is, or is the dataset of. Raises UserError where there is none."""
    place = Path(folder)
    for run in (place, *place.resolve().parents[:2]):
        if (run / "run.json").is_file():
            return str(run)
    raise UserError(
        f"There is no run in {folder}. Name the run folder (output/NAME), or its 6-publish/dataset."
    )


def before_publish(run: str) -> dict[str, Report]:
    """The reports of the stages that `publish` follows, by folder. Raises UserError where they do
    not stand."""
    found = {folder: report for folder, report in standing(run).items() if folder != STAGE}
    if not found or Store(run, STAGE).read_text("released.json") is None:
        raise UserError(f"There is no dataset in {run}: run its recipe to the end first.")
    return found


def counted(run: str, wanted: Sequence[TakenDown]) -> list[int]:
    """How many of the rows that `publish` is given each entry means."""
    *_, folder = before_publish(run)
    counts = [0] * len(wanted)
    for row in Store(run, folder).rows():
        for place, entry in enumerate(wanted):
            counts[place] += fits(row, entry)
    return counts


def take_down(job: Job, wanted: Sequence[TakenDown]) -> Report:
    """Add to the list of a run, and publish it again; the report of `publish`.

    Raises UserError where a dataset was never made, and for an entry that means no row.
    """
    for entry, rows in zip(
        wanted,
        counted(job.out, wanted),
        strict=True,
    ):
        if not rows:
            (name, value), *_ = entry.model_dump(exclude_none=True).items()
            raise UserError(f"--{name} {value}: no row of {job.out} is meant by it.")
    write(job.out, wanted)
    recipe = with_taken_down(job.recipe, job.out)
    return runner.publish_again(replace(job, recipe=recipe), before_publish(job.out))
