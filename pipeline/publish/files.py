"""Writes the kept rows as a folder that `datasets.load_dataset` reads."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.publish.split import REHEARSAL, TEST, TRAIN, assign
from pipeline.publish.summary import Summary, Tally
from pipeline.recipe.publish import PublishSettings
from pipeline.store.files import HashedFile

SHARD_ROWS = 50_000  # rows of one published file: 50 to 100 MB of ordinary dialogue
SPLITS = (TRAIN, TEST, REHEARSAL)
# What a trainer reads. Findings and edits stay in the stores, where `rapport why` shows them.
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

Opener = Callable[[str], AbstractContextManager[HashedFile]]


def splits(tables: Sequence[pa.Table], settings: PublishSettings, seed: int) -> list[list[str]]:
    """The split of every row of every part, from tables with columns id, split_group and source."""
    groups: list[str] = []
    rehearsal: list[bool] = []
    for table in tables:
        for row in table.to_pylist():
            groups.append(row["split_group"] or row["id"])
            rehearsal.append(row["source"]["rehearsal"])
    placed = iter(assign(groups, rehearsal, settings.test, seed))
    return [[next(placed) for _ in range(table.num_rows)] for table in tables]


def write(tables: Iterable[pa.Table], placed: Sequence[Sequence[str]], create: Opener) -> Summary:
    """Write `data/<split>-00000-of-00001.parquet` through `create`; returns what went in.

    tables: the kept parts, in order, with the split of each of their rows in `placed`.
    """
    totals = Counter(split for part in placed for split in part)
    tally = Tally()
    with ExitStack() as stack:
        shards = {split: Shards(split, totals[split], create) for split in SPLITS}
        for shard in shards.values():
            stack.enter_context(shard)
        for table, places in zip(tables, placed, strict=True):
            tally.add(table)
            _add_rows(table, places, shards)
    return tally.summary({split: totals[split] for split in SPLITS if totals[split]})


def _add_rows(table: pa.Table, places: Sequence[str], shards: Mapping[str, Shards]) -> None:
    """Write each row of a part to the shards of its split."""
    names = pa.array(places, pa.string())
    for split, shard in shards.items():
        shard.add(_published(table.filter(pa.compute.equal(names, split))))


def _published(table: pa.Table) -> pa.Table:
    """The published columns: messages as {role, content}, the speakers' names beside them."""
    messages = table.column("messages").combine_chunks()
    flat, offsets = messages.flatten(), _from_zero(messages)
    plain = pa.StructArray.from_arrays(
        [flat.field("role"), flat.field("content")], ["role", "content"]
    )
    columns = {
        "messages": pa.ListArray.from_arrays(offsets, plain),
        "names": pa.ListArray.from_arrays(offsets, flat.field("name")),
    }
    for name in COLUMNS:
        if name not in columns:
            columns[name] = table.column(name)
    return pa.table({name: columns[name] for name in COLUMNS})


def _from_zero(lists: pa.ListArray) -> pa.Array:
    """Offsets of a list array whose first row may start in the middle of its values."""
    lengths = lists.value_lengths().fill_null(0).to_numpy()
    return pa.array([0, *lengths.cumsum().tolist()], pa.int32())


class Shards:
    """The files of one split, in order. `with Shards(…) as shards:`; each file is committed when it
    is full."""

    def __init__(self, split: str, rows: int, create: Opener) -> None:
        self._split = split
        self._create = create
        self._count = max(1, -(-rows // SHARD_ROWS))
        self._number = 0
        self._filled = 0  # rows of the open file
        self._open = ExitStack()
        self._writer: pq.ParquetWriter | None = None

    def __enter__(self) -> Shards:
        return self

    def __exit__(self, *error: object) -> None:
        self._open.__exit__(*error)  # type: ignore[arg-type]

    def add(self, table: pa.Table) -> None:
        """Write rows, into a new file where the open one is full."""
        while table.num_rows:
            if self._writer is None or self._filled >= SHARD_ROWS:
                self._writer = self._next(table.schema)
            piece = table.slice(0, SHARD_ROWS - self._filled)
            self._writer.write_table(piece)
            self._filled += piece.num_rows
            table = table.slice(piece.num_rows)

    def _next(self, schema: pa.Schema) -> pq.ParquetWriter:
        self._open.close()
        name = f"data/{self._split}-{self._number:05d}-of-{self._count:05d}.parquet"
        file = self._open.enter_context(self._create(name))
        writer = pq.ParquetWriter(file, schema, compression="zstd", write_page_checksum=True)
        self._number += 1
        self._filled = 0
        return self._open.enter_context(writer)
