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
from collections import Counter
from collections.abc import Iterator

from pipeline.collect.shapes import fronts
from pipeline.collect.shapes.transcript import (
    About,
    Fields,
    Place,
    Records,
    Transcript,
    Turn,
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


def _read(chat: Fields, place: Place) -> Transcript:
    turns: list[Turn] = []
    left_out: Counter[str] = Counter()
    messages = dicts_of(chat.get("message"), "message", "message")
    for number, message in enumerate(messages, 1):
        where = f"message {number}"
        text = text_of(message.get("data"), where)
        role = ROLES.get(str(message.get("role")))
        if role is None:
            raise ValueError(f"{where} is of nobody who is known: {message.get('role')}")
        reason = _left_out(message, text)
        if reason:
            left_out[reason] += 1
        else:
            turns.append((_speaker(message, role), text, role))
    transcript = Transcript(turns, left_out=left_out)
    times = [message.get("time") for message in messages[:1]]
    transcript.extra = rest(chat, "message") | fronts.began(*times)
    return _of_character(transcript, place)


def _left_out(message: Fields, text: str) -> str | None:
    """What it is, if it is no message."""
    if message.get("isComment"):
        return "comment"
    if message.get("disabled"):
        return "hidden message"
    return None if text.strip() else "message without text"


def _speaker(message: Fields, role: Role) -> str | None:
    """The name; in a chat of several characters their ids keep them apart."""
    name = fronts.own_name(message.get("name"))
    return name or (fronts.own_name(message.get("saying")) if role == "assistant" else None)


def _of_character(transcript: Transcript, place: Place) -> Transcript:
    found = FILE.fullmatch(fronts.stem(place))
    name = found[1] if found else None
    persona = fronts.persona(name, place)
    if persona:
        transcript.personas = {None: persona}
    transcript.group = name
    user = fronts.only(speaker for speaker, _, role in transcript.turns if role == "user")
    characters = {speaker for speaker, _, role in transcript.turns if role == "assistant"}
    return fronts.filled(transcript, name if len(characters) < 2 else None, user)
