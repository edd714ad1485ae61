"""ChatGPT, exported as `conversations.json`, and shared conversations: a tree of messages.

{"title": "Tea", "current_node": "a1", "mapping": {
    "r": {"id": "r", "message": null, "parent": null, "children": ["u1"]},
    "u1": {"id": "u1", "parent": "r", "children": ["a1"], "message": {
        "author": {"role": "user"}, "content": {"content_type": "text", "parts": ["Which tea?"]}}},
    "a1": {"id": "a1", "parent": "u1", "children": [], "message": {
        "author": {"role": "assistant"}, "metadata": {"model_slug": "gpt-4o"},
        "content": {"content_type": "text", "parts": ["Darjeeling."]}}}}}

The conversation is the path to `current_node`, else to the newest message. Hidden messages, calls
of tools and their results, pictures and recordings are left out and counted; transcribed speech is
text. What the user has written about themselves is their persona; their instructions, the thoughts
of the model, its name and the times go to `extra`.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from pipeline.collect.shapes.common import branches
from pipeline.collect.shapes.common.branches import Node, Nodes, moment
from pipeline.collect.shapes.transcript import (
    About,
    Fields,
    Transcript,
    description,
    dict_of,
    dicts_of,
    id_field,
    list_of,
    record_id,
    rest,
    text_of,
)
from pipeline.conversation import Persona, Role

ABOUT = About("ChatGPT, exported", ("roles", "personas", "times", "alternatives"), private=True)

TREES = ("mapping", "linear_conversation")
IDS = ("conversation_id", "id")
ROLES: dict[str, Role] = {"user": "user", "assistant": "assistant", "system": "system"}
# types of content that the interface shows as a text of its own
CONTEXTS = ("user_editable_context", "model_editable_context")
THOUGHTS = ("thoughts", "reasoning_recap")
TOOLS = (
    "execution_output",
    "tether_quote",
    "tether_browsing_display",
    "tether_browsing_code",
    "system_error",
    "computer_output",
    "citable_code_output",
    "sonic_webpage",
)
ASSETS = {"image": "picture", "audio": "audio recording", "video": "video"}


def recognise(record: object) -> bool:
    if not isinstance(record, dict):
        return False
    tree = _tree(_inner(record))
    nodes = list(tree.values()) if isinstance(tree, dict) else tree
    return isinstance(nodes, list) and any(map(_is_node, nodes))


def _inner(record: Fields) -> Fields:
    """The conversation; that of a shared page is the `data` of a response."""
    data = record.get("data")
    return data if isinstance(data, dict) and _tree(data) else record


def _tree(record: Fields) -> object:
    return record.get("mapping") or record.get("linear_conversation")


def _is_node(node: object) -> bool:
    message = node.get("message") if isinstance(node, dict) else None
    return isinstance(message, dict) and "author" in message and "content" in message


def read(record: object) -> Iterator[Transcript]:
    fields = _inner(dict_of(record, "the record"))
    parts = _nodes(fields)
    nodes: Nodes = {key: _node(part, f"message {key}") for key, part in parts.items()}
    children = [list_of(part.get("children") or [], "children") for part in parts.values()]
    nodes = branches.in_order(nodes, chain.from_iterable(children))
    found = branches.read(nodes, record_id(fields, "current_node"))
    found.record = record_id(fields, *IDS)
    persona, instructions = _about_user(parts)
    if persona:
        found.personas = {"user": persona}
    extra = rest(fields, *TREES, "current_node", id_field(fields, *IDS))
    found.extra = {**extra, **instructions, **found.extra}
    yield found


def _nodes(record: Fields) -> dict[str, Fields]:
    """The nodes by id."""
    tree = _tree(record)
    if isinstance(tree, list):
        parts = dicts_of(tree, "linear_conversation", "node")
        keys = [record_id(part, "id") or str(number) for number, part in enumerate(parts)]
        linked = [
            {"parent": before} | part for before, part in zip([None, *keys], parts, strict=False)
        ]
        named = dict(zip(keys, linked, strict=True))
    else:
        tree = dict_of(tree, "mapping")
        named = {key: dict_of(part, f"node {key}") for key, part in tree.items()}
    return named


def _node(part: Fields, where: str) -> Node:
    parent = record_id(part, "parent")
    if not part.get("message"):
        return Node(parent)
    message = dict_of(part["message"], where)
    content, meta = _objects(message, "content", "metadata")
    time = moment(message.get("create_time"))
    reason = _no_message(message, str(content.get("content_type")), meta)
    if reason == "thought":
        about = branches.about(time, None, _thoughts(content))
        return Node(parent, None, about, (reason,), time)
    if reason:
        return Node(parent, None, {}, (reason,), time)
    texts, left_out = _texts(content, where)
    about = branches.about(time, meta.get("model_slug"), [])
    return branches.node(parent, (None, "\n".join(texts), _role(message, where)), about, left_out)


def _objects(message: Fields, *names: str) -> list[Fields]:
    """The objects under these names; {} where there is none."""
    return [dict_of(message.get(name) or {}, name) for name in names]


def _role(message: Fields, where: str) -> Role:
    [author] = _objects(message, "author")
    role = ROLES.get(str(author.get("role")))
    if role is None:
        raise ValueError(f"{where} has the role {author.get('role')!r}")
    return role


def _no_message(message: Fields, kind: str, meta: Fields) -> str | None:
    """What a message is that the interface does not show as one; None when it shows it."""
    [author] = _objects(message, "author")
    if kind in THOUGHTS:
        return "thought"
    if author.get("role") == "tool" or kind in TOOLS:
        return "result of a tool"
    if message.get("recipient") not in (None, "all"):
        return "tool call"
    hidden = meta.get("is_visually_hidden_from_conversation") or message.get("weight") == 0
    if hidden or kind in CONTEXTS:
        return "hidden message"
    return None


# --- the content of a message


def _texts(content: Fields, where: str) -> tuple[list[str], tuple[str, ...]]:
    """(the texts of a message, its pictures and recordings)"""
    if isinstance(content.get("parts"), list):
        parts = list_of(content["parts"], f"the parts of {where}")
        read = [_part(part, where) for part in parts]
        texts = [text for text, _ in read if text]
        return texts, tuple(asset for _, asset in read if asset)
    return [text_of(content.get("text"), f"the content of {where}")], ()


def _part(part: object, where: str) -> tuple[str, str | None]:
    """(text, "") of a part, or ("", what it is instead)"""
    if isinstance(part, str):
        return part, None
    fields = dict_of(part, f"a part of {where}")
    kind = str(fields.get("content_type"))
    if "text" in fields:  # transcribed speech
        return text_of(fields["text"], f"a part of {where}"), None
    for word, asset in ASSETS.items():
        if word in kind:
            return "", asset
    raise ValueError(f"a part of {where} is of the unknown type {kind}")


def _thoughts(content: Fields) -> list[str]:
    """Thoughts with their headings, and the sentence that sums them up ("Thought for 3s")."""
    thoughts = dicts_of(content.get("thoughts") or [], "thoughts", "thought")
    texts = [[one.get("summary"), one.get("content")] for one in thoughts]
    return [
        *filter(None, map(description, texts)),
        *filter(None, [description(content.get("content"))]),
    ]


# --- what the user has written about themselves


def _about_user(nodes: dict[str, Fields]) -> tuple[Persona | None, Fields]:
    """(the user's own words about themselves, {their instructions} for `extra`)"""
    profiles, instructions = [], []
    for part in nodes.values():
        [message] = _objects(part, "message")
        content, meta = _objects(message, "content", "metadata")
        [data] = _objects(meta, "user_context_message_data")
        profiles += [content.get("user_profile"), data.get("about_user_message")]
        instructions += [content.get("user_instructions"), data.get("about_model_message")]
    profile, wish = (
        next(filter(None, map(description, texts)), None) for texts in (profiles, instructions)
    )
    persona = Persona(description=profile) if profile else None
    return persona, {"instructions": wish} if wish else {}
