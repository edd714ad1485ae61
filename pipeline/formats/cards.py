"""Characters, and the cards that describe them: V1 to V3, in JSON, PNG or CharX, without loss.

`Character.card` keeps the text of a card word for word. The reader is tolerant: it repairs
what it can, and `Character.repairs` names every repair.
The V2 format: https://github.com/malfoyslastname/character-card-spec-v2
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, NotRequired, TypedDict, cast

from pipeline.conversation import Message, Persona, Role
from pipeline.formats import lorebook
from pipeline.formats.charx import ZIP, charx_text
from pipeline.formats.lorebook import NO_LORE, Lorebook
from pipeline.formats.png import PNG, chunk, chunks, plain_picture

# All fields of V1, and those that V2 adds.
V1_TEXTS = ("name", "description", "personality", "scenario", "first_mes", "mes_example")
V2_TEXTS = (
    *V1_TEXTS,
    "creator_notes",
    "system_prompt",
    "post_history_instructions",
    "creator",
    "character_version",
)
V2_LISTS = ("alternate_greetings", "tags")
# What older programs call the fields of V1.
OLD_NAMES = {
    "char_name": "name",
    "char_persona": "description",
    "char_greeting": "first_mes",
    "world_scenario": "scenario",
    "example_dialogue": "mes_example",
}
KEYWORD = b"chara\0"  # of the text chunk that holds a card
KEYWORD_V3 = b"ccv3\0"  # of the one that holds a V3 card, which counts where there are both
MACRO = re.compile(r"\{\{(?:char|user)\}\}|<(?:BOT|USER)>", re.IGNORECASE)
START = re.compile(r"<START>", re.IGNORECASE)  # between two example dialogues
OURS = "rapport"  # our key under `extensions`

JsonObject = dict[str, object]


class CardData(TypedDict):
    """The `data` of a V2 card, as far as we read it. Unknown keys stay in it."""

    name: str
    description: str
    personality: str
    scenario: str
    first_mes: str
    mes_example: str
    alternate_greetings: list[str]
    tags: list[str]
    extensions: JsonObject
    character_book: NotRequired[object]


@dataclass(frozen=True, slots=True)
class Character:
    """Somebody who can be talked to. Texts may hold the macros {{char}} and {{user}}.

    card: the JSON it came from. origin: seed, card, file or invented. repairs: what was repaired
    to read the card.
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
    origin: str = "seed"
    other_greetings: tuple[str, ...] = ()
    repairs: tuple[str, ...] = ()
    lore: Lorebook = NO_LORE

    def greeting_of(self, number: int) -> str | None:
        """The first message of talk `number`: each greeting once; then None, a new beginning.

        A card always greets: its greetings come again in turn.
        """
        if not self.greeting:
            return None
        greetings = [self.greeting, *self.other_greetings]
        if number < len(greetings) or self.origin == "card":
            return greetings[number % len(greetings)]
        return None

    def persona(self, user: str) -> Persona:
        """The persona of a row in which the character talks with `user`; it always has a card."""
        return Persona(
            name=self.name,
            description=self._filled(self.description, user),
            greeting=self._filled(self.greeting, user),
            scenario=self._filled(self.scenario, user),
            card=self.card or to_json(self),
        )

    def _filled(self, text: str | None, user: str) -> str | None:
        return fill_macros(text, self.name, user) if text else None


def fill_macros(text: str, char: str, user: str) -> str:
    """The text with the macros {{char}}, {{user}}, <BOT> and <USER> replaced by names."""
    names = {"{{char}}": char, "<bot>": char, "{{user}}": user, "<user>": user}
    return MACRO.sub(lambda found: names[found[0].lower()], text)


def read(path: Path) -> Character:
    """The character of a card file (.json, .png, .charx). Raises ValueError: what is wrong."""
    return from_json(card_text(path.read_bytes()))


def card_text(data: bytes) -> str:
    """The JSON of a card file. Raises ValueError: no card in it, or not readable."""
    if data.startswith(PNG):
        return png_text(data)
    if data.startswith(ZIP):
        return charx_text(data)
    return data.decode("utf-8-sig")


# --- from a card


