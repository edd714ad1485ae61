"""Claude, exported as `conversations.json`.

{"uuid": "c1", "name": "Tea", "chat_messages": [
    {"uuid": "m1", "sender": "human", "text": "Which tea?", "content": [
        {"type": "text", "text": "Which tea?"}], "attachments": [], "files": []},
    {"uuid": "m2", "sender": "assistant", "text": "Darjeeling.", "content": [
        {"type": "thinking", "thinking": "Black or green?"},
        {"type": "text", "text": "Darjeeling."}], "parent_message_uuid": "m1"}]}

Thoughts, times, and the texts of attachments go to `extra`; calls of tools and files are left out
and counted. A message that is nothing but a pasted text is that text. Where messages name their
parents, the conversation is the path to the newest message.
"""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.collect.shapes.common import branches
from pipeline.collect.shapes.common.branches import Node, moment
from pipeline.collect.shapes.common.parts import Content, content_of
from pipeline.collect.shapes.transcript import (
    About,
    Fields,
    Transcript,
    description,
    dict_of,
    dicts_of,
    if_any,
    record_id,
    rest,
)
from pipeline.conversation import Role

ABOUT = About("Claude, exported", ("roles", "times", "alternatives"), private=True)

SENDERS: dict[str, Role] = {"human": "user", "assistant": "assistant"}
INTERNAL = ("token_budget", "flag")  # parts that hold nothing of the conversation


def recognise(record: object) -> bool:
    messages = record.get("chat_messages") if isinstance(record, dict) else None
    return isinstance(messages, list) and any(map(_is_message, messages))


def _is_message(message: object) -> bool:
    return (
        isinstance(message, dict)
        and "sender" in message
        and not {"text", "content"}.isdisjoint(message)
    )


def read(record: object) -> Iterator[Transcript]:
    fields = dict_of(record, "the record")
    messages = dicts_of(fields.get("chat_messages"), "chat_messages", "message")
    nodes = branches.by_id(messages, ["uuid"], _node)
    found = branches.read(nodes, record_id(fields, "current_leaf_message_uuid"))
    found.record = record_id(fields, "uuid")
    found.extra = {**rest(fields, "uuid", "chat_messages"), **found.extra}
    yield found


def _node(message: Fields, where: str) -> Node:
    role = SENDERS.get(str(message.get("sender")))
    if role is None:
        raise ValueError(f"{where} is sent by {message.get('sender')!r}")
    content = _content(message, where)
    attached = dicts_of(message.get("attachments") or [], "attachments", "attachment")
    pasted = [text for one in attached if (text := description(one.get("extracted_content")))]
    text = _text(message, content) or "\n\n".join(pasted)
    left_out = [*content.left_out, *_files(message), *["attachment" for _ in attached if text]]
    time = moment(message.get("created_at"))
    known = branches.about(time, message.get("model"), content.thoughts)
    known |= if_any("attachments", attached)
    parent = record_id(message, "parent_message_uuid")
    return branches.node(parent, (None, text, role), known, left_out)


def _content(message: Fields, where: str) -> Content:
    parts = dicts_of(message.get("content") or [], f"the content of {where}", "part")
    return content_of([part for part in parts if part.get("type") not in INTERNAL], where)


def _text(message: Fields, content: Content) -> str:
    """The text as the export has it in one piece, where it holds what the parts hold."""
    text = str(message.get("text") or "")
    if not content.texts or "".join(text.split()) == "".join("".join(content.texts).split()):
        return text if text.strip() else ""
    return "\n\n".join(part for part in content.texts if part.strip())


def _files(message: Fields) -> list[str]:
    files = message.get("files")
    return ["file"] * len(files) if isinstance(files, list) else []
