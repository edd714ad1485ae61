"""Ginger: a chat log, with the speakers in an object of their own.

{"title": "Evening", "createdAt": 1709388311000, "users": {"0": "Ben", "1": "Ada"}, "messages": [
    {"user": "1", "text": "Good evening.", "timestamp": 1709388311000,
     "alt-texts": ["You again.", "Good evening."]},
    {"user": "0", "text": "Is it late?", "timestamp": 1709388360000}]}

The first of `users` is the user, the others are characters; so are their chats one group.
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
    description,
    dict_of,
    dicts_of,
    rest,
    text_of,
)
from pipeline.conversation import Role

ABOUT = About(
    "Ginger: chat logs", ("roles", "names", "personas", "times", "groups", "alternatives")
)

MESSAGE = ("user", "text", "timestamp", "alt-texts")
USED = ("users", "messages", "createdAt")


def recognise(head: list[object]) -> bool:
    return fronts.is_each(head, _is_chat)


def _is_chat(record: Fields) -> bool:
    users, messages = record.get("users"), record.get("messages")
    if not isinstance(users, dict) or not isinstance(messages, list) or "createdAt" not in record:
        return False
    return fronts.is_each(messages, lambda message: _is_message(message, users))


def _is_message(message: Fields, users: Fields) -> bool:
    return str(message.get("user")) in users and message.keys() <= set(MESSAGE)


def read(records: Records, place: Place) -> Iterator[tuple[int, Transcript | Unread]]:
    return fronts.each(records, lambda record: [_read(record, place)])


def _read(record: Fields, place: Place) -> Transcript:
    users = dict_of(record.get("users"), "users")
    names = dict(zip(users, map(description, users.values()), strict=True))
    chat = fronts.ChatDraft()
    messages = dicts_of(record.get("messages"), "messages", "message")
    for number, message in enumerate(messages, 1):
        _add(chat, message, names, f"message {number}")
    transcript = chat.transcript(rest(record, *USED) | fronts.began(record.get("createdAt")))
    transcript.assumed = ("the first of `users` is the user",)
    user, *characters = names.values()
    return fronts.cast(transcript, place, characters, user, **fronts.scene(record.get("staging")))


def _add(chat: fronts.ChatDraft, message: Fields, names: dict[str, str | None], where: str) -> None:
    who = text_of(message.get("user"), f"the user of {where}")
    if who not in names:
        raise ValueError(f"{where} is of nobody in `users`")
    role: Role = "user" if who == next(iter(names)) else "assistant"
    others = fronts.texts_of(message.get("alt-texts"), "`alt-texts`")
    chat.add(names[who], text_of(message.get("text"), where), role, others)
