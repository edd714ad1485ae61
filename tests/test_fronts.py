"""Chats of roleplay programs: sides, names, personas, groups, swipes, and what is no message."""

from __future__ import annotations

import copy
import json
import zipfile
from collections.abc import Iterator, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline import UserError, collect
from pipeline.collect import shapes
from pipeline.collect.shapes.fronts import fronts
from pipeline.collect.shapes.transcript import Place, Transcript, Unread
from pipeline.conversation import Conversation, FileRead, Quarantine
from pipeline.formats import cards
from pipeline.recipe.collect import CollectSettings, SourceSettings

U, A, S = "user", "assistant", "system"
CARD = json.dumps(
    {
        "spec": "chara_card_v3",
        "spec_version": "3.0",
        "data": {
            "name": "Ada",
            "description": "{{char}} keeps an inn and is 41 years old.",
            "first_mes": "Good evening, {{user}}.",
            "scenario": "A storm.",
        },
    }
)


def collected(folder: Path, *patterns: str) -> tuple[list[Any], list[FileRead]]:
    """(rows, what was found in each file)"""
    source = SourceSettings(name="s", files=list(patterns))
    collecting = CollectSettings(sources=[source])
    rows = [
        row
        for unit in collect.units(collecting, folder)
        for row in collect.read(unit, collecting, folder)
    ]
    files = [row for row in rows if isinstance(row, FileRead)]
    return [row for row in rows if not isinstance(row, FileRead)], files


def written(folder: Path, files: dict[str, Any]) -> None:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(as_bytes(name, content))


def as_bytes(name: str, content: Any) -> bytes:
    if isinstance(content, bytes):
        return content
    if isinstance(content, str):
        return content.encode()
    if name.endswith(".jsonl"):
        return "\n".join(map(json.dumps, content)).encode()
    return json.dumps(content).encode()


def one_row(folder: Path, name: str, content: Any) -> Conversation:
    written(folder, {name: content})
    [row], _ = collected(folder, name)
    assert isinstance(row, Conversation), row
    return row


def talk(row: Conversation) -> list[tuple[str, str | None, str]]:
    return [(m.role, m.name, m.content) for m in row.messages]


def choices(row: Conversation) -> list[tuple[int, str, bool]]:
    return [(one.message, one.content, one.chosen) for one in row.alternatives]


# --- SillyTavern

HEADER = {"user_name": "Ben", "character_name": "Ada", "create_date": "2024-3-2 @14h 05m 11s 220ms"}


def line(name: str, text: Any, **fields: Any) -> dict[str, Any]:
    return {"name": name, "is_user": name == "Ben", "is_system": False, "mes": text, **fields}


CHAT = [
    {**HEADER, "chat_metadata": {"note_prompt": "Be brief."}},
    line("Ada", "Evening, {{user}}.", swipe_id=1, swipes=["You again.", "Evening, {{user}}."]),
    line("Ben", "Is it late, {{char}}?", send_date="March 2, 2024 2:05pm"),
    line("Note", "Ask her again.", is_system=True, extra={"type": "comment"}),
    line("Ada", "An old answer.", is_system=True),
    line("Ada", "", extra={"image": "a.png"}),
    line("Ada", "Past nine.", extra={"model": "m", "reasoning": "A clock?"}),
]


def test_a_solo_chat_keeps_sides_names_swipes_and_counts_what_is_no_message(tmp_path: Path) -> None:
    written(tmp_path, {"chats/Ada/x.jsonl": CHAT, "characters/Ada.png": png(CARD)})
    [row], [file] = collected(tmp_path, "chats/**/*.jsonl")
    assert talk(row) == [
        (A, "Ada", "Evening, Ben."),
        (U, "Ben", "Is it late, Ada?"),
        (A, "Ada", "Past nine."),
    ]
    assert choices(row) == [(0, "You again.", False), (0, "Evening, Ben.", True)]
    assert row.split_group == "s/Ada"
    assert (row.persona.name, row.persona.scenario) == ("Ada", "A storm.")
    assert row.persona.description == "Ada keeps an inn and is 41 years old."
    assert json.loads(row.persona.card)["data"]["name"] == "Ada"
    assert file.left_out == {"comment": 1, "hidden message": 1, "message without text": 1}
    assert "collect: placeholders filled with names" in row.edits
    extra = json.loads(row.extra)
    assert extra["began"] == "2024-03-02 14:05:11"
    assert extra["messages"][2]["extra"]["reasoning"] == "A clock?"


def png(card: str) -> bytes:
    return cards.to_png(cards.from_json(card))


def charx(card: str) -> bytes:
    data = BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr("card.json", card)
    return data.getvalue()


