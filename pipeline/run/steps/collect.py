"""`collect`: a unit is a file, a few small files, a piece of a Hub dataset, or a crawl."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from pipeline import UserError, collect
from pipeline.recipe.collect import CollectSettings
from pipeline.run.context import LITTLE_BYTES, StageContext
from pipeline.run.steps import same_ids
from pipeline.store.counts import Counts, FileRecord
from pipeline.store.store import Store

SHOWN = 10  # files that are named where nothing was read


def run(context: StageContext) -> dict[str, object]:
    """Read every unit of every source.

    Returns the names of sources that gave no row. Raises UserError where nothing was read at all.
    """
    units = collect.units(context.settings, context.job.recipe.folder)
    little = collect.size(units) < LITTLE_BYTES
    found = context.map(_read_unit, _jobs(context, units, {}), little)
    if _holds_own_rows(found):
        found = _with_other_ids(context, units, little) or found
    context.results.extend(found)
    _check_that_something_is_read(found)
    return {"empty": _without_rows(context.output, units)}


def _jobs(
    context: StageContext, units: Sequence[collect.Unit], taken: Mapping[str, same_ids.Taken]
) -> list[tuple[object, ...]]:
    names = [f"{number:05d}" for number in range(len(units))]
    more = (context.key, context.settings, context.job.folder)
    return [
        (context.output, name, unit, taken.get(name), *more)
        for name, unit in zip(names, units, strict=True)
    ]


def _read_unit(
    output: Store,
    name: str,
    unit: collect.Unit,
    taken: same_ids.Taken | None,
    key: str,
    settings: CollectSettings,
    folder: Path,
) -> Counts:
    rows = collect.read(unit, settings, folder)
    if taken:
        rows = same_ids.renewed(rows, taken, unit.source.name)
    return output.write(name, key, rows)


# --- ids


def _holds_own_rows(found: Sequence[Counts]) -> bool:
    """Whether rows of other runs were read, which bring ids of their own."""
    return any(file["shape"] == collect.OWN_ROWS for counts in found for file in counts.read)


def _with_other_ids(
    context: StageContext, units: Sequence[collect.Unit], little: bool
) -> list[Counts]:
    """Read units again whose rows have ids of earlier rows; the counts of all units, [] when there
    are no such rows."""
    known: dict[str, same_ids.Taken] = {}
    found: list[Counts] = []
    while repeated := same_ids.repeated(context.output):
        for unit, taken in repeated.items():
            known[unit] = {**known.get(unit, {}), **taken}
            context.output.forget(unit)
        rows = sum(map(len, repeated.values()))
        context.job.notice(f"{rows} ids stood on more than one row: later rows have new ones.")
        found = context.map(_read_unit, _jobs(context, units, known), little)
    return found


# --- what is missing


def _check_that_something_is_read(found: Sequence[Counts]) -> None:
    if any(counts.kept or counts.quarantined for counts in found):
        return
    passed_over = [file for counts in found for file in counts.read if file["passed_over"]]
    if any(file["passed_over"] not in collect.EMPTY for file in passed_over):
        raise UserError(_nothing_read(passed_over))


def _nothing_read(files: Sequence[FileRecord]) -> str:
    lines = [f"  {file['path']}: {file['passed_over']}" for file in files[:SHOWN]]
    if len(files) > SHOWN:
        lines.append(f"  and {len(files) - SHOWN} more")
    return "\n".join(["No conversation was found in any of these files:", *lines])


def _without_rows(output: Store, units: Sequence[collect.Unit]) -> list[str]:
    """The sources of which no row was kept."""
    kept: Counter[str] = Counter()
    for name, mark in output.marks().items():
        kept[units[int(name)].source.name] += mark.counts.kept
    return [name for name, rows in kept.items() if not rows]
