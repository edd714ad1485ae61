"""Ginger: a chat log, with the speakers in an object of their own.

{"title": "Evening", "createdAt": 1709388311000, "users": {"0": "Ben", "1": "Ada"}, "messages": [
    {"user": "1", "text": "Good evening.", "timestamp": 1709388311000,
     "alt-texts": ["You again.", "Good evening."]},
    {"user": "0", "text": "Is it late?", "timestamp": 1709388360000}]}

The first of `users` is the user, the others are characters; so are their chats one group.
"""

from __future__ import annotations

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
    description,
    dict_of,
    dicts_of,
    list_of,
    rest,
    text_of,
)
from pipeline.conversation import Alternative, Persona, Role

ABOUT = About(
    "Ginger: chat logs", ("roles", "names", "personas", "times", "groups", "alternatives")
)

USED = ("users", "messages", "createdAt")


def recognise(head: list[object]) -> bool:
    return fronts.is_each(head, _is_chat)


def _is_chat(record: Fields) -> bool:
    users, messages = record.get("users"), record.get("messages")
    if not isinstance(users, dict) or not isinstance(messages, list):
        return False
    return fronts.is_each(messages, lambda message: message.get("user") in users)


def read(records: Records, place: Place) -> Iterator[tuple[int, Transcript | Unread]]:
    return fronts.each(records, lambda record: [_read(record, place)])


def _read(record: Fields, place: Place) -> Transcript:
    users = dict_of(record.get("users"), "users")
    messages = dicts_of(record.get("messages"), "messages", "message")
    turns: list[Turn] = []
    alternatives: list[Alternative] = []
    for number, message in enumerate(messages, 1):
        who = text_of(message.get("user"), f"the user of message {number}")
        if who not in users:
            raise ValueError(f"message {number} is of nobody in `users`")
        text = text_of(message.get("text"), f"message {number}")
        if text.strip():
            alternatives += _others(message, len(turns), text)
            role: Role = "user" if who == next(iter(users)) else "assistant"
            turns.append((description(users[who]), text, role))
    transcript = Transcript(turns, alternatives=tuple(alternatives))
    if empty := len(messages) - len(turns):
        transcript.left_out = {"message without text": empty}
    transcript.assumed = ("the first of `users` is the user",)
    transcript.extra = rest(record, *USED) | fronts.began(record.get("createdAt"))
    return _with_characters(transcript, record, list(map(description, users.values())), place)


def _others(message: Fields, place: int, text: str) -> tuple[Alternative, ...]:
    found = list_of(message.get("alt-texts") or [], "`alt-texts`")
    texts = [text_of(one, "one of `alt-texts`") for one in found]
    return fronts.swipes(place, texts, text) if texts else ()


def _with_characters(
    transcript: Transcript, record: Fields, names: list[str | None], place: Place
) -> Transcript:
    user, *characters = names
    name = fronts.only(characters)
    found = fronts.persona(name, place) or Persona(", ".join(filter(None, characters)) or None)
    staging = record.get("staging")
    scenes = staging if isinstance(staging, dict) else {}
    greeting = description(scenes.get("greeting")) or found.greeting
    scenario = description(scenes.get("scenario")) or found.scenario
    persona = Persona(found.name, found.description, greeting, scenario, found.card)
    transcript.personas = {None: persona}
    transcript.group = persona.name
    return fronts.filled(transcript, name, user)
