"""Character cards: read with patience, written again without loss."""

from __future__ import annotations

import base64
import json
import struct
import zlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.formats import cards
from pipeline.formats.cards import Character, from_json, to_json, to_png

V1 = {
    "name": "Ottoline",
    "description": "Ottoline, 44, paints signs for {{user}}.",
    "personality": "dry",
    "scenario": "A shop.",
    "first_mes": "Mind the paint, <USER>.",
    "mes_example": "<START>\n{{user}}: Is it wet?\n{{char}}: Touch it\nand see.\n<START>\nYou: Hm.\nOttoline: Well?",
}
V2: dict[str, Any] = {
    "spec": "chara_card_v2",
    "spec_version": "2.0",
    "data": {
        **V1,
        "creator_notes": "älter, 日本",
        "system_prompt": "",
        "post_history_instructions": "",
        "alternate_greetings": ["You again."],
        "tags": ["craft"],
        "creator": "us",
        "character_version": "1",
        "extensions": {"unknown/tool": {"depth": [1, None, {"x": 0.5}]}},
        "character_book": {
            "entries": [{"keys": ["paint"], "content": "Lead-free.", "extensions": {}, "id": 3}]
        },
    },
}


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def picture(card: Any) -> bytes:
    """A PNG with a card in it, and chunks that are none of our business before and after."""
    text = b"chara\0" + base64.b64encode(json.dumps(card).encode())
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0))
    pixels = chunk(b"IDAT", zlib.compress(b"\0\x20"))
    other = chunk(b"tEXt", b"Software\0paint")
    return cards.PNG + header + other + chunk(b"tEXt", text) + pixels + chunk(b"IEND", b"")


def test_a_v2_card_goes_round_without_loss() -> None:
    character, repairs = from_json(json.dumps(V2))
    assert repairs == []
    assert json.loads(to_json(character)) == V2


def test_a_v1_card_becomes_v2_with_everything_that_was_in_it() -> None:
    character, repairs = from_json(json.dumps(V1 | {"chat": "2023", "avatar": None}))
    data = json.loads(to_json(character))["data"]
    assert {key: data[key] for key in V1} == V1
    assert data["extensions"] == {"rapport_v1": {"chat": "2023", "avatar": None}}
    assert repairs == []
    assert json.loads(character.card or "") == V1 | {"chat": "2023", "avatar": None}


def test_the_character_speaks_as_the_card_says() -> None:
    character, _ = from_json(json.dumps(V2))
    assert character.description == "Ottoline, 44, paints signs for {{user}}.\ndry"
    assert [(m.role, m.content) for m in character.example_dialogue] == [
        ("user", "Is it wet?"),
        ("assistant", "Touch it\nand see."),
        ("user", "Hm."),
        ("assistant", "Well?"),
    ]
    persona = character.persona("Tom")
    assert (persona.description, persona.greeting) == (
        "Ottoline, 44, paints signs for Tom.\ndry",
        "Mind the paint, Tom.",
    )


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"alternate_greetings": "You again."}, "alternate_greetings was no list of texts"),
        ({"alternate_greetings": None}, "alternate_greetings was no list of texts"),
        ({"tags": ["craft", 7]}, "tags was no list of texts"),
        ({"character_book": None}, "character_book was null"),
        ({"extensions": None}, "extensions was no object"),
        ({"personality": None}, "personality was no text"),
        ({"creator": 5}, "creator was no text"),
    ],
)
def test_wild_cards_are_repaired_and_the_repair_is_told(change: dict[str, Any], told: str) -> None:
    wild = V2 | {"data": V2["data"] | change}
    character, repairs = from_json(json.dumps(wild))
    assert repairs == [told]
    assert character.card == json.dumps(wild)
    again, more = from_json(to_json(character))
    assert more == []
    assert again.greeting == character.greeting
    untouched = {k: v for k, v in V2["data"].items() if k not in change}
    data = json.loads(to_json(character))["data"]
    assert {k: data[k] for k in untouched} == untouched


