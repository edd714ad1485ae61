"""Admission: who is the assistant, what a conversation carries, and why something is refused."""

from __future__ import annotations

import datetime as dt
import gzip
from pathlib import Path
from typing import Any

import pytest

from pipeline import collect
from pipeline.collect import readers
from pipeline.collect.admit import RULES, Origin, admit, raw_text, roles
from pipeline.collect.shapes.transcript import Transcript, Turn, Unread
from pipeline.conversation import Conversation, Message, Persona, Quarantine, Source
from pipeline.recipe.collect import CollectSettings, SourceSettings

SECOND = "collect: assumed that the second speaker is the assistant"
TURNS: list[Turn] = [("Ada", "Hello", None), ("Ben", "Evening.", None)]


def admitted(turns: list[Turn], **more: Any) -> Conversation:
    row = admit(Transcript(turns, **more), Origin("file", "s"), "a#1")
    assert isinstance(row, Conversation)
    return row


def test_a_conversation_carries_all_that_its_source_and_its_file_give() -> None:
    day = dt.date(2024, 5, 1)
    origin = Origin("file", "s", "CC0-1.0", "Ada", day)
    transcript = Transcript(TURNS, record="7", group="g", extra={"x": 1}, merged=2, notes=("n",))
    row = admit(transcript, origin, "a#1", ("collect: decoded from cp1252",))
    assert isinstance(row, Conversation)
    assert row.source == Source("file", "s", "a#1", "7", "CC0-1.0", "Ada", day)
    assert row.messages == (
        Message("user", "Hello", "Ada"),
        Message("assistant", "Evening.", "Ben"),
    )
    assert (row.split_group, row.extra) == ("s/g", '{"x":1}')
    assert row.edits == ("collect: decoded from cp1252", "n", "collect: joined 3 records", SECOND)


def test_ids_are_of_the_source_and_the_place_and_of_nothing_else() -> None:
    transcripts = [Transcript(TURNS), Transcript([("Cy", "Hm", None)])]
    ids = {admit(one, Origin("file", "s"), "a#1").id for one in transcripts}
    assert len(ids) == 1
    ids |= {admit(transcripts[0], Origin("file", "t"), "a#1").id}
    ids |= {admit(transcripts[0], Origin("file", "s"), "a#2").id}
    assert len(ids) == 3


@pytest.mark.parametrize(("max_bytes", "kept"), [(7, True), (6, False)])
def test_max_bytes_is_of_all_texts_together_in_utf8(max_bytes: int, kept: bool) -> None:
    turns: list[Turn] = [("Ada", "Thé", None), ("Ben", "Eh?", None)]  # 4 + 3 bytes, 6 characters
    row = admit(Transcript(turns), Origin("file", "s", max_bytes=max_bytes), "a#1")
    assert isinstance(row, Conversation) is kept
    if isinstance(row, Quarantine):
        assert row.detail == "7 bytes of text, more than max_bytes 6"


# --- who is the assistant

Speakers = list[tuple[str | None, Any]]
ROLES: dict[str, tuple[Speakers, str, dict[str | None, str]]] = {
    "the second": ([("Ada", None), ("Ben", None)], "second", {"Ada": "user", "Ben": "assistant"}),
    "nobody but one": ([("Ada", None), ("Ada", None)], "second", {"Ada": "user"}),
    "the first": ([("Ada", None), ("Ben", None)], "first", {"Ada": "assistant", "Ben": "user"}),
    "no name": ([(None, None), ("Ben", None)], "first", {None: "user", "Ben": "user"}),
    "equally many words": (
        [("Ada", None), ("Ben", None)],
        "most",
        {"Ada": "assistant", "Ben": "user"},
    ),
    "the other side of a user": ([(None, "user"), ("Ada", None)], "first", {"Ada": "assistant"}),
    "other sides of a user": (
        [(None, "user"), ("Ada", None), ("Ben", None)],
        "first",
        {"Ada": "user", "Ben": "user"},
    ),
    "the other side of the assistant": (
        [(None, "assistant"), ("Ada", None)],
        "first",
        {"Ada": "user"},
    ),
    "a prompt is not a side": (
        [(None, "system"), ("Ada", None), ("Ben", None)],
        "second",
        {"Ada": "user", "Ben": "assistant"},
    ),
    "named in the recipe": (
        [("Ada", "user"), ("Ben", "assistant")],
        "ADA",
        {"Ada": "assistant", "Ben": "user"},
    ),
}


@pytest.mark.parametrize(("speakers", "rule", "expected"), ROLES.values(), ids=ROLES)
def test_roles(speakers: Speakers, rule: str, expected: dict[str | None, str]) -> None:
    assert roles([(name, "Hm", role) for name, role in speakers], rule) == expected


def test_the_one_with_the_most_words_in_all_turns_is_the_assistant() -> None:
    turns: list[Turn] = [("Ada", "a", None), ("Ben", "b c", None), ("Ada", "d e", None)]
    assert roles(turns, "most") == {"Ada": "assistant", "Ben": "user"}


