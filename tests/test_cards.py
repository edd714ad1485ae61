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

from pipeline.formats import cards, png
from pipeline.formats.cards import Character, from_json, to_json, to_png

V1 = {
    "name": "Ottoline",
    "description": "Ottoline, 44, paints signs for {{user}}.",
    "personality": "dry",
    "scenario": "A shop.",
    "first_mes": "Mind the paint, <USER>.",
    "mes_example": "<START>\n{{user}}: Is it wet?\n{{char}}: Touch it\nand see.\n"
    "<START>\nYou: Hm.\nOttoline: Well?",
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
    """A PNG with a card in it, and other chunks before and after."""
    text = b"chara\0" + base64.b64encode(json.dumps(card).encode())
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0))
    pixels = chunk(b"IDAT", zlib.compress(b"\0\x20"))
    other = chunk(b"tEXt", b"Software\0paint")
    return cards.PNG + header + other + chunk(b"tEXt", text) + pixels + chunk(b"IEND", b"")


def other_chunks(image: bytes) -> list[tuple[bytes, bytes]]:
    """The chunks of a PNG without the one that holds the card."""
    return [chunk for chunk in png.chunks(image) if not chunk[1].startswith(cards.KEYWORD)]


def test_a_v2_card_is_read_and_written_without_loss() -> None:
    character = from_json(json.dumps(V2))
    assert character.repairs == ()
    assert json.loads(to_json(character)) == V2


def test_a_v1_card_becomes_v2_with_everything_that_was_in_it() -> None:
    character = from_json(json.dumps(V1 | {"chat": "2023", "avatar": None}))
    data = json.loads(to_json(character))["data"]
    assert {key: data[key] for key in V1} == V1
    assert data["extensions"] == {"rapport_v1": {"chat": "2023", "avatar": None}}
    assert character.repairs == ()
    assert json.loads(character.card or "") == V1 | {"chat": "2023", "avatar": None}


def test_the_character_speaks_as_the_card_says() -> None:
    character = from_json(json.dumps(V2))
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
    ("change", "repair"),
    [
        ({"alternate_greetings": "You again."}, "alternate_greetings was not a list of texts"),
        ({"alternate_greetings": None}, "alternate_greetings was not a list of texts"),
        ({"tags": ["craft", 7]}, "tags was not a list of texts"),
        ({"character_book": None}, "character_book was null"),
        ({"extensions": None}, "extensions was not an object"),
        ({"personality": None}, "personality was not a text"),
        ({"creator": 5}, "creator was not a text"),
    ],
)
def test_a_wild_card_is_repaired_and_the_repair_reported(
    change: dict[str, Any], repair: str
) -> None:
    wild = V2 | {"data": V2["data"] | change}
    character = from_json(json.dumps(wild))
    assert character.repairs == (repair,)
    assert character.card == json.dumps(wild)
    again = from_json(to_json(character))
    assert again.repairs == ()
    assert again.greeting == character.greeting
    untouched = {key: value for key, value in V2["data"].items() if key not in change}
    data = json.loads(to_json(character))["data"]
    assert {key: data[key] for key in untouched} == untouched


def test_older_names_of_fields_are_understood() -> None:
    old = {
        "char_name": "Ottoline",
        "char_persona": "Signs.",
        "char_greeting": "Hm?",
        "world_scenario": "A shop.",
    }
    character = from_json(json.dumps(old))
    assert (character.name, character.description, character.greeting) == (
        "Ottoline",
        "Signs.",
        "Hm?",
    )
    assert character.scenario == "A shop."
    assert character.repairs[0] == "char_name is name now"
    assert len(character.repairs) == 4


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{broken", "not JSON"),
        ("[1]", "not an object"),
        ("[" * 100_000, "too deeply"),
        ("{}", "no name"),
        (r'{"name": "\ud83d"}', "half a character"),
        ('{"name": "  "}', "no name"),
        ('"x"', "not an object"),
    ],
)
def test_a_file_that_is_not_a_card_is_refused(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        from_json(text)


def test_a_picture_gives_its_card_and_takes_another(tmp_path: Path) -> None:
    path = tmp_path / "card.png"
    path.write_bytes(picture(V2))
    character = cards.read(path)
    assert character.repairs == ()
    assert json.loads(character.card or "") == V2
    path.write_bytes(to_png(character, picture(V1)))
    assert json.loads(cards.png_text(path.read_bytes())) == V2
    assert other_chunks(path.read_bytes()) == other_chunks(picture(V1))
    assert path.read_bytes().count(b"chara\0") == 1


def test_a_character_without_a_picture_gets_one(tmp_path: Path) -> None:
    path = tmp_path / "plain.png"
    path.write_bytes(to_png(Character("Ottoline", "Paints signs.")))
    assert cards.read(path).name == "Ottoline"


@pytest.mark.parametrize(
    "damage",
    [
        lambda image: image[:60],
        lambda image: image.replace(b"chara\0", b"other\0"),
        lambda image: image[:8],
    ],
)
def test_a_damaged_picture_is_refused(tmp_path: Path, damage: Any) -> None:
    path = tmp_path / "card.png"
    path.write_bytes(damage(picture(V2)))
    with pytest.raises(ValueError, match="PNG"):
        cards.read(path)


def test_json_with_a_byte_order_mark_is_read(tmp_path: Path) -> None:
    path = tmp_path / "card.json"
    path.write_bytes(b"\xef\xbb\xbf" + json.dumps(V1).encode())
    assert cards.read(path).name == "Ottoline"


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda value: st.lists(value) | st.dictionaries(st.text(), value),
    max_leaves=8,
)


