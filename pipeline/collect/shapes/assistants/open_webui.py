"""Open WebUI, exported chats: a tree of messages under `history`.

{"id": "c1", "title": "Tea", "chat": {"params": {"system": "You are Ada."}, "history": {
    "currentId": "a1", "messages": {
        "u1": {"id": "u1", "parentId": null, "childrenIds": ["a1"], "role": "user",
               "content": "Which tea?", "timestamp": 1714000000},
        "a1": {"id": "a1", "parentId": "u1", "childrenIds": [], "role": "assistant",
               "content": "Darjeeling.", "model": "llama3:8b"}}}}}

The conversation is the path to `currentId`. The program writes thoughts and calls of tools into the
text, as `<details type="reasoning">`: the thoughts go to `extra`, as do models and times; the calls
and files are left out and counted. Older exports have a list `messages` and no `history`.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from itertools import chain

from pipeline.collect.shapes.common import branches, shown
from pipeline.collect.shapes.common.branches import Node, moment
from pipeline.collect.shapes.common.parts import content_of
from pipeline.collect.shapes.transcript import (
    ROLE_WORDS,
    About,
    Fields,
    Transcript,
    dict_of,
    dicts_of,
    list_of,
    record_id,
    rest,
)

ABOUT = About("Open WebUI, exported", ("roles", "times", "alternatives"), private=True)

DETAILS = re.compile(r'<details type="(\w+)"[^>]*>(.*?)</details>\s*', re.S)
SUMMARY = re.compile(r"<summary>.*?</summary>", re.S)
USED = ("history", "messages", "params", "system")


def recognise(record: object) -> bool:
    return isinstance(record, dict) and any(map(_is_message, _messages(record)))


def _is_message(one: object) -> bool:
    return isinstance(one, dict) and "role" in one and "content" in one


def _chat(record: Fields) -> Fields:
    chat = record.get("chat")
    return chat if isinstance(chat, dict) else record


def _messages(record: Fields) -> list[object]:
    """The messages of the tree, else those of the list."""
    chat = _chat(record)
    history = chat.get("history")
    tree = history.get("messages") if isinstance(history, dict) else None
    if isinstance(tree, dict) and tree:
        return list(tree.values())
    listed = chat.get("messages") if chat is not record else None
    return listed if isinstance(listed, list) else []


def read(record: object) -> Iterator[Transcript]:
    fields = dict_of(record, "the record")
    chat = _chat(fields)
    messages = dicts_of(_messages(fields), "messages", "message")
    nodes = branches.by_id(messages, ["id"], _node)
    children = [list_of(one.get("childrenIds") or [], "childrenIds") for one in messages]
    history = chat.get("history")
    leaf = record_id(history, "currentId") if isinstance(history, dict) else None
    found = branches.read(branches.in_order(nodes, chain.from_iterable(children)), leaf)
    found.record = record_id(fields, "id")
    params = chat.get("params")
    prompts = (one.get("system") for one in (params, chat) if isinstance(one, dict))
    branches.with_prompt({"system": next(filter(None, prompts), None)}, found)
    found.extra = {**rest(fields, "id", "chat", *USED), **rest(chat, "id", *USED), **found.extra}
    yield found


def _node(message: Fields, where: str) -> Node:
    reason = shown.why_not(message)
    if reason:
        time = moment(message.get("timestamp"))
        return Node(record_id(message, "parentId"), None, {}, (reason,), time)
    return _shown_node(message, where)


def _shown_node(message: Fields, where: str) -> Node:
    role = ROLE_WORDS.get(str(message.get("role")).lower())
    if role is None:
        raise ValueError(f"{where} has the role {message.get('role')!r}")
    content = content_of(message.get("content"), where)
    text = "\n".join(content.texts)
    thoughts, calls = _details(text)
    files = ["file"] * len(list_of(message.get("files") or [], "files"))
    model = message.get("modelName") or message.get("model")
    known = branches.about(moment(message.get("timestamp")), model, content.thoughts + thoughts)
    turn = (None, DETAILS.sub("", text), role)
    parent = record_id(message, "parentId")
    return branches.node(parent, turn, known, content.left_out + calls + files)


def _details(text: str) -> tuple[list[str], list[str]]:
    """(the thoughts in a text, "tool call" for each of its calls)"""
    details = DETAILS.findall(text)
    thoughts = [_plain(inner) for kind, inner in details if kind == "reasoning"]
    return thoughts, ["tool call"] * (len(details) - len(thoughts))


def _plain(details: str) -> str:
    """The text inside `<details>`: without its heading and the marks of a quotation."""
    text = html.unescape(SUMMARY.sub("", details)).strip()
    return "\n".join(line.removeprefix("> ") for line in text.splitlines())
