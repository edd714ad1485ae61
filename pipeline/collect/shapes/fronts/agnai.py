"""Agnai: an exported chat.

{"name": "Exported", "greeting": "Good evening.", "scenario": "An inn.", "sampleChat": "",
 "messages": [{"_id": "1", "characterId": "imported", "handle": "Ada", "msg": "Good evening."},
              {"_id": "2", "userId": "u1", "handle": "Ben", "msg": "Is it late?", "parent": "1"},
              {"_id": "3", "characterId": "imported", "handle": "Ada", "msg": "Past nine.",
               "retries": ["Ask the clock."], "parent": "2"}]}

`userId` is the user's, `characterId` a character's. Retries are alternatives; what is out of
character (`ooc`) is no message. A chat with one character belongs to that character's group.
"""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.collect.shapes.fronts import fronts
from pipeline.collect.shapes.transcript import (
    About,
    Fields,
    Place,
    Records,
    Transcript,
    Unread,
    dicts_of,
    rest,
    text_of,
)
from pipeline.conversation import Role

ABOUT = About(
    "Agnai: exported chats", ("roles", "names", "personas", "times", "groups", "alternatives")
)

USED = ("greeting", "scenario", "messages", "name")
MESSAGE = ("_id", "msg", "handle", "name", "userId", "characterId", "retries", "parent")


def recognise(head: list[object]) -> bool:
    return fronts.is_each(head, _is_chat)


def _is_chat(record: Fields) -> bool:
    messages = record.get("messages")
    return isinstance(messages, list) and fronts.is_each(messages, _is_message)


def _is_message(message: Fields) -> bool:
    return "msg" in message and ("userId" in message or "characterId" in message)


def read(records: Records, place: Place) -> Iterator[tuple[int, Transcript | Unread]]:
    return fronts.each(records, lambda record: [_read(record, place)])


def _read(record: Fields, place: Place) -> Transcript:
    messages = dicts_of(record.get("messages"), "messages", "message")
    _check_order(messages)
    chat = fronts.ChatDraft()
    for number, message in enumerate(messages, 1):
        _add(chat, message, f"message {number}")
    times = fronts.began(*[message.get("createdAt") for message in messages[:1]])
    user = fronts.only(chat.names("user"))
    transcript = chat.transcript(rest(record, *USED) | times)
    characters = chat.names("assistant")
    return fronts.cast(transcript, place, characters, user, **fronts.scene(record))


def _add(chat: fronts.ChatDraft, message: Fields, where: str) -> None:
    text = text_of(message.get("msg"), where)
    role = _role(message, where)
    if message.get("ooc") is True:
        chat.left_out["out of character"] += 1
        return
    texts = [text, *fronts.texts_of(message.get("retries"), "`retries`")]
    if chat.add(_name(message), text, role, texts, 0):
        chat.kept.append(rest(message, *MESSAGE))


def _check_order(messages: list[Fields]) -> None:
    """ValueError for an export of several branches, whose messages do not follow one another."""
    before: object = None
    for number, message in enumerate(messages, 1):
        parent = message.get("parent")
        if parent and before and parent != before:
            raise ValueError(f"message {number} does not answer the one before it")
        before = message.get("_id")


def _name(message: Fields) -> str | None:
    return fronts.own_name(message.get("name")) or fronts.own_name(message.get("handle"))


def _role(message: Fields, where: str) -> Role:
    if message.get("characterId"):
        return "assistant"
    if message.get("userId"):
        return "user"
    raise ValueError(f"{where} is of no user and of no character")
