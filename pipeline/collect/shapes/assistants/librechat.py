"""LibreChat, exported conversations: messages that say whether the user wrote them.

{"conversationId": "c1", "title": "Tea", "options": {"promptPrefix": "You are Ada."}, "messages": [
    {"messageId": "u1", "parentMessageId": "00000000-0000-0000-0000-000000000000",
     "sender": "User", "isCreatedByUser": true, "text": "Which tea?", "children": [
        {"messageId": "a1", "parentMessageId": "u1", "sender": "GPT-4", "isCreatedByUser": false,
         "text": "Darjeeling.", "children": []}]}]}

The messages may be a list as well, without `children`. The conversation is the path to the newest
message. Thoughts, models and times go to `extra`; calls of tools, files and errors are left out and
counted.
"""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.collect.shapes.common import branches, shown
from pipeline.collect.shapes.common.branches import Node, moment
from pipeline.collect.shapes.common.parts import content_of
from pipeline.collect.shapes.transcript import (
    About,
    Fields,
    Transcript,
    dict_of,
    dicts_of,
    list_of,
    record_id,
    rest,
)
from pipeline.conversation import Role

ABOUT = About("LibreChat, exported", ("roles", "times", "alternatives"), private=True)

TREES = ("messages", "messagesTree")


def recognise(record: object) -> bool:
    if not isinstance(record, dict):
        return False
    messages = _place(record)
    return isinstance(messages, list) and any(map(_is_message, messages))


def _is_message(message: object) -> bool:
    return isinstance(message, dict) and "isCreatedByUser" in message


def _place(record: Fields) -> object:
    return next((record[name] for name in TREES if record.get(name)), None)


def read(record: object) -> Iterator[Transcript]:
    fields = dict_of(record, "the record")
    messages = list(_flat(dicts_of(_place(fields), "messages", "message")))
    nodes = branches.by_id(messages, ["messageId"], _node)
    found = branches.read(nodes, None)
    found.record = record_id(fields, "conversationId")
    options = fields.get("options")
    settings = options if isinstance(options, dict) else {}
    prompts = (one.get("promptPrefix") for one in (settings, fields))
    branches.with_prompt({"system": next(filter(None, prompts), None)}, found)
    extra = rest(fields, *TREES, "conversationId", "promptPrefix")
    found.extra = {**extra, **found.extra}
    yield found


def _flat(messages: list[Fields]) -> Iterator[Fields]:
    """The messages of a tree, parents before their children."""
    waiting = messages[::-1]
    while waiting:
        message = waiting.pop()
        yield message
        children = dicts_of(message.get("children") or [], "children", "child")
        parent = record_id(message, "messageId")
        waiting += [{"parentMessageId": parent} | child for child in children[::-1]]


def _node(message: Fields, where: str) -> Node:
    by_user = message.get("isCreatedByUser")
    if not isinstance(by_user, bool):
        raise ValueError(f"{where} does not say whether the user wrote it")
    role: Role = "user" if by_user else "assistant"
    content = content_of(message.get("content") or [], where)
    text = "\n".join(content.texts) or str(message.get("text") or "")
    files = ["file" for _ in list_of(message.get("files") or [], "files")]
    parent = record_id(message, "parentMessageId")
    time = moment(message.get("createdAt"))
    if message.get("error"):
        return Node(parent, None, {}, ("error",), time)
    if shown.why_not(message):
        return Node(parent, None, {}, (shown.why_not(message) or "",), time)
    known = branches.about(time, message.get("model"), content.thoughts)
    return branches.node(parent, (None, text, role), known, [*content.left_out, *files])
