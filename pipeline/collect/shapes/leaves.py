"""Message trees as in `tree` and `replies`, one talk per leaf: every path from the root to a last reply.

{"message_tree_id": "t1", "prompt": {"message_id": "t1", "role": "prompter", "text": "Which tea is best?", "replies": [
    {"message_id": "m2", "role": "assistant", "text": "Darjeeling.", "rank": 0, "replies": []},
    {"message_id": "m3", "role": "assistant", "text": "Any.", "rank": 1, "replies": []}]}}

Only by name (`shape: leaves`): the paths of a tree share their beginnings, so they are one group for the split, and
`dedup` may send most of them away.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from pipeline.collect.shapes import replies
from pipeline.collect.shapes.talk import Talk, Unread, record_id
from pipeline.collect.shapes.tree import Node, root_of, standing, talk


def recognise(rows: list[dict[str, Any]]) -> bool:
    return False


def read(
    records: Iterable[tuple[int, Any]], sample: list[dict[str, Any]], options: Mapping[str, Any]
) -> Iterator[tuple[int, Talk | Unread]]:
    flat = bool(sample) and replies.recognise(sample)
    for number, root, rows in (
        replies.trees(records) if flat else ((n, record, record) for n, record in records)
    ):
        try:
            talks = (
                [root]
                if isinstance(root, Unread)
                else [_talk(path, root, flat) for path in _paths(root_of(root))]
            )
        except ValueError as error:
            talks = [Unread(str(error), rows)]
        yield from ((number, talk) for talk in talks)


def _talk(path: list[Node], root: Node, flat: bool) -> Talk:
    own = record_id(path[-1], "message_id", "id")
    return replace(talk(path, root), record=own, merged=len(path) - 1 if flat else 0)


def _paths(root: Node) -> Iterator[list[Node]]:
    waiting = [[root]]
    while waiting:
        path = waiting.pop()
        below = standing(path[-1])
        waiting += [[*path, reply] for reply in reversed(below)]
        if not below:
            yield path
