"""Backyard (Faraday before): exported chats, and the scenarios of its archives (`.byaf`).

{"version": 2, "chat": {"ChatItems": [
    {"input": "Is it late?", "output": "Past nine.", "createdAt": 1709388311000}]}}

{"schemaVersion": 1, "narrative": "An inn in winter.", "formattingInstructions": "",
 "firstMessages": [{"characterID": "c1", "text": "Good evening."}], "exampleMessages": [],
 "messages": [{"type": "human", "text": "Is it late?"},
              {"type": "ai", "outputs": [
                  {"text": "Ask the clock.", "activeTimestamp": "2024-03-02T14:05:11Z"},
                  {"text": "Past nine.", "activeTimestamp": "2024-03-02T14:06:00Z"}]}]}

The output that was active last is the message, all are alternatives. The character of a scenario
lies beside it in the archive. `{character}` stands for
its name. A character is one group.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace

from pipeline.collect.shapes import fronts, placeholders
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
    rest,
    text_of,
)
from pipeline.conversation import Alternative, Persona, Role

ABOUT = About(
    "Backyard, Faraday: exported chats and archives",
    ("roles", "personas", "times", "groups", "alternatives"),
)

SCENARIO = ("schemaVersion", "narrative", "messages")
USED = ("schemaVersion", "$schema", "narrative", "firstMessages", "messages")
SIDES: dict[str, Role] = {"human": "user", "ai": "assistant"}
CHARACTER = re.compile(r"characters/[^/\\\0]{1,100}/character\.json")


def recognise(head: list[object]) -> bool:
    return fronts.is_each(head, _is_scenario) or fronts.is_each(head, _is_chat)


def _is_scenario(record: Fields) -> bool:
    return all(name in record for name in SCENARIO)


def _is_chat(record: Fields) -> bool:
    chat = record.get("chat")
    return isinstance(chat, dict) and isinstance(chat.get("ChatItems"), list)


def read(records: Records, place: Place) -> Iterator[tuple[int, Transcript | Unread]]:
    return fronts.each(records, lambda record: [_read(record, place)])


def _read(record: Fields, place: Place) -> Transcript:
    if _is_scenario(record):
        return _of_scenario(record, place)
    return _of_chat(record)


# --- exported chats


def _of_chat(record: Fields) -> Transcript:
    items = dicts_of(dict_of(record.get("chat"), "chat").get("ChatItems"), "ChatItems", "item")
    turns: list[Turn] = []
    for number, item in enumerate(items, 1):
        asked = text_of(item.get("input"), f"the input of item {number}")
        answered = text_of(item.get("output"), f"the output of item {number}")
        turns += [(None, asked, "user"), (None, answered, "assistant")]
    transcript = Transcript([turn for turn in turns if turn[1].strip()])
    staging = record.get("staging")
    if isinstance(staging, dict):
        greeting, scenario = (description(staging.get(name)) for name in ("greeting", "scenario"))
        transcript.personas = {None: Persona(None, None, greeting, scenario)}
    times = [item.get("createdAt") for item in items[:1]]
    transcript.extra = rest(record, "chat", "version") | fronts.began(*times)
    return transcript


# --- scenarios of an archive


def _of_scenario(record: Fields, place: Place) -> Transcript:
    messages = dicts_of(record.get("messages"), "messages", "message")
    turns: list[Turn] = []
    alternatives: list[Alternative] = []
    for number, message in enumerate(messages, 1):
        role = SIDES.get(str(message.get("type")))
        if role is None:
            raise ValueError(f"message {number} is neither of a human nor of the character")
        texts, shown = _texts(message, role, f"message {number}")
        if texts[shown].strip():
            alternatives += fronts.swipes(len(turns), texts, texts[shown], shown)
            turns.append((None, texts[shown], role))
    transcript = Transcript(turns, alternatives=tuple(alternatives))
    transcript.extra = rest(record, *USED) | fronts.began(*map(_time, messages[:1]))
    if turns:
        _open(transcript, record)
    return _with_character(transcript, record, place)


def _texts(message: Fields, role: Role, where: str) -> tuple[list[str], int]:
    """(all texts of a message, the place of the one that was active last)"""
    if role == "user":
        return [text_of(message.get("text"), where)], 0
    outputs = dicts_of(message.get("outputs"), f"the outputs of {where}", "output")
    if not outputs:
        raise ValueError(f"{where} has no output")
    times = [str(output.get("activeTimestamp") or "") for output in outputs]
    texts = [text_of(output.get("text"), f"an output of {where}") for output in outputs]
    return texts, times.index(max(times))


def _time(message: Fields) -> object:
    outputs = message.get("outputs")
    first = outputs[0] if isinstance(outputs, list) and outputs else message
    return first.get("createdAt") if isinstance(first, dict) else None


def _open(transcript: Transcript, record: Fields) -> None:
    """Put the first message of the scenario before the others, unless it stands there already."""
    greeting = _greeting(record)
    _, text, role = transcript.turns[0]
    if greeting is None or (role == "assistant" and text.strip() == greeting.strip()):
        return
    transcript.turns.insert(0, (None, greeting, "assistant"))
    moved = (one._replace(message=one.message + 1) for one in transcript.alternatives)
    transcript.alternatives = tuple(moved)
    transcript.assumed = ("the chat begins with the first message of its scenario",)


def _greeting(record: Fields) -> str | None:
    found = dicts_of(record.get("firstMessages") or [], "firstMessages", "message")
    texts = [text_of(message.get("text"), "a first message") for message in found]
    return next(filter(str.strip, texts), None)


def _with_character(transcript: Transcript, record: Fields, place: Place) -> Transcript:
    character = _character(place)
    name = description(character.get("name"))
    persona = Persona(
        description(character.get("displayName")) or name,
        description(character.get("persona")),
        _greeting(record),
        description(record.get("narrative")),
    )
    transcript.personas = {None: persona}
    transcript.group = persona.name
    if name is None:
        return transcript
    return placeholders.fill(_marked(transcript), {"assistant": name})


def _character(place: Place) -> Fields:
    """The character that the archive of a scenario names; {} where there is none."""
    manifest = _beside(place, "../manifest.json")
    paths = manifest.get("characters")
    path = paths[0] if isinstance(paths, list) and len(paths) == 1 else None
    if not isinstance(path, str) or not CHARACTER.fullmatch(path):
        return {}
    return _beside(place, f"../{path}")


def _beside(place: Place, name: str) -> Fields:
    with suppress(ValueError, OSError):
        found = json.loads(place.beside(name) or b"null")
        return found if isinstance(found, dict) else {}
    return {}


def _marked(transcript: Transcript) -> Transcript:
    """The transcript with the usual placeholder in the place of Backyard's own."""
    turns = [(name, _mark(text), role) for name, text, role in transcript.turns]
    others = transcript.alternatives
    alternatives = tuple(one._replace(content=_mark(one.content)) for one in others)
    [persona] = transcript.personas.values()
    about, greeting, scenario = (
        text and _mark(text) for text in (persona.description, persona.greeting, persona.scenario)
    )
    personas: dict[str | None, Persona] = {None: Persona(persona.name, about, greeting, scenario)}
    return replace(transcript, turns=turns, alternatives=alternatives, personas=personas)


def _mark(text: str) -> str:
    return text.replace("{character}", "{{char}}")
