"""Writes one config of the dataset as Parquet files that `datasets.load_dataset` reads.

    default/train-00000-of-00004.parquet      rows whose group's name ends in the bits 00
    default/train-00002-of-00004.parquet      … in the bits 10

What belongs together is in one file, and in which one is decided by its name alone: when rows are
taken out, files that held none of them keep their bytes. Where there are to be more files, each
becomes two, by the next bit. Inside a file rows stand in the order in which they came.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from types import TracebackType

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.conversation import Conversation
from pipeline.publish.configs import TRAINABLE, Config
from pipeline.publish.configs.made import UNKNOWN, MadeRows, PublishedRow
from pipeline.publish.gates.refusal import NamedRows, Refusal
from pipeline.publish.gates.templates import not_taken
from pipeline.publish.split import AT_BRIDGE, AT_REHEARSAL, SPLITS, TRAIN, Placement
from pipeline.publish.tokens import up_to
from pipeline.recipe.publish import PublishSettings
from pipeline.store.files import HashedFile
from pipeline.store.parquet import leaves

SHARD_ROWS = 50_000  # conversations of one file, at the first release
SHARD_BYTES = 250_000_000  # of the stage's own files that go into one
GROWTH = 2  # a file holds so many times as much before all become two each
GROUP_ROWS = 10_000  # of a row group
GROUP_BYTES = 1 << 26
# Bytes of a page, before it is compressed: a row that goes changes the pages that held it. Of a
# file of 44,705 rows (19 MB), 50 rows change 38 % in chunks of 64 kB (benchmarks/takedown.py).
PAGE_BYTES = {"min_chunk_size": 16 << 10, "max_chunk_size": 64 << 10}
TEXTS = ("content", "value")  # fields whose values never come again, and are long
KEYS = ("id", "split_group")  # columns whose values seldom come again
ENCODED_ROWS = 250  # that become Arrow at a time: little enough to wait in every file
REPORT = "this is an error of Rapport: report it with one of these ids"
BRIDGES = "it relates rows that were released in different splits"

Opener = Callable[[str], AbstractContextManager[HashedFile]]


@dataclass(frozen=True)
class SplitFiles:
    """files: names of the files of a split, with the rows of each."""

    files: dict[str, int] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        return sum(self.files.values())


@dataclass(frozen=True)
class Written:
    """What became of the conversations of a config, and its files.

    came: conversations, those of `rehearsal` only for its configs. used: those that are in it.
    left_out: the others, by reason. changed: see `MadeRows`. splits: those that have rows.
    tokens: a histogram, rows by `tokens.up_to`. licences: conversations by theirs. not_taken: those
    that a chat template does not take, by its reason.
    """

    name: str
    came: int
    used: int
    left_out: dict[str, int]
    changed: dict[str, int]
    splits: dict[str, SplitFiles]
    tokens: dict[int, int]
    licences: dict[str, int]
    not_taken: dict[str, NamedRows]

    def refusals(self) -> list[Refusal]:
        """Why the dataset may not be released with it."""
        found = []
        for why, rows in self.not_taken.items():
            problem = f"{rows} of config {self.name} are not what chat templates take ({why})"
            found.append(Refusal("templates", problem, REPORT))
        return found

    def check(self) -> None:
        """Raises ValueError where a conversation is neither in it nor counted."""
        if self.came != self.used + sum(self.left_out.values()):
            raise ValueError(f"config {self.name}: rows are lost: {self}")


def shard_count(rows: int, size: int, before: int = 0) -> int:
    """How many files a split has: a power of two. size: bytes of its rows in the stage's files.
    before: files of the last release, which only double."""
    most_rows, most_bytes = SHARD_ROWS, SHARD_BYTES
    if before:
        most_rows, most_bytes = most_rows * GROWTH, most_bytes * GROWTH
    count = before or 1
    while rows > count * most_rows or size > count * most_bytes:
        count *= 2
    return count


def write(
    config: Config,
    parts: Iterable[Iterable[Conversation]],
    placed: Placement,
    counts: Mapping[str, int],
    settings: PublishSettings,
    create: Opener,
) -> Written:
    """Write a config through `create`. parts: the conversations, in the order of `placed`. counts:
    files of each split."""
    writer = _ConfigWriter(config, counts, settings, create)
    with writer:
        number = 0
        for part in parts:
            for row in part:
                writer.add(row, int(placed.groups[number]), int(placed.places[number]))
                number += 1
        writer.finish()
    found = writer.written()
    found.check()
    return found


class _ConfigWriter:
    """The open files of a config. `with …:` each is committed at the end, or none."""

    def __init__(
        self,
        config: Config,
        counts: Mapping[str, int],
        settings: PublishSettings,
        create: Opener,
    ) -> None:
        self._config = config
        self._counts = counts
        self._settings = settings
        self._create = create
        self._open = ExitStack()
        self._shards: dict[str, _Shard] = {}
        self._waiting: dict[str, list[tuple[Conversation, int, str]]] = {}
        self._came = self._used = 0
        self._left_out, self._changed = Counter[str](), Counter[str]()
        self._tokens, self._licences = Counter[int](), Counter[str]()
        self._not_taken = defaultdict[str, NamedRows](NamedRows)

    def __enter__(self) -> _ConfigWriter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._open.__exit__(kind, error, trace)

    def add(self, row: Conversation, group: int, place: int) -> None:
        """Publish a conversation, let it wait for those that become one row with it, or count why
        it is left out."""
        if (place == AT_REHEARSAL) != self._config.rehearsal:
            return
        self._came += 1
        if place == AT_BRIDGE:
            self._left_out[BRIDGES] += 1
            return
        split = TRAIN if self._config.rehearsal else SPLITS[place]
        key = self._config.together(row) if self._config.together else None
        if key is None:
            self._publish([(row, group, split)])
        elif key not in self._waiting:
            self._waiting[key] = [(row, group, split)]
        elif self._config.of == "all":
            self._waiting[key].append((row, group, split))
        else:
            self._used += 1

    def finish(self) -> None:
        """Publish what has waited, and write what is not a whole row group."""
        for together in self._waiting.values():
            self._publish(together)
        for shard in self._shards.values():
            shard.close()

    def _publish(self, together: Sequence[tuple[Conversation, int, str]]) -> None:
        rows = [row for row, _, _ in together]
        _, group, split = together[0]
        made = self._config.make(rows, f"{group:016x}", self._settings)
        self._changed.update(made.changed)
        if made.left_out:
            self._left_out[made.left_out] += len(rows)
            return
        self._used += len(rows)
        self._tokens.update(map(up_to, made.tokens))
        self._licences.update(row.source.license or UNKNOWN for row in rows)
        self._check(made)
        self._shard(split, group).add(made.rows)

    def _check(self, made: MadeRows) -> None:
        """Do chat templates take the rows that are trained on?"""
        for row in made.rows if self._config.name in TRAINABLE else ():
            for why in not_taken(row["messages"], self._settings):
                self._not_taken[why].add([row["id"]])

    def _shard(self, split: str, group: int) -> _Shard:
        count = self._counts[split]
        name = f"{self._config.name}/{split}-{group % count:05d}-of-{count:05d}.parquet"
        if name not in self._shards:
            file = self._open.enter_context(self._create(name))
            self._shards[name] = _Shard(self._config, split, self._open, file)
        return self._shards[name]

    def written(self) -> Written:
        splits: dict[str, SplitFiles] = {}
        for split in SPLITS:
            own = {name: shard.rows for name, shard in self._shards.items() if shard.split == split}
            if own:
                splits[split] = SplitFiles(dict(sorted(own.items())))
        return Written(
            self._config.name,
            self._came,
            self._used,
            dict(sorted(self._left_out.items())),
            dict(sorted(self._changed.items())),
            splits,
            dict(sorted(self._tokens.items())),
            dict(sorted(self._licences.items())),
            dict(self._not_taken),
        )


class _Shard:
    """One open file. rows: that it has been given."""

    def __init__(self, config: Config, split: str, opened: ExitStack, file: HashedFile) -> None:
        self._config = config
        self.split = split
        self.rows = 0
        self._writer = opened.enter_context(_opened(file, config.schema))
        self._published: list[PublishedRow] = []
        self._tables: list[pa.Table] = []
        self._encoded = self._bytes = 0  # of the tables

    def add(self, published: Sequence[PublishedRow]) -> None:
        self._published.extend(published)
        self.rows += len(published)
        if len(self._published) >= ENCODED_ROWS:
            self._encode()
        if self._encoded >= GROUP_ROWS or self._bytes >= GROUP_BYTES:
            self._write()

    def close(self) -> None:
        self._encode()
        self._write()

    def _encode(self) -> None:
        if self._published:
            table = self._config.encoded(self._published)
            self._published = []
            self._tables.append(table)
            self._encoded += table.num_rows
            self._bytes += table.nbytes

    def _write(self) -> None:
        if self._tables:
            table = pa.concat_tables(self._tables).combine_chunks()
            self._tables, self._encoded, self._bytes = [], 0, 0
            rows = table.num_rows * GROUP_BYTES // max(1, table.nbytes)
            self._writer.write_table(table, row_group_size=max(1, min(GROUP_ROWS, rows)))


def _opened(file: HashedFile, schema: pa.Schema) -> pq.ParquetWriter:
    columns = [path for column in schema for path in leaves(column)]
    short = [path for path in columns if path.rpartition(".")[2] not in TEXTS]
    repeating = [path for path in short if path not in KEYS]
    return pq.ParquetWriter(
        file,
        schema,
        compression="zstd",
        use_dictionary=repeating,
        write_statistics=short,
        write_page_index=True,
        write_page_checksum=True,
        use_content_defined_chunking=PAGE_BYTES,
    )
