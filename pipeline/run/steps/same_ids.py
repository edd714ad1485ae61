"""Ids that more than one row has: rows of other runs bring theirs, and the same may come twice.

Two rows with one id could not be kept apart by any later stage. The first row keeps it; a later
one gets an id of its own and an edit that names the old one. Such rows are not put into quarantine,
for two runs may give one id to different conversations; equal ones are for `dedup`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import count

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.conversation import Conversation, Row, identity
from pipeline.store.store import Store

Taken = dict[str, bool]  # id that comes back → whether a row of an earlier unit has it


def repeated(store: Store) -> dict[str, Taken]:
    """Unit → the ids that its rows have and other rows before them as well."""
    columns = [
        (part.name.partition("-")[0], store.columns(part, ["id"]).column("id"))
        for part in store.parts()
    ]
    every = pa.chunked_array([chunk for _, ids in columns for chunk in ids.chunks], pa.string())
    counts = every.value_counts()
    several = counts.field("values").filter(pc.greater(counts.field("counts"), 1))
    found: defaultdict[str, Taken] = defaultdict(dict)
    holders: dict[str, str] = {}  # id → the unit of the first row that has it
    for unit, ids in columns:
        for name in ids.filter(pc.is_in(ids, several)).to_pylist():
            if name in holders:
                found[unit][name] = holders[name] != unit
            holders.setdefault(name, unit)
    return dict(found)


def renewed(rows: Iterable[Row], taken: Taken, source: str) -> Iterator[Row]:
    """The rows of a unit; those whose id is taken, or has come before, with new ids."""
    held = {name for name, by_earlier in taken.items() if by_earlier}
    for number, row in zip(count(1), rows, strict=False):
        if not isinstance(row, Conversation) or row.id not in taken:
            yield row
            continue
        new = row
        while new.id in held:
            new = replace(new, id=identity(new.id, f"{source} {number}"))
        held.add(row.id)
        edit = f"collect: new id, {row.id} is the id of an earlier row"
        yield row if new is row else replace(new, edits=(*row.edits, edit))
