"""What `filter` has measured by each rule on every row that it read: the store inside its own.

.look/<key>.rules   of one part: ids, and (row, rule, value) of each finding
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.look.index import flat
from pipeline.look.index.columns import RowNumbers
from pipeline.look.index.extract import ids_of, lists
from pipeline.look.index.flat import AnyArray
from pipeline.store.store import Part, Store

FOLDER = "3-filter/measured"
STAGE = "filter"


@dataclass(frozen=True)
class MeasuredValues:
    """What a rule has measured: rows, each once, and the largest and smallest value of each."""

    rows: RowNumbers
    highest: AnyArray
    lowest: AnyArray


@dataclass(frozen=True)
class RuleValues:
    """ids: of all rows that `filter` has read, in order. by_rule: name → values."""

    ids: AnyArray
    by_rule: dict[str, MeasuredValues]


def rule_values(run: Path, index: Path) -> RuleValues | None:
    """None where nothing was measured. Raises DamagedFile."""
    store = Store(run, FOLDER)
    parts = store.parts()
    if not parts:
        return None
    found = [_of_part(store, part, index) for part in parts]
    ids = np.concatenate([file.arrays["id"] for file in found])
    names = sorted({name for file in found for name in _names(file)})
    return RuleValues(ids, {name: _joined(found, name) for name in names})


def _names(file: flat.FlatFile) -> list[str]:
    return cast("list[str]", file.head["rules"])


def _of_part(store: Store, part: Part, index: Path) -> flat.FlatFile:
    path = index / f"{part.mark.digest[:24]}.rules"
    known = flat.read(path)
    if known is not None:
        return known
    table = store.columns(part, ["id", "findings"])
    flat.write(path, *_written(table))
    made = flat.read(path)
    assert made is not None
    return made


def _written(table: pa.Table) -> tuple[dict[str, object], list[tuple[str, AnyArray]]]:
    findings = lists(table, "findings")
    own = pc.equal(findings.field("stage"), STAGE)
    known = pc.and_(own, pc.is_valid(findings.field("value")))
    places = np.flatnonzero(known.to_numpy(zero_copy_only=False))
    rules = pc.dictionary_encode(findings.field("rule").take(pa.array(places)))
    values = findings.field("value").take(pa.array(places)).to_numpy(zero_copy_only=False)
    arrays = [
        ("id", ids_of(table["id"])),
        ("row", findings.rows[places].astype(np.int32)),
        ("rule", rules.indices.to_numpy(zero_copy_only=False)),
        ("value", values),
    ]
    return {"rules": rules.dictionary.to_pylist()}, arrays


def _joined(files: Sequence[flat.FlatFile], name: str) -> MeasuredValues:
    """A rule's values over all parts: of several findings on a row the extreme ones."""
    rows, values, before = [], [], 0
    for file in files:
        names = _names(file)
        if name in names:
            own = np.flatnonzero(file.arrays["rule"] == names.index(name))
            rows.append(file.arrays["row"][own].astype(np.int64) + before)
            values.append(file.arrays["value"][own])
        before += len(file.arrays["id"])
    every = np.concatenate(rows)
    first = np.flatnonzero(np.diff(every, prepend=-1))
    each = np.concatenate(values)
    if not len(first):
        return MeasuredValues(every, each, each)
    return MeasuredValues(
        every[first], np.maximum.reduceat(each, first), np.minimum.reduceat(each, first)
    )
