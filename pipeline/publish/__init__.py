"""The last room: cut by what was measured, split without leaks, write Parquet and the card.

`work` decides row by row; `write` lays the kept rows out as a folder that `datasets.load_dataset` reads.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import replace
from typing import IO, Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.conversation import SCHEMA, Conversation, Drop, Finding
from pipeline.publish.split import REHEARSAL, TEST, TRAIN, assign
from pipeline.recipe.settings import PublishSettings
from pipeline.rules import RULES, safety
from pipeline.rules.reading.reading import read

SHARD_ROWS = 50_000  # rows of one published file: 50 to 100 MB of ordinary dialogue
# what a trainer reads; findings and edits stay on the shelves, where `rapport why` shows them
COLUMNS = (
    "id",
    "messages",
    "names",
    "persona",
    "user_persona",
    "source",
    "split_group",
    "language",
    "measures",
    "annotations",
    "scores",
)

Opener = Callable[[str], AbstractContextManager[IO[bytes]]]


def work(part: Iterable[Conversation], settings: PublishSettings) -> Iterator[Conversation | Drop]:
    """Rows outside a cut are sent away with measure, value and limit, and so is every row with a minor in it."""
    for row in part:
        findings = (*_minors(row), *_cuts(row, settings))
        yield Drop(replace(row, findings=row.findings + findings)) if findings else row


def _minors(row: Conversation) -> Iterator[Finding]:
    """The gate that no recipe opens: rows may come here past `filter`, by `rapport publish` or from an older shelf."""
    reading = read(row.messages, row.persona, row.user_persona)
    for finding in safety.underage(reading):
        yield replace(finding, stage="publish", limit=RULES["safety.minor"].limit, decision="drop")


def _cuts(row: Conversation, settings: PublishSettings) -> Iterator[Finding]:
    for name, cut in settings.cut.items():
        score = row.scores.get(name)
        value = score.value if score else row.measures.get(name)
        if value is None:  # what was not measured is not judged
            continue
        if cut.min is not None and value < cut.min:
            yield Finding("publish", f"publish.{name}", value, cut.min, decision="drop")
        if cut.max is not None and value > cut.max:
            yield Finding("publish", f"publish.{name}", value, cut.max, decision="drop")


def splits(keys: Sequence[pa.Table], settings: PublishSettings, seed: int) -> list[list[str]]:
    """The split of every row of every part, from tables with columns id, group and source."""
    rows = [
        (r["split_group"] or r["id"], r["source"]["rehearsal"])
        for table in keys
        for r in table.to_pylist()
    ]
    every = iter(assign([g for g, _ in rows], [r for _, r in rows], settings.test, seed))
    return [[next(every) for _ in range(table.num_rows)] for table in keys]


def write(
    tables: Iterable[pa.Table], placed: Sequence[Sequence[str]], create: Opener
) -> dict[str, Any]:
    """Write `data/<split>-00000-of-00001.parquet` through `create` and say what went in.

    tables: the kept parts, in order, with the split of each of their rows in `placed`.
    Returns splits, sources, languages and the percentiles of every measure, for the card.
    """
    totals = Counter(split for part in placed for split in part)
    tally = _Tally()
    with ExitStack() as stack:
        shards = {
            split: _Shards(split, totals[split], create, stack)
            for split in (TRAIN, TEST, REHEARSAL)
        }
        for table, where in zip(tables, placed, strict=True):
            tally.add(table)
            for split, shard in shards.items():
                mask = pa.array([w == split for w in where], pa.bool_())
                shard.add(_published(table.filter(mask)))
    return {
        "splits": {s: totals[s] for s in (TRAIN, TEST, REHEARSAL) if totals[s]}
    } | tally.summary()


def _published(table: pa.Table) -> pa.Table:
    """The published columns: messages as {role, content}, the speakers' names beside them."""
    messages = table.column("messages").combine_chunks()
    flat, offsets = messages.flatten(), _from_zero(messages)
    plain = pa.StructArray.from_arrays(
        [flat.field("role"), flat.field("content")], ["role", "content"]
    )
    columns = {name: table.column(name) for name in COLUMNS if name in SCHEMA.names}
    columns["messages"] = pa.ListArray.from_arrays(offsets, plain)
    columns["names"] = pa.ListArray.from_arrays(offsets, flat.field("name"))
    return pa.table({name: columns[name] for name in COLUMNS})


def _from_zero(lists: pa.ListArray) -> pa.Array:
    """Offsets of a list array whose first row may start in the middle of its values."""
    lengths = lists.value_lengths().fill_null(0).to_numpy()
    return pa.array([0, *lengths.cumsum().tolist()], pa.int32())


class _Shards:
    """The files of one split, in order; each is committed when the next begins."""

    def __init__(self, split: str, total: int, create: Opener, stack: ExitStack) -> None:
        self.split, self.create, self.stack = split, create, stack
        self.count = max(1, -(-total // SHARD_ROWS))
        self.number = self.filled = 0
        self.writer: pq.ParquetWriter | None = None

    def add(self, table: pa.Table) -> None:
        while table.num_rows:
            if self.writer is None or self.filled >= SHARD_ROWS:
                self._next(table.schema)
            assert self.writer is not None
            piece = table.slice(0, SHARD_ROWS - self.filled)
            self.writer.write_table(piece)
            self.filled += piece.num_rows
            table = table.slice(piece.num_rows)

    def _next(self, schema: pa.Schema) -> None:
        if self.writer is not None:
            self.writer.close()
        name = f"data/{self.split}-{self.number:05d}-of-{self.count:05d}.parquet"
        file = self.stack.enter_context(self.create(name))
        self.writer = self.stack.enter_context(pq.ParquetWriter(file, schema, compression="zstd"))
        self.number, self.filled = self.number + 1, 0


class _Tally:
    """What the card says of the published rows."""

    def __init__(self) -> None:
        self.sources: Counter[tuple[str, str, str | None, str | None]] = Counter()
        self.languages: Counter[str] = Counter()
        self.measures: dict[str, list[pa.Array]] = {
            f.name: [] for f in SCHEMA.field("measures").type
        }

    def add(self, table: pa.Table) -> None:
        for source in table.column("source").to_pylist():
            self.sources[
                source["name"], source["kind"], source["license"], source["attribution"]
            ] += 1
        self.languages.update(
            (found or {}).get("code", "unknown") for found in table.column("language").to_pylist()
        )
        measures = table.column("measures").combine_chunks()
        for name, values in self.measures.items():
            values.append(measures.field(name).drop_null())

    def summary(self) -> dict[str, Any]:
        keys = ("name", "kind", "license", "attribution")
        sources = [
            dict(zip(keys, key, strict=True)) | {"rows": n}
            for key, n in sorted(self.sources.items(), key=str)
        ]
        taken = {
            name: pa.chunked_array(values, pa.float64())
            for name, values in self.measures.items()
            if values
        }
        return {
            "sources": sources,
            "languages": dict(self.languages.most_common()),
            "measures": {
                name: percentiles(values) for name, values in taken.items() if len(values)
            },
        }


def percentiles(values: pa.ChunkedArray) -> Mapping[str, float]:
    import pyarrow.compute as pc

    found = pc.quantile(values, [0.05, 0.5, 0.95]).to_pylist()
    return dict(zip(("p5", "p50", "p95"), found, strict=True))
