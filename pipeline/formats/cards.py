"""Characters, and the character cards they come from and leave as: V1 and V2, JSON or PNG, without loss.

A card's own text is kept word for word in `Character.card`; reading it is tolerant, and every repair is reported.
The V2 format: https://github.com/malfoyslastname/character-card-spec-v2
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.conversation import Message, Persona, Role

Json = dict[str, Any]

TEXTS = ("name", "description", "personality", "scenario", "first_mes", "mes_example")  # all of V1
V2_TEXTS = (
    *TEXTS,
    "creator_notes",
    "system_prompt",
    "post_history_instructions",
    "creator",
    "character_version",
)
V2_LISTS = ("alternate_greetings", "tags")
# What older programs call the V1 fields.
OLD_NAMES = {
    "char_name": "name",
    "char_persona": "description",
    "char_greeting": "first_mes",
    "world_scenario": "scenario",
    "example_dialogue": "mes_example",
}
PNG = b"\x89PNG\r\n\x1a\n"
MACRO = re.compile(r"\{\{(?:char|user)\}\}|<(?:BOT|USER)>", re.IGNORECASE)
OURS = "rapport"  # our key under `extensions`


@dataclass(frozen=True, slots=True)
class Character:
    """Who can be talked to. Texts may hold the macros {{char}} and {{user}}; `card` is the JSON it came from.

    repairs: what had to be mended to read it.
    """

    name: str
    description: str
    greeting: str | None = None
    scenario: str | None = None
    age: int | None = None
    archetype: str | None = None
    example_dialogue: tuple[Message, ...] = ()
    topics: tuple[str, ...] = ()
    card: str | None = None
    origin: str = "seed"  # seed, card or invented
    other_greetings: tuple[str, ...] = ()
    repairs: tuple[str, ...] = ()

    def greeting_of(self, number: int) -> str | None:
        """What the `number`-th talk begins with: the greeting, then the others, each once; None: something new.

        A card always greets: its greetings come again in turn.
        """
        greetings = [self.greeting, *self.other_greetings] if self.greeting else []
        if greetings and (number < len(greetings) or self.origin == "card"):
            return greetings[number % len(greetings)]
        return None

    def persona(self, user: str) -> Persona:
        """The character as a row holds it, facing this user; always with a V2 card."""

        def fill(text: str | None) -> str | None:
            return filled(text, self.name, user) if text else None

        texts = fill(self.description), fill(self.greeting), fill(self.scenario)
        return Persona(self.name, *texts, card=self.card or to_json(self))


def filled(text: str, char: str, user: str) -> str:
    """The text with the macros of cards ({{char}}, {{user}}, <BOT>, <USER>) replaced by names."""
    names = {"{{char}}": char, "<bot>": char, "{{user}}": user, "<user>": user}
    return MACRO.sub(lambda found: names[found[0].lower()], text)


def read(path: Path) -> tuple[Character, list[str]]:
    """The character of a card file (.json or .png) and what had to be repaired. Raises ValueError: what is wrong."""
    raw = path.read_bytes()
    text = png_text(raw) if raw.startswith(PNG) else raw.decode("utf-8-sig", "strict")
    return from_json(text)


def from_json(text: str) -> tuple[Character, list[str]]:
    """The character of a card's JSON and the repairs. Raises ValueError when it is no card or has no name."""
    try:
        card = json.loads(text, strict=False)  # raw line breaks inside texts are seen often
        _dump(card).encode()
    except json.JSONDecodeError as error:
        raise ValueError(f"not JSON: {error}") from None
    except UnicodeEncodeError:
        raise ValueError("it holds half a character (a lone surrogate)") from None
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if not isinstance(card, dict):
        raise ValueError("not a character card: the JSON is no object")
    data, repairs = _repaired(card)
    name = data["name"].strip()
    if not name:
        raise ValueError("not a character card: no name")
    ours = data["extensions"].get(OURS)
    ours = ours if isinstance(ours, dict) else {}
    manner = data["personality"].strip()
    age, topics = ours.get("age"), ours.get("topics")
    return Character(
        name=name,
        description="\n".join(filter(None, [data["description"].strip(), manner])),
        greeting=data["first_mes"].strip() or None,
        scenario=data["scenario"].strip() or None,
        age=age if isinstance(age, int) else None,
        archetype=ours.get("archetype") if isinstance(ours.get("archetype"), str) else None,
        example_dialogue=tuple(_examples(data["mes_example"], name)),
        topics=tuple(t for t in topics if isinstance(t, str)) if isinstance(topics, list) else (),
        card=text,
        origin="card",
        other_greetings=tuple(filter(None, map(str.strip, data["alternate_greetings"]))),
    ), repairs


def to_json(character: Character) -> str:
    """The character as a V2 card: its own card where it has one (repaired, unknown fields kept), else a new one."""
    if character.card is None:
        return _dump({"spec": "chara_card_v2", "spec_version": "2.0", "data": _written(character)})
    card = json.loads(character.card, strict=False)
    data, _ = _repaired(card)
    if isinstance(card.get("data"), dict):
        return _dump({"spec": "chara_card_v2", "spec_version": "2.0", **card, "data": data})
    return _dump({"spec": "chara_card_v2", "spec_version": "2.0", "data": data})


