"""The runner: every stage in order, each skipped when its key is unchanged, resumed where it was
stopped."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, cast

import yaml

from pipeline import UserError, __version__
from pipeline.recipe.collect import SourceSettings
from pipeline.recipe.one_stage import changed
from pipeline.recipe.settings import Recipe
from pipeline.run.context import Job, StageContext
from pipeline.run.inputs import check_libraries
from pipeline.run.keys import ingredients
from pipeline.run.reports import measures_of, recipe_of
from pipeline.run.reviewed import reviewed
from pipeline.run.stages import NAMES, STAGES, Stage, function_of
from pipeline.run.taken_down import with_taken_down
from pipeline.store.counts import total
from pipeline.store.files import DamagedFile, FileMark, digest
from pipeline.store.lock import locked
from pipeline.store.report import FunnelRow, Report, counted, funnel_row
from pipeline.store.store import Mark, Part, Store

# --- running


@dataclass(frozen=True)
class Finished:
    """What a stage that is done hands on to the next."""

    store: Store | None = None
    name: str = ""  # of the store: changes when its rows may
    parts: Sequence[Part] = ()


def run(
    job: Job, first: str | None = None, last: str | None = None, only: Sequence[str] | None = None
) -> list[FunnelRow]:
    """Run all stages and return the funnel.

    first: run this stage and those after it again, whatever their keys. last: stop after this
    stage. only: leave out all other stages (one stage on the user's own files).
    Raises UserError when the folder holds another recipe's run, when another process is at work in
    it, and when a file of a finished stage is missing or damaged.
    """
    top = Store(job.out)
    funnel: list[FunnelRow] = []
    with locked(top):
        job = replace(job, recipe=_pinned(as_noted(job.recipe, job.out)))
        check_libraries(job.recipe, _names(only, last))
        _check_place(top, job.recipe)
        _claim(top, job.recipe)
        top.sweep()
        again = False
        before = Finished()
        for stage, output in outputs(job.out, only):
            context = context_of(job, stage, output, before)
            again = again or stage.name == first
            report = _report_of(replace(context, funnel=funnel), again)
            funnel.append(funnel_row(report))
            before = finished(output, report)
            if stage.name == last:
                break
    return funnel


def publish_again(job: Job, before: Mapping[str, Report]) -> Report:
    """Run `publish` alone, on the rows that the stages before it have. before: their reports, by
    folder."""
    top, *_, stage = Store(job.out), *STAGES
    with locked(top):
        _claim(top, job.recipe)
        top.sweep()
        *_, (folder, report) = before.items()
        given = finished(Store(job.out, folder), report)
        output = Store(job.out, f"{len(STAGES)}-{stage.name}")
        context = context_of(job, stage, output, given)
        return _run_stage(replace(context, funnel=list(map(funnel_row, before.values()))))


def outputs(out: str, only: Sequence[str] | None = None) -> Iterator[tuple[Stage, Store]]:
    """Every stage with its store."""
    for number, stage in enumerate(STAGES, 1):
        if only is None or stage.name in only:
            yield stage, Store(out, f"{number}-{stage.name}")


def _names(only: Sequence[str] | None, last: str | None) -> list[str]:
    """The stages of a run."""
    end = NAMES.index(last) + 1 if last else None
    return [name for name in NAMES[:end] if only is None or name in only]


def context_of(job: Job, stage: Stage, output: Store, before: Finished) -> StageContext:
    """What a stage works with, after the one before."""
    made_from = ingredients(stage, job.recipe) | reviewed(stage, job.out)
    return StageContext(
        job=job,
        stage=stage,
        settings=getattr(job.recipe, stage.name),
        source=before.store,
        parts=before.parts,
        output=output,
        key=digest(before.name, made_from),
        before=before.name,
        ingredients=made_from,
    )


def finished(output: Store, report: Report) -> Finished:
    """What a stage with this report hands on."""
    return Finished(output, report["store"], output.parts())


def _report_of(context: StageContext, again: bool) -> Report:
    """The report of a stage: the one that is there under the same key, or that of a new run.

    A stage that met transient failures is run again: what was fetched and answered is replayed from
    its file.
    """
    if again:
        context.output.remove()
    found = standing_report(context)
    if found is None or found["transient"]:
        return _run_stage(context)
    return found


def standing_report(context: StageContext) -> Report | None:
    """The report of a stage that is done under this key, with all its files in place; None where
    there is none.

    Raises DamagedFile when the report stands and a file that it speaks for does not.
    """
    output = context.output
    try:
        report = cast("Report | None", output.read_record("report.json"))
        marks = output.marks()
    except DamagedFile as error:
        context.job.notice(f"{error} The stage is finished again.")
        return None
    if report is None or report["key"] != context.key or report["content"] != _content(marks):
        return None
    output.check_files(marks.values())
    for name, record in report["files"].items():
        output.check(name, FileMark(**record))
    return report


def _run_stage(context: StageContext) -> Report:
    started = time.time()
    output = context.output
    context.prepare(output, context.key)
    output.remove_file("report.json")
    _forget_transient(output)
    more = function_of(context.stage.step)(context) or {}
    files: dict[str, FileMark] = more.pop("files", {})
    marks = output.marks()
    report = _accounts(context, marks)
    output.check_files(marks.values())
    report |= {
        "key": context.key,
        "before": context.before,
        "store": context.key,
        "content": _content(marks),
        "files": {name: asdict(mark) for name, mark in files.items()},
        "measures": measures_of(output, marks),
        "seconds": round(time.time() - started, 3),
        "finished": _now(),
    }
    if report["transient"]:  # rows are missing for now: another run may hand on others
        report["store"] = digest(context.key, report["content"])
    report |= cast("Report", more)
    output.write_record("report.json", dict(report))
    return report


def _accounts(context: StageContext, marks: dict[str, Mark]) -> Report:
    """The counts of a stage, after checking that every row of the stage before is accounted for.

    Raises UserError when units are missing that were finished: somebody removed files in the
    meantime. Raises AssertionError when a row is not accounted for: that is a bug.
    """
    counts = total(mark.counts for mark in marks.values())
    worked = total(context.results)
    if worked.rows_in != counts.rows_in:
        raise UserError(
            f"{context.output.address} was changed while the run was at work: "
            f"{worked.rows_in} rows were finished, {counts.rows_in} are there. "
            "Delete that folder, then run the same command again."
        )
    rows_in = context.rows_in if context.source else counts.rows_in
    added = counts.rows_in - rows_in
    if added < 0 or (added and not context.stage.adds):
        name = context.stage.name
        raise AssertionError(f"{name}: {rows_in} rows in, {counts.rows_in} accounted for")
    return counted(context.stage.name, rows_in, counts)


def _content(marks: dict[str, Mark]) -> str:
    """Names what the files of all units hold."""
    files = {name: mark.digest for found in marks.values() for name, mark in found.files.items()}
    return digest(files)


def _forget_transient(output: Store) -> None:
    """Units with failures that may pass are worked again."""
    for unit, mark in output.marks().items():
        if mark.counts.transient:
            output.forget(unit)


# --- the run folder


def as_noted(recipe: Recipe, out: str) -> Recipe:
    """The recipe with what the run in this folder has noted: commits, and what is taken down."""
    return with_taken_down(with_noted_commits(recipe, out), out)


def with_noted_commits(recipe: Recipe, out: str) -> Recipe:
    """The recipe with what the run in this folder has noted of its Hub datasets: commit, licence,
    attribution."""
    before = recipe_of(out)
    if before is None:
        return recipe
    noted = [*before.collect.sources, *before.dedup.against]
    known = {source.name: source for source in noted if source.hub and source.revision}
    return _with_sources(
        recipe, lambda sources: [_as_noted(source, known.get(source.name)) for source in sources]
    )


def _with_sources(
    recipe: Recipe, change: Callable[[list[SourceSettings]], list[SourceSettings]]
) -> Recipe:
    """The recipe with other sources, those that `dedup` compares with included."""
    collect = recipe.collect.model_copy(update={"sources": change(recipe.collect.sources)})
    dedup = recipe.dedup.model_copy(update={"against": change(recipe.dedup.against)})
    return changed(recipe, collect=collect, dedup=dedup)


def _as_noted(source: SourceSettings, noted: SourceSettings | None) -> SourceSettings:
    if noted is None or source.hub != noted.hub:
        return source
    if source.revision not in (None, noted.revision):
        return source
    facts = {
        "license": source.license or noted.license,
        "attribution": source.attribution or noted.attribution,
        "revision": noted.revision,
    }
    return source.model_copy(update=facts)


def _pinned(recipe: Recipe) -> Recipe:
    """The recipe with every Hub dataset at one commit. Asks the Hub for those that are not."""
    if not any(source.hub for source in [*recipe.collect.sources, *recipe.dedup.against]):
        return recipe
    from pipeline import collect

    return _with_sources(recipe, collect.resolved)


def _check_place(top: Store, recipe: Recipe) -> None:
    """Pages and answers are kept in SQLite files, which need a disk."""
    crawls = any(not source.files and not source.hub for source in recipe.collect.sources)
    if top.local or not (crawls or recipe.generate.wanted or recipe.score.judge.wanted):
        return
    what = "Judging keeps every answer"
    if crawls:
        what = "A crawl keeps its pages"
    elif recipe.generate.wanted:
        what = "Generating keeps every answer"
    raise UserError(
        f"{what} in a file that needs a disk, and {top.address} has none. Choose a folder of this "
        "machine with --out; another run can read what comes of it by its address."
    )


def _claim(top: Store, recipe: Recipe) -> None:
    """Write the resolved recipe into the run folder, unless the folder belongs to something
    else."""
    from pipeline.llm.spent import CALLS

    found = _name_of_run(top)
    if found is not None and found != recipe.name:
        raise UserError(
            f"{top.address} holds the run of recipe `{found}`, not of `{recipe.name}`. "
            "Choose another folder with --out, or remove it."
        )
    # `check --models` keeps there what it found out
    others = [name for name in top.listing() if not name.startswith(CALLS)]
    if found is None and others:
        where = f"{top.address} is not empty and holds no run of Rapport"
        raise UserError(f"{where}. Choose another folder with --out.")
    values = recipe.model_dump(mode="json", exclude_defaults=True)
    top.write_text("recipe.yaml", yaml.safe_dump(values, sort_keys=False, allow_unicode=True))
    machine = {
        "rapport": __version__,
        "python": platform.python_version(),
        "machine": platform.platform(),
        "processors": os.cpu_count(),
        "started": _now(),
        "folder": str(recipe.folder.resolve()),
    }
    top.write_record("run.json", machine)


def _name_of_run(top: Store) -> str | None:
    """The name of the recipe whose run is in a folder; None where there is none. Raises UserError
    when unreadable."""
    text = top.read_text("recipe.yaml")
    if text is None:
        return None
    try:
        found: Any = yaml.safe_load(text)
        return str(found["name"])
    except (yaml.YAMLError, TypeError, KeyError):
        raise UserError(
            f"{top.address}/recipe.yaml is damaged, so it does not say whose run this is. If it is "
            "the run of this recipe, delete that file and run the same command again."
        ) from None


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
