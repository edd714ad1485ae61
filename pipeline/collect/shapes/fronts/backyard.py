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

from pipeline.collect.shapes.common import placeholders
from pipeline.collect.shapes.fronts import fronts
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
from pipeline.conversation import Persona, Role

ABOUT = About(
    "Backyard, Faraday: exported chats and archives",
    ("roles", "personas", "times", "groups", "alternatives"),
)

SCENARIO = ("schemaVersion", "narrative", "messages")
USED = ("schemaVersion", "$schema", "narrative", "firstMessages", "messages")
SIDES: dict[str, Role] = {"human": "user", "ai": "assistant"}
PAIR: dict[str, Role] = {"input": "user", "output": "assistant"}
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
    if not _is_scenario(record):
        return _of_chat(record)
    character = _character(place)
    if character.get("name"):
        scenario, character = (dict_of(_marked(one), "the file") for one in (record, character))
        return _of_scenario(scenario, character)
    return _of_scenario(record, character)


# --- exported chats


def _of_chat(record: Fields) -> Transcript:
    items = dicts_of(dict_of(record.get("chat"), "chat").get("ChatItems"), "ChatItems", "item")
    turns = [turn for number, item in enumerate(items, 1) for turn in _pair(item, number)]
    times = [item.get("createdAt") for item in items[:1]]
    transcript = Transcript(turns)
    transcript.extra = rest(record, "chat", "version") | fronts.began(*times)
    staging = record.get("staging")
    if isinstance(staging, dict):
        greeting, scenario = (description(staging.get(name)) for name in ("greeting", "scenario"))
        transcript.personas = {None: Persona(None, None, greeting, scenario)}
    return transcript


def _pair(item: Fields, number: int) -> Iterator[Turn]:
    """The message of the user and the answer, where they have a text."""
    for half, role in PAIR.items():
        text = text_of(item.get(half), f"the {half} of item {number}")
        if text.strip():
            yield None, text, role


# --- scenarios of an archive


def _of_scenario(record: Fields, character: Fields) -> Transcript:
    messages = dicts_of(record.get("messages"), "messages", "message")
    chat = fronts.ChatDraft()
    for number, message in enumerate(messages, 1):
        role = SIDES.get(str(message.get("type")))
        if role is None:
            raise ValueError(f"message {number} is neither of a human nor of the character")
        texts, shown = _texts(message, role, f"message {number}")
        chat.add(None, texts[shown], role, texts, shown)
    times = fronts.began(*map(_time, messages[:1]))
    transcript = chat.transcript(rest(record, *USED) | times)
    if transcript.turns:
        _open(transcript, record)
    return _with_character(transcript, record, character)


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


def _with_character(transcript: Transcript, record: Fields, character: Fields) -> Transcript:
    name = description(character.get("name"))
    persona = Persona(
        description(character.get("displayName")) or name,
        description(character.get("persona")),
        _greeting(record),
        description(record.get("narrative")),
    )
    transcript.personas = {None: persona}
    transcript.group = persona.name
    return placeholders.fill(transcript, {"assistant": name})


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


def _marked(value: object) -> object:
    """A value with the usual placeholder in the place of Backyard's own, in all its texts."""
    if isinstance(value, str):
        return value.replace("{character}", "{{char}}")
    if isinstance(value, list):
        return list(map(_marked, value))
    if isinstance(value, dict):
        return {name: _marked(inner) for name, inner in value.items()}
    return value
