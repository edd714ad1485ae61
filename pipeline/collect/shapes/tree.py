"""Message trees with ranks, as in OASST: one talk a tree, along the best path.

{"message_tree_id": "t1", "prompt": {"message_id": "t1", "role": "prompter", "text": "Which tea is best?", "replies": [
    {"message_id": "m2", "role": "assistant", "text": "Darjeeling.", "rank": 0, "replies": []},
    {"message_id": "m3", "role": "assistant", "text": "Any.", "rank": 1, "replies": []}]}}

The best path takes at every branch the reply of the lowest rank (unranked ones last, then the first). Deleted messages
and those that failed review are not walked. `shape: leaves` gives one talk per leaf instead. A tree is one group.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pipeline.collect.shapes.talk import (
    ROLE_WORDS,
    Talk,
    Turn,
    dict_of,
    list_of,
    record_id,
    rest,
    text_of,
)

Node = dict[str, Any]


def recognise(record: Any) -> bool:
    root = _root(record)
    return root is not None and isinstance(root.get("replies"), list) and "text" in root


def read(record: Any) -> Iterator[Talk]:
    root = root_of(record)
    path = [root]
    while replies := standing(path[-1]):
        path.append(min(replies, key=_rank))
    yield talk(path, record)


def root_of(record: Any) -> Node:
    return _root(dict_of(record, "the record")) or dict_of(record, "the record")


def standing(node: Node) -> list[Node]:
    """The replies that were neither deleted nor refused in review."""
    replies = [dict_of(r, "a reply") for r in list_of(node.get("replies") or [], "replies")]
    return [r for r in replies if not r.get("deleted") and r.get("review_result") is not False]


def talk(path: list[Node], record: Node) -> Talk:
    """The talk along a path; the rank and the labels of its messages go to `extra`."""
    tree = record_id(record, "message_tree_id") or record_id(path[0], "message_id", "id")
    said = [rest(node, "text", "role", "replies", "parent_id") for node in path]
    extra = {**rest(record, "prompt", *path[0]), "path": said}
    return Talk(
        [_turn(node, n) for n, node in enumerate(path, 1)], record=tree, group=tree, extra=extra
    )


def _turn(node: Node, number: int) -> Turn:
    role = node.get("role")
    known = ROLE_WORDS.get(role.lower()) if isinstance(role, str) else None
    return (
        None if known else str(role),
        text_of(node.get("text"), f"the text of message {number}"),
        known,
    )


def _rank(node: Node) -> float:
    rank = node.get("rank")
    return rank if isinstance(rank, int | float) else float("inf")


def _root(record: Any) -> Node | None:
    if not isinstance(record, dict):
        return None
    root = record.get("prompt", record)
    return root if isinstance(root, dict) else None