def test_older_names_of_fields_are_understood() -> None:
    old = {
        "char_name": "Ottoline",
        "char_persona": "Signs.",
        "char_greeting": "Hm?",
        "world_scenario": "A shop.",
    }
    character, repairs = from_json(json.dumps(old))
    assert (character.name, character.description, character.greeting) == (
        "Ottoline",
        "Signs.",
        "Hm?",
    )
    assert len(repairs) == 4


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{broken", "not JSON"),
        ("[1]", "no object"),
        ("{}", "no name"),
        (r'{"name": "\ud83d"}', "half a character"),
        ('{"name": "  "}', "no name"),
        ('"x"', "no object"),
    ],
)
def test_what_is_no_card_is_told(text: str, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        from_json(text)


def test_a_picture_gives_its_card_and_takes_another(tmp_path: Path) -> None:
    path = tmp_path / "card.png"
    path.write_bytes(picture(V2))
    character, repairs = cards.read(path)
    assert repairs == []
    assert json.loads(character.card or "") == V2
    path.write_bytes(to_png(character, picture(V1)))
    assert json.loads(cards.png_text(path.read_bytes())) == V2
    without = lambda image: [c for c in cards._chunks(image) if not c[1].startswith(b"chara")]  # noqa: E731
    assert without(path.read_bytes()) == without(picture(V1))
    assert path.read_bytes().count(b"chara\0") == 1


def test_a_character_without_a_picture_gets_one(tmp_path: Path) -> None:
    path = tmp_path / "plain.png"
    path.write_bytes(to_png(Character("Ottoline", "Paints signs.")))
    assert cards.read(path)[0].name == "Ottoline"


@pytest.mark.parametrize(
    "damage", [lambda p: p[:60], lambda p: p.replace(b"chara\0", b"other\0"), lambda p: p[:8]]
)
def test_a_spoilt_picture_is_told(tmp_path: Path, damage: Any) -> None:
    path = tmp_path / "card.png"
    path.write_bytes(damage(picture(V2)))
    with pytest.raises(ValueError, match="PNG"):
        cards.read(path)


def test_json_with_a_byte_order_mark_is_read(tmp_path: Path) -> None:
    path = tmp_path / "card.json"
    path.write_bytes(b"\xef\xbb\xbf" + json.dumps(V1).encode())
    assert cards.read(path)[0].name == "Ottoline"


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda v: st.lists(v) | st.dictionaries(st.text(), v),
    max_leaves=8,
)


@given(
    extra=st.dictionaries(
        st.text(min_size=1).filter(lambda k: k not in V2["data"] and k not in cards.OLD_NAMES),
        VALUES,
    )
)
def test_unknown_fields_survive_wherever_they_stand(extra: dict[str, Any]) -> None:
    inside = V2 | {"data": V2["data"] | extra}
    assert json.loads(to_json(from_json(json.dumps(inside))[0])) == inside
    extended = V2 | {"data": V2["data"] | {"extensions": extra}}
    assert json.loads(to_json(from_json(json.dumps(extended))[0])) == extended
    old = from_json(
        json.dumps(
            {k: v for k, v in extra.items() if k not in ("data", "spec", "spec_version")} | V1
        )
    )[0]
    assert from_json(to_json(old))[0].name == V1["name"]


@given(card=VALUES)
def test_nothing_crashes_the_reader(card: Any) -> None:
    try:
        character, _ = from_json(
            json.dumps({"name": "A", "data": card} if card is not None else card)
        )
    except ValueError:
        return
    from_json(to_json(character))


def test_a_character_of_ours_becomes_the_same_character_again() -> None:
    dialogue = from_json(json.dumps(V2))[0].example_dialogue
    ours = Character(
        "Bo",
        "Bo, 30, bakes.",
        "Flour?",
        "A bakery.",
        30,
        "night baker",
        dialogue,
        ("bread",),
        other_greetings=("Salt?",),
    )
    again, repairs = from_json(to_json(ours))
    assert repairs == []
    same = (
        "other_greetings",
        "name",
        "description",
        "greeting",
        "scenario",
        "age",
        "archetype",
        "example_dialogue",
        "topics",
    )
    assert {f: getattr(again, f) for f in same} == {f: getattr(ours, f) for f in same}
    assert [ours.greeting_of(n) for n in range(4)] == ["Flour?", "Salt?", None, None]
    assert [again.greeting_of(n) for n in range(4)] == [
        "Flour?",
        "Salt?",
        "Flour?",
        "Salt?",
    ]  # a card always greets