@pytest.mark.parametrize(
    ("name", "data"),
    [("Ada.json", CARD), ("characters/Ada.charx", charx(CARD)), ("../Ada.png", png(CARD))],
)
def test_a_card_beside_the_chat_gives_the_persona(
    tmp_path: Path, name: str, data: str | bytes
) -> None:
    written(tmp_path, {"chats/x.jsonl": CHAT, f"chats/{name}": data})
    [row], _ = collected(tmp_path, "chats/x.jsonl")
    assert row.persona.greeting == "Good evening, Ben."


def test_a_card_in_the_archive_of_the_chats_gives_the_persona(tmp_path: Path) -> None:
    data = BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr("user/chats/Ada/x.jsonl", as_bytes("x.jsonl", CHAT))
        archive.writestr("user/characters/Ada.png", png(CARD))
    written(tmp_path, {"backup.zip": data.getvalue(), "Ada.json": CARD.replace("41", "17")})
    [row], _ = collected(tmp_path, "backup.zip")
    assert "41 years" in row.persona.description


def test_the_card_of_somebody_else_is_not_taken(tmp_path: Path) -> None:
    written(tmp_path, {"x.jsonl": CHAT, "Ada.json": CARD.replace('"Ada"', '"Cy"')})
    [row], _ = collected(tmp_path, "x.jsonl")
    assert (row.persona.name, row.persona.description) == ("Ada", None)
    outside = [{**HEADER, "character_name": "../secret"}, *CHAT[1:]]
    written(tmp_path, {"chats/x.jsonl": outside, "secret.json": CARD.replace("Ada", "../secret")})
    [row], _ = collected(tmp_path, "chats/x.jsonl")
    assert row.persona.description is None


GROUP = [
    {"chat_metadata": {}, "user_name": "unused", "character_name": "unused"},
    line("Ada", "Evening.", original_avatar="Ada.png"),
    line("Ben", "Two of you, {{char}}?"),
    line("Cy", "Always, {{user}}.", original_avatar="Cy.png"),
]


@pytest.mark.parametrize("first", [0, 1], ids=["with a header", "older, without"])
def test_a_group_chat_keeps_all_names_and_is_its_own_group(tmp_path: Path, first: int) -> None:
    row = one_row(tmp_path, "group chats/2024-5-1 @10h 20m.jsonl", GROUP[first:])
    assert talk(row) == [
        (A, "Ada", "Evening."),
        (U, "Ben", "Two of you, {{char}}?"),
        (A, "Cy", "Always, Ben."),
    ]
    assert row.split_group == "s/Ada, Cy"
    assert row.persona.name == "Ada, Cy"


def test_the_personas_of_a_whole_group_are_seen(tmp_path: Path) -> None:
    other = CARD.replace('"Ada"', '"Cy"').replace("41", "17")
    written(tmp_path, {"x.jsonl": GROUP, "Ada.json": CARD, "Cy.json": other})
    [row], _ = collected(tmp_path, "x.jsonl")
    assert "17 years" in row.persona.description
    assert "41 years" in row.persona.description


def test_chats_joined_to_one_file_are_several(tmp_path: Path) -> None:
    other = [{**HEADER, "character_name": "Cy"}, line("Cy", "Hm."), line("Ben", "Hm?")]
    written(tmp_path, {"x.jsonl": [*CHAT, *other]})
    rows, _ = collected(tmp_path, "x.jsonl")
    assert [row.split_group for row in rows] == ["s/Ada", "s/Cy"]
    assert len({row.id for row in rows}) == 2


def test_chub_and_older_lines(tmp_path: Path) -> None:
    chub = [
        HEADER,
        line("Ada", {"message": "Evening."}, swipes=[{"message": "Evening."}, "No."], swipe_id=0),
        {"name": "Ben", "mes": "Late?"},
    ]
    row = one_row(tmp_path, "x.jsonl", chub)
    assert talk(row) == [(A, "Ada", "Evening."), (U, "Ben", "Late?")]
    assert choices(row) == [(0, "Evening.", True), (0, "No.", False)]
    narrator = line("System", "Rain falls.", extra={"type": "narrator"})
    row = one_row(tmp_path, "y.json", [*CHAT, narrator])
    assert talk(row)[-1][0] == S


def test_an_edited_message_keeps_its_swipes(tmp_path: Path) -> None:
    row = one_row(tmp_path, "x.jsonl", [HEADER, line("Ada", "New.", swipes=["Old."], swipe_id=0)])
    assert choices(row) == [(0, "Old.", False), (0, "New.", True)]


def test_a_chat_without_messages_and_a_side_that_is_not_given_are_in_the_quarantine(
    tmp_path: Path,
) -> None:
    written(tmp_path, {"a.jsonl": CHAT[:1], "b.jsonl": [*CHAT, {"name": "Cy", "mes": "I?"}]})
    rows, _ = collected(tmp_path, "a.jsonl")
    assert [row.rule for row in rows] == ["record.empty"]
    rows, _ = collected(tmp_path, "b.jsonl")
    assert [type(row).__name__ for row in rows] == ["Quarantine", "Conversation"]


