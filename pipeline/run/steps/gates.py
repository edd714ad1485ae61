"""The gates of `publish` that need more than its own rows, one after the other: what is lost on the
way, what leaks across splits, tests of the data."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.dedup.kernels import kernels
from pipeline.dedup.sign import BYTES_PER_WORD
from pipeline.dedup.view import compared_texts
from pipeline.publish.gates import leaks, losses
from pipeline.publish.gates.refusal import FIRST, NamedRows, Refusal
from pipeline.publish.split import Codes, Placement
from pipeline.run.context import StageContext
from pipeline.run.standing import standing
from pipeline.store.columns import finding_of
from pipeline.store.counts import deciding_rule
from pipeline.store.files import FileMark
from pipeline.store.store import Part, Store

READ = ["messages.list.element.role", "messages.list.element.content", "persona.greeting"]
SHINGLES = "shingles"  # the store inside the stage's own, while it is at work
MOVE = (
    "write `dedup: {{threshold: {limit}}}`, which finds such rows, and run again; if they are no "
    "copies, write `publish: {{allow: [leaks]}}`"
)
PUBLISHED = (
    "they were released before they had it in common, and no released row moves: remove those of "
    "one split, or write `publish: {allow: [leaks]}`"
)


# --- what is lost


def lost(context: StageContext) -> Iterator[Refusal]:
    """Records in quarantine, and sources of which most is gone."""
    stores = [Store(context.job.out, folder) for folder in standing(context.job.out)]
    before = [store for store in stores if store.folder != context.output.folder]
    places = list(islice(_quarantined(before), FIRST))
    yield from losses.quarantined(context.funnel, places, context.settings)
    yield from losses.of_sources(_lost_of_sources(context, before))


def _quarantined(stores: Sequence[Store]) -> Iterator[str]:
    """Where the records in quarantine stood."""
    for store in stores:
        for part in store.parts("quarantine"):
            yield from store.columns(part, ["where"])["where"].to_pylist()


def _lost_of_sources(context: StageContext, stores: Sequence[Store]) -> dict[str, losses.Lost]:
    """The sources of which most is gone, by name."""
    entered = [store for store in stores if store.stage in ("collect", "generate")][-1:]
    if not entered or context.source is None:
        return {}
    came = _rows_of_sources(entered[0], entered[0].parts())
    left = _rows_of_sources(context.source, context.parts)
    few = {name: losses.Lost(rows) for name, rows in came.items() if 2 * left[name] < rows}
    for store in stores[stores.index(entered[0]) + 1 :] if few else []:
        for part in store.parts("dropped"):
            _count_dropped(store.columns(part, ["id", "source", "findings"]), few)
    return few


def _rows_of_sources(store: Store, parts: Sequence[Part]) -> Counter[str]:
    """Rows by source; those of the rehearsal model are not counted."""
    found = Counter[str]()
    for part in parts:
        source = store.columns(part, ["source.name", "source.rehearsal"])["source"]
        names = pc.struct_field(source, "name")
        real = names.filter(pc.invert(pc.struct_field(source, "rehearsal")))
        found.update(real.to_pylist())
    return found


def _count_dropped(table: pa.Table, few: dict[str, losses.Lost]) -> None:
    """Name the dropped rows of these sources, with their reasons."""
    names = pc.struct_field(table["source"], "name")
    for row in table.set_column(1, "source", names).to_pylist():
        found = few.get(row["source"])
        if found:
            rule = deciding_rule(map(finding_of, row["findings"]))
            found.rows.add([row["id"]])
            found.reasons = Counter(found.reasons) + Counter([rule])


# --- what leaks


def leaking(context: StageContext, keys: pa.Table, placed: Placement) -> Iterator[Refusal]:
    """Rows that are in one split and nearly the same in another, or share what tells them apart.

    keys: `related.KEYS` of all rows.
    """
    shared = leaks.sharing(keys, placed.places)
    if len(shared):
        named = _named(context, shared.tolist())
        what = "share a character, persona, thread or all words with rows of another split"
        yield Refusal("leaks", f"{named} {what}", PUBLISHED)
    found = _similar(context, placed)
    if found:
        pairs = _pairs(context, found[:FIRST])
        what = f"{len(found)} pairs of rows in different splits are nearly the same"
        more = ", …" if len(found) > FIRST else ""
        problem = f"{what}, Jaccard {leaks.LIMIT} or more ({pairs}{more})"
        yield Refusal("leaks", problem, MOVE.format(limit=leaks.LIMIT))


def _similar(context: StageContext, placed: Placement) -> list[leaks.Leak]:
    """All pairs across splits that are as similar as the limit."""
    if not leaks.is_held_out(placed.places).any():
        return []
    store = Store(context.output.root, f"{context.output.folder}/{SHINGLES}")
    store.remove()
    every = _shingled(context, store)
    sides = np.split(placed.places, np.cumsum([len(rows) for rows in every])[:-1])
    index = _held_out(every, sides, placed)
    found: list[leaks.Leak] = []
    first = 0
    for rows, own in zip(every, sides, strict=True):
        found += index.leaks(rows, first, own)
        first += len(rows)
    store.remove()
    return found


def _shingled(context: StageContext, store: Store) -> list[leaks.ShingledRows]:
    """The shingles of every part, mapped from disk."""
    output, parts = context.output, context.output.parts()
    jobs = [(output, store, part) for part in parts]
    marks = dict(context.job.engine.map(_shingle_part, jobs, context.is_little))
    return [_shingles(store, part, marks[part.name]) for part in parts]


def _held_out(
    every: Sequence[leaks.ShingledRows], sides: Sequence[Codes], placed: Placement
) -> leaks.HeldOutRows:
    chosen = []
    for rows, own in zip(every, sides, strict=True):
        chosen.append(rows.taken(np.flatnonzero(leaks.is_held_out(own))))
    numbers = np.flatnonzero(leaks.is_held_out(placed.places))
    return leaks.HeldOutRows(leaks.joined(chosen), numbers, placed.places[numbers])


def _shingle_part(output: Store, store: Store, part: Part) -> tuple[str, FileMark]:
    """Write the distinct shingles of a part's rows: of the messages that `dedup` compares."""
    texts = compared_texts(output.columns(part, READ), "dialogue")
    size = int(texts.starts[texts.rows[-1]] - texts.starts[texts.rows[0]])
    shingled = kernels(size // BYTES_PER_WORD).shingle(texts)
    rows = leaks.distinct(shingled[SHINGLES].combine_chunks())
    lists = pa.LargeListArray.from_arrays(pa.array(rows.starts), pa.array(rows.values))
    return part.name, store.write_arrow(_file_of(part), pa.table({SHINGLES: lists}))


def _shingles(store: Store, part: Part, mark: FileMark) -> leaks.ShingledRows:
    lists = store.arrow(_file_of(part), mark)[SHINGLES].combine_chunks()
    return leaks.ShingledRows(lists.values.to_numpy(), lists.offsets.to_numpy())


def _file_of(part: Part) -> str:
    return f"{part.name}.arrow"


def _pairs(context: StageContext, found: Sequence[leaks.Leak]) -> str:
    """`a and b .83, c and d .71`"""
    numbers = sorted({number for one in found for number in (one.row, one.held_out)})
    ids = dict(zip(numbers, _ids(context, numbers), strict=True))
    named = [f"{ids[one.row]} and {ids[one.held_out]} {one.similarity:.2f}" for one in found]
    return ", ".join(named)


def _named(context: StageContext, numbers: Sequence[int]) -> NamedRows:
    """Rows by their numbers among all."""
    return NamedRows(len(numbers), _ids(context, sorted(numbers)[:FIRST]))


def _ids(context: StageContext, numbers: Sequence[int]) -> list[str]:
    """The ids of some rows. numbers: of them among all, in order."""
    found: list[str] = []
    first = 0
    for part in context.output.parts():
        own = [number - first for number in numbers if first <= number < first + part.rows]
        if own:
            found += context.output.columns(part, ["id"])["id"].take(own).to_pylist()
        first += part.rows
    return found
