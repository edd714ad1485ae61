"""Placeholders for the names of the two sides, as roleplay files have them, and the names in them.

{{char}} <CHAR> {{bot}} <BOT> <FIRST>    the character, whom the assistant plays
{{user}} <USER> <SECOND>                 the user

`<user>` in small letters is not one: it stands in code and in commands, where it means something
else.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from pipeline.collect.shapes.transcript import Transcript
from pipeline.conversation import Persona, Role

SIDES: dict[str, Role] = {
    "char": "assistant",
    "bot": "assistant",
    "first": "assistant",
    "user": "user",
    "second": "user",
}
PLACEHOLDER = re.compile(r"\{\{\s*((?i:char|bot|user))\s*\}\}|<(CHAR|BOT|FIRST|USER|SECOND)>")
NOTE = "collect: placeholders filled with names"


def filled(transcript: Transcript) -> Transcript:
    """The transcript of two with the names that its personas have."""
    people = dict(transcript.personas)
    character = people.pop(None, None)
    speakers = {speaker for speaker, _, role in transcript.turns if role != "system"}
    if character is None or len(people) > 1 or len(speakers) > 2:
        return transcript  # it is not known who is who
    names: dict[Role, str | None] = {"assistant": character.name}
    for user in people.values():
        names["user"] = user.name
    return fill(transcript, names)


def fill(transcript: Transcript, names: Mapping[Role, str | None]) -> Transcript:
    """The transcript with names in its turns, personas and alternatives; a change is noted.

    names: of the assistant and the user. A side without a name keeps its placeholders.
    """
    turns = [(speaker, fill_text(text, names), role) for speaker, text, role in transcript.turns]
    personas = {name: _persona(one, names) for name, one in transcript.personas.items()}
    others = transcript.alternatives
    alternatives = tuple(one._replace(content=fill_text(one.content, names)) for one in others)
    filled = replace(transcript, turns=turns, personas=personas, alternatives=alternatives)
    if filled != transcript:
        filled.notes = (*transcript.notes, NOTE)
    return filled


def fill_text(text: str, names: Mapping[Role, str | None]) -> str:
    """The text with the names of the sides that have one."""
    return PLACEHOLDER.sub(lambda found: names.get(_side(found)) or found[0], text)


def _side(found: re.Match[str]) -> Role:
    return SIDES[(found[1] or found[2]).lower()]


def _persona(persona: Persona, names: Mapping[Role, str | None]) -> Persona:
    """The persona with names in its texts; the card it came from stays word for word."""
    texts = {field: getattr(persona, field) for field in ("description", "greeting", "scenario")}
    filled = {field: fill_text(text, names) for field, text in texts.items() if text}
    return replace(persona, **filled)
