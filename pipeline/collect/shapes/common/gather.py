"""Groups of table rows that belong together, in the order of the file: a sort on disk.

A table of any size fits, because SQLite holds the rows.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from itertools import chain, groupby, islice
from operator import itemgetter

from pipeline.collect.shapes.common.times import place_of
from pipeline.collect.shapes.transcript import Fields, Records, Unclear, Unread, as_json

SortKey = float | str | None  # of a row in its group; None before numbers, numbers before texts
Group = list[tuple[int, Fields]]  # (number in the file, row)

GROUPS = 50  # that show whether the key is one of conversations
# Groups in the order of their first rows; in a group numbers before texts, then as in the file.
QUERY = """
    select rows.number, rows.data, heads.first from rows join
        (select key, min(number) as first from rows group by key) as heads using (key)
    order by heads.first, rows.place, rows.number
"""


def gathered(
    records: Records, key: str | None, order: str | None
) -> Iterator[Group | tuple[int, Unread]]:
    """Rows with the same value of `key` as one group, ordered by `order`, else as in the file.

    Without a key all rows are one group. A row that cannot be read, or has no key, comes by itself
    as (number, Unread).
    """
    with sqlite3.connect("") as database:  # a temporary file, which SQLite removes when it closes
        database.execute(
            "create table rows (number integer primary key, key text, place, data blob)"
        )
        for number, row in records:
            if isinstance(row, dict) and _has_key(row, key):
                values = (number, *_stored(row, key, order))
                database.execute("insert into rows values (?, ?, ?, ?)", values)
            else:
                yield number, _problem(row, key)
        database.execute("create index by_key on rows (key)")
        for _, group in groupby(database.execute(QUERY), key=itemgetter(2)):
            yield [(number, json.loads(data)) for number, data, _ in group]
    database.close()


def gathered_by_id(
    records: Records, key: str | None, order: str | None, must_come_back: bool = True
) -> Iterator[Group | tuple[int, Unread]]:
    """Rows as in `gathered`. Unclear where the key is different in every row, and should not be."""
    groups = gathered(records, key, order)
    head = list(islice(groups, GROUPS))
    sizes = [len(group) for group in head if isinstance(group, list)]
    if key and must_come_back and len(sizes) > 1 and max(sizes) == 1:
        raise Unclear(f"`{key}` is different in every row: it is not the id of a conversation")
    yield from chain(head, groups)


def _stored(row: Fields, key: str | None, order: str | None) -> tuple[str, SortKey, str]:
    """The columns key, place and data."""
    name = str(row[key]) if key else ""
    place = _place(row.get(order)) if order else None
    return name, place, as_json(row)


def _has_key(row: Fields, key: str | None) -> bool:
    return not key or row.get(key) not in (None, "")


def _problem(row: object, key: str | None) -> Unread:
    if isinstance(row, Unread):
        return row
    if isinstance(row, dict):
        return Unread("record.unreadable", f"the row has no {key}", row)
    detail = f"a row is {type(row).__name__}, not an object"
    return Unread("record.unreadable", detail, row)


def _place(value: object) -> SortKey:
    """A number where the value is one or a time, so that 10 comes after 9; else its text."""
    place = place_of(value)
    if place is None and value is not None:
        return str(value)
    return place