@pytest.mark.parametrize("label", ["User 1", "speaker_2", "mturk_agent_1", "A", "#7", "human"])
def test_a_label_of_a_side_is_not_a_name(label: str) -> None:
    messages = admitted([(label, "Hello", None), ("Ben", "Evening.", None)]).messages
    assert [message.name for message in messages] == [None, "Ben"]


def test_labels_of_three_speakers_are_kept_to_tell_them_apart() -> None:
    turns: list[Turn] = [(f"User {number}", "Hm", None) for number in (1, 2, 3)]
    assert [m.name for m in admitted(turns).messages] == ["User 1", "User 2", "User 3"]


def test_a_prompt_has_no_name_and_is_not_a_third_speaker() -> None:
    turns: list[Turn] = [("sys", "Be Ada.", "system"), ("A", "Hello", None), ("B", "Hi", None)]
    expected = (Message("system", "Be Ada."), Message("user", "Hello"), Message("assistant", "Hi"))
    assert admitted(turns).messages == expected


def test_personas_follow_the_roles() -> None:
    ada, ben, cy = (Persona(description=text) for text in ("I bake.", "I surf.", "I read."))
    turns: list[Turn] = [*TURNS, ("Cy", "Hm", None)]
    row = admitted(turns, personas={"Cy": cy, "Ada": ada, "Ben": ben})
    assert (row.persona, row.user_persona) == (ben, cy)  # of two users the first in the record
    row = admitted(TURNS, personas={None: ada})
    assert (row.persona, row.user_persona) == (ada, None)


# --- what is refused

GOOD = b'{"messages": [{"role": "user", "content": "Hi"}]}\n'
FILES: dict[str, tuple[str, bytes, str]] = {
    "record.malformed": ("a.jsonl", b"{oops\n", "a.jsonl#1"),
    "record.not_text": (
        "a.json",
        b'[{"messages": [{"role": "user", "content": "\\ud83d"}]}]',
        "a.json#1",
    ),
    "record.unreadable": (
        "a.jsonl",
        b'{"messages": [{"role": "user", "content": 7}]}',
        "a.jsonl#1",
    ),
    "record.empty": ("a.json", b'{"conversations": []}', "a.json#1"),
    "record.too_long": (
        "a.jsonl",
        b'{"messages": [{"role": "user", "content": "%s"}]}' % (b"x" * 300),
        "a.jsonl#1",
    ),
    "file.damaged": ("a.jsonl.gz", gzip.compress(GOOD * 90)[:-9], "a.jsonl.gz"),
    "file.name": ("caf\udce9.jsonl", GOOD, "caf\\xe9.jsonl"),
    "file.too_long": ("a.xml", b"<TEI><sp/>" + b" " * 600, "a.xml"),
}
SHAPES = {"record.empty": "chatterbot"}  # an empty list shows no shape


def test_every_rule_has_an_example() -> None:
    by_chance = {"file.unread"}  # see test_sources.py
    assert FILES.keys() == RULES.keys() - by_chance


@pytest.mark.parametrize("rule", FILES)
def test_every_rule_of_the_table_is_met(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rule: str
) -> None:
    monkeypatch.setattr(readers, "WHOLE", 500)
    name, data, where = FILES[rule]
    (tmp_path / name).write_bytes(data)
    source = SourceSettings(name="s", files=["*"], shape=SHAPES.get(rule))
    settings = CollectSettings(sources=[source], max_bytes=250)
    rows = [
        r for u in collect.units(settings, tmp_path) for r in collect.read(u, settings, tmp_path)
    ]
    refused = [row for row in rows if isinstance(row, Quarantine)]
    assert [(row.rule, row.where) for row in refused] == [(rule, f"s: {where}")]


@pytest.mark.parametrize("raw", ["x" * 100_001, b"x" * 100_001, ["x" * 100_001]])
def test_of_a_long_record_the_beginning_is_kept(raw: object) -> None:
    row = admit(Unread("record.unreadable", "why", raw), Origin("file", "s"), "a#1")
    assert isinstance(row, Quarantine)
    assert (row.rule, row.detail, len(row.raw)) == ("record.unreadable", "why", 100_000)


def test_raw_text_can_be_stored_whatever_was_read() -> None:
    assert raw_text(b"\xff ok") == "\ufffd ok"
    assert raw_text("half \ud83d") == "half ?"
    assert raw_text({"day": dt.date(2024, 5, 1), 7: 1 << 70}).encode()


def test_a_persona_is_that_of_the_side_whose_speaker_has_it() -> None:
    given = [("Ada", "Tea?", "assistant"), ("Ben", "Please.", "user")]
    people = {"Ada": Persona("Ada"), "Ben": Persona("Ben")}
    row = admit(Transcript(given, people), Origin("file", "s"), "a#1")
    assert isinstance(row, Conversation)
    assert (row.persona, row.user_persona) == (Persona("Ada"), Persona("Ben"))


def test_a_speaker_whose_side_one_turn_says_has_it_in_all() -> None:
    turns = [("Ada", "Tea?", "assistant"), ("Ben", "Please.", None), ("Ada", "Here.", None)]
    row = admit(Transcript(turns), Origin("file", "s"), "a#1")
    assert isinstance(row, Conversation)
    assert [message.role for message in row.messages] == ["assistant", "user", "assistant"]
