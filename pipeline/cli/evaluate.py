"""`rapport score`: what is said of the user's own conversations, and of two sets of them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, cast

import click

from pipeline.cli import streams
from pipeline.cli.execute import (
    DONE_IN_PART,
    exit_if_partial,
    kept_answers,
    show_funnel,
    unkept_folder,
)
from pipeline.cli.request import REHEARSAL, StageRequest

if TYPE_CHECKING:  # imported where used: --help must not wait for pydantic and pyarrow
    from pipeline.conversation import Conversation
    from pipeline.score.verdict import VerdictTally
    from pipeline.store.report import FunnelRow

SHOWN = 50  # conversations whose verdict is printed
USER_MUST_ACT = 1
FORM = "write CRITERION=LEAST, as in pacing=3,safe=4"


def required(
    context: click.Context, option: click.Parameter, value: str | None
) -> dict[str, float]:
    """`pacing=3,safe=4` as criterion → the least value. A mistake in it is one of usage."""
    found: dict[str, float] = {}
    for text in value.split(",") if value is not None else ():
        criterion, _, least = map(str.strip, text.partition("="))
        problem = _problem(criterion, least, found)
        if problem:
            raise click.BadParameter(f"{text.strip() or value}: {problem}.", context, option)
        found[criterion] = float(least)
    return found


def _problem(criterion: str, least: str, before: Collection[str]) -> str:
    """What is wrong with a part of `--require`; empty where nothing is. before: criteria that
    stand before it."""
    from pipeline.conversation import CRITERIA
    from pipeline.recipe.base import unknown

    if not criterion or not least:
        return FORM
    if criterion not in CRITERIA:
        return unknown("criterion", criterion, CRITERIA)
    if criterion in before:
        return f"`{criterion}` stands twice"
    try:
        is_level = 1 <= float(least) <= 5
    except ValueError:
        is_level = False
    return "" if is_level else "the least value is a number from 1 to 5"


OUT = click.Option(
    ["--out"], default="", help="Folder of the result [default: shown and not kept]."
)
REQUIRE = click.Option(
    ["--require"],
    callback=required,
    metavar="CRITERION=LEAST,…",
    help="Exit with 1 where a conversation has less, or where nobody can say: pacing=3,safe=4.",
)
COMPARE = click.Option(
    ["--compare"],
    is_flag=True,
    help="INPUT is two files: how far the second differs from the first, in pairs of the same id, "
    "else as two groups.",
)
OPTIONS = [REQUIRE, COMPARE]


def evaluate(request: StageRequest) -> None:
    """Show what is said of every conversation. Exits with 1 where one has less than required."""
    from pipeline.run.reports import unread
    from pipeline.score.verdict import VerdictTally

    if request.own["compare"]:
        _compare(request)
        return
    tally = VerdictTally(cast("dict[str, float]", request.own["require"]))
    with _placed(request) as placed:
        funnel = placed.run(placed.recipe())
        missed = unread(placed.out)
        if request.as_json:
            _show_as_json(placed.out, tally, funnel)
        else:
            _show(placed.out, tally, funnel, bool(request.out))
    _exit_if_short(tally, funnel)
    _exit_if_partial(funnel, missed)


@contextmanager
def _placed(request: StageRequest) -> Iterator[StageRequest]:
    """The request with a folder: its own, or one that is removed afterwards, but for the answers of
    a judge, which may have been paid."""
    if request.out:
        yield request
        return
    asks = request.own["judge"] not in (None, REHEARSAL)
    with unkept_folder() as folder:
        yield replace(request, out=folder, answers=kept_answers() if asks else None)


def _show(out: str, tally: VerdictTally, funnel: Sequence[FunnelRow], is_kept: bool) -> None:
    """The verdicts, after what was read; the funnel where a store is kept that it is about."""
    from pipeline.cli import render, verdicts
    from pipeline.run.reports import scored

    if is_kept:
        show_funnel(funnel, as_json=False)
    else:
        streams.show_lines(render.files_read(funnel))
    for row in scored(out):
        said = tally.add(row)
        if tally.rows <= SHOWN:
            streams.show_lines(verdicts.verdict(row, said))
    streams.show_lines(verdicts.not_shown(tally.rows - SHOWN))
    if tally.rows > 1:
        streams.show(verdicts.means(tally.means()))


def _show_as_json(out: str, tally: VerdictTally, funnel: Sequence[FunnelRow]) -> None:
    from pipeline.run.reports import scored, unread
    from pipeline.score.verdict import as_record

    found = [as_record(row, tally.add(row)) for row in scored(out)]
    document = {
        "conversations": found,
        "criteria": [mean._asdict() for mean in tally.means()],
        "required": tally.required,
        "short": [one.as_record() for one in tally.short],
        "unread": unread(out),
        "funnel": funnel,
    }
    streams.show_json(document)


def _unread(funnel: Sequence[FunnelRow]) -> int:
    """Records of which nothing can be said."""
    return sum(row["quarantined"] for row in funnel)


def _exit_if_short(tally: VerdictTally, funnel: Sequence[FunnelRow]) -> None:
    """What is required and was not seen is not met, whatever the reason."""
    from pipeline.cli import verdicts

    if not tally.required:
        return
    sentences = [*verdicts.shortfalls(tally.short)]
    if _unread(funnel) or not tally.rows:
        sentences.append(verdicts.unseen(_unread(funnel)))
    if sentences:
        code = streams.complain("\n".join(sentences), USER_MUST_ACT)
        raise click.exceptions.Exit(code)


def _exit_if_partial(funnel: Sequence[FunnelRow], missed: Sequence[str]) -> None:
    """Exit with 3 where a record could not be read, or something else is missing. missed: the
    records."""
    from pipeline.cli import verdicts
    from pipeline.run.reports import losses

    sentences = [*verdicts.not_read(missed), *losses(funnel)]
    if sentences:
        raise click.exceptions.Exit(streams.complain("\n".join(sentences), DONE_IN_PART))


# --- two files


def _compare(request: StageRequest) -> None:
    from pipeline.cli import verdicts
    from pipeline.score.compare import as_record, compare

    if len(request.inputs) != 2:
        raise click.UsageError("--compare takes two files: rapport score --compare A B.")
    if request.out or request.own["require"]:
        raise click.UsageError("--compare keeps and requires nothing: no --out, no --require.")
    missed: list[str] = []
    first, second = (_scored(request, one, missed) for one in request.inputs)
    found = compare(first, second)
    if request.as_json:
        streams.show_json({"inputs": request.inputs, "unread": missed, **as_record(found)})
    else:
        streams.show_lines(verdicts.compared(found, request.inputs))
        streams.show(verdicts.differences(found))
    _exit_if_partial([], missed)


def _scored(request: StageRequest, path: str, missed: list[str]) -> list[Conversation]:
    """The rows of one input. missed: gets what could not be read of it."""
    from pipeline.run.reports import scored, unread

    with _placed(replace(request, inputs=[path])) as placed:
        exit_if_partial(placed.run(placed.recipe()))
        missed += unread(placed.out)
        return list(scored(placed.out))
