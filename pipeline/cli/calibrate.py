"""`rapport calibrate`: what the limits of `filter` do, and how far scorers agree with people."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pipeline import UserError
from pipeline.cli import streams
from pipeline.cli.execute import execute, unkept_folder
from pipeline.cli.stages import AS_JSON, SET, WORKERS

if TYPE_CHECKING:  # imported where used: --help must not wait for pydantic and pyarrow
    from pipeline.conversation import Conversation

INPUTS = click.Argument(["inputs"], nargs=-1, required=True)


@click.group()
def calibrate() -> None:
    """Show what rules would drop, and how good scores are."""


def of_filter(inputs: Sequence[str], sets: Sequence[str], workers: int | None) -> None:
    from pipeline.cli import render
    from pipeline.filter.calibrate import calibrate
    from pipeline.recipe.one_stage import of_files
    from pipeline.run.reports import measured

    with unkept_folder() as folder:
        recipe = of_files(folder, "filter", inputs, sets)
        execute(recipe, folder, workers, only=("collect", "filter"))
        found = calibrate(measured(folder), recipe.filter)
    for table in render.calibration(found):
        streams.show(table)


FILTER = click.Command(
    "filter",
    callback=of_filter,
    params=[INPUTS, SET, WORKERS],
    help="Show what each rule would drop of your files. And the percentiles of every measure, by "
    "source: limits are chosen by looking.",
    short_help="Show what each rule would drop of your files.",
)


# --- score

RATINGS = click.Option(
    ["--ratings"],
    default="ratings",
    show_default=True,
    metavar="FIELD",
    help="The field of a record that holds what people said.",
)
SYSTEM = click.Option(
    ["--system"],
    metavar="FIELD",
    help="The field that says who wrote the assistant's messages [default: the first of system_id, "
    "system and model that a record has; else the source]. A text under `system` beside messages "
    "is read as a system prompt: call it system_id.",
)
OUT = click.Option(
    ["--out"],
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write the result to a file too, for `publish: {calibration: FILE}`.",
)


def of_score(
    inputs: Sequence[str],
    ratings: str,
    system: str | None,
    out: Path | None,
    sets: Sequence[str],
    workers: int | None,
    as_json: bool,
) -> None:
    from pipeline.cli import agreement
    from pipeline.look.rated import rated_in_run
    from pipeline.score.calibrate import calibrate, not_criteria
    from pipeline.score.ratings import rated
    from pipeline.store.agreement import as_record, write

    if len(inputs) == 1 and Path(inputs[0], "recipe.yaml").is_file():
        rows = [*rated_in_run(inputs[0])]
    else:
        rows = [*rated(_scored(inputs, sets, workers), ratings, system)]
    if not rows:
        raise UserError(_unrated(ratings))
    found = calibrate(rows)
    if out:
        write(out, found)
    if as_json:
        streams.show_json(as_record(found))
        return
    streams.show(agreement.agreements(found))
    streams.show_lines(agreement.explained(found, not_criteria(rows)))


def _unrated(ratings: str) -> str:
    form = '{"engaging": 4, "pacing": [2, 3]}'
    return (
        f"No record has ratings in a field `{ratings}`, as {form}: for each criterion a number, "
        "or a list with the number of each rater. --ratings names another field. Of a run, blind "
        "ratings of `rapport look RUN` are read."
    )


def _scored(inputs: Sequence[str], sets: Sequence[str], workers: int | None) -> list[Conversation]:
    """The rows of the inputs with their scores."""
    from pipeline.recipe.one_stage import of_files
    from pipeline.run.reports import scored

    with unkept_folder() as folder:
        recipe = of_files(folder, "score", inputs, sets)
        execute(recipe, folder, workers, only=("collect", "score"))
        return list(scored(folder))


SCORE = click.Command(
    "score",
    callback=of_score,
    params=[INPUTS, RATINGS, SYSTEM, OUT, SET, WORKERS, AS_JSON],
    help="Show how far scores agree with what people said. A record holds it beside its messages: "
    '"ratings": {"engaging": 4, "pacing": [2, 3]}, a number from 1 to 5, or one for each rater. '
    "Spearman's rank correlation with its 95 % interval (bootstrap), over all rows and within each "
    "system or source alone; the length of the assistant's messages and what raters reach among "
    "themselves beside it. A judge is shown where INPUT has its scores: score first, with `rapport "
    "score INPUT --judge NAME --out DIR`, and give DIR/5-score/kept. "
    "INPUT may be a run that people have rated blind, with `rapport look RUN`.",
    short_help="Show how far scores agree with what people said.",
)
calibrate.add_command(FILTER)
calibrate.add_command(SCORE)

COMMANDS = (calibrate,)
