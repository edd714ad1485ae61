"""Messages of a chat program that name the message before them: HuggingChat, Le Chat, and others.

{"title": "Tea", "preprompt": "You are Ada.", "messages": [
    {"id": "m1", "from": "user", "content": "Which tea?", "ancestors": []},
    {"id": "m2", "from": "assistant", "content": "Any.", "ancestors": ["m1"]},
    {"id": "m3", "from": "assistant", "content": "Darjeeling.", "ancestors": ["m1"]}]}
{"messages": [{"id": "m1", "parentId": null, "role": "user", "content": "Which tea?"},
              {"id": "m2", "parentId": "m1", "role": "assistant", "content": "Darjeeling."}]}

The conversation is the path to the newest message. Thoughts, models and times go to `extra`; files
and calls of tools are left out and counted.
"""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.collect.shapes.common import branches
from pipeline.collect.shapes.common.branches import Node, moment
from pipeline.collect.shapes.common.parts import content_of
from pipeline.collect.shapes.general.messages import IDS, PLACES, text_field
from pipeline.collect.shapes.transcript import (
    ROLE_WORDS,
    About,
    Fields,
    Transcript,
    dict_of,
    dicts_of,
    first_of,
    id_field,
    list_of,
    record_id,
    rest,
)

ABOUT = About(
    "chats as trees: HuggingChat, Le Chat", ("roles", "times", "alternatives"), private=True
)

PARENTS = ("parentId", "parent_id", "parentMessageId", "parent_message_id", "parent")
OWN_IDS = ("id", "messageId", "message_id", "_id", "uuid")
ROLES = ("role", "from")
TIMES = ("createdAt", "created_at", "timestamp", "time", "date")
THOUGHTS = ("reasoning", "reasoning_content", "thinking")


def recognise(record: object) -> bool:
    return isinstance(record, dict) and _place(record) is not None


def _place(record: Fields) -> str | None:
    """The field that holds messages of which one names another one of them as its parent."""
    for place in PLACES:
        value = record.get(place)
        messages = value if isinstance(value, list) else []
        objects = [one for one in messages if isinstance(one, dict)]
        ids = {record_id(one, *OWN_IDS) for one in objects if first_of(ROLES, one)}
        if any(_parent(one) in ids for one in objects if _parent(one)):
            return place
    return None


def _parent(message: Fields) -> str | None:
    ancestors = message.get("ancestors")
    if isinstance(ancestors, list) and ancestors:
        return str(ancestors[-1])
    return record_id(message, *PARENTS)


def read(record: object) -> Iterator[Transcript]:
    fields = dict_of(record, "the record")
    place = _place(fields) or PLACES[0]
    messages = dicts_of(fields.get(place), place, "message")
    found = branches.read(branches.by_id(messages, OWN_IDS, _node), None)
    found.record = record_id(fields, *IDS)
    prompts = {"system": fields["preprompt"]} if fields.get("preprompt") else {}
    used = branches.with_prompt(rest(fields, place, "preprompt") | prompts, found)
    extra = rest(fields, place, id_field(fields, *IDS), "preprompt", *used)
    found.extra = {**extra, **found.extra}
    yield found


def _node(message: Fields, where: str) -> Node:
    word = message.get(first_of(ROLES, message) or "role")
    role = ROLE_WORDS.get(str(word).lower())
    if role is None:
        raise ValueError(f"{where} has the role {word!r}")
    content = content_of(message.get(text_field([message])), where)
    thoughts = [text for name in THOUGHTS if isinstance(text := message.get(name), str) and text]
    time = moment(message.get(first_of(TIMES, message) or ""))
    known = branches.about(time, message.get("model"), content.thoughts + thoughts)
    files = ["file"] * len(list_of(message.get("files") or [], "files"))
    turn = (None, "\n".join(content.texts), role)
    return branches.node(_parent(message), turn, known, content.left_out + files)