@pytest.mark.parametrize(
    "written_time",
    [
        1709388311000,
        "1709388311000",
        "2024-03-02T14:05:11.220Z",
        "2024-3-2 @14h 05m 11s 220ms",
        "2024-03-02@14h05m11s",
    ],
)
def test_send_dates(written_time: Any) -> None:
    assert fronts.began("nonsense", None, written_time) == {"began": "2024-03-02 14:05:11"}
    assert fronts.began("March 2, 2024 2:05pm") == {"began": "2024-03-02 14:05:00"}


# --- the others


def said(number: int, name: str, text: str, **fields: Any) -> dict[str, Any]:
    source = {"name": name, "is_human": name == "Ben"}
    return {"id": number, "text": text, "src": source, "is_alternative": False, **fields}


CAI = {
    "info": {
        "character": {
            "external_id": "x1",
            "name": "Ada",
            "greeting": "Evening.",
            "definition": "{{char}} is 41.",
        }
    },
    "histories": {
        "histories": [
            {
                "external_id": "h1",
                "msgs": [
                    said(1, "Ada", "Evening."),
                    said(2, "Ben", "Late?"),
                    said(3, "Ada", "No.", is_alternative=True),
                    said(4, "Ada", "Yes."),
                    said(5, "Ada", "Perhaps.", is_alternative=True),
                    said(6, "Ben", "gone", deleted=True),
                ],
            },
            {"external_id": "h2", "msgs": [said(8, "Ben", "Hi"), said(7, "Ada", "Evening.")]},
            {"external_id": "h3", "msgs": [{"text": "?"}]},
        ]
    },
}


def test_a_dump_of_character_ai(tmp_path: Path) -> None:
    written(tmp_path, {"Ada.json": CAI})
    rows, [file] = collected(tmp_path, "Ada.json")
    assert [type(row).__name__ for row in rows] == ["Conversation", "Conversation", "Quarantine"]
    assert talk(rows[0]) == [(A, "Ada", "Evening."), (U, "Ben", "Late?"), (A, "Ada", "Yes.")]
    assert choices(rows[0]) == [(2, "No.", False), (2, "Yes.", True), (2, "Perhaps.", False)]
    assert talk(rows[1]) == [(A, "Ada", "Evening."), (U, "Ben", "Hi")]
    assert {row.split_group for row in rows[:2]} == {"s/x1"}
    assert rows[0].persona.description == "Ada is 41."
    assert rows[0].source.private
    assert file.left_out == {"deleted message": 1}


def turn(second: int, name: str, *texts: str, **fields: Any) -> dict[str, Any]:
    candidates = [{"candidate_id": text, "raw_content": text} for text in texts]
    author = {"name": name, **({"is_human": True} if name == "Ben" else {})}
    time = f"2024-03-02T14:05:{second:02}Z"
    return {"create_time": time, "author": author, "candidates": candidates, **fields}


def test_the_newer_server_of_character_ai_gives_the_latest_turn_first(tmp_path: Path) -> None:
    turns = [
        turn(3, "Ada", "No.", "Yes.", primary_candidate_id="Yes."),
        turn(2, "Ben", "Late?"),
        turn(2, "Ada", "Evening."),  # of one moment: the later one stands first
    ]
    row = one_row(tmp_path, "a.json", {"turns": turns, "meta": {"next_token": ""}})
    assert talk(row) == [(A, "Ada", "Evening."), (U, "Ben", "Late?"), (A, "Ada", "Yes.")]
    assert choices(row) == [(2, "No.", False), (2, "Yes.", True)]
    assert row.persona.name == "Ada"
    del turns[0]["primary_candidate_id"]
    written(tmp_path, {"b.json": {"turns": turns}})
    [row], _ = collected(tmp_path, "b.json")
    assert "which of its candidates was shown" in row.detail


def test_conversations_of_cai_tools(tmp_path: Path) -> None:
    plain = [
        {"name": "Ada", "message": "Good%20evening.", "isHuman": False},
        {"name": "Ben", "message": "Late?", "isHuman": True},
    ]
    row = one_row(tmp_path, "a.json", plain)
    assert talk(row) == [(A, "Ada", "Good%20evening."), (U, "Ben", "Late?")]
    escaped = [{"name": one["name"], "message": one["message"]} for one in plain]
    for one in escaped:
        one["isUser"] = one["name"] == "Ben"
    page = {"charPic": "", "userPic": "", "history": [{"date": 1709388311000, "chat": escaped}]}
    row = one_row(tmp_path, "b.json", page)
    assert talk(row)[0] == (A, "Ada", "Good evening.")
    assert row.split_group == "s/Ada"


