"""Message trees as in `tree` and `replies`: every path from the root to a last reply.

{"message_tree_id": "t1", "prompt": {
    "message_id": "t1", "role": "prompter", "text": "Which tea is best?", "replies": [
        {"message_id": "m2", "role": "assistant", "text": "Darjeeling.", "rank": 0, "replies": []},
        {"message_id": "m3", "role": "assistant", "text": "Any.", "rank": 1, "replies": []}]}}

Only by name (`shape: leaves`): the paths of a tree share their beginnings, so they are one group
for the split, and `dedup` may drop most of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from pipeline.collect.shapes.general import replies
from pipeline.collect.shapes.general.tree import replies_of, root_of, transcript_of
from pipeline.collect.shapes.transcript import (
    About,
    Fields,
    Records,
    Transcript,
    Unread,
    dict_of,
    record_id,
    unreadable,
)

ABOUT = About("message trees, every path", ("roles", "groups"))


def recognise(rows: list[Fields]) -> bool:
    return False


def read(
    records: Records, sample: list[Fields], options: Mapping[str, object]
) -> Iterator[tuple[int, Transcript | Unread]]:
    if sample and replies.recognise(sample):
        for tree in replies.trees(records):
            for found in _read_tree(tree.record, tree.rows, is_flat=True):
                yield tree.number, found
    else:
        for number, record in records:
            for found in _read_tree(record, record, is_flat=False):
                yield number, found


def _read_tree(record: object, raw: object, is_flat: bool) -> list[Transcript | Unread]:
    """The paths of one tree; is_flat: each of its messages was a record of its own."""
    if isinstance(record, Unread):
        return [record]
    try:
        tree = dict_of(record, "the record")
        return [_read_path(path, tree, is_flat) for path in _paths(root_of(tree))]
    except ValueError as error:
        return [unreadable(error, raw)]


def _read_path(path: list[Fields], tree: Fields, is_flat: bool) -> Transcript:
    own = record_id(path[-1], "message_id", "id")
    merged = len(path) - 1 if is_flat else 0
    return replace(transcript_of(path, tree), record=own, merged=merged)


def _paths(root: Fields) -> Iterator[list[Fields]]:
    waiting = [[root]]
    while waiting:
        path = waiting.pop()
        below = replies_of(path[-1])
        waiting += [[*path, reply] for reply in reversed(below)]
        if not below:
            yield path
