"""Message trees as flat rows, one message a row with its parent: OASST as it stands on the Hub.

{"message_id": "m2", "parent_id": "t1", "message_tree_id": "t1", "role": "assistant", "text": "Darjeeling.", "rank": 0}

Rows of a tree are brought together and read as in `tree`, the best path; or by `shape: leaves`, every path.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from pipeline.collect.shapes import tree
from pipeline.collect.shapes.gather import Rows, gathered
from pipeline.collect.shapes.talk import Talk, Unread

COLUMNS = {"message_id", "parent_id", "message_tree_id", "text", "role"}


def recognise(rows: list[dict[str, Any]]) -> bool:
    return rows[0].keys() >= COLUMNS


def read(
    records: Iterable[tuple[int, Any]], sample: list[dict[str, Any]], options: Mapping[str, Any]
) -> Iterator[tuple[int, Talk | Unread]]:
    for number, root, rows in trees(records):
        try:
            yield (
                number,
                root
                if isinstance(root, Unread)
                else replace(next(tree.read(root)), merged=len(rows) - 1),
            )
        except ValueError as error:
            yield number, Unread(str(error), rows)


def trees(records: Iterable[tuple[int, Any]]) -> Iterator[tuple[int, Any, list[Any]]]:
    """(number of the first row, the tree that the rows make or Unread, the rows)"""
    for group in gathered(records, "message_tree_id", None):
        if isinstance(group, tuple):
            yield *group, [group[1].raw]
        else:
            yield group[0][0], _tree(group), [row for _, row in group]


def _tree(rows: Rows) -> dict[str, Any] | Unread:
    nodes = {row.get("message_id"): {**row, "replies": []} for _, row in rows}
    for node in nodes.values():
        if node.get("parent_id") in nodes:
            nodes[node["parent_id"]]["replies"].append(node)
    root = next((node for node in nodes.values() if not node.get("parent_id")), None)
    if root is None:
        return Unread("the tree has no first message", [row for _, row in rows])
    return {"message_tree_id": root["message_tree_id"], "prompt": root}
