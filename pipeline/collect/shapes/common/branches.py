"""Conversations that are kept as trees: whoever asks again or edits a question opens a branch.

    question ─┬─ answer                                the conversation is the path to the message
              └─ another answer ── thanks ── you …     that was shown last; other texts in the place
                                                       of a message are its alternatives

A node without a turn (hidden, a tool's) belongs to the path and is no message.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from pipeline.collect.shapes.common import beside
from pipeline.collect.shapes.transcript import (
    Fields,
    Transcript,
    Turn,
    if_any,
    list_of,
    record_id,
)
from pipeline.conversation import Alternative

ROOT = "00000000-0000-"  # how the parent of a first message begins in some exports
MILLISECONDS = 1e11  # a larger number does not count seconds since 1970

Nodes = Mapping[str, "Node"]  # by id; the children of a node in the order of the source


@dataclass(frozen=True, slots=True)
class Node:
    """A message of a tree, or a place in it without one.

    parent: its id. about: model, time and the like, for `extra`. left_out: what is no message here.
    """

    parent: str | None
    turn: Turn | None = None
    about: Fields = field(default_factory=dict)
    left_out: tuple[str, ...] = ()
    time: dt.datetime | None = None


def read(nodes: Nodes, leaf: str | None) -> Transcript:
    """The conversation that ends with the message `leaf`, else with the newest one.

    ValueError where the tree has no beginning.
    """
    children = _children(nodes)
    path = _path(nodes, leaf if leaf in nodes else _newest(nodes, children))
    visible = [key for key in path if nodes[key].turn]
    others = _others(nodes, children, visible)
    abouts = [nodes[key].about for number in others for key in others[number]]
    further = if_any("turns", _abouts(nodes, path))
    return Transcript(
        [turn for key in visible if (turn := nodes[key].turn)],
        alternatives=tuple(_alternatives(nodes, visible, others)),
        extra=further | if_any("alternatives", abouts),
        left_out=_left_out(nodes, {*visible, *(key for keys in others.values() for key in keys)}),
    )


def _abouts(nodes: Nodes, path: list[str]) -> list[Fields]:
    """What is known of the messages; thoughts without a text belong to the message after them."""
    found = []
    thoughts: list[object] = []
    for node in map(nodes.__getitem__, path):
        if node.turn is None:
            thoughts += list_of(node.about.get("thoughts", []), "thoughts")
        elif node.turn[2] == "assistant" and thoughts:
            own = list_of(node.about.get("thoughts", []), "thoughts")
            found.append(node.about | {"thoughts": thoughts + own})
            thoughts = []
        else:
            found.append(node.about)
    return found


def _path(nodes: Nodes, leaf: str | None) -> list[str]:
    """The ids from the first message to the leaf."""
    path: dict[str, None] = {}
    at = leaf
    while at is not None and at in nodes:
        if at in path:
            raise ValueError(f"message {at} follows itself")
        path[at] = None
        at = nodes[at].parent
    if at and not at.startswith(ROOT):
        raise ValueError(f"the message {at}, to which others belong, is missing")
    return list(path)[::-1]


def _children(nodes: Nodes) -> dict[str | None, list[str]]:
    """The ids of children by parent; the first messages are those of None."""
    below: dict[str | None, list[str]] = {}
    for key, node in nodes.items():
        parent = node.parent if node.parent in nodes else None
        below.setdefault(parent, []).append(key)
    return below


def _newest(nodes: Nodes, below: Mapping[str | None, list[str]]) -> str | None:
    """The leaf of the latest time; of those without a time the last."""
    leaves = [key for key in nodes if key not in below]
    times = [(nodes[key].time or dt.datetime.min, number) for number, key in enumerate(leaves)]
    return leaves[max(times)[1]] if leaves else None


def _others(
    nodes: Nodes, below: Mapping[str | None, list[str]], visible: list[str]
) -> dict[int, list[str]]:
    """Number of a message → all messages that stand in its place, itself among them."""
    found = {}
    before: str | None = None
    for number, key in enumerate(visible):
        role = _role(nodes[key])
        same = [one for one in _next(nodes, below, before) if _role(nodes[one]) == role]
        if len(same) > 1:
            found[number] = same
        before = key
    return found


def _role(node: Node) -> object:
    return node.turn and node.turn[2]


def _next(nodes: Nodes, below: Mapping[str | None, list[str]], start: str | None) -> Iterator[str]:
    """The first messages below a node, on all branches, in the order of the source."""
    waiting = below.get(start, [])[::-1]
    while waiting:
        key = waiting.pop()
        if nodes[key].turn:
            yield key
        else:
            waiting += below.get(key, [])[::-1]


def _alternatives(
    nodes: Nodes, visible: list[str], others: Mapping[int, list[str]]
) -> Iterator[Alternative]:
    for number, keys in others.items():
        for key in keys:
            turn = nodes[key].turn
            if turn:
                yield Alternative(number, turn[1], "branch", key == visible[number])


def _left_out(nodes: Nodes, used: set[str]) -> Mapping[str, int]:
    """All that is in the tree and neither a message nor an alternative."""
    counts = Counter(what for node in nodes.values() for what in node.left_out)
    counts["message of another branch"] = sum(
        1 for key, node in nodes.items() if node.turn and key not in used
    )
    return {what: count for what, count in counts.items() if count}


def moment(value: object) -> dt.datetime | None:
    """The time in UTC of an ISO date or a number, of seconds or milliseconds since 1970."""
    try:
        if isinstance(value, str):
            time = dt.datetime.fromisoformat(value)
            return time.astimezone(dt.UTC).replace(tzinfo=None) if time.tzinfo else time
        if isinstance(value, int | float) and not isinstance(value, bool):
            seconds = value / 1000 if abs(value) > MILLISECONDS else value
            return dt.datetime.fromtimestamp(seconds, dt.UTC).replace(tzinfo=None)
    except (ValueError, OverflowError, OSError):
        pass
    return None


def about(time: dt.datetime | None, model: object, thoughts: list[str]) -> Fields:
    """What is known of a message besides its text; only what has a value."""
    known = {"time": time and time.isoformat(" ", "seconds"), "model": model, "thoughts": thoughts}
    return {name: value for name, value in known.items() if value}


# --- nodes from messages


def node(parent: str | None, turn: Turn, known: Fields, left_out: Iterable[str] = ()) -> Node:
    """The node of a message; without a text it is no turn. known: as made by `about`."""
    time = moment(known.get("time"))
    if turn[1].strip():
        return Node(parent, turn, known, tuple(left_out), time)
    return Node(parent, None, known, tuple(left_out) or ("empty message",), time)


def by_id(
    messages: Sequence[Fields], ids: Sequence[str], read_one: Callable[[Fields, str], Node]
) -> Nodes:
    """The nodes of messages by their ids; each below the one before it where none has a parent.

    ids: names of the field with the id.
    """
    nodes: dict[str, Node] = {}
    for number, message in enumerate(messages, 1):
        key = record_id(message, *ids) or f"message {number}"
        if key in nodes:
            raise ValueError(f"message {number} has the id of another one, {key}")
        nodes[key] = read_one(message, f"message {number}")
    if any(one.parent for one in nodes.values()):
        return nodes
    before = zip([None, *nodes], nodes.items(), strict=False)
    return {key: replace(one, parent=parent) for parent, (key, one) in before}


def in_order(nodes: Nodes, children: Iterable[object]) -> Nodes:
    """The nodes, of which those among `children` stand in this order."""
    known = [child for child in children if isinstance(child, str) and child in nodes]
    return {key: nodes[key] for key in (*known, *nodes)}


def with_prompt(fields: Mapping[str, object], found: Transcript) -> tuple[str, ...]:
    """Give a transcript the system prompt and the personas that stand beside its messages.

    Returns the names of the fields that hold them.
    """
    around = beside.found(fields, found.turns)
    shift = len(around.turns) - len(found.turns)
    found.alternatives = tuple(
        one._replace(message=one.message + shift) for one in found.alternatives
    )
    further = found.extra.get("turns")
    if isinstance(further, list):
        found.extra = {**found.extra, "turns": [{}] * shift + further}
    found.turns, found.personas, found.group = around.turns, around.personas, around.group
    return around.used
