"""Rows that belong together, brought together: a sort on disk, so that a table of any size fits."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Any

from pipeline.collect.shapes.talk import Unread, as_json

Rows = list[tuple[int, dict[str, Any]]]


def gathered(
    records: Iterable[tuple[int, Any]], key: str | None, order: str | None
) -> Iterator[Rows | tuple[int, Unread]]:
    """Rows with the same `key`, in the order of `order` (numbers before texts), else of the file.

    Without a key all rows are one group. A row that cannot be read, or has no key, comes by itself as (number, Unread).
    """
    with sqlite3.connect("") as store:  # a temporary file of SQLite's own, gone when closed
        store.execute("create table rows (number integer primary key, key text, place, data blob)")
        for number, row in records:
            problem = _problem(row, key)
            if problem:
                yield number, problem
                continue
            place = _place(row.get(order)) if order else None
            name = str(row[key]) if key else ""
            store.execute(
                "insert into rows values (?, ?, ?, ?)", (number, name, place, as_json(row))
            )
        store.execute("create index by_key on rows (key)")
        query = """select rows.number, rows.data, heads.first from rows join
            (select key, min(number) as first from rows group by key) as heads using (key)
            order by heads.first, rows.place, rows.number"""
        for _, group in groupby(store.execute(query), key=lambda row: row[2]):
            yield [(number, json.loads(data)) for number, data, _ in group]
    store.close()


def _problem(row: Any, key: str | None) -> Unread | None:
    if isinstance(row, Unread):
        return row
    if not isinstance(row, dict):
        return Unread(f"a row is {type(row).__name__}, not an object", row)
    return Unread(f"the row has no {key}", row) if key and row.get(key) in (None, "") else None


def _place(value: Any) -> float | str | None:
    try:
        return float(value)
    except (TypeError, ValueError):
        return str(value) if value is not None else None
