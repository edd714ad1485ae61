"""Message trees as in `tree`, one talk per leaf: every path from the root to a last reply.

Only by name (`shape: leaves`): the paths of a tree share their beginnings, so they are one group for the split, and
`dedup` may send most of them away.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from pipeline.collect.shapes.talk import Talk, record_id
from pipeline.collect.shapes.tree import Node, root_of, standing, talk


def recognise(record: Any) -> bool:
    return False


def read(record: Any) -> Iterator[Talk]:
    for path in _paths([root_of(record)]):
        yield replace(talk(path, record), record=record_id(path[-1], "message_id", "id"))


def _paths(path: list[Node]) -> Iterator[list[Node]]:
    replies = standing(path[-1])
    if not replies:
        yield path
    for reply in replies:
        yield from _paths([*path, reply])