OOBA = {
    "internal": [
        ["<|BEGIN-VISIBLE-CHAT|>", "I'm {{char}}."],
        ["What's new?", "Nothing."],
        ["", "Or rain."],
        ["Well.", ""],
    ],
    "visible": [
        ["", "I&#x27;m {{char}}."],
        ["What&#x27;s new?", "Nothing."],
        ["", "Or rain."],
        ["Well.", ""],
    ],
    "metadata": {
        "assistant_1": {
            "versions": [{"content": "Snow."}, {"content": "Nothing."}],
            "current_version_index": 1,
        }
    },
}


def test_the_name_of_a_bot_of_pippa_is_filled_in(tmp_path: Path) -> None:
    messages = [{"message": "I am {{char}}, {{user}}.", "is_human": False}]
    bot = {"bot_id": "b", "bot_name": "Ada", "bot_definitions": "{{char}} is 41."}
    row = one_row(tmp_path, "a.jsonl", [{**bot, "conversation": messages}])
    assert (row.messages[0].content, row.persona.description) == (
        "I am Ada, {{user}}.",
        "Ada is 41.",
    )


def test_a_history_of_oobabooga(tmp_path: Path) -> None:
    names = [f"chat/{name}/20240302-14-05-11.json" for name in ("Ada", "Cy")]
    written(tmp_path, dict.fromkeys(names, OOBA))
    [row, other], files = collected(tmp_path, "chat")
    assert [(m.role, m.content) for m in row.messages] == [
        (A, "I'm Ada."),
        (U, "What's new?"),
        (A, "Nothing."),
        (A, "Or rain."),
        (U, "Well."),
    ]
    assert choices(row) == [(2, "Snow.", False), (2, "Nothing.", True)]
    assert (row.persona.name, row.split_group, other.split_group) == ("Ada", "s/Ada", "s/Cy")
    assert files[0].assumed == ("the folder is named after the character",)
    assert row.extra is None or "visible" not in json.loads(row.extra)


def test_older_histories_of_oobabooga(tmp_path: Path) -> None:
    older = {"data": [["Hi", "A & B"]], "data_visible": [["Salut", "A &amp; B"]]}
    row = one_row(tmp_path, "Ada_persistent.json", older)
    assert [m.content for m in row.messages] == ["Hi", "A & B"]
    assert json.loads(row.extra)["visible"] == [["Salut", "A & B"]]
    assert row.split_group == "s/Ada"
    written(tmp_path, {"a.json": {"internal": [["Hi", "Ho"]], "visible": [["a", "b"], ["c", "d"]]}})
    [row], _ = collected(tmp_path, "a.json")
    assert "1 pairs were seen by the model, 2 are shown" in row.detail


AGNAI = {
    "name": "Exported",
    "greeting": "Evening, {{user}}.",
    "scenario": "A storm.",
    "messages": [
        {"_id": "1", "characterId": "imported", "handle": "Ada", "msg": "Evening, {{user}}."},
        {"_id": "2", "userId": "u", "handle": "Ben", "msg": "Late?", "parent": "1"},
        {"_id": "3", "userId": "u", "handle": "Ben", "msg": "brb", "ooc": True, "parent": "2"},
        {
            "_id": "4",
            "characterId": "imported",
            "handle": "Ada",
            "msg": "Yes.",
            "retries": ["No."],
            "parent": "3",
        },
    ],
}


def test_an_export_of_agnai(tmp_path: Path) -> None:
    written(tmp_path, {"chat-9f.json": AGNAI})
    [row], [file] = collected(tmp_path, "chat-9f.json")
    assert talk(row) == [(A, "Ada", "Evening, Ben."), (U, "Ben", "Late?"), (A, "Ada", "Yes.")]
    assert choices(row) == [(2, "Yes.", True), (2, "No.", False)]
    assert (row.persona.name, row.persona.scenario) == ("Ada", "A storm.")
    assert (row.split_group, file.left_out) == ("s/Ada", {"out of character": 1})


def test_branches_of_agnai_are_not_read_as_one_chat(tmp_path: Path) -> None:
    messages = [*AGNAI["messages"], {"_id": "5", "userId": "u", "msg": "Hm", "parent": "1"}]
    written(tmp_path, {"a.json": {**AGNAI, "messages": messages}})
    [row], _ = collected(tmp_path, "a.json")
    assert "message 5 does not answer the one before it" in row.detail