def to_png(character: Character, image: bytes | None = None) -> bytes:
    """The V2 card inside a PNG: inside `image` with every other chunk as it was, or inside a small plain picture."""
    written = b"chara\0" + base64.b64encode(to_json(character).encode())
    out = [PNG]
    for kind, body in _chunks(image or _plain_picture()):
        if kind == b"IEND":
            out.append(_chunk(b"tEXt", written))
        if not (kind == b"tEXt" and body.startswith(b"chara\0")):
            out.append(_chunk(kind, body))
    return b"".join(out)


def png_text(image: bytes) -> str:
    """The JSON in a PNG's `chara` text chunk. Raises ValueError when there is none or it cannot be read."""
    if not image.startswith(PNG):
        raise ValueError("this is no PNG")
    for kind, body in _chunks(image):
        if kind == b"tEXt" and body.startswith(b"chara\0"):
            try:
                return base64.b64decode(body[6:], validate=False).decode("utf-8-sig")
            except (binascii.Error, UnicodeDecodeError) as error:
                raise ValueError(f"the chara chunk of the PNG cannot be read: {error}") from None
    raise ValueError("the PNG holds no character card (no chara text chunk)")


def _repaired(card: Json) -> tuple[Json, list[str]]:
    """The V2 `data` of any card, every field of the right type, nothing lost; and what was changed."""
    repairs: list[str] = []
    data = dict(card["data"]) if isinstance(card.get("data"), dict) else _from_v1(card, repairs)
    for key in V2_TEXTS:
        if not isinstance(data.get(key, ""), str):
            repairs.append(f"{key} was no text")
            data[key] = "" if data[key] is None else str(data[key])
        data.setdefault(key, "")
    for key in V2_LISTS:
        data[key] = _list(key, data.get(key, []), repairs)
    if not isinstance(data.setdefault("extensions", {}), dict):
        repairs.append("extensions was no object")
        data["extensions"] = {} if data["extensions"] is None else {"was": data["extensions"]}
    if "character_book" in data and data["character_book"] is None:
        repairs.append("character_book was null")
        del data["character_book"]
    return data, repairs


def _from_v1(card: Json, repairs: list[str]) -> Json:
    """V1 has six texts at the top level; what else stands there goes into an extension of ours."""
    data: Json = {}
    rest: Json = {}
    for key, value in card.items():
        known = OLD_NAMES.get(key, key)
        if known in TEXTS and known not in data:
            data[known] = value
            if known != key:
                repairs.append(f"{key} is {known} now")
        elif key not in ("spec", "spec_version"):
            rest[key] = value
    if rest:
        data["extensions"] = {f"{OURS}_v1": rest}
    return data


def _list(key: str, value: Any, repairs: list[str]) -> list[str]:
    if isinstance(value, list) and all(isinstance(v, str) for v in value):
        return value
    repairs.append(f"{key} was no list of texts")
    if isinstance(value, str):
        return [value] if value else []
    return [v if isinstance(v, str) else _dump(v) for v in value] if isinstance(value, list) else []


def _written(character: Character) -> Json:
    """The `data` of a new V2 card."""
    lines = [
        f"{{{{{'char' if m.role == 'assistant' else 'user'}}}}}: {m.content}"
        for m in character.example_dialogue
    ]
    ours = {
        "age": character.age,
        "archetype": character.archetype,
        "topics": list(character.topics),
    }
    return {
        **dict.fromkeys(V2_TEXTS, ""),
        "name": character.name,
        "description": character.description,
        "scenario": character.scenario or "",
        "first_mes": character.greeting or "",
        "mes_example": "\n".join(["<START>", *lines]) if lines else "",
        "alternate_greetings": list(character.other_greetings),
        "tags": [],
        "extensions": {OURS: ours},
    }


def _examples(text: str, name: str) -> Iterator[Message]:
    """Messages of `mes_example`: lines that open with {{user}}: or {{char}}: (or the name), until the next one."""
    labels = rf"(\{{\{{user\}}\}}|<USER>|You|\{{\{{char\}}\}}|<BOT>|{re.escape(name)}):"
    parts = re.split(rf"^\s*(?:<START>)?\s*{labels}", text, flags=re.MULTILINE | re.IGNORECASE)
    for label, said in zip(parts[1::2], parts[2::2], strict=True):
        role: Role = "user" if label.casefold() in ("{{user}}", "<user>", "you") else "assistant"
        content = re.sub(r"<START>", "", said, flags=re.IGNORECASE).strip()
        if content:
            yield Message(role, content)


def _chunks(image: bytes) -> Iterator[tuple[bytes, bytes]]:
    """(kind, body) of each chunk of a PNG. Raises ValueError when it ends early."""
    at = len(PNG)
    while at + 12 <= len(image):
        (size,) = struct.unpack_from(">I", image, at)
        kind, body = image[at + 4 : at + 8], image[at + 8 : at + 8 + size]
        if len(body) < size:
            break
        yield kind, body
        if kind == b"IEND":
            return
        at += 12 + size
    raise ValueError("the PNG is cut off")


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def _plain_picture(side: int = 64) -> bytes:
    """A grey square, for characters that have no picture."""
    header = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    pixels = zlib.compress((b"\0" + b"\x90" * side) * side)
    return PNG + _chunk(b"IHDR", header) + _chunk(b"IDAT", pixels) + _chunk(b"IEND", b"")


def _dump(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
