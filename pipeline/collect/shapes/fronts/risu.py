"""RisuAI: an exported chat, or all chats with one character.

{"type": "risuChat", "ver": 1, "data": {"name": "Chat 1", "note": "", "localLore": [], "message": [
    {"role": "char", "data": "Good evening.", "time": 1709388311000},
    {"role": "user", "data": "Is it late?"}]}}
{"type": "risuAllChats", "ver": 1, "data": [{"name": "Chat 1", "message": []}]}

RisuAI calls the file by the character, `Ada_2024-03-02T140511220Z_chat.json`; a character is one
group. The greeting is not in the file. Messages that were switched off are left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from pipeline.collect.shapes.fronts import fronts
from pipeline.collect.shapes.transcript import (
    About,
    Fields,
    Place,
    Records,
    Transcript,
    Unread,
    dict_of,
    dicts_of,
    list_of,
    rest,
    text_of,
    unreadable,
)
from pipeline.conversation import Role

ABOUT = About("RisuAI: exported chats", ("roles", "names", "personas", "times", "groups"))

TYPES = ("risuChat", "risuAllChats")
ROLES: dict[str, Role] = {"user": "user", "char": "assistant"}
FILE = re.compile(r"(.+)_\d{4}-\d\d-\d\dT\d+Z_chats?")


def recognise(head: list[object]) -> bool:
    return fronts.is_each(head, lambda record: record.get("type") in TYPES and "data" in record)


def read(records: Records, place: Place) -> Iterator[tuple[int, Transcript | Unread]]:
    return fronts.each(records, lambda record: _chats(record, place))


def _chats(record: Fields, place: Place) -> Iterator[Transcript | Unread]:
    found = record.get("data")
    chats = list_of(found, "data") if record.get("type") == "risuAllChats" else [found]
    for chat in chats:
        try:
            yield _read(dict_of(chat, "the chat"), place)
        except ValueError as error:
            yield unreadable(error, chat)


def _read(record: Fields, place: Place) -> Transcript:
    chat = fronts.ChatDraft()
    messages = dicts_of(record.get("message"), "message", "message")
    for number, message in enumerate(messages, 1):
        _add(chat, message, f"message {number}")
    times = [message.get("time") for message in messages[:1]]
    transcript = chat.transcript(rest(record, "message") | fronts.began(*times))
    found = FILE.fullmatch(fronts.stem(place))
    name = found[1] if found else None
    persona = fronts.persona(name, place)
    if persona:
        transcript.personas = {None: persona}
    transcript.group = name
    is_group = len(chat.names("assistant")) > 1
    return fronts.filled(transcript, None if is_group else name, fronts.only(chat.names("user")))


def _add(chat: fronts.ChatDraft, message: Fields, where: str) -> None:
    role = ROLES.get(str(message.get("role")))
    if role is None:
        raise ValueError(f"{where} is of nobody who is known: {message.get('role')}")
    text = text_of(message.get("data"), where)
    if message.get("isComment"):
        chat.left_out["comment"] += 1
    elif message.get("disabled"):
        chat.left_out["hidden message"] += 1
    else:
        chat.add(_speaker(message, role), text, role)


def _speaker(message: Fields, role: Role) -> str | None:
    """The name; in a chat of several characters their ids keep them apart."""
    name = fronts.own_name(message.get("name"))
    return name or (fronts.own_name(message.get("saying")) if role == "assistant" else None)