RISU = {
    "type": "risuChat",
    "ver": 1,
    "data": {
        "name": "Chat 1",
        "note": "Be brief.",
        "localLore": [],
        "message": [
            {"role": "char", "data": "I am {{char}}.", "time": 1709388311000},
            {"role": "user", "data": "Late?"},
            {"role": "user", "data": "aside", "disabled": True},
        ],
    },
}


def test_exports_of_risuai(tmp_path: Path) -> None:
    written(tmp_path, {"Ada_2024-03-02T140511220Z_chat.json": RISU})
    [row], [file] = collected(tmp_path, "*.json")
    assert talk(row) == [(A, None, "I am Ada."), (U, None, "Late?")]
    assert (row.split_group, file.left_out) == ("s/Ada", {"hidden message": 1})
    assert json.loads(row.extra)["note"] == "Be brief."
    several = {"type": "risuAllChats", "ver": 1, "data": [RISU["data"], RISU["data"], "?"]}
    written(tmp_path, {"all.json": several})
    rows, _ = collected(tmp_path, "all.json")
    assert [type(row).__name__ for row in rows] == ["Conversation", "Conversation", "Quarantine"]


def test_a_chat_of_backyard(tmp_path: Path) -> None:
    items = [
        {"input": "", "output": "Evening.", "createdAt": 1709388311000},
        {"input": "Late?", "output": "Yes.", "createdAt": 1709388360000},
    ]
    chat = {"version": 2, "chat": {"ChatItems": items}, "staging": {"scenario": "A storm."}}
    row = one_row(tmp_path, "a.json", chat)
    assert talk(row) == [(A, None, "Evening."), (U, None, "Late?"), (A, None, "Yes.")]
    assert row.persona.scenario == "A storm."


SCENARIO = {
    "schemaVersion": 1,
    "narrative": "{character} waits.",
    "formattingInstructions": "",
    "exampleMessages": [],
    "firstMessages": [{"characterID": "c1", "text": "I am {character}, {user}."}],
    "messages": [
        {"type": "human", "text": "Late?", "createdAt": "2024-03-02T14:05:11Z"},
        {
            "type": "ai",
            "outputs": [
                {"text": "Yes.", "activeTimestamp": "2024-03-02T14:07:00Z"},
                {"text": "No.", "activeTimestamp": "2024-03-02T14:06:00Z"},
            ],
        },
    ],
}


def byaf(*scenarios: dict[str, Any]) -> bytes:
    character = {"schemaVersion": 1, "id": "c1", "name": "Ada", "displayName": "Ada of the Inn"}
    manifest = {"schemaVersion": 1, "characters": ["characters/c1/character.json"], "scenarios": []}
    data = BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr("manifest.json", json.dumps(manifest))
        card = {**character, "persona": "{character} is 41.", "loreItems": []}
        archive.writestr("characters/c1/character.json", json.dumps(card))
        for number, scenario in enumerate(scenarios):
            archive.writestr(f"scenarios/{number}.json", json.dumps(scenario))
    return data.getvalue()


def test_an_archive_of_backyard(tmp_path: Path) -> None:
    told = [{"type": "ai", "outputs": [{"text": "I am {character}, {user}."}]}]
    written(tmp_path, {"Ada.byaf": byaf(SCENARIO, {**SCENARIO, "messages": told})})
    rows, files = collected(tmp_path, "Ada.byaf")
    assert talk(rows[0]) == [
        (A, None, "I am Ada, {user}."),
        (U, None, "Late?"),
        (A, None, "Yes."),
    ]
    assert choices(rows[0]) == [(2, "Yes.", True), (2, "No.", False)]
    assert [len(row.messages) for row in rows] == [3, 1]
    assert rows[0].persona.name == "Ada of the Inn"
    assert (rows[0].persona.description, rows[0].persona.scenario) == ("Ada is 41.", "Ada waits.")
    assert rows[0].split_group == "s/Ada of the Inn"
    assumed = "the chat begins with the first message of its scenario"
    assert (assumed,) in [file.assumed for file in files]


def test_the_user_of_a_text_of_backyard(tmp_path: Path) -> None:
    head = "[3/2/2024, 2:05:11 PM] "
    text = f"{head}Ada: Evening.\n---\n{head}Me: Late?\n---\n"
    row = one_row(tmp_path, "a.txt", text)
    assert talk(row) == [(A, "Ada", "Evening."), (U, "Me", "Late?")]
    assert json.loads(row.extra) == {"began": "2024-03-02 14:05:11"}


def kobold(prompt: str, *actions: str, **saved: Any) -> dict[str, Any]:
    memory = "[Ada keeps an inn.]"
    session = {"gamestarted": True, "prompt": prompt, "actions": list(actions), "memory": memory}
    return {**session, "worldinfo": [], "savedsettings": saved}


