"""What a publish keeps for the next one: where every row stands, and how many files there are.

    6-publish/released.json             files of each split, the settings, which placed file
    6-publish/placed-<digest>.arrow     id, group and split of every row

A row that was released keeps its split and its file. Other shares or another seed begin anew.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

import pyarrow as pa

from pipeline.publish.split import NOTHING, Placement
from pipeline.publish.split import released as read_placed
from pipeline.recipe.publish import PublishSettings
from pipeline.store.files import FileMark, mark_record
from pipeline.store.store import Store

RECORD = "released.json"


@dataclass(frozen=True)
class Released:
    """placed: its rows by id. counts: files of each split."""

    placed: Placement = NOTHING
    counts: Mapping[str, int] = field(default_factory=dict)


def read(output: Store, settings: PublishSettings, seed: int) -> Released:
    """What the last publish into this folder has kept; nothing where it split otherwise. Raises
    DamagedFile."""
    record = cast("dict[str, Any] | None", output.read_record(RECORD))
    if record is None or record["splits"] != _splits(settings, seed):
        return Released()
    table = output.arrow(record["file"], FileMark(**record["mark"]))
    return Released(read_placed(table), record["counts"])


def write(output: Store, settings: PublishSettings, seed: int, now: Released) -> None:
    """Keep it for the next publish. The record is written last: until then the old one holds."""
    table = now.placed.table()
    name = f"placed-{_digest(table)}.arrow"
    mark = output.write_arrow(name, table)
    splits = _splits(settings, seed)
    record = {"splits": splits, "counts": now.counts, "file": name, "mark": mark_record(mark)}
    output.write_record(RECORD, record)
    for other in output.listing():
        if other.startswith("placed-") and other != name:
            output.remove_file(other)


def _digest(table: pa.Table) -> str:
    """Names what a table of numbers holds."""
    found = hashlib.blake2b(digest_size=12)
    for column in table.columns:
        found.update(column.to_numpy().tobytes())
    return found.hexdigest()


def _splits(settings: PublishSettings, seed: int) -> dict[str, float]:
    return {"test": settings.test, "validation": settings.validation, "seed": seed}
