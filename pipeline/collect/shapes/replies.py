"""Message trees as flat rows, one message a row with its parent: OASST as it stands on the Hub.

{"message_id": "m2", "parent_id": "t1", "message_tree_id": "t1", "role": "assistant", "text": "Darjeeling.", "rank": 0}

Rows of a tree are brought together and read as in `tree`: the best path.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from pipeline.collect.shapes import tree
from pipeline.collect.shapes.gather import Rows, gathered
from pipeline.collect.shapes.talk import Talk, Unread

COLUMNS = {"message_id", "parent_id", "message_tree_id", "text", "role"}


def recognise(rows: list[dict[str, Any]]) -> bool:
    return rows[0].keys() >= COLUMNS


def read(records: Iterable[tuple[int, Any]], sample: list[dict[str, Any]]) -> Iterator[tuple[int, Talk | Unread]]:
    for group in gathered(records, "message_tree_id", None):
        if isinstance(group, tuple):
            yield group
        else:
            yield group[0][0], _talk(group)


def _talk(rows: Rows) -> Talk | Unread:
    nodes = {row.get("message_id"): {**row, "replies": []} for _, row in rows}
    for node in nodes.values():
        if node.get("parent_id") in nodes:
            nodes[node["parent_id"]]["replies"].append(node)
    root = next((node for node in nodes.values() if not node.get("parent_id")), None)
    if root is None:
        return Unread("the tree has no first message", [row for _, row in rows])
    try:
        return replace(next(tree.read({"prompt": root})), merged=len(rows) - 1)
    except ValueError as error:
        return Unread(str(error), [row for _, row in rows])
