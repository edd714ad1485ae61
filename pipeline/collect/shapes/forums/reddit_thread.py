"""A thread of Reddit as its own pages give it, with `.json` behind the address.

[{"kind": "Listing", "data": {"children": [{"kind": "t3", "data": {
    "id": "s1", "name": "t3_s1", "author": "ada", "title": "Is it open?", "selftext": ""}}]}},
 {"kind": "Listing", "data": {"children": [{"kind": "t1", "data": {
    "id": "c1", "name": "t1_c1", "parent_id": "t3_s1", "link_id": "t3_s1", "author": "ben",
    "body": "Until six.", "replies": ""}}]}}]

Read as in `forum`. Comments that the page did not load (`more`) are counted and left out.
"""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.collect.shapes.forums import forum
from pipeline.collect.shapes.transcript import (
    About,
    Fields,
    Place,
    Records,
    Transcript,
    Unread,
)

ABOUT = About("Reddit, a thread's own JSON", ("names", "times", "groups"))

NESTED = "replies"
NEEDED = (
    "id",
    "name",
    "author",
    "created_utc",
    "parent_id",
    "link_id",
    "body",
    "title",
    "selftext",
)


def recognise(head: list[object]) -> bool:
    parts: list[object] = []
    for record in head:
        parts += record if isinstance(record, list) else [record]
    return bool(parts) and all(map(_is_listing, parts))


def _is_listing(part: object) -> bool:
    return isinstance(part, dict) and part.get("kind") == "Listing" and "data" in part


def read(records: Records, place: Place) -> Iterator[tuple[int, Transcript | Unread]]:
    rows: list[tuple[int, object]] = []
    hidden = 0
    for number, record in records:
        if isinstance(record, Unread):
            yield number, record
        for kind, data in _posts(record):
            if kind == "more":
                hidden += 1
            elif kind in ("t1", "t3"):
                row = {name: data.get(name) for name in NEEDED if name in data}
                rows.append((len(rows) + 1, row))
    for number, found in forum.read(iter(rows), place):
        if isinstance(found, Transcript) and hidden:
            found.left_out = {**found.left_out, "list of comments that were not loaded": hidden}
            hidden = 0
        yield number, found


def _posts(record: object) -> Iterator[tuple[str, Fields]]:
    """(kind, post) of all posts in a listing, at any depth, above their answers."""
    waiting = [record]
    while waiting:
        part = waiting.pop()
        if isinstance(part, list):
            waiting += reversed(part)
        elif isinstance(part, dict) and isinstance(part.get("data"), dict):
            data = part["data"]
            if part.get("kind") == "Listing":
                waiting.append(data.get("children"))
            else:
                yield str(part.get("kind")), data
                waiting.append(data.get(NESTED))
