"""Message trees with ranks, as in OASST: one conversation a tree, along the best path.

{"message_tree_id": "t1", "prompt": {
    "message_id": "t1", "role": "prompter", "text": "Which tea is best?", "replies": [
        {"message_id": "m2", "role": "assistant", "text": "Darjeeling.", "rank": 0, "replies": []},
        {"message_id": "m3", "role": "assistant", "text": "Any.", "rank": 1, "replies": []}]}}

The best path takes at every branch the reply of the lowest rank (unranked ones last, then the
first). It leaves out messages that were deleted or that failed review. `shape: leaves` gives one
conversation per leaf instead. A tree is one group.
"""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.collect.shapes.transcript import (
    ROLE_WORDS,
    About,
    Fields,
    Transcript,
    Turn,
    dict_of,
    list_of,
    record_id,
    rest,
    text_of,
)

ABOUT = About("message trees with ranks: OASST", ("roles", "groups"))


def recognise(record: object) -> bool:
    if not isinstance(record, dict):
        return False
    root = record.get("prompt", record)
    return isinstance(root, dict) and isinstance(root.get("replies"), list) and "text" in root


def read(record: object) -> Iterator[Transcript]:
    tree = dict_of(record, "the record")
    path = [root_of(tree)]
    while replies := replies_of(path[-1]):
        path.append(min(replies, key=_rank))
    yield transcript_of(path, tree)


def root_of(tree: Fields) -> Fields:
    """The first message: under `prompt`, or the record itself."""
    root = tree.get("prompt", tree)
    if root and isinstance(root, dict):
        return root
    return tree


def replies_of(message: Fields) -> list[Fields]:
    """The replies to a message that were neither deleted nor rejected in review."""
    replies = list_of(message.get("replies") or [], "replies")
    objects = [dict_of(reply, "a reply") for reply in replies]
    return [reply for reply in objects if _is_valid(reply)]


def _is_valid(message: Fields) -> bool:
    return not message.get("deleted") and message.get("review_result") is not False


def _rank(message: Fields) -> float:
    rank = message.get("rank")
    # Unranked replies come last; `min` takes the first of equals.
    return rank if isinstance(rank, int | float) else float("inf")


def transcript_of(path: list[Fields], tree: Fields) -> Transcript:
    """The conversation along a path; ranks and labels of its messages go to `extra`."""
    own_id = record_id(tree, "message_tree_id") or record_id(path[0], "message_id", "id")
    further = [rest(message, "text", "role", "replies", "parent_id") for message in path]
    extra = rest(tree, "prompt", *path[0]) | {"path": further}
    turns = [_turn(message, number) for number, message in enumerate(path, 1)]
    return Transcript(turns, record=own_id, group=own_id, extra=extra)


def _turn(message: Fields, number: int) -> Turn:
    name = message.get("role")
    role = ROLE_WORDS.get(name.lower()) if isinstance(name, str) else None
    speaker = None if role else str(name)
    return speaker, text_of(message.get("text"), f"the text of message {number}"), role
