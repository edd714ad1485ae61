"""The corridor: every room in order, each skipped when its key is unchanged, resumed where it was stopped."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import yaml

from pipeline import UserError, __version__
from pipeline.recipe.one_stage import changed
from pipeline.recipe.settings import Recipe, SourceSettings
from pipeline.run.context import Job, StageContext
from pipeline.run.keys import digest, ingredients
from pipeline.run.reports import measures_of, row_of, settings_of
from pipeline.run.stages import stages
from pipeline.store.store import Store

# --- walking


def run(
    job: Job, first: str | None = None, last: str | None = None, only: Sequence[str] | None = None
) -> list[dict[str, Any]]:
    """Walk the corridor and return the funnel.

    first: work this room and those after it again, whatever their keys. last: stop after this stage.
    only: leave out all other rooms (one room on the user's own files).
    Raises UserError when the folder holds another recipe's run or another process is at work in it.
    """
    top = Store(job.out)
    way: list[dict[str, Any]] = []
    with top.lock():
        job = replace(job, recipe=_pinned(remembered(job.recipe, job.out)))
        _check_place(top, job.recipe)
        _claim(top, job.recipe)
        top.sweep()
        again = False
        for passage in passages(job, only):
            again = again or passage.stage.name == first
            way.append(row_of(_pass(replace(passage, way=way), again)))
            if passage.stage.name == last:
                break
    return way


def _pass(passage: StageContext, again: bool) -> dict[str, Any]:
    """The report of a room: the one that stands there under the same key, or that of a new walk.

    A room that met failures which may pass is walked again: what was fetched and answered is replayed from the store.
    """
    if again:
        passage.outbox.clear()
    found = passage.outbox.read_json("report.json")
    return (
        found if found and found["key"] == passage.key and not found["passing"] else _walk(passage)
    )


def passages(job: Job, only: Sequence[str] | None = None) -> Iterator[StageContext]:
    """Every room with its shelves and its key. A room's key holds the name of the shelf before.

    That is the key of the room before, and where failures left gaps, what its rows are: known when it was walked.
    """
    inbox, before = None, ""
    for number, stage in enumerate(stages(job.recipe), 1):
        if only is not None and stage.name not in only:
            continue
        outbox = Store(job.out, f"{number}-{stage.name}")
        key = digest(before, ingredients(stage.name, job.recipe, stage.code, stage.packages))
        yield StageContext(job, stage, inbox, outbox, key, before)
        report = outbox.read_json("report.json")
        inbox, before = outbox, report["shelf"] if report and report["key"] == key else key


def _walk(passage: StageContext) -> dict[str, Any]:
    started = time.time()
    _prepare(passage.outbox, passage.key)
    more = passage.stage.walk(passage) or {}
    flow = passage.flow()
    report = (
        flow
        | more
        | {
            "key": passage.key,
            "before": passage.before,
            "shelf": digest(passage.key, passage.outbox.content())
            if flow["passing"]
            else passage.key,
            "measures": measures_of(passage.outbox),
            "seconds": round(time.time() - started, 3),
            "finished": _now(),
        }
    )
    passage.outbox.write_json("report.json", report)
    return report


def _prepare(shelf: Store, key: str) -> None:
    """Keep what a stopped walk under the same key has finished, forget everything else."""
    found = {unit: shelf.done(unit, key) for unit in shelf.units()}
    if not found or None in found.values():
        shelf.clear()
        return
    shelf.remove_file("report.json")
    for unit, counts in found.items():
        if counts and counts.passing:
            shelf.forget(unit)


def remembered(recipe: Recipe, out: str) -> Recipe:
    """The recipe with what the run that stands here has noted of its Hub datasets: commit, licence and attribution."""
    before = settings_of(out)
    if before is None:
        return recipe
    noted = [*before.collect.sources, *before.dedup.against]
    known = {source.name: source for source in noted if source.hub and source.revision}
    return _with_doors(
        recipe, lambda sources: [_as_noted(source, known.get(source.name)) for source in sources]
    )


def _with_doors(
    recipe: Recipe, change: Callable[[list[SourceSettings]], list[SourceSettings]]
) -> Recipe:
    """The recipe with other sources, those that `dedup` compares with included."""
    collect = recipe.collect.model_copy(update={"sources": change(recipe.collect.sources)})
    dedup = recipe.dedup.model_copy(update={"against": change(recipe.dedup.against)})
    return changed(recipe, collect=collect, dedup=dedup)


def _as_noted(source: SourceSettings, noted: SourceSettings | None) -> SourceSettings:
    if noted is None or source.hub != noted.hub or source.revision not in (None, noted.revision):
        return source
    facts = {
        "license": source.license or noted.license,
        "attribution": source.attribution or noted.attribution,
    }
    return source.model_copy(update=facts | {"revision": noted.revision})


def _pinned(recipe: Recipe) -> Recipe:
    """The recipe with every Hub dataset at one commit. Asks the Hub for those that are not."""
    if not any(source.hub for source in [*recipe.collect.sources, *recipe.dedup.against]):
        return recipe
    from pipeline import collect

    return _with_doors(recipe, collect.resolved)


def _check_place(top: Store, recipe: Recipe) -> None:
    """Pages and answers are kept in SQLite files, which need a disk."""
    crawls = any(not source.files and not source.hub for source in recipe.collect.sources)
    if not top.local and (crawls or recipe.generate.wanted):
        what = "A crawl keeps its pages" if crawls else "Generating keeps every answer"
        raise UserError(
            f"{what} in a file that must stand on a disk, and {top.address} is none. Choose a folder of this machine "
            "with --out; what comes of it can be read into another run by its address."
        )


def _claim(top: Store, recipe: Recipe) -> None:
    """Write the resolved recipe into the run folder, unless the folder is something else's."""
    found = yaml.safe_load(top.read_text("recipe.yaml") or "null")
    if found is not None and found.get("name") != recipe.name:
        raise UserError(
            f"{top.address} holds the run of recipe `{found.get('name')}`, not of `{recipe.name}`. "
            "Choose another folder with --out, or remove it."
        )
    if found is None and top.listing():
        raise UserError(
            f"{top.address} is not empty and holds no run of Rapport. Choose another folder with --out."
        )
    resolved = yaml.safe_dump(
        recipe.model_dump(mode="json", exclude_defaults=True), sort_keys=False, allow_unicode=True
    )
    top.write_text("recipe.yaml", resolved)
    machine = {
        "python": platform.python_version(),
        "machine": platform.platform(),
        "processors": os.cpu_count(),
    }
    top.write_json("run.json", {"rapport": __version__, **machine, "started": _now()})


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
