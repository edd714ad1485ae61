"""All rows that are indexed at one moment. A frame never changes: when rows land, a new one is
made."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from itertools import accumulate
from pathlib import Path
from typing import Any, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipeline.look.index import bins, flat
from pipeline.look.index.columns import FlatColumns, RowNumbers, joined, joined_arrays
from pipeline.look.index.fields import NUMBERS
from pipeline.look.index.flat import AnyArray
from pipeline.look.opened import SHARD, PartFile

VERSION = 1  # of what is written; another one is made anew
NAME = "frame.flat"
REMEMBERED = 1_000  # ids whose rows are known
EMPTY = FlatColumns(0)


@dataclass
class Frame:
    """columns: of all rows. origins: the files that they are from, in order. edges: of the bins of
    each number. number: grows with each frame of an index."""

    columns: FlatColumns = field(default_factory=lambda: FlatColumns(0))
    origins: tuple[PartFile, ...] = ()
    edges: dict[str, bins.BinEdges] = field(default_factory=dict)
    number: int = 0

    @property
    def rows(self) -> int:
        return self.columns.rows

    @cached_property
    def starts(self) -> list[int]:
        """The first row of each file, and the end."""
        return list(accumulate((origin.rows for origin in self.origins), initial=0))

    @cached_property
    def numbers(self) -> list[str]:
        """The numbers that some row has, in the order of the table."""
        return [name for name in NUMBERS if name in self.columns.arrays]

    @cached_property
    def _pairs(self) -> dict[str, tuple[str, ...]]:
        given = [name for name in self.columns.arrays if name.startswith(bins.array_name(()))]
        pairs = [tuple(name.split()[1:]) for name in given]
        return {name: pair for pair in pairs for name in pair}

    def pair_of(self, name: str) -> tuple[str, ...]:
        """The numbers whose bins share an array with those of one."""
        return self._pairs[name]

    def place(self, row: int) -> tuple[PartFile, int]:
        """The file of a row, and its number there."""
        part = bisect_right(self.starts, row) - 1
        return self.origins[part], row - self.starts[part]

    def rows_with_id(self, wanted: str) -> list[int]:
        """All rows of an id, in order."""
        if wanted not in self._rows_of:
            if len(self._rows_of) >= REMEMBERED:
                self._rows_of.clear()
            self._rows_of[wanted] = self._find(wanted.encode())
        return self._rows_of[wanted]

    @cached_property
    def _rows_of(self) -> dict[str, list[int]]:
        """The rows of ids that were asked for."""
        return {}

    def _find(self, key: bytes) -> list[int]:
        ids = self.columns.arrays.get("id", np.zeros(0, "S8"))
        if not len(ids) or not key or len(key) > ids.itemsize:
            return []
        words = ids.view(np.uint64).reshape(len(ids), -1)
        asked = np.frombuffer(key.ljust(ids.itemsize, b"\0"), np.uint64)
        same = words[:, -1] == asked[-1]
        for place in range(words.shape[1] - 1):
            same &= words[:, place] == asked[place]
        return [int(row) for row in np.flatnonzero(same)]

    def first_rows(self, wanted: Sequence[str]) -> RowNumbers:
        """The first row of each of many ids; -1 where there is none."""
        return self.rows_of(np.array([one.encode() for one in wanted], "S"))

    def rows_of(self, wanted: AnyArray) -> RowNumbers:
        """The same of ids as bytes."""
        if not len(wanted) or not self.rows:
            return np.full(len(wanted), -1, np.int64)
        ids = self.columns.arrays["id"]
        width = max(ids.itemsize, wanted.itemsize, 1)
        places = pc.index_in(_fixed(wanted, width), value_set=_fixed(ids, width))
        found: RowNumbers = pc.fill_null(places, -1).to_numpy().astype(np.int64)
        return found

    def part(self, number: int) -> FlatColumns:
        """The columns of one file, without the bins of this frame."""
        found = self.columns.slice(self.starts[number], self.starts[number + 1])
        for name in set(map(bins.array_name, self._pairs.values())):
            del found.arrays[name]
        return found


def _fixed(ids: AnyArray, width: int) -> pa.Array:
    """Ids as Arrow has bytes of one length."""
    same = np.ascontiguousarray(ids.astype(f"S{width}"))
    buffers = [None, pa.py_buffer(same)]
    return pa.Array.from_buffers(pa.binary(width), len(same), buffers)


# --- made of parts, written and read


def write(
    path: Path, parts: Sequence[FlatColumns], origins: Sequence[PartFile], dataset: Path | None
) -> None:
    """Join parts to one frame in a file. dataset: where the splits of published rows stand. Raises
    OSError."""
    rows, values, names = joined(parts)
    edges: dict[str, list[float]] = {}
    head: dict[str, object] = {"version": VERSION, "rows": rows, "values": values, "edges": edges}
    head["origins"] = [asdict(origin) for origin in origins]
    arrays = _arrays(parts, values, names, edges, dataset)
    flat.write(path, head, arrays)


def _arrays(
    parts: Sequence[FlatColumns],
    values: dict[str, list[str]],
    names: Sequence[str],
    edges: dict[str, list[float]],
    dataset: Path | None,
) -> Iterator[tuple[str, AnyArray]]:
    """Facets and lists, the splits of published rows among them; then numbers with their bins."""
    ids: AnyArray = np.zeros(0, "S8")
    for name, array in joined_arrays(parts, values, [one for one in names if one not in NUMBERS]):
        if name == "id":
            ids = array
        is_split = name == "split" and dataset is not None
        yield name, _splits(ids, array, values, dataset) if is_split else array
    for pair in bins.pairs([one for one in names if one in NUMBERS]):
        yield from _numbers_of(parts, pair, edges)


def _numbers_of(
    parts: Sequence[FlatColumns], pair: tuple[str, ...], edges: dict[str, list[float]]
) -> Iterator[tuple[str, AnyArray]]:
    """Two numbers, and the array that their bins share."""
    codes = np.zeros(1, np.uint16)
    for name, array in joined_arrays(parts, {}, pair):
        limits = bins.edges_of(array)
        edges[name] = limits.tolist()
        codes = codes * np.uint16(bins.CODES) + bins.coded(array, limits)
        yield name, array
    yield bins.array_name(pair), codes if len(pair) == 2 else codes * np.uint16(bins.CODES)


def _splits(
    ids: AnyArray, codes: AnyArray, values: dict[str, list[str]], dataset: Path | None
) -> AnyArray:
    """The split of every row that config `full` of the dataset has."""
    found = codes.astype(np.uint8)
    assert dataset is not None
    whole = Frame(FlatColumns(len(ids), {"id": ids}))
    for file in sorted(dataset.glob("full/*.parquet")):
        shard = SHARD.fullmatch(file.name)
        if shard is None:
            continue
        split = shard["split"]
        if split not in values["split"]:
            values["split"].append(split)
        names = pq.read_table(file, columns=["id"])["id"].to_pylist()
        rows = whole.first_rows(names)
        found[rows[rows >= 0]] = values["split"].index(split)
    return found


def read(path: Path, number: int) -> Frame | None:
    """What `write` wrote; None where it is missing, cut off or of another version."""
    file = flat.read(path)
    if file is None or file.head.get("version") != VERSION:
        return None
    head = cast("dict[str, Any]", file.head)
    try:
        columns = FlatColumns(head["rows"], file.arrays, head["values"])
        origins = tuple(PartFile(**one) for one in head["origins"])
        edges = {name: np.array(limits) for name, limits in head["edges"].items()}
    except (KeyError, TypeError):
        return None
    return Frame(columns, origins, edges, number)