def test_a_session_of_kobold_lite_in_chat_mode(tmp_path: Path) -> None:
    session = kobold(
        "Rain.\nAda: Evening.\nSit.\nBen: Late?\nAda:",
        " Yes. Ben: knows.[<|p|3|p|>]",
        "\nBen: Oh",
        opmode=3,
        chatname="Ben",
        chatopponent="Ada",
    )
    written(tmp_path, {"a.json": session})
    [row], [file] = collected(tmp_path, "a.json")
    assert talk(row) == [
        (A, "Ada", "Evening.\nSit."),
        (U, "Ben", "Late?"),
        (A, "Ada", "Yes. Ben: knows."),
        (U, "Ben", "Oh"),
    ]
    assert (row.persona.description, row.persona.scenario) == ("[Ada keeps an inn.]", "Rain.")
    assert (row.split_group, file.left_out) == ("s/Ada", {"image": 1})


def test_several_characters_of_kobold_lite(tmp_path: Path) -> None:
    settings = {"opmode": "3", "chatname": "Ben", "chatopponent": "Ada||$||Cy"}
    row = one_row(tmp_path, "a.json", kobold("\nAda: A\nCy: C\nBen: B", **settings))
    assert talk(row) == [(A, "Ada", "A"), (A, "Cy", "C"), (U, "Ben", "B")]
    assert row.split_group == "s/Ada, Cy"


def test_speakers_whom_kobold_lite_does_not_name_are_not_read_as_others(tmp_path: Path) -> None:
    settings = {"opmode": 3, "chatname": "Ben", "chatopponent": "Ada"}
    text = "\nAda: A\nCy: C\nBen: B\nCy: D"
    written(tmp_path, {"a.json": kobold(text, **settings)})
    [row], _ = collected(tmp_path, "a.json")
    assert "speakers whom the settings do not name: Cy" in row.detail


INSTRUCT = {
    "placeholders": ("{{[SYSTEM]}}Be.{{[SYSTEM_END]}}{{[INPUT]}}Late?{{[OUTPUT]}}", {}),
    "tags": (
        "### System:\nBe.\n### Instruction:\nLate?\n### Response:\n",
        {
            "instruct_systag": "\\n### System:\\n",
            "instruct_starttag": "\\n### Instruction:\\n",
            "instruct_endtag": "\\n### Response:\\n",
        },
    ),
}


@pytest.mark.parametrize(("prompt", "tags"), INSTRUCT.values(), ids=INSTRUCT)
def test_a_session_of_kobold_lite_in_instruct_mode(
    tmp_path: Path, prompt: str, tags: dict[str, str]
) -> None:
    row = one_row(tmp_path, "a.json", kobold(prompt, "Yes.", opmode=4, **tags))
    assert talk(row) == [(S, None, "Be."), (U, None, "Late?"), (A, None, "Yes.")]


@pytest.mark.parametrize(
    "saved",
    [
        {"opmode": 1, "chatname": "Ben", "chatopponent": "Ada"},
        {"opmode": 2},
        {"opmode": 3, "chatname": "Ben", "chatopponent": ""},
        {"opmode": 4},
        {},
    ],
)
def test_a_story_of_kobold_lite_is_refused(tmp_path: Path, saved: dict[str, Any]) -> None:
    written(tmp_path, {"a.json": kobold("Ben: Late?\nAda: Yes.\nBen: Oh", " And so on.", **saved)})
    [row], _ = collected(tmp_path, "a.json")
    assert "a story without speakers" in row.detail


def test_a_log_of_ginger(tmp_path: Path) -> None:
    messages = [
        {"user": "1", "text": "Evening.", "alt-texts": ["You.", "Evening."]},
        {"user": "0", "text": "Late?", "timestamp": 1},
    ]
    log = {"title": "t", "createdAt": 1709388311000, "users": {"0": "Ben", "1": "Ada"}}
    row = one_row(tmp_path, "a.json", {**log, "messages": messages})
    assert talk(row) == [(A, "Ada", "Evening."), (U, "Ben", "Late?")]
    assert choices(row) == [(0, "You.", False), (0, "Evening.", True)]
    assert row.split_group == "s/Ada"


def test_examples_of_a_card_as_text(tmp_path: Path) -> None:
    text = "{{char}}: Evening.\n<START>\nlost\n<START>\n<USER>: Late?\n<BOT>: Yes.\nPast nine.\n"
    written(tmp_path, {"Ada_Example.txt": text})
    rows, _ = collected(tmp_path, "Ada_Example.txt")
    assert talk(rows[0]) == [(A, None, "Evening.")]
    assert isinstance(rows[1], Quarantine)
    assert talk(rows[2]) == [(U, None, "Late?"), (A, None, "Yes.\nPast nine.")]


EXPORT = "Ada: Evening.\n\nSit.\n\nBen: Late?\n\nAda: Yes.\n\nBen: Oh.\n"


