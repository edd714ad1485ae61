"""Message trees as flat rows, one message a row with its parent: OASST as it stands on the Hub.

{"message_id": "m2", "parent_id": "t1", "message_tree_id": "t1",
 "role": "assistant", "text": "Darjeeling.", "rank": 0}

Rows of a tree are gathered and read as in `tree`, along the best path; or by `shape: leaves`, along
every path.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from dataclasses import replace
from typing import NamedTuple

from pipeline.collect.shapes.common.gather import gathered
from pipeline.collect.shapes.general import tree
from pipeline.collect.shapes.transcript import (
    About,
    Fields,
    Records,
    Transcript,
    Unread,
    unreadable,
)

ABOUT = About("OASST as flat rows", ("roles", "groups"))

COLUMNS = {"message_id", "parent_id", "message_tree_id", "text", "role"}


class GatheredTree(NamedTuple):
    """A tree made of flat rows. number: of its first row. record: as shape `tree` reads it."""

    number: int
    record: Fields | Unread
    rows: list[object]


def recognise(rows: list[Fields]) -> bool:
    return rows[0].keys() >= COLUMNS


def read(
    records: Records, sample: list[Fields], options: Mapping[str, object]
) -> Iterator[tuple[int, Transcript | Unread]]:
    for gathered_tree in trees(records):
        yield gathered_tree.number, _read_tree(gathered_tree)


def _read_tree(found: GatheredTree) -> Transcript | Unread:
    if isinstance(found.record, Unread):
        return found.record
    try:
        [transcript] = tree.read(found.record)
    except ValueError as error:
        return unreadable(error, found.rows)
    return replace(transcript, merged=len(found.rows) - 1)


def trees(records: Records) -> Iterator[GatheredTree]:
    for group in gathered(records, "message_tree_id", None):
        if isinstance(group, tuple):
            number, unread = group
            yield GatheredTree(number, unread, [unread.raw])
        else:
            rows = [row for _, row in group]
            yield GatheredTree(group[0][0], _tree(rows), [*rows])


def _tree(rows: list[Fields]) -> Fields | Unread:
    """The rows as one nested record; those whose parent is missing are left out."""
    if not all(isinstance(row.get("message_id"), Hashable) for row in rows):
        return Unread("record.unreadable", "a message_id is a list or an object", rows)
    children: dict[object, list[Fields]] = {row.get("message_id"): [] for row in rows}
    nodes = {row.get("message_id"): row | {"replies": []} for row in rows}
    for node in nodes.values():
        parent = node.get("parent_id")
        # A first message is not a child, not even of a message that has no id either.
        if parent and isinstance(parent, Hashable):
            children.get(parent, []).append(node)
    for name, node in nodes.items():
        node["replies"] = children[name]
    root = next((node for node in nodes.values() if not node.get("parent_id")), None)
    if root is None:
        return Unread("record.unreadable", "the tree has no first message", rows)
    return {"message_tree_id": root["message_tree_id"], "prompt": root}