def from_json(text: str) -> Character:
    """The character of a card's JSON. Raises ValueError: not a card, or without a name."""
    repaired = _repaired(_parsed(text))
    data = repaired.data
    name = data["name"].strip()
    if not name:
        raise ValueError("not a character card: no name")
    about = [data["description"].strip(), data["personality"].strip()]
    return Character(
        name=name,
        description="\n".join(filter(None, about)),
        greeting=data["first_mes"].strip() or None,
        scenario=data["scenario"].strip() or None,
        age=repaired.age,
        archetype=repaired.archetype,
        example_dialogue=tuple(_examples(data["mes_example"], name)),
        topics=repaired.topics,
        card=text,
        origin="card",
        other_greetings=tuple(filter(None, map(str.strip, data["alternate_greetings"]))),
        repairs=tuple(repaired.repairs),
        lore=lorebook.read(data.get("character_book")),
    )


def _parsed(text: str) -> JsonObject:
    """The JSON object of a card. Raises ValueError: what is wrong with the text."""
    try:
        card = json.loads(text, strict=False)  # raw line breaks inside texts are frequent
        _dump(card).encode()
    except json.JSONDecodeError as error:
        raise ValueError(f"not JSON: {error}") from None
    except UnicodeEncodeError:
        raise ValueError("it holds half a character (a lone surrogate)") from None
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if not isinstance(card, dict):
        raise ValueError("not a character card: the JSON is not an object")
    return card


class _Repaired(NamedTuple):
    """The V2 `data` of a card, every field of the right type, and what was changed for that."""

    data: CardData
    repairs: list[str]

    def ours(self, key: str) -> object:
        """A value of our own extension; None where the card has none."""
        extension = self.data["extensions"].get(OURS)
        return extension.get(key) if isinstance(extension, dict) else None

    @property
    def age(self) -> int | None:
        age = self.ours("age")
        return age if isinstance(age, int) else None

    @property
    def archetype(self) -> str | None:
        archetype = self.ours("archetype")
        return archetype if isinstance(archetype, str) else None

    @property
    def topics(self) -> tuple[str, ...]:
        topics = self.ours("topics")
        if not isinstance(topics, list):
            return ()
        return tuple(topic for topic in topics if isinstance(topic, str))


def _repaired(card: JsonObject) -> _Repaired:
    """The data of any card; nothing is lost."""
    repairs: list[str] = []
    data = _data(card, repairs)
    for key in V2_TEXTS:
        data[key] = _text(key, data.get(key, ""), repairs)
    for key in V2_LISTS:
        data[key] = _list(key, data.get(key, []), repairs)
    data["extensions"] = _extensions(data.get("extensions", {}), repairs)
    if data.get("character_book", "missing") is None:
        repairs.append("character_book was null")
        del data["character_book"]
    unused = lorebook.unused(data.get("character_book"))
    if unused:
        repairs.append(f"character_book: {unused} entries with regular expressions are not used")
    return _Repaired(cast(CardData, data), repairs)


def _data(card: JsonObject, repairs: list[str]) -> JsonObject:
    data = card.get("data")
    if isinstance(data, dict):
        return dict(data)
    return _from_v1(card, repairs)


def _from_v1(card: JsonObject, repairs: list[str]) -> JsonObject:
    """The V2 data of a V1 card: six texts of its top level. The rest becomes an extension."""
    data: JsonObject = {}
    rest: JsonObject = {}
    for key, value in card.items():
        known = OLD_NAMES.get(key, key)
        if known in V1_TEXTS and known not in data:
            data[known] = value
            if known != key:
                repairs.append(f"{key} is {known} now")
        elif key not in ("spec", "spec_version"):
            rest[key] = value
    if rest:
        data["extensions"] = {f"{OURS}_v1": rest}
    return data


def _text(key: str, value: object, repairs: list[str]) -> str:
    if isinstance(value, str):
        return value
    repairs.append(f"{key} was not a text")
    return "" if value is None else str(value)


def _list(key: str, value: object, repairs: list[str]) -> list[str]:
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return value
    repairs.append(f"{key} was not a list of texts")
    if isinstance(value, list):
        return list(map(_as_text, value))
    if isinstance(value, str) and value:
        return [value]
    return []


