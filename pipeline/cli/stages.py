"""One stage on the user's own files: a command for each row of the table of stages."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, cast

import click

from pipeline.cli import evaluate, streams
from pipeline.cli.execute import execute, exit_if_partial, show_funnel
from pipeline.cli.request import KEY, REHEARSAL, StageRequest
from pipeline.run.stages import STAGES, Option, Stage

if TYPE_CHECKING:
    from pipeline.store.report import FunnelRow

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
    "content, name, ask, answer, system, persona, id, group, language or time.",
)
ROLE = click.Option(
    ["--role", "roles"],
    multiple=True,
    metavar="WORD=ROLE",
    help="Who writes as what: Therapist=assistant. ROLE is user, assistant or system.",
)
LICENSE = click.Option(
    ["--license"],
    metavar="NAME",
    help="The licence of the files, an SPDX name. Without one a dataset of them is not pushed.",
)
READING = (SHAPE, FIELD, ROLE, LICENSE)

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
JUDGE = click.Option(
    ["--judge"],
    help="Name of a model that rates each criterion [default: none]. Without "
    "--out its answers, and what it was asked, are kept in ~/.cache/rapport.",
)
OWN = {
    "collect": [REPARSE],
    "generate": [MODEL, BASE_URL],
    "filter": [EXPLAIN],
    "score": [*evaluate.OPTIONS, JUDGE, BASE_URL],
}
OUTS = {"score": evaluate.OUT}


def command_of(stage: Stage) -> click.Command:
    """The command of a stage: `rapport filter INPUT… --out DIR`."""
    own, folder = OWN.get(stage.name, []), OUTS.get(stage.name, OUT)
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
        params=[inputs, *READING, *settings, *own, folder, SET, WORKERS, AS_JSON],
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


def _reading(shape: object, fields: object, roles: object, licence: object) -> dict[str, object]:
    """The options of `READING` as a source of a recipe has them."""
    found: dict[str, object] = {}
    for key, given in (("shape", shape), ("license", licence)):
        if given:
            found[key] = given
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
    if request.stage == "score":
        evaluate.evaluate(request)
        return
    if request.own.get("reparse"):
        funnel = _read_again(request)
        show_funnel(funnel, request.as_json)
    elif request.own.get("explain"):
        funnel = _run_and_explain(request)
    else:
        funnel = request.run(request.recipe())
        show_funnel(funnel, request.as_json)
    exit_if_partial(funnel)


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

    recipe = request.recipe()
    before = recipe_of(request.out)
    old = before.filter if before else FilterSettings(languages=recipe.filter.languages)
    funnel = request.run(recipe)
    show_funnel(funnel, request.as_json)
    dropped, kept = explain(measured(request.out), old, recipe.filter)
    streams.show_lines(render.changes(dropped, kept))
    return funnel


COMMANDS = tuple(command_of(stage) for stage in STAGES)