@pytest.mark.parametrize("name", ["Ada.txt", "Ada - 2024-3-2 @14h 05m 11s 220ms.txt"])
def test_the_character_of_a_text_is_known_by_the_name_of_the_file(
    tmp_path: Path, name: str
) -> None:
    row = one_row(tmp_path, name, EXPORT)
    assert talk(row)[:2] == [(A, "Ada", "Evening.\n\nSit."), (U, "Ben", "Late?")]
    assert "collect: assumed that Ada, after whom the file is named, is the assistant" in row.edits
    assert row.persona.name == "Ada"


def test_a_text_of_another_name_has_no_sides(tmp_path: Path) -> None:
    row = one_row(tmp_path, "evening.txt", EXPORT)
    assert talk(row)[0] == (U, "Ada", "Evening.\n\nSit.")
    assert row.persona is None


# --- files that hold no conversation

STYLED = "Ada: innkeeper\nAge: 41\nAda: dry, kind\nAge: guess"
NO_TALK: dict[str, tuple[str, Any, str]] = {
    "V1": ("a.json", {"name": "Ada", "description": STYLED, "first_mes": "Hi"}, "character card"),
    "V3": ("a.json", CARD, "character card"),
    "Pygmalion": ("a.json", {"char_name": "Ada", "char_persona": STYLED}, "character card"),
    "cards": ("a.jsonl", [json.loads(CARD)] * 3, "character card"),
    "CharX": ("a.charx", charx(CARD), "character card"),
    "PNG": ("a.png", png(CARD), "a picture"),
    "oobabooga": (
        "a.yaml",
        "name: Ada\ngreeting: Hi\ncontext: |-\n  Ada: a\n  Ben: b",
        "a character",
    ),
    "lorebook": ("a.json", {"entries": [{"keys": ["a"], "content": STYLED}]}, "lorebook"),
    "preset": (
        "a.json",
        {"prompts": [{"role": "system", "content": "Be."}], "prompt_order": []},
        "preset",
    ),
    "instruct": ("a.json", {"input_sequence": "<u>", "output_sequence": "<a>"}, "preset"),
    "sampler": ("a.json", {"temp": 1, "rep_pen": 1.1, "top_p": 0.9}, "preset"),
    "settings": ("a.json", {"power_user": {"a": STYLED}, "main_api": "kobold"}, "settings"),
    "group": (
        "a.json",
        {"id": "1", "members": ["Ada.png"], "chats": ["x"], "allow_self_responses": False},
        "a group of characters",
    ),
}


@pytest.mark.parametrize(("name", "content", "reason"), NO_TALK.values(), ids=NO_TALK)
def test_what_holds_no_conversation_is_refused_with_the_reason(
    tmp_path: Path, name: str, content: Any, reason: str
) -> None:
    written(tmp_path, {name: content})
    with pytest.raises(UserError, match=reason):
        collected(tmp_path, name)


# --- what is written is read again; what is broken costs no more than itself

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30).filter(
    lambda text: text.strip() and not set("{<") & set(text)
)
SAID = st.lists(st.tuples(st.sampled_from([U, A]), TEXTS), min_size=1, max_size=6)


def as_sillytavern(messages: Sequence[tuple[str, str]]) -> list[Any]:
    names = {U: "Ben", A: "Ada"}
    return [HEADER, *(line(names[role], text, swipes=[text, "x"]) for role, text in messages)]


def as_cai(messages: Sequence[tuple[str, str]]) -> list[Any]:
    names = {U: "Ben", A: "Ada"}
    msgs = [said(number, names[role], text) for number, (role, text) in enumerate(messages)]
    return [{"histories": {"histories": [{"msgs": msgs}]}}]


def as_cai_tools(messages: Sequence[tuple[str, str]]) -> list[Any]:
    return [{"name": "n", "message": text, "isHuman": role == U} for role, text in messages]


def as_pairs(messages: Sequence[tuple[str, str]]) -> list[list[str]]:
    return [[text, ""] if role == U else ["", text] for role, text in messages]


def as_oobabooga(messages: Sequence[tuple[str, str]]) -> list[Any]:
    return [{"internal": as_pairs(messages), "visible": as_pairs(messages)}]


def as_agnai(messages: Sequence[tuple[str, str]]) -> list[Any]:
    sides = {U: "userId", A: "characterId"}
    return [{"messages": [{sides[role]: "1", "msg": text} for role, text in messages]}]


def as_risu(messages: Sequence[tuple[str, str]]) -> list[Any]:
    sides = {U: "user", A: "char"}
    found = [{"role": sides[role], "data": text} for role, text in messages]
    return [{"type": "risuChat", "ver": 1, "data": {"message": found}}]


