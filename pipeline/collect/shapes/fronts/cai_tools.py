"""CAI Tools: a conversation with Character.AI, or all with one character, to read offline.

[{"name": "Ada", "message": "Good evening.", "isHuman": false},
 {"name": "Ben", "message": "Is it late?", "isHuman": true}]
{"charPic": "..", "history": [{"date": 1709388311000, "chat": [
    {"name": "Ada", "message": "Good%20evening.", "isUser": false}]}]}

In the second form, the data of the offline page, texts have the escapes of a web address. A list of
messages is one conversation; the character is the group.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from urllib.parse import unquote

from pipeline.collect.shapes.fronts import fronts
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
    rest,
    text_of,
    unreadable,
)
from pipeline.conversation import Persona

ABOUT = About(
    "CAI Tools: conversations with Character.AI",
    ("roles", "names", "personas", "times", "groups"),
    private=True,
)

SIDES = ("isHuman", "isUser")


def recognise(head: list[object]) -> bool:
    return fronts.is_each(head, _is_message) or fronts.is_each(head, _holds_chats)


def _is_message(record: Fields) -> bool:
    return "message" in record and "name" in record and any(side in record for side in SIDES)


def _holds_chats(record: Fields) -> bool:
    history = record.get("history")
    if isinstance(history, list):
        return fronts.is_each(history, _holds_chats)
    chat = record.get("chat")
    return isinstance(chat, list) and fronts.is_each(chat, _is_message)


def read(records: Records, place: Place) -> Iterator[tuple[int, Transcript | Unread]]:
    records = iter(records)
    head = next(records, None)
    if head is None:
        return iter(())
    records = chain([head], records)
    if isinstance(head[1], dict) and _holds_chats(head[1]):
        return fronts.each(records, _chats)
    return _one_chat(records)


def _one_chat(records: Records) -> Iterator[tuple[int, Transcript | Unread]]:
    """The messages of a file that holds nothing else."""
    turns: list[Turn] = []
    first = 0
    for number, record in records:
        if isinstance(record, Unread):
            yield number, record
            continue
        try:
            turns.append(_turn(record, number, is_escaped=False))
            first = first or number
        except ValueError as error:
            yield number, unreadable(error, record)
    if turns:
        yield first, _transcript(turns)


def _chats(record: Fields) -> Iterator[Transcript | Unread]:
    is_page = "history" in record
    chats = dicts_of(record.get("history"), "history", "chat") if is_page else [record]
    for chat in chats:
        messages = dicts_of(chat.get("chat"), "chat", "message")
        numbered = enumerate(messages, 1)
        try:
            turns = [_turn(message, number, is_page) for number, message in numbered]
        except ValueError as error:
            yield unreadable(error, chat)
            continue
        transcript = _transcript(turns)
        transcript.extra = rest(chat, "chat", "date") | fronts.began(chat.get("date"))
        yield transcript


def _turn(record: object, number: int, is_escaped: bool) -> Turn:
    where = f"message {number}"
    message = dict_of(record, where)
    is_user = next((message[side] for side in SIDES if side in message), None)
    if not isinstance(is_user, bool):
        raise ValueError(f"{where} does not show whether a human wrote it")
    text = text_of(message.get("message"), where)
    name = fronts.own_name(message.get("name"))
    return name, unquote(text) if is_escaped else text, "user" if is_user else "assistant"


def _transcript(turns: list[Turn]) -> Transcript:
    filled = [turn for turn in turns if turn[1].strip()]
    transcript = Transcript(filled)
    name = fronts.only(name for name, _, role in turns if role == "assistant")
    user = fronts.only(name for name, _, role in turns if role == "user")
    if name:
        transcript.personas = {None: Persona(name)}
    transcript.group = name
    if len(filled) < len(turns):
        transcript.left_out = {"message without text": len(turns) - len(filled)}
    return fronts.filled(transcript, name, user)
