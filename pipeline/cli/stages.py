"""One stage on the user's own files: a command for each row of the table of stages."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import click

from pipeline.cli import streams
from pipeline.cli.execute import execute, exit_if_partial, show_funnel
from pipeline.run.stages import STAGES, Option, Stage

if TYPE_CHECKING:
    from pipeline.recipe.one_stage import Values
    from pipeline.recipe.settings import Recipe
    from pipeline.store.report import FunnelRow

KEY = "OPENAI_API_KEY"  # the variable that holds the key for the model of `rapport generate`
REHEARSAL = "rehearsal"  # name and address of the offline stand-in

OUT = click.Option(["--out"], required=True, help="Folder of the result.")
SET = click.Option(
    ["--set", "sets"],
    multiple=True,
    metavar="KEY=VALUE",
    help="A setting of the stage: languages=[en]. `rapport recipe --reference` lists them.",
)
WORKERS = click.Option(
    ["--workers"], type=click.IntRange(1), help="Processes [default: one a core]."
)
AS_JSON = click.Option(["--json", "as_json"], is_flag=True, help="The result as JSON.")

# how the input files are read: settings of their source in a recipe
SHAPE = click.Option(
    ["--shape"],
    metavar="NAME",
    help="The shape of the files [default: recognised]. `rapport recipe --reference` lists them.",
)
FIELD = click.Option(
    ["--field", "fields"],
    multiple=True,
    metavar="WHAT=NAME",
    help="Where a record holds what: content=body, role=who, list=data.turns. WHAT is list, role, "
    "content, name, ask, answer, system, persona, id, group or time.",
)
ROLE = click.Option(
    ["--role", "roles"],
    multiple=True,
    metavar="WORD=ROLE",
    help="Who writes as what: Therapist=assistant. ROLE is user, assistant or system.",
)
READING = (SHAPE, FIELD, ROLE)

# options that are no settings of the stage
REPARSE = click.Option(
    ["--reparse"], is_flag=True, help="INPUT is a recipe: read the stored pages of its run again."
)
EXPLAIN = click.Option(
    ["--explain"], is_flag=True, help="Show rows that are now decided otherwise than before."
)
MODEL = click.Option(
    ["--model"], default=REHEARSAL, help="Name of the model [default: the offline stand-in]."
)
BASE_URL = click.Option(
    ["--base-url"], help=f"Where the model is served; the key in {KEY} is sent there."
)
JUDGE = click.Option(["--judge"], help="Name of a model that rates each criterion [default: none].")
OWN = {
    "collect": [REPARSE],
    "generate": [MODEL, BASE_URL],
    "filter": [EXPLAIN],
    "score": [JUDGE, BASE_URL],
}


@dataclass(frozen=True)
class StageRequest:
    """What a command was given.

    settings: KEY=VALUE. own: the stage's options of `OWN`, by name. reading: how the input files
    are read, as a source of a recipe has it.
    """

    stage: str
    inputs: Sequence[str]
    out: str
    settings: Sequence[str]
    workers: int | None
    as_json: bool
    own: dict[str, object]
    reading: dict[str, object]


def command_of(stage: Stage) -> click.Command:
    """The command of a stage: `rapport filter INPUT… --out DIR`."""
    own = OWN.get(stage.name, [])
    inputs = click.Argument(["inputs"], nargs=-1, required=stage.name != "generate")
    settings = [_option(option) for option in stage.options]

    def callback(
        inputs: Sequence[str],
        out: str,
        sets: Sequence[str],
        workers: int | None,
        as_json: bool,
        **options: object,
    ) -> None:
        given = {str(option.name): options.pop(str(option.name)) for option in own}
        reading = _reading(*(options.pop(str(option.name)) for option in READING))
        changed = [*sets, *_as_sets(options)]
        _run(StageRequest(stage.name, inputs, out, changed, workers, as_json, given, reading))

    return click.Command(
        stage.name,
        callback=callback,
        params=[inputs, *READING, *settings, *own, OUT, SET, WORKERS, AS_JSON],
        help=f"{stage.summary} {stage.inputs}",
        short_help=stage.summary,
    )


def _option(option: Option) -> click.Option:
    """A setting of the stage as an option; None where it is not given."""
    name = f"--{option.name.replace('_', '-')}"
    if option.kind is bool:
        return click.Option([name], is_flag=True, default=None, help=option.help)
    kind = click.Choice(option.kind) if isinstance(option.kind, tuple) else option.kind
    return click.Option([name], type=kind, help=option.help)


def _as_sets(options: Mapping[str, object]) -> list[str]:
    """Options that are settings of the stage, as KEY=VALUE."""
    return [f"{key}={json.dumps(value)}" for key, value in options.items() if value is not None]


def _reading(shape: object, fields: object, roles: object) -> dict[str, object]:
    """The options of `READING` as a source of a recipe has them."""
    found: dict[str, object] = {}
    if shape:
        found["shape"] = shape
    for key, option, pairs in (("fields", "--field", fields), ("roles", "--role", roles)):
        if pairs:
            found[key] = dict(_pair(option, pair) for pair in cast("tuple[str, ...]", pairs))
    return found


def _pair(option: str, text: str) -> tuple[str, str]:
    left, equals, right = text.partition("=")
    if not (left and equals and right):
        raise click.UsageError(f"{option} {text}: write two words with = between, as in a=b.")
    return left, right


def _run(request: StageRequest) -> None:
    if request.own.get("reparse"):
        funnel = _read_again(request)
        show_funnel(funnel, request.as_json)
    elif request.own.get("explain"):
        funnel = _run_and_explain(request)
    else:
        funnel = _execute(request, _recipe(request))
        show_funnel(funnel, request.as_json)
    exit_if_partial(funnel)


def _execute(request: StageRequest, recipe: Recipe) -> list[FunnelRow]:
    return execute(recipe, request.out, request.workers, only=("collect", request.stage))


def _recipe(request: StageRequest) -> Recipe:
    from pipeline.recipe.one_stage import of_files

    models = _models(request.own)
    settings = request.settings
    if request.own.get("judge"):
        settings = ["judge.models=[judge]", *settings]
    return of_files(request.out, request.stage, request.inputs, settings, models, request.reading)


def _models(own: dict[str, object]) -> dict[str, Values]:
    """The model of `rapport generate`, or the judge of `rapport score`, as a recipe has it."""
    name = own.get("model") or own.get("judge")
    if name is None:
        return {}
    model = {"model": name, "base_url": own["base_url"]}
    if name == REHEARSAL:
        model["base_url"] = REHEARSAL
    # without one the server is asked without a key: local servers need none
    if KEY in os.environ:
        model["key"] = KEY
    return {"writer" if own.get("model") else "judge": model}


def _read_again(request: StageRequest) -> list[FunnelRow]:
    """Read the stored pages of a recipe's run again."""
    from pipeline.recipe.loading import find, load
    from pipeline.recipe.one_stage import reparsed

    recipe = reparsed(load(find(request.inputs[0])))
    return execute(recipe, request.out, request.workers, first="collect", last="collect")


def _run_and_explain(request: StageRequest) -> list[FunnelRow]:
    """Show the funnel, and the rows that these settings decide otherwise than those before."""
    from pipeline.cli import render
    from pipeline.filter.calibrate import explain
    from pipeline.recipe.filter import FilterSettings
    from pipeline.run.reports import measured, recipe_of

    recipe = _recipe(request)
    before = recipe_of(request.out)
    old = before.filter if before else FilterSettings(languages=recipe.filter.languages)
    funnel = _execute(request, recipe)
    show_funnel(funnel, request.as_json)
    dropped, kept = explain(measured(request.out), old, recipe.filter)
    streams.show_lines(render.changes(dropped, kept))
    return funnel


COMMANDS = tuple(command_of(stage) for stage in STAGES)
