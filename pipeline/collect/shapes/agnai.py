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
    description,
    dicts_of,
    if_any,
    list_of,
    rest,
    text_of,
)
from pipeline.conversation import Alternative, Persona, Role

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
    turns: list[Turn] = []
    alternatives: list[Alternative] = []
    left_out: Counter[str] = Counter()
    kept: list[Fields] = []
    for number, message in enumerate(messages, 1):
        text = text_of(message.get("msg"), f"message {number}")
        reason = _left_out(message, text)
        if reason:
            left_out[reason] += 1
            continue
        alternatives += _retries(message, len(turns), text)
        turns.append((_name(message), text, _role(message, number)))
        kept.append(rest(message, *MESSAGE))
    transcript = Transcript(turns, alternatives=tuple(alternatives), left_out=left_out)
    times = fronts.began(*[message.get("createdAt") for message in kept[:1]])
    transcript.extra = rest(record, *USED) | times | if_any("messages", kept)
    return _with_character(transcript, record, place)


def _check_order(messages: list[Fields]) -> None:
    """ValueError for an export of several branches, whose messages do not follow one another."""
    before: object = None
    for number, message in enumerate(messages, 1):
        parent = message.get("parent")
        if parent and before and parent != before:
            raise ValueError(f"message {number} does not answer the one before it")
        before = message.get("_id")


def _left_out(message: Fields, text: str) -> str | None:
    """What it is, if it is no message."""
    if message.get("ooc") is True:
        return "out of character"
    return None if text.strip() else "message without text"


def _retries(message: Fields, place: int, text: str) -> tuple[Alternative, ...]:
    retries = list_of(message.get("retries") or [], "`retries`")
    texts = [text_of(one, "one of `retries`") for one in retries]
    return fronts.swipes(place, [text, *texts], text, 0)


def _name(message: Fields) -> str | None:
    return fronts.own_name(message.get("name")) or fronts.own_name(message.get("handle"))


def _role(message: Fields, number: int) -> Role:
    if message.get("characterId"):
        return "assistant"
    if message.get("userId"):
        return "user"
    raise ValueError(f"message {number} is of no user and of no character")


def _with_character(transcript: Transcript, record: Fields, place: Place) -> Transcript:
    characters = {name for name, _, role in transcript.turns if role == "assistant"}
    user = fronts.only(name for name, _, role in transcript.turns if role == "user")
    name = fronts.only(characters)
    found = fronts.persona(name, place) or Persona(
        ", ".join(sorted(filter(None, characters))) or None
    )
    greeting = description(record.get("greeting")) or found.greeting
    scenario = description(record.get("scenario")) or found.scenario
    persona = Persona(found.name, found.description, greeting, scenario, found.card)
    transcript.personas = {None: persona}
    transcript.group = persona.name
    return fronts.filled(transcript, name, user)
