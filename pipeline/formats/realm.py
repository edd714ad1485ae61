"""Export in the schema of gpt_roleplay_realm: one record a character, with all its talks."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import TypedDict

from pipeline.conversation import Conversation, Message
from pipeline.formats.cards import Character, from_json

ROLES = {"user": "user", "assistant": "char"}


class RealmMessage(TypedDict):
    """One message. role: user or char."""

    role: str
    content: str


class RealmDialogue(TypedDict):
    """One talk of a character."""

    chat: list[RealmMessage]
    model_name: str
    topic: str


class RealmRecord(TypedDict):
    """One character with all its talks."""

    name: str
    context: str
    greeting: str
    example_dialogue: list[RealmMessage]
    topics: list[str]
    dialogues: list[RealmDialogue]


def records(conversations: Iterable[Conversation]) -> Iterator[RealmRecord]:
    """A record of each character, in the order of first appearance.

    Rows that were not generated are left out. All talks are held in memory until the end.
    """
    groups: dict[str, list[Conversation]] = {}
    for conversation in conversations:
        if conversation.source.kind == "generated" and conversation.persona:
            group = conversation.split_group or conversation.id
            groups.setdefault(group, []).append(conversation)
    for talks in groups.values():
        yield record(talks)


def characters(conversations: Iterable[Conversation]) -> Iterator[Character]:
    """The characters of generated rows, each once; `cards.to_json` and `to_png` write cards."""
    seen: set[str] = set()
    for conversation in conversations:
        persona = conversation.persona
        if persona and persona.card and persona.card not in seen:
            seen.add(persona.card)
            yield from_json(persona.card)


def record(talks: Sequence[Conversation]) -> RealmRecord:
    """A character with all its talks; each row has its card."""
    persona = talks[0].persona
    assert persona
    assert persona.card  # every generated row has one
    character = from_json(persona.card)
    return {
        "name": character.name,
        "context": character.description,
        "greeting": character.greeting or "",
        "example_dialogue": _messages(character.example_dialogue),
        "topics": list(character.topics),
        "dialogues": [_dialogue(talk) for talk in talks],
    }


def _dialogue(talk: Conversation) -> RealmDialogue:
    extra = json.loads(talk.extra or "{}")
    return {
        "chat": _messages(talk.messages),
        "model_name": ", ".join(talk.source.models),
        "topic": extra.get("topic") or extra.get("situation", ""),
    }


def _messages(messages: Iterable[Message]) -> list[RealmMessage]:
    known = (message for message in messages if message.role in ROLES)
    return [{"role": ROLES[message.role], "content": message.content} for message in known]
