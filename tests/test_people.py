"""Characters from anywhere: files with fields named, lorebooks, example dialogues, long talks."""

from __future__ import annotations

import base64
import csv
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline import UserError
from pipeline.conversation import Message, Quarantine
from pipeline.formats import cards, lorebook, png
from pipeline.formats.lorebook import Lorebook
from pipeline.generate import expected, prompts
from pipeline.generate.scene import Scene, lore
from pipeline.generate.talk import _chat, first_within, view
from pipeline.llm import tokens_in
from pipeline.recipe.generate import GenerateSettings, PersonaFile
from tests.test_generate import REHEARSAL, generate, kept
from tests.test_talk import OTTO, TAKEN, TOM, a_plan, a_scene, messages

EN = prompts.load("en")
PEOPLE = [
    {"wer": "Ottoline", "alter": 44, "text": "Ottoline, 44, paints shop signs by the canal."},
    {"wer": "Lily", "alter": 16, "text": "Lily paints as well, after lessons."},
    {"wer": "", "alter": 30, "text": "Somebody without a name who paints."},
    {"wer": "Bo", "alter": 51, "text": "Bo is 51 and mends nets in the harbour."},
]
FIELDS = {"name": "wer", "age": "alter", "description": "text"}


def run(folder: Path, **wanted: Any) -> list[Any]:
    from pipeline import llm
    from pipeline.generate import work
    from pipeline.llm import Client, rehearsal

    async def rows() -> list[Any]:
        calls = folder / "calls.sqlite"
        async with Client(REHEARSAL, calls, None, {}, 7, rehearsal.answer) as client:
            settings = GenerateSettings(talks=1, turns=(4, 6), **wanted)
            return [row async for row in work(settings, client, 7, folder)]

    return list(llm.run(rows()))


def test_characters_of_a_file_talk_and_the_unusable_are_quarantined(tmp_path: Path) -> None:
    (tmp_path / "people.jsonl").write_text("\n".join(map(json.dumps, PEOPLE)))
    files = [{"path": "people.jsonl", "fields": FIELDS}]
    rows = run(tmp_path, personas=files)
    assert {row.persona.name for row in kept(rows)} == {"Ottoline", "Bo"}
    lost = {row.where: row.detail for row in rows if isinstance(row, Quarantine)}
    assert lost == {
        "personas/people.jsonl#1": "age 16: adults only",
        "personas/people.jsonl#2": "it has no name",
    }
    settings = GenerateSettings(talks=1, turns=(4, 6), personas=files)  # type: ignore[arg-type]
    assert settings.wanted
    assert expected(settings, REHEARSAL, 7, tmp_path)["writer"].calls > 8


def test_users_of_a_table_write_in_the_place_of_ours(tmp_path: Path) -> None:
    with (tmp_path / "users.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, ["name", "age", "description", "typing"])
        writer.writeheader()
        writer.writerow(
            {
                "name": "Zora",
                "age": "33",
                "description": "Zora drives a night bus and counts foxes.",
                "typing": "short, no capitals at all",
            }
        )
    files = [{"path": "users.csv", "role": "user", "fields": {"style": "typing"}}]
    rows = run(tmp_path, personas=files, seeds=2)
    assert {row.user_persona.name for row in kept(rows)} == {"Zora"}


@pytest.mark.parametrize(
    ("name", "text", "fields", "words"),
    [
        ("a.jsonl", '{"wer": "Bo"}', {"name": "who"}, "no field 'who' .*It has wer"),
        ("a.jsonl", '["Bo"]', {}, "not a list of objects"),
        ("a.json", "{broken", {}, "cannot be read"),
        ("a.xml", "<a/>", {}, r"only \.jsonl, \.json and \.csv"),
        (None, "", {}, "does not exist"),
    ],
)
def test_what_is_wrong_with_a_file_is_said(
    tmp_path: Path, name: str | None, text: str, fields: dict[str, str], words: str
) -> None:
    if name:
        (tmp_path / name).write_text(text)
    with pytest.raises(UserError, match=words):
        run(tmp_path, personas=[{"path": name or "b.json", "fields": fields}])


def test_a_field_that_is_none_of_ours_is_a_mistake_of_the_recipe() -> None:
    with pytest.raises(ValueError, match="'nom' is no field of ours; name, age"):
        PersonaFile(path="a.csv", fields={"nom": "n"})


# --- lorebooks

BOOK = {
    "scan_depth": 2,
    "entries": [
        {"keys": ["lighthouse"], "content": "It has been dark since 1981.", "insertion_order": 2},
        {"keys": ["keeper", "warden"], "content": "The keeper was {{char}}'s uncle."},
        {"keys": [], "content": "Always: the harbour smells of tar.", "constant": True},
        {"keys": ["boat"], "secondary_keys": ["red"], "selective": True, "content": "It sank."},
        {"keys": ["cat"], "content": "Switched off.", "enabled": False},
        {"keys": ["c.t"], "content": "A pattern.", "use_regex": True},
        {"keys": "tar, pitch", "content": ""},
    ],
}
CARD = {"spec": "chara_card_v3", "spec_version": "3.0"}
DATA = {"name": "Otto", "description": "Otto, 60, sells rope.", "character_book": BOOK}
ALWAYS = "Always: the harbour smells of tar."


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (["hello"], []),
        (["the LIGHTHOUSE again"], ["It has been dark since 1981."]),
        (["lighthouses"], []),
        (["a boat"], []),
        (["a boat, a red one"], ["It sank."]),
        (["the lighthouse", "and then", "nothing"], []),
        (["a cat", "cat"], []),
        (
            ["the warden of the lighthouse"],
            ["The keeper was {{char}}'s uncle.", "It has been dark since 1981."],
        ),
    ],
)
def test_an_entry_is_shown_when_its_key_has_come_up(said: list[str], told: list[str]) -> None:
    found = lorebook.shown(lorebook.read(BOOK), said)
    assert ALWAYS in found
    assert [text for text in found if text != ALWAYS] == told