def as_backyard(messages: Sequence[tuple[str, str]]) -> list[Any]:
    items = [{"input": asked, "output": answer} for asked, answer in as_pairs(messages)]
    return [{"version": 2, "chat": {"ChatItems": items}}]


def as_scenario(messages: Sequence[tuple[str, str]]) -> list[Any]:
    found = [
        {"type": "human", "text": text}
        if role == U
        else {"type": "ai", "outputs": [{"text": text}]}
        for role, text in messages
    ]
    return [{"schemaVersion": 1, "narrative": "", "messages": found}]


def as_koboldlite(messages: Sequence[tuple[str, str]]) -> list[Any]:
    marks = {U: "{{[INPUT]}}", A: "{{[OUTPUT]}}"}
    return [kobold("", *(marks[role] + text for role, text in messages), opmode=4)]


def as_ginger(messages: Sequence[tuple[str, str]]) -> list[Any]:
    found = [{"user": "0" if role == U else "1", "text": text} for role, text in messages]
    return [{"createdAt": 0, "users": {"0": "Ben", "1": "Ada"}, "messages": found}]


WRITERS = {
    "sillytavern": as_sillytavern,
    "cai": as_cai,
    "cai_tools": as_cai_tools,
    "oobabooga": as_oobabooga,
    "agnai": as_agnai,
    "risu": as_risu,
    "backyard": as_backyard,
    "scenario": as_scenario,
    "koboldlite": as_koboldlite,
    "ginger": as_ginger,
}
PLACE = Place("x.json")


def found_in(records: list[Any]) -> list[Transcript | Unread]:
    """What the first shape that recognises the records reads."""
    [shape] = [shape for shape in shapes.CHATS if shape.recognise(records)]
    return [one for _, one in shape.read(enumerate(records, 1), PLACE)]


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(sorted(WRITERS)), SAID)
def test_what_was_written_is_read_by_one_shape(name: str, messages: list[tuple[str, str]]) -> None:
    [found] = found_in(WRITERS[name](messages))
    assert isinstance(found, Transcript)
    assert [(role, text.strip()) for _, text, role in found.turns] == [
        (role, text.strip()) for role, text in messages
    ]
    for one in found.alternatives:
        assert not one.chosen or found.turns[one.message][1] == one.content


JUNK = st.sampled_from([None, 3, "text", [], {}, {"a": 1}, {"mes": 3}, [{"a": None}]])


def inner_places(value: Any) -> Iterator[tuple[Any, Any]]:
    items: Any = ()
    if isinstance(value, dict):
        items = list(value.items())
    elif isinstance(value, list):
        items = list(enumerate(value))
    for key, child in items:
        yield value, key
        yield from inner_places(child)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(sorted(WRITERS)), SAID, st.data())
def test_broken_chats_raise_nothing(
    name: str, messages: list[tuple[str, str]], data: st.DataObject
) -> None:
    records = json.loads(json.dumps(WRITERS[name](messages)))
    for _ in range(data.draw(st.integers(1, 3))):
        places = list(inner_places(records))
        if not places:
            return
        holder, key = data.draw(st.sampled_from(places))
        if data.draw(st.booleans()):
            holder[key] = copy.deepcopy(data.draw(JUNK))
        else:
            del holder[key]
    for shape in shapes.CHATS:
        shape.recognise(records)
        found = [one for _, one in shape.read(enumerate(records, 1), PLACE)]
        assert all(isinstance(one, Transcript | Unread) for one in found)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.one_of(JUNK, st.sampled_from([*CHAT, *GROUP])), min_size=1, max_size=12))
def test_mixed_lines_of_sillytavern_are_all_accounted_for(records: list[Any]) -> None:
    shape = next(shape for shape in shapes.CHATS if shapes.name_of(shape) == "sillytavern")
    found = [one for _, one in shape.read(enumerate(records, 1), PLACE)]
    kept = [one for one in found if isinstance(one, Transcript)]
    headers = sum(isinstance(one, dict) and "user_name" in one for one in records)
    counted = sum(len(one.turns) + sum(one.left_out.values()) for one in kept)
    assert counted + len(found) - len(kept) == len(records) - headers


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=200), st.sampled_from(["backyard_text", "example_chat", "paragraphs"]))
def test_any_text_is_read(text: str, name: str) -> None:
    shape = next(shape for shape in shapes.TEXTS if shapes.name_of(shape) == name)
    lines = text.splitlines(keepends=True)
    shape.recognise(lines)
    for one in shape.read(lines, Place("a.txt")):
        assert isinstance(one, Transcript | Unread)


def test_every_shape_of_chats_has_an_example_in_its_docstring() -> None:
    for module in shapes.CHATS:
        assert len((module.__doc__ or "").splitlines()) >= 4, module.__name__