def _as_text(value: object) -> str:
    return value if isinstance(value, str) else _dump(value)


def _extensions(value: object, repairs: list[str]) -> JsonObject:
    if isinstance(value, dict):
        return value
    repairs.append("extensions was not an object")
    return {} if value is None else {"was": value}


def _examples(text: str, name: str) -> Iterator[Message]:
    """The messages of `mes_example`.

    A message begins on a line with {{user}}: or {{char}}: (or the name), and ends before the
    next one.
    """
    label = rf"(\{{\{{user\}}\}}|<USER>|You|\{{\{{char\}}\}}|<BOT>|{re.escape(name)}):"
    begins = rf"^\s*(?:<START>)?\s*{label}"
    parts = re.split(begins, text, flags=re.MULTILINE | re.IGNORECASE)
    for speaker, words in zip(parts[1::2], parts[2::2], strict=True):
        content = START.sub("", words).strip()
        if content:
            yield Message(_role_of(speaker), content)


def _role_of(speaker: str) -> Role:
    return "user" if speaker.casefold() in ("{{user}}", "<user>", "you") else "assistant"


# --- to a card


def to_json(character: Character) -> str:
    """The character as a V2 card: a new one, or its own, repaired and with its unknown fields."""
    frame: JsonObject = {"spec": "chara_card_v2", "spec_version": "2.0"}
    if character.card is None:
        return _dump({**frame, "data": _new_data(character)})
    card = json.loads(character.card, strict=False)
    data = _repaired(card).data
    if isinstance(card.get("data"), dict):
        return _dump({**frame, **card, "data": data})
    return _dump({**frame, "data": data})


def _new_data(character: Character) -> JsonObject:
    """The `data` of a new V2 card."""
    examples = list(map(_example_line, character.example_dialogue))
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
        "mes_example": "\n".join(["<START>", *examples]) if examples else "",
        "alternate_greetings": list(character.other_greetings),
        "tags": [],
        "extensions": {OURS: ours},
    }


def _example_line(message: Message) -> str:
    macro = "{{char}}" if message.role == "assistant" else "{{user}}"
    return f"{macro}: {message.content}"


# --- inside a picture
#
# A PNG is its signature and then chunks. A card is base64 in a tEXt chunk:
#
#     ┌───────────┬────────┬────────┬─────────────────────┬───────┐
#     │ signature │ IHDR … │ IDAT … │ tEXt chara\0eyJzc…  │ IEND  │
#     └───────────┴────────┴────────┴─────────────────────┴───────┘
#     a chunk:  size of the body (4 bytes)  kind (4)  body (size)  checksum (4)


def to_png(character: Character, image: bytes | None = None) -> bytes:
    """The V2 card inside a PNG: `image` with every other chunk as it was, or a plain picture."""
    card = KEYWORD + base64.b64encode(to_json(character).encode())
    parts = [PNG]
    for kind, body in chunks(image or plain_picture()):
        if kind == b"IEND":
            parts.append(chunk(b"tEXt", card))
        if not _holds_card(kind, body):
            parts.append(chunk(kind, body))
    return b"".join(parts)


def png_text(image: bytes) -> str:
    """The JSON of the card in a PNG. Raises ValueError: no card in it, or not readable."""
    if not image.startswith(PNG):
        raise ValueError("this is not a PNG")
    cards = [body for kind, body in chunks(image) if _holds_card(kind, body)]
    if not cards:
        raise ValueError("the PNG holds no character card (no chara or ccv3 text chunk)")
    newest = next((body for body in cards if body.startswith(KEYWORD_V3)), cards[0])
    keyword, _, text = newest.partition(b"\0")
    try:
        return base64.b64decode(text).decode("utf-8-sig")
    except (binascii.Error, UnicodeDecodeError) as error:
        name = keyword.decode()
        raise ValueError(f"the {name} chunk of the PNG cannot be read: {error}") from None


def _holds_card(kind: bytes, body: bytes) -> bool:
    return kind == b"tEXt" and body.startswith((KEYWORD, KEYWORD_V3))


def _dump(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
