"""Export in the schema of gpt_roleplay_realm: one record a character, with all its talks."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from pipeline.conversation import Conversation, Message
from pipeline.formats.cards import Character, from_json

ROLES = {"user": "user", "assistant": "char"}


def records(conversations: Iterable[Conversation]) -> Iterator[dict[str, Any]]:
    """Records of name, context, greeting, example_dialogue, topics and dialogues, in the order of first appearance.

    Rows that were not generated are left out. All talks of a character are held in memory until the end.
    """
    groups: dict[str, list[Conversation]] = {}
    for conversation in conversations:
        if conversation.source.kind == "generated" and conversation.persona:
            groups.setdefault(conversation.split_group or conversation.id, []).append(conversation)
    for talks in groups.values():
        yield _record(talks)


def characters(conversations: Iterable[Conversation]) -> Iterator[Character]:
    """The characters of generated rows, each once; `cards.to_json` and `cards.to_png` write them as V2 cards."""
    seen: set[str] = set()
    for conversation in conversations:
        persona = conversation.persona
        if persona and persona.card and persona.card not in seen:
            seen.add(persona.card)
            yield from_json(persona.card)[0]


def _record(talks: list[Conversation]) -> dict[str, Any]:
    persona = talks[0].persona
    assert persona
    assert persona.card  # every generated row has one
    character, _ = from_json(persona.card)
    return {
        "name": character.name,
        "context": character.description,
        "greeting": character.greeting or "",
        "example_dialogue": _lines(character.example_dialogue),
        "topics": list(character.topics),
        "dialogues": [_dialogue(talk) for talk in talks],
    }


def _dialogue(talk: Conversation) -> dict[str, Any]:
    told = json.loads(talk.extra or "{}")
    models = ", ".join(talk.source.models)
    return {
        "chat": _lines(talk.messages),
        "model_name": models,
        "topic": told.get("topic") or told.get("situation", ""),
    }


def _lines(messages: Iterable[Message]) -> list[dict[str, str]]:
    return [{"role": ROLES[m.role], "content": m.content} for m in messages if m.role in ROLES]
