"""The formats of papers: corpora as their makers published them. All texts are ours."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline import UserError
from pipeline.collect import shapes
from pipeline.collect.shapes.common import placeholders
from pipeline.collect.shapes.papers import (
    bargain,
    convai,
    cornell,
    empathetic,
    eou,
    parlai,
    selection,
    sessions,
)
from pipeline.collect.shapes.transcript import Place, Transcript, Unread
from pipeline.conversation import Alternative, Conversation, Persona, Quarantine
from tests.foreign_papers import (
    EMPATHETIC,
    EXAMPLES,
    LIMARP,
    PARLAI_NAMED,
    PARLAI_NUMBERED,
    SWDA,
    UBUNTU,
    UBUNTU_ROWS,
)
from tests.test_shapes import as_text, messages_of, rows_of

U, A = "user", "assistant"

NAMES = {"assistant": "Ada", "user": "Ben"}


def test_placeholders_are_filled_everywhere_and_noted() -> None:
    transcript = Transcript(
        [("Ada", "{{User}} sits by <CHAR>; `cd <user>`", None), (None, "<SECOND>?", "user")],
        {
            None: Persona(
                "Ada", "{{char}} bakes.", "Hi {{user}}", "<FIRST> meets <USER>", "{{char}}"
            )
        },
        alternatives=(Alternative(0, "{{ bot }} waits.", "swipe"),),
        notes=("earlier",),
    )
    filled = placeholders.fill(transcript, NAMES)
    assert [text for _, text, _ in filled.turns] == ["Ben sits by Ada; `cd <user>`", "Ben?"]
    assert filled.personas[None] == Persona(
        "Ada", "Ada bakes.", "Hi Ben", "Ada meets Ben", "{{char}}"
    )
    assert filled.alternatives[0].content == "Ada waits."
    assert filled.notes == ("earlier", placeholders.NOTE)


@given(st.text())
def test_a_text_without_placeholders_or_names_stays(text: str) -> None:
    assert placeholders.fill_text(text, {"assistant": None}) == text
    plain = text.replace("{", "").replace("<", "")
    transcript = Transcript([(None, plain, "user")])
    assert placeholders.fill(transcript, NAMES) == transcript


@pytest.mark.parametrize(
    ("shape", "name", "content", "expected"),
    EXAMPLES,
    ids=[f"{shape}-{number}" for number, (shape, *_) in enumerate(EXAMPLES)],
)
def test_a_paper_is_recognised_and_read(
    tmp_path: Path, shape: str, name: str, content: Any, expected: Any
) -> None:
    text = as_text(name, content)
    rows = rows_of(tmp_path, name, text)
    assert all(isinstance(row, Conversation) for row in rows)
    assert messages_of(rows[0]) == expected
    assert rows_of(tmp_path, name, text, shape=shape) == rows


def example(shape: str, number: int = 0) -> Any:
    return [content for name, _, content, _ in EXAMPLES if name == shape][number]


def row_of(folder: Path, name: str, content: Any, number: int = 0) -> Conversation:
    row = rows_of(folder, name, as_text(name, content))[number]
    assert isinstance(row, Conversation)
    return row


# --- personas, groups, alternatives


def test_the_persona_is_of_the_one_who_answers(tmp_path: Path) -> None:
    row = row_of(tmp_path, "a.txt", PARLAI_NUMBERED)
    assert row.persona == Persona(description="i keep the inn .")
    assert row.user_persona == Persona(description="i am a courier .")
    assert [(one.message, one.content, one.chosen) for one in row.alternatives] == [
        (0, "no .", False),
        (0, "Come in .", True),
        (2, "no .", False),
        (2, "Nettle .", True),
    ]
    rows = rows_of(tmp_path, "b.txt", PARLAI_NAMED)
    assert len(rows) == 2
    assert rows[0].persona == Persona(description="i keep the inn .")
    assert [one.content for one in rows[0].alternatives] == ["Nettle .", "Barley ."]
    assert len({row.split_group for row in rows}) == 2


def test_lines_of_parlai_that_say_too_much_are_refused() -> None:
    lines = ["1 a\tb\n", "2 c\td\t\te\tf\n", "3 g\t|\n"]
    good, bad = sorted(parlai.read(lines, Place("x")), key=lambda one: isinstance(one, Unread))
    assert isinstance(bad, Unread)
    assert contents([good]) == [["a", "b", "g"]]


def test_personas_stand_with_their_speakers(tmp_path: Path) -> None:
    for name, number in (("a.jsonl", 0), ("b.json", 1), ("c.jsonl", 2)):
        row = row_of(tmp_path, name, example("sessions", number))
        assert row.persona.description.lower() in ("i keep the inn.", "i cook.")
        assert row.user_persona.description.lower() in ("i walk far.", "i walk.")
    row = row_of(tmp_path, "a.jsonl", example("sessions"))
    assert row.split_group == "s/t1"
    assert "Hello!" in row.extra
    row = row_of(tmp_path, "a.json", example("convai"))
    assert (row.persona.description, row.user_persona.description) == (
        "I keep the inn.",
        "I walk far.",
    )
    row = row_of(tmp_path, "a.jsonl", example("personal_dialog"))
    assert row.user_persona.description == "loc: 北京\ntag: 猫"
    assert row.persona.description == "gender: female"


def test_growing_histories_are_one_conversation_with_candidates(tmp_path: Path) -> None:
    row = row_of(tmp_path, "b.json", example("convai", 1))
    assert row.persona.description == "i keep the inn ."
    assert [(one.message, one.content) for one in row.alternatives if one.chosen] == [
        (0, "hello ."),
        (2, "nettle ."),
    ]


def test_limarp_has_names_instead_of_marks(tmp_path: Path) -> None:
    row = row_of(tmp_path, "a.yaml", LIMARP)
    assert [message.name for message in row.messages] == ["Ada", "Ben"]
    assert row.persona == Persona("Ada", "A librarian who likes Ben.", scenario="Ben comes in.")
    assert row.user_persona == Persona("Ben", "A courier.")
    assert placeholders.NOTE in row.edits
    third = LIMARP + "- name: <THIRD>\n  text: Hm\n"
    [row] = rows_of(tmp_path, "a.yaml", third)
    assert isinstance(row, Quarantine)


def test_coser_has_the_book_and_its_people(tmp_path: Path) -> None:
    book = example("coser")[0]
    row = row_of(tmp_path, "a.json", [book])
    assert row.split_group == "s/The Pass"
    assert row.persona == Persona("Ada", "Keeps the inn.", scenario="A storm.")
    assert row.user_persona == Persona("Ben", "get warm", scenario="A storm.")
    plots = {"book": "x", "plots": [{"conversation": book["conversation"] * 2}]}
    rows = rows_of(tmp_path, "b.json", json.dumps([plots]))
    assert [messages_of(one) for one in rows] == [messages_of(row)] * 2


def test_what_is_no_message_is_counted(tmp_path: Path) -> None:
    row = row_of(tmp_path, "a.json", example("bargain"))
    assert [message.name for message in row.messages] == ["buyer", "seller"]
    assert "collect: left out 1 × offer" in row.edits
    assert json.loads(row.extra)["events"][0]["data"] == {"price": 20}
    bot = example("bargain")[0] | {"agents": {"0": "rule", "1": "human"}}
    assert messages_of(row_of(tmp_path, "a.json", [bot]))[0] == (A, "Still there?")
    rows = rows_of(tmp_path, "a.csv", UBUNTU)
    assert messages_of(rows[1]) == [(U, "Sound is gone"), (A, "Which card ?")]
    assert "collect: left out 1 × answer that does not fit" in rows[1].edits


def test_the_listener_is_the_assistant(tmp_path: Path) -> None:
    rows = rows_of(tmp_path, "a.csv", EMPATHETIC)
    assert [messages_of(row)[-1] for row in rows] == [(A, "Since when?"), (A, "Still?")]
    assert {row.split_group for row in rows} == {"s/hit:0"}
    about = json.loads(rows[0].extra)
    assert (about["emotion"], about["situation"]) == ("joyful", "Ada came, at last.")


def test_distractors_are_alternatives(tmp_path: Path) -> None:
    table = (
        "Context,Ground Truth Utterance,Distractor_0\nHi __eou__ __eot__,Hello __eou__,No __eou__\n"
    )
    row = row_of(tmp_path, "a.csv", table)
    assert [(one.content, one.chosen) for one in row.alternatives] == [
        ("Hello", True),
        ("No", False),
    ]


def test_rows_of_corpora_have_their_own_keys(tmp_path: Path) -> None:
    rows = rows_of(tmp_path, "a.csv", UBUNTU_ROWS)
    assert [row.split_group for row in rows] == ["s/3/1.tsv", "s/4/1.tsv"]
    assert [[message.name for message in row.messages] for row in rows] == [
        ["ada", "ben"],
        ["cy", "dee"],
    ]
    row = row_of(tmp_path, "b.csv", SWDA)
    assert (row.split_group, [message.name for message in row.messages]) == ("s/4325", [None] * 2)


def test_a_stage_direction_is_counted(tmp_path: Path) -> None:
    row = row_of(tmp_path, "a.json", example("emorynlp"))
    assert "collect: left out 1 × stage direction" in row.edits
    assert [label.emotion for label in row.annotations] == ["joyful", None]
    assert row.split_group == "s/s01_e01"


CONVERSATIONS = "u0 +++$+++ u2 +++$+++ m0 +++$+++ ['L1', 'L2']\n"
LINES = (
    "L2 +++$+++ u2 +++$+++ m0 +++$+++ TILDA +++$+++ It\x92s open.\n"
    "L1 +++$+++ u0 +++$+++ m0 +++$+++ JOAKIM +++$+++ The caf\xe9?\n"
)


def test_cornell_is_read_with_the_lines_beside_it(tmp_path: Path) -> None:
    (tmp_path / "movie_lines.txt").write_bytes(LINES.encode("latin-1"))
    row = row_of(tmp_path, "movie_conversations.txt", CONVERSATIONS)
    assert [(message.name, message.content) for message in row.messages] == [
        ("JOAKIM", "The café?"),
        ("TILDA", "It’s open."),
    ]
    assert row.split_group == "s/m0"
    with pytest.raises(UserError):
        rows_of(tmp_path, "movie_lines.txt", LINES.encode("latin-1"))
    missing = CONVERSATIONS.replace("L2", "L3")
    [bad] = cornell.read([missing], Place("x", lambda name: LINES.encode("latin-1")))
    assert isinstance(bad, Unread)
    [bad] = cornell.read([CONVERSATIONS], Place("x"))
    assert "movie_lines.txt" in bad.detail


def test_two_characters_of_one_name_stay_two() -> None:
    lines = LINES.replace("JOAKIM", "TILDA").encode("latin-1")
    [found] = cornell.read([CONVERSATIONS], Place("x", lambda name: lines))
    assert [name for name, _, _ in found.turns] == ["TILDA (u0)", "TILDA (u2)"]


@pytest.mark.parametrize(
    "text",
    [
        "Did the ferry run today?\nOnly the first one.\nSo you are stuck?\nHappily.\n",
        "1 Did it run?\n2 Only once.\n3 So you stay?\n4 Yes.\n",
    ],
)
def test_texts_without_speakers_or_borders_are_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(UserError):
        rows_of(tmp_path, "a.txt", text)


def test_other_papers_are_read_by_wider_shapes(tmp_path: Path) -> None:
    frames = [
        {"id": "f", "turns": [{"author": "user", "text": "A"}, {"author": "wizard", "text": "B"}]}
    ]
    assert messages_of(row_of(tmp_path, "b.json", frames)) == [(U, "A"), (A, "B")]
    support = [
        {
            "situation": "No job.",
            "dialog": [{"speaker": "x", "content": "A"}, {"speaker": "y", "content": "B"}],
        }
    ]
    assert json.loads(row_of(tmp_path, "c.json", support).extra)["situation"] == "No job."


# --- written and read again

TEXT = st.text("abz Äж.,?!'", min_size=1, max_size=20).map(str.strip).filter(bool)
TEXTS = st.lists(TEXT, min_size=2, max_size=6)


def contents(found: Iterable[Transcript | Unread]) -> list[list[str]]:
    return [[text for _, text, _ in one.turns] for one in found if isinstance(one, Transcript)]


@given(st.lists(TEXTS, min_size=1, max_size=3))
def test_lines_with_marks_are_read_as_written(talks: list[list[str]]) -> None:
    lines = ["".join(f"{text} __eou__ " for text in talk) + "\n" for talk in talks]
    assert contents(eou.read(lines, Place("x"))) == talks


@given(st.lists(st.lists(TEXT, min_size=4, max_size=4), min_size=1, max_size=3))
def test_parlai_is_read_as_written(talks: list[list[str]]) -> None:
    numbered, named = [], []
    for talk in talks:
        numbered += [f"1 {talk[0]}\t{talk[1]}\n", f"2 {talk[2]}\t{talk[3]}\n"]
        named.append(f"text:{talk[0]}\tlabels:{talk[1]}\n")
        named.append(f"text:{talk[2]}\tlabels:{talk[3]}\tepisode_done:True\n")
    for lines in (numbered, named):
        assert parlai.recognise(lines)
        assert contents(parlai.read(lines, Place("x"))) == talks


@given(TEXTS)
def test_objects_are_read_as_written(talk: list[str]) -> None:
    dialog = [{"text": text, "id": f"Speaker {at % 2 + 1}"} for at, text in enumerate(talk)]
    pairs = [[at % 2, text] for at, text in enumerate(talk)]
    for form in (dialog, pairs):
        record = {"personas": [["a"], ["b"]], "dialog": form}
        assert sessions.recognise(record)
        assert contents(sessions.read(record)) == [talk]
    events = [{"action": "message", "agent": pair[0], "data": pair[1]} for pair in pairs]
    assert contents(bargain.read({"events": events})) == [talk]
    steps = [{"history": talk[:-1], "candidates": ["no", talk[-1]]}]
    assert contents(convai.read({"personality": ["a"], "utterances": steps})) == [talk]
    context = "".join(f"{text} __eou__ __eot__ " for text in talk[:-1])
    record = {"Context": context, "Utterance": talk[-1], "Label": "1"}
    assert contents(selection.read(record)) == [talk]


@given(TEXTS)
def test_rows_with_commas_are_read_as_written(talk: list[str]) -> None:
    rows: list[dict[str, object]] = [
        {"conv_id": "hit:1_conv:2", "utterance_idx": str(at), "context": "sad", "prompt": "x",
         "speaker_idx": str(at % 2), "utterance": text.replace(",", "_comma_")}
        for at, text in enumerate(talk, 1)
    ]  # fmt: skip
    found = [one for _, one in empathetic.read(list(enumerate(rows)), rows, {})]
    assert contents(found) == [talk]


# --- cut, mixed, shuffled

KEYS = ("your", "partner", "s", "persona", "labels", "text", "episode", "done", "True", "SILENCE")
TEXT_FILES = {
    "eou": "Tea ? __eou__ Yes . __eou__\nCake ? __eou__ No . __eou__\n",
    "parlai": PARLAI_NUMBERED,
    "selection_text": "1\ta\tb\tc\n0\td\te\tf\n",
    "cornell": CONVERSATIONS * 2,
}


@settings(max_examples=200)
@given(st.sampled_from(sorted(TEXT_FILES)), st.randoms(use_true_random=False))
def test_damaged_texts_lose_no_line_silently(name: str, chance: random.Random) -> None:
    shape = next(one for one in shapes.TEXTS if shapes.name_of(one) == name)
    lines = [line for text in TEXT_FILES.values() for line in text.splitlines(keepends=True)]
    lines = chance.sample(lines, chance.randrange(1, len(lines)))
    lines = [line[: chance.randrange(9, len(line) + 1)] for line in lines if len(line) > 9]
    shape.recognise(lines)
    found = list(shape.read(lines, Place("x", lambda name: LINES.encode("latin-1"))))
    known = "".join(str(one) for one in found)
    for line in lines:
        if line.split("\t")[0] not in ("0", "1"):  # an answer that does not fit is counted
            words = re.findall(
                r"[^\W\d_]{2,}", line.strip().split("\t")[-1].replace("__eou__", " ")
            )
            assert all(word in known for word in words if word not in KEYS), line


OBJECTS = [c for _, n, c, _ in EXAMPLES if n.endswith(("json", "jsonl"))]


@settings(max_examples=200)
@given(st.sampled_from(OBJECTS), st.randoms(use_true_random=False))
def test_damaged_records_are_read_or_refused(content: Any, chance: random.Random) -> None:
    record = json.loads(json.dumps(content))
    for _ in range(20):
        if isinstance(record, list) and len(record) == 1:
            record = record[0]
    parts = [record]
    for part in parts:
        parts += [child for child in _children(part) if isinstance(child, dict | list)]
    for _ in range(chance.randrange(1, 4)):
        part = chance.choice(parts)
        keys = list(part) if isinstance(part, dict) else list(range(len(part)))
        if keys:
            part[chance.choice(keys)] = chance.choice([None, 3, "x", [], {}, ["x"], {"text": 1}])
    for shape in shapes.RECORDS:
        if shape.recognise(record):
            try:
                found = list(shape.read(record))
            except ValueError:
                continue
            assert all(isinstance(text, str) for one in contents(found) for text in one)


def _children(part: Any) -> Iterable[Any]:
    return part.values() if isinstance(part, dict) else part