def test_entries_reach_the_character_and_not_the_user() -> None:
    character = cards.from_json(json.dumps({**CARD, "data": DATA}))
    assert character.repairs[-1] == (
        "character_book: 1 entries with regular expressions are not used"
    )
    scene = replace(a_scene(opener="user"), character=character)
    talked = [Message("user", "the keeper knew")]
    assert "The keeper was Otto's uncle." in lore(scene, talked, EN)
    assert "uncle" in _chat(talked, scene, "S", EN, None)[0]["content"]
    talked.append(Message("assistant", "the keeper knew"))
    assert "uncle" not in _chat(talked, scene, "S", EN, None)[0]["content"]
    assert lore(a_scene(), talked, EN) == ""


def test_a_lorebook_is_checked_like_the_rest_of_a_card(tmp_path: Path) -> None:
    book = {"entries": [{"keys": ["x"], "content": "Her friend Lily is a schoolgirl."}]}
    card = {**CARD, "data": DATA | {"character_book": book, "first_mes": "Rope, then?"}}
    (tmp_path / "otto.json").write_text(json.dumps(card))
    rows, _ = generate(tmp_path / "c.sqlite", cards=[str(tmp_path / "otto.json")], talks=1)
    assert [row.detail for row in rows if isinstance(row, Quarantine)] == [
        "safety.minor: lore: schoolgirl"
    ]


@given(st.recursive(st.none() | st.text(max_size=5) | st.integers() | st.booleans(), st.lists))
def test_no_book_is_too_wild_to_be_read(value: object) -> None:
    for book in (value, {"entries": value}, {"entries": [{"keys": value, "content": "x"}]}):
        assert isinstance(lorebook.read(book), Lorebook)


def test_the_v3_chunk_of_a_picture_counts_where_there_are_two() -> None:
    old = cards.to_png(cards.from_json(json.dumps({"name": "Old", "description": "d"})))
    new = base64.b64encode(json.dumps({**CARD, "data": DATA}).encode())
    end = old.rindex(b"IEND") - 4
    both = old[:end] + png.chunk(b"tEXt", b"ccv3\0" + new) + old[end:]
    assert cards.from_json(cards.png_text(both)).name == "Otto"
    assert cards.from_json(cards.png_text(old)).name == "Old"


def test_an_example_line_is_style_and_never_a_message() -> None:
    dialogue = (Message("user", "Is it wet?"), Message("assistant", "Touch it and you'll know."))
    scene = replace(a_scene(), character=replace(OTTO, example_dialogue=dialogue))
    before = [Message("user", "wet?")]
    found = scene.fault(before, Message("assistant", "touch it, and you'll know"), EN)
    assert found
    assert found.rule == "talk.example"
    assert scene.fault(before, Message("assistant", "Touch the sign if you like."), EN) is None


# --- long talks


@given(texts=st.lists(st.text(max_size=40), max_size=12), window=st.integers(1, 60))
def test_the_last_messages_that_fit_are_sent_whole(texts: list[str], window: int) -> None:
    talked = messages("user", texts)
    first = first_within(talked, window)
    kept_whole = talked[first:]
    assert len(kept_whole) >= min(2, len(talked))
    total = sum(tokens_in(message.content) for message in kept_whole)
    assert total <= window or len(kept_whole) <= 2
    if first:
        assert total + tokens_in(talked[first - 1].content) > window
    assert first_within(talked, None) == 0


def test_what_does_not_fit_is_quoted_and_not_cut_in_silence() -> None:
    texts = [f"{TAKEN} for the {number} time" for number in range(20)]
    texts[3] = "I work as a baker, so I'm up at three."
    scene = Scene(OTTO, TOM, "It rains.", "lead", None, a_plan(40, "user", (8, 18)), 0)
    talked = messages("user", texts)
    chat = _chat(talked, scene, "S", EN, None, 60)
    assert len(chat) < len(view(talked, "user", "S", "B", "N"))
    assert 'message 4, assistant: "I work as a baker, so I\'m up at three."' in chat[0]["content"]
    assert texts[8] in chat[0]["content"]  # the step that was taken up
    assert chat[-1]["content"].startswith(texts[19])
    assert chat[1]["role"] == chat[-1]["role"] == "user"
