"""`dedup` in three passes: sign each part, link them all, apply the decisions to each part."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from pipeline import UserError, collect
from pipeline.dedup import link, sign, verify
from pipeline.dedup.reviewed import without_kept
from pipeline.recipe.collect import CollectSettings
from pipeline.recipe.dedup import DedupSettings
from pipeline.run.context import PAIRS, StageContext
from pipeline.store.counts import Counts
from pipeline.store.files import digest
from pipeline.store.store import Mark, Part, Store


def run(context: StageContext) -> dict[str, Any]:
    """The three passes; the report says what the linking met."""
    settings: DedupSettings = context.settings
    signing_key = _signing_key(context)
    against, against_key = _against(context, signing_key)
    signed = Store(context.output.root, f"{context.output.folder}/signed")
    context.prepare(signed, signing_key)
    tables = _signed(context, context.source, signed, context.parts, signing_key)
    others = _signed(context, against, against, against.parts(), against_key)
    decisions, found = link.link(tables, settings, others)
    pairs = context.output.write_table(PAIRS, decisions)
    if settings.only_report:
        decisions = decisions.slice(0, 0)
    _apply(context, verify.by_part(decisions, len(context.parts)))
    return {"link": found, "files": {PAIRS: pairs}}


def _apply(context: StageContext, decisions: Sequence[pa.Table]) -> None:
    """The rows of every part, sorted into kept and dropped. decisions: part by part."""
    jobs = [
        (context.source, context.output, part, context.key, context.settings, decided)
        for part, decided in zip(context.parts, decisions, strict=True)
    ]
    context.results.extend(context.map(_apply_part, jobs, context.is_little))


def _signing_key(context: StageContext) -> str:
    """Names what signatures depend on: not the other settings, nor what rows are compared with."""
    settings: DedupSettings = context.settings
    signing = {
        "view": settings.view,
        "sources": settings.sources,
        "bands": sign.bands(settings.threshold),
    }
    return digest(context.before, {**context.ingredients, "settings": signing, "reads": None})


def _against(context: StageContext, signing_key: str) -> tuple[Store, str]:
    """The sets that the result must share nothing with, read like any source; and their key."""
    settings: DedupSettings = context.settings
    store = Store(context.output.root, f"{context.output.folder}/against")
    named = [source.model_dump(mode="json") for source in settings.against]
    key = digest(signing_key, named, context.ingredients["reads"])
    context.prepare(store, key)
    _read_against(store, key, CollectSettings(sources=settings.against), context.job.recipe.folder)
    return store, key


def _read_against(store: Store, key: str, settings: CollectSettings, folder: Path) -> None:
    """Write the sets into their store. Raises UserError for one that holds no conversation."""
    kept: Counter[str] = Counter()
    for number, unit in enumerate(collect.units(settings, folder)):
        rows = collect.read(unit, settings, Path())
        kept[unit.source.name] += store.write(f"{number:05d}", key, rows).kept
    empty = ", ".join(name for name, rows in kept.items() if not rows)
    if empty:
        raise UserError(
            f"dedup: nothing can be read of {empty}, so there is nothing to compare with."
        )


def _signed(
    context: StageContext, source: Store | None, target: Store, parts: Sequence[Part], key: str
) -> list[pa.Table]:
    """The signatures of parts, one table a part, mapped from disk."""
    jobs = [(source, target, part, key, context.settings) for part in parts]
    context.map(_sign_part, jobs, context.is_little)
    tables = []
    for part in parts:
        mark = target.finished(_unit_of(part), key)
        assert mark is not None
        tables.append(target.arrow(_file_of(part), mark.files[_file_of(part)]))
    return tables


def _unit_of(part: Part) -> str:
    return f"signed-{part.name}"


def _file_of(part: Part) -> str:
    return f"part-{part.name}.arrow"


def _sign_part(
    source: Store, target: Store, part: Part, key: str, settings: DedupSettings
) -> Counts:
    before = target.finished(_unit_of(part), key)
    if before is not None:
        return before.counts
    table = sign.sign(source.columns(part, sign.COLUMNS), settings)
    file = target.write_arrow(_file_of(part), table)
    mark = Mark(key, Counts(kept=table.num_rows), {_file_of(part): file})
    return target.finish(_unit_of(part), mark)


def _apply_part(
    source: Store,
    output: Store,
    part: Part,
    key: str,
    settings: DedupSettings,
    decisions: pa.Table,
) -> Counts:
    table, decisions = without_kept(source.table(part), decisions)
    kept, dropped = verify.apply(table, decisions, settings)
    return output.write_tables(part.name, key, kept, dropped)
