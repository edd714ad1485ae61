"""The corridor: every room in order, each skipped when its key is unchanged, resumed where it was stopped."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import yaml
from pydantic import ValidationError

from pipeline import __version__, walks
from pipeline.adhoc import changed
from pipeline.conversation import Conversation
from pipeline.keys import digest, ingredients
from pipeline.recipe import Recipe, SourceSettings, UserError
from pipeline.shelf import Shelf
from pipeline.walks import Passage, Room, Run

COLUMNS = (
    "room",
    "in",
    "added",
    "kept",
    "dropped",
    "merged",
    "quarantined",
    "edited",
    "missing",
    "passing",
    "reasons",
    "seconds",
)


def rooms(recipe: Recipe) -> list[Room]:
    """The whole pipeline."""
    return [
        Room("collect", walks.walk_collect, ("collect", "../spiders"), ("scrapy", "datasets", "charset-normalizer")),
        Room("generate", walks.walk_generate, ("generate", "llm", "rules"), ("openai", "rapidfuzz")),
        Room(
            "filter", walks.walk_filter, ("filter", "rules"), ("langdetect", "ftfy", "phonenumbers", "ahocorasick-rs")
        ),
        Room("dedup", walks.walk_dedup, ("dedup",), ("datasketch", "numba")),
        Room("score", walks.walk_score, ("score", "rules")),
        Room("publish", walks.walk_publish, ("publish", "rules"), ("pyarrow",)),
    ]


# --- walking


def run(
    job: Run, first: str | None = None, last: str | None = None, only: Sequence[str] | None = None
) -> list[dict[str, Any]]:
    """Walk the corridor and return the funnel.

    first: work this room and those after it again, whatever their keys. last: stop after this room.
    only: leave out all other rooms (one room on the user's own files).
    Raises UserError when the folder holds another recipe's run or another process is at work in it.
    """
    top = Shelf(job.out)
    way: list[dict[str, Any]] = []
    with top.lock():
        job = replace(job, recipe=_pinned(remembered(job.recipe, job.out)))
        _check_place(top, job.recipe)
        _claim(top, job.recipe)
        top.sweep()
        again = False
        for passage in passages(job, only):
            again = again or passage.room.name == first
            way.append(_row(_pass(replace(passage, way=way), again)))
            if passage.room.name == last:
                break
    return way


def _pass(passage: Passage, again: bool) -> dict[str, Any]:
    """The report of a room: the one that stands there under the same key, or that of a new walk.

    A room that met failures which may pass is walked again: what was fetched and answered is replayed from the store.
    """
    if again:
        passage.outbox.clear()
    found = passage.outbox.read_json("report.json")
    return found if found and found["key"] == passage.key and not found["passing"] else _walk(passage)


def passages(job: Run, only: Sequence[str] | None = None) -> Iterator[Passage]:
    """Every room with its shelves and its key. A room's key holds the name of the shelf before.

    That is the key of the room before, and where failures left gaps, what its rows are: known when it was walked.
    """
    inbox, before = None, ""
    for number, room in enumerate(rooms(job.recipe), 1):
        if only is not None and room.name not in only:
            continue
        outbox = Shelf(job.out, f"{number}-{room.name}")
        key = digest(before, ingredients(room.name, job.recipe, room.code, room.packages))
        yield Passage(job, room, inbox, outbox, key, before)
        report = outbox.read_json("report.json")
        inbox, before = outbox, report["shelf"] if report and report["key"] == key else key


def _walk(passage: Passage) -> dict[str, Any]:
    started = time.time()
    _prepare(passage.outbox, passage.key)
    more = passage.room.walk(passage) or {}
    flow = passage.flow()
    report = (
        flow
        | more
        | {
            "key": passage.key,
            "before": passage.before,
            "shelf": digest(passage.key, passage.outbox.content()) if flow["passing"] else passage.key,
            "measures": _measures(passage.outbox),
            "seconds": round(time.time() - started, 3),
            "finished": _now(),
        }
    )
    passage.outbox.write_json("report.json", report)
    return report


def _prepare(shelf: Shelf, key: str) -> None:
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
    return _with_doors(recipe, lambda sources: [_as_noted(source, known.get(source.name)) for source in sources])


def _with_doors(recipe: Recipe, change: Callable[[list[SourceSettings]], list[SourceSettings]]) -> Recipe:
    """The recipe with other sources, those that `dedup` compares with included."""
    collect = recipe.collect.model_copy(update={"sources": change(recipe.collect.sources)})
    dedup = recipe.dedup.model_copy(update={"against": change(recipe.dedup.against)})
    return changed(recipe, collect=collect, dedup=dedup)


def _as_noted(source: SourceSettings, noted: SourceSettings | None) -> SourceSettings:
    if noted is None or source.hub != noted.hub or source.revision not in (None, noted.revision):
        return source
    facts = {"license": source.license or noted.license, "attribution": source.attribution or noted.attribution}
    return source.model_copy(update=facts | {"revision": noted.revision})


def _pinned(recipe: Recipe) -> Recipe:
    """The recipe with every Hub dataset at one commit. Asks the Hub for those that are not."""
    if not any(source.hub for source in [*recipe.collect.sources, *recipe.dedup.against]):
        return recipe
    from pipeline import collect

    return _with_doors(recipe, collect.resolved)


def _check_place(top: Shelf, recipe: Recipe) -> None:
    """Pages and answers are kept in SQLite files, which need a disk."""
    crawls = any(not source.files and not source.hub for source in recipe.collect.sources)
    if not top.local and (crawls or recipe.generate.wanted):
        what = "A crawl keeps its pages" if crawls else "Generating keeps every answer"
        raise UserError(
            f"{what} in a file that must stand on a disk, and {top.address} is none. Choose a folder of this machine "
            "with --out; what comes of it can be read into another run by its address."
        )


def _claim(top: Shelf, recipe: Recipe) -> None:
    """Write the resolved recipe into the run folder, unless the folder is something else's."""
    found = yaml.safe_load(top.read_text("recipe.yaml") or "null")
    if found is not None and found.get("name") != recipe.name:
        raise UserError(
            f"{top.address} holds the run of recipe `{found.get('name')}`, not of `{recipe.name}`. "
            "Choose another folder with --out, or remove it."
        )
    if found is None and top.listing():
        raise UserError(f"{top.address} is not empty and holds no run of Rapport. Choose another folder with --out.")
    resolved = yaml.safe_dump(
        recipe.model_dump(mode="json", exclude_defaults=True), sort_keys=False, allow_unicode=True
    )
    top.write_text("recipe.yaml", resolved)
    machine = {"python": platform.python_version(), "machine": platform.platform(), "processors": os.cpu_count()}
    top.write_json("run.json", {"rapport": __version__, **machine, "started": _now()})


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


# --- what a walk reports


def standing(out: str) -> dict[str, dict[str, Any]]:
    """The report of every room that is done, by folder, in order. Raises UserError where there is no run."""
    top = Shelf(out)
    if top.read_text("recipe.yaml") is None:
        raise UserError(f"There is no run in {out}. A run folder has a recipe.yaml; see `rapport run --help`.")
    found: dict[str, dict[str, Any]] = {}
    before = ""
    for folder in (name for name in top.listing() if name[:1].isdigit()):
        report = Shelf(out, folder).read_json("report.json")
        if report and report["before"] == before:  # else: made from an older shelf
            found[folder], before = report, report["shelf"]
    return found


def reports(out: str) -> list[dict[str, Any]]:
    """The report of every room that is done, in order."""
    return list(standing(out).values())


def funnel(out: str) -> list[dict[str, Any]]:
    """One flat record a room: room, in, added, kept, dropped, merged, quarantined, edited, reasons, seconds."""
    return [_row(report) for report in reports(out)]


def _row(report: dict[str, Any]) -> dict[str, Any]:
    return {column: report[column] for column in COLUMNS}


def _measures(shelf: Shelf) -> dict[str, Any]:
    """Percentiles and a 20-bin histogram of every measure over all rows of a room, the dropped ones included."""
    columns = [
        shelf.table(part, kind, ["measures"]).column("measures").combine_chunks()
        for kind in ("kept", "dropped")
        for part in shelf.parts(kind)
    ]
    if not columns:
        return {}
    every = pa.chunked_array(columns)
    found = {f.name: pc.struct_field(every, f.name).drop_null() for f in every.type}
    return {name: _histogram(values) for name, values in found.items() if len(values)}


def _histogram(values: pa.ChunkedArray) -> dict[str, Any]:
    import numpy as np

    numbers = values.to_numpy()
    least, most = float(numbers.min()), float(numbers.max())
    counts, edges = np.histogram(numbers, bins=20, range=(least, max(most, least + 1e-6 * max(1.0, abs(least)))))
    low, middle, high, top = np.percentile(numbers, [5, 50, 95, 99]).tolist()
    span = {"rows": len(numbers), "min": edges[0], "p5": low, "p50": middle, "p95": high, "p99": top, "max": edges[-1]}
    return {k: round(float(v), 6) for k, v in span.items()} | {"histogram": counts.tolist()}


def settings_of(out: str) -> Recipe | None:
    """The resolved recipe of the run that stands in a folder; None where there is none that this version can read."""
    text = Shelf(out).read_text("recipe.yaml")
    try:
        return Recipe.model_validate(yaml.safe_load(text)) if text else None
    except (ValidationError, yaml.YAMLError):
        return None


def measured(out: str) -> Iterator[Conversation]:
    """The rows of a run as `filter` measured them, before any limit."""
    return Shelf(out, "3-filter/measured").rows()


def losses(way: Sequence[dict[str, Any]]) -> list[str]:
    """What was asked for and is not there, and whether asking again helps, in sentences."""
    missing, passing = (sum(row[kind] for row in way) for kind in ("missing", "passing"))
    told = [f"{missing} of the rows asked for could not be made: see `rapport stats`."] if missing else []
    if passing:
        told.append(
            f"{passing} failures may be gone another time, as where a server was down: "
            "the same command asks again for what failed, and for nothing else."
        )
    return told


def a_dropped_row(out: str) -> str | None:
    """The id of some row that was sent away, to show what `rapport why` tells."""
    for folder in Shelf(out).listing():
        shelf = Shelf(out, folder)
        for part in shelf.parts("dropped"):
            return str(shelf.table(part, "dropped", ["id"]).column("id")[0])
    return None


def plan(job: Run) -> list[dict[str, Any]]:
    """What a run would do, room by room: state (cached, resumes, runs), rows where they are known, and model calls."""
    planned = []
    fresh = False
    recipe = remembered(job.recipe, job.out)
    for passage in passages(replace(job, recipe=recipe)):
        report = passage.outbox.read_json("report.json")
        stands = not fresh and report is not None and report["key"] == passage.key
        cached = stands and report is not None and not report["passing"]
        begun = stands or any(passage.outbox.done(unit, passage.key) for unit in passage.outbox.units())
        fresh = fresh or not cached
        state = "cached" if cached else "resumes" if begun else "runs"
        calls = _expected(recipe, job.out) if passage.room.name == "generate" and not cached else {}
        planned.append(
            {"room": passage.room.name, "state": state, "rows": report["kept"] if cached and report else None} | calls
        )
    return planned


def _expected(recipe: Recipe, out: str) -> dict[str, Any]:
    """Calls, tokens and dollars of the room that asks models, and what this folder has spent already.

    The cost is None where a price is unknown. over: the limits of the budget that the whole would exceed.
    """
    if not recipe.generate.wanted:
        return {}
    from pipeline import generate

    every = generate.expected(recipe.generate, recipe.models, recipe.seed, recipe.folder).values()
    costs = [one.cost for one in every]
    prompt, completion = sum(one.prompt_tokens for one in every), sum(one.completion_tokens for one in every)
    cost = sum(cost for cost in costs if cost is not None) if None not in costs else None
    spent_tokens, spent = walks.spent(out)
    limits = {
        "max_cost": (recipe.budget.max_cost, cost or 0),
        "max_tokens": (recipe.budget.max_tokens, prompt + completion),
    }
    return {
        "calls": sum(one.calls for one in every),
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "cost": cost,
        "spent": spent,
        "spent_tokens": spent_tokens,
        "over": [name for name, (limit, wanted) in limits.items() if limit is not None and wanted > limit],
    }
