"""DeepSeek, exported as `conversations.json`: a tree of messages made of fragments.

{"id": "c1", "title": "Tea", "mapping": {
    "root": {"id": "root", "parent": null, "children": ["1"], "message": null},
    "1": {"id": "1", "parent": "root", "children": ["2"], "message": {
        "fragments": [{"type": "REQUEST", "content": "Which tea?"}]}},
    "2": {"id": "2", "parent": "1", "children": [], "message": {
        "model": "deepseek-reasoner", "inserted_at": "2025-05-01T10:00:00+08:00", "fragments": [
            {"type": "THINK", "content": "Black or green?"},
            {"type": "RESPONSE", "content": "Darjeeling."}]}}}}

The conversation is the path to the newest message. Thoughts, models and times go to `extra`;
searches and files are left out and counted.
"""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.collect.shapes.common import branches
from pipeline.collect.shapes.common.branches import Node, moment
from pipeline.collect.shapes.transcript import (
    About,
    Fields,
    Transcript,
    dict_of,
    dicts_of,
    list_of,
    record_id,
    rest,
    text_of,
)
from pipeline.conversation import Role

ABOUT = About("DeepSeek, exported", ("roles", "times", "alternatives"), private=True)

OTHERS = {"SEARCH": "tool call", "READ_LINK": "tool call", "TIP": "notice"}


def recognise(record: object) -> bool:
    tree = record.get("mapping") if isinstance(record, dict) else None
    return isinstance(tree, dict) and any(map(_is_node, tree.values()))


def _is_node(node: object) -> bool:
    message = node.get("message") if isinstance(node, dict) else None
    return isinstance(message, dict) and "fragments" in message


def read(record: object) -> Iterator[Transcript]:
    fields = dict_of(record, "the record")
    tree = dict_of(fields.get("mapping"), "mapping")
    nodes = {key: _node(dict_of(one, key), f"message {key}") for key, one in tree.items()}
    found = branches.read(nodes, None)
    found.record = record_id(fields, "id")
    found.extra = {**rest(fields, "id", "mapping"), **found.extra}
    yield found


def _node(part: Fields, where: str) -> Node:
    parent = record_id(part, "parent")
    if not part.get("message"):
        return Node(parent)
    message = dict_of(part["message"], where)
    texts = _texts(message, where)
    time = moment(message.get("inserted_at"))
    known = branches.about(time, message.get("model"), texts.pop("THINK", []))
    asked, answered = texts.pop("REQUEST", []), texts.pop("RESPONSE", [])
    role: Role = "user" if asked else "assistant"
    left_out = ["file" for _ in list_of(message.get("files") or [], "files")]
    left_out += [_other(kind, where) for kind in texts]
    return branches.node(parent, (None, "\n".join(asked + answered), role), known, left_out)


def _texts(message: Fields, where: str) -> dict[str, list[str]]:
    """The texts of a message's fragments by their type."""
    texts: dict[str, list[str]] = {}
    for fragment in dicts_of(message.get("fragments"), f"the fragments of {where}", "fragment"):
        kind = str(fragment.get("type"))
        texts.setdefault(kind, []).append(text_of(fragment.get("content") or "", where))
    return texts


def _other(kind: str, where: str) -> str:
    other = OTHERS.get(kind)
    if other is None:
        raise ValueError(f"{where} holds a fragment of the unknown type {kind}")
    return other