@given(
    extra=st.dictionaries(
        st.text(min_size=1).filter(
            lambda key: key not in V2["data"] and key not in cards.OLD_NAMES
        ),
        VALUES,
    )
)
def test_unknown_fields_survive_wherever_they_stand(extra: dict[str, Any]) -> None:
    inside = V2 | {"data": V2["data"] | extra}
    assert json.loads(to_json(from_json(json.dumps(inside)))) == inside
    extended = V2 | {"data": V2["data"] | {"extensions": extra}}
    assert json.loads(to_json(from_json(json.dumps(extended)))) == extended
    frame = ("data", "spec", "spec_version")
    outside = {key: value for key, value in extra.items() if key not in frame}
    old = from_json(json.dumps(outside | V1))
    kept = json.loads(to_json(old))["data"]["extensions"].get("rapport_v1", {})
    assert kept == outside


@given(card=VALUES)
def test_nothing_crashes_the_reader(card: Any) -> None:
    try:
        character = from_json(json.dumps({"name": "A", "data": card}))
    except ValueError:
        return
    from_json(to_json(character))


def test_a_character_of_ours_becomes_the_same_character_again() -> None:
    dialogue = from_json(json.dumps(V2)).example_dialogue
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
    again = from_json(to_json(ours))
    assert again.repairs == ()
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
    for field in same:
        assert getattr(again, field) == getattr(ours, field)
    assert [ours.greeting_of(number) for number in range(4)] == ["Flour?", "Salt?", None, None]
    assert [again.greeting_of(number) for number in range(4)] == [
        "Flour?",
        "Salt?",
        "Flour?",
        "Salt?",
    ]  # a card always greets


def test_macros_are_replaced_in_any_case() -> None:
    text = "{{Char}} and <bot> greet {{USER}}, <User> and {{other}}."
    assert cards.fill_macros(text, "Bo", "Tom") == "Bo and Bo greet Tom, Tom and {{other}}."


@pytest.mark.parametrize("ours", [None, [], {"age": "44", "archetype": 7, "topics": "paint"}])
def test_an_extension_of_ours_with_wrong_types_is_left_alone(ours: Any) -> None:
    wild = V2 | {"data": V2["data"] | {"extensions": {"rapport": ours}}}
    character = from_json(json.dumps(wild))
    assert (character.age, character.archetype, character.topics) == (None, None, ())
    assert json.loads(to_json(character)) == wild


def test_every_chunk_of_a_written_picture_has_its_checksum() -> None:
    image = to_png(Character("Ottoline", "Paints signs."))
    kinds, start = [], len(cards.PNG)
    while start < len(image):
        (size,) = struct.unpack_from(">I", image, start)
        end = start + 8 + size
        kinds.append(image[start + 4 : start + 8])
        assert struct.unpack_from(">I", image, end) == (zlib.crc32(image[start + 4 : end]),)
        start = end + 4
    assert kinds == [b"IHDR", b"IDAT", b"tEXt", b"IEND"]


def test_the_picture_of_a_character_without_one_is_a_grey_square() -> None:
    chunks = dict(png.chunks(to_png(Character("Ottoline", "Paints signs."))))
    width, height, depth, *others = struct.unpack(">IIBBBBB", chunks[b"IHDR"])
    assert (width, height, depth, others) == (64, 64, 8, [0, 0, 0, 0])  # 8 bits, grey
    rows = zlib.decompress(chunks[b"IDAT"])
    assert len(rows) == height * (1 + width)
    assert set(rows[1 : 1 + width]) == {0x90}
