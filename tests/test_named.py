"""Fields that a recipe names, layouts known without naming, and what is refused with a hint."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline import UserError
from pipeline.collect import cells
from pipeline.collect.shapes.common.times import place_of
from pipeline.collect.shapes.general import by_number, exchanges, named, turns
from pipeline.collect.shapes.transcript import Place, Transcript, Unclear, Unread
from pipeline.conversation import Conversation, Quarantine
from pipeline.recipe.collect import FieldNames
from tests.foreign import A, S, U
from tests.test_shapes import as_text, messages_of, rows_of

TALK = ["Did it run?", "Only at six.", "So you stay?", "Gladly, with a book."]
TWO = [(U, TALK[0]), (A, TALK[1])]
FOUR = [(U, TALK[0]), (A, TALK[1]), (U, TALK[2]), (A, TALK[3])]
WHO = ["Ada", "Ben", "Ada", "Ben"]


def items(who: str = "who", what: str = "body", names: Any = WHO) -> list[dict[str, Any]]:
    return [{who: name, what: text} for name, text in zip(names, TALK, strict=True)]


def table(header: str, *rows: str) -> str:
    return "".join(f"{line}\n" for line in (header, *rows))


# --- fields and roles that a recipe names

NAMED: dict[str, tuple[str, Any, dict[str, Any], list[tuple[str, str]]]] = {
    "a list": (
        "a.jsonl",
        {"data": {"acts": items()}},
        {"fields": {"list": "data.acts", "role": "who", "content": "body"}},
        FOUR,
    ),
    "only the text, the rest by usual names": (
        "a.jsonl",
        {"turns": items("speaker", "wording")},
        {"fields": {"content": "wording"}},
        FOUR,
    ),
    "halves of a pair by their place": (
        "a.jsonl",
        {"acts": [[name, text] for name, text in zip(WHO, TALK, strict=True)]},
        {"fields": {"list": "acts", "role": "0", "content": "1"}},
        FOUR,
    ),
    "speakers beside the texts": (
        "a.jsonl",
        {"lines": TALK, "by": WHO},
        {"fields": {"list": "lines", "role": "by"}},
        FOUR,
    ),
    "a list in the order of times": (
        "a.jsonl",
        {"acts": [{"at": 9 - n, **item} for n, item in enumerate(reversed(items()))]},
        {"fields": {"list": "acts", "role": "who", "content": "body", "time": "at"}},
        FOUR,
    ),
    "pairs in a list": (
        "a.jsonl",
        {"acts": [{"f": TALK[0], "g": TALK[1]}, {"f": TALK[2], "g": TALK[3]}]},
        {"fields": {"list": "acts", "ask": "f", "answer": "g"}},
        FOUR,
    ),
    "a pair": (
        "a.csv",
        table("frage,antwort", *[",".join(TALK[:2])]),
        {"fields": {"ask": "frage", "answer": "antwort"}},
        TWO,
    ),
    "rows": (
        "a.csv",
        table("nr,ref,who,body", f"2,x,Ben,{TALK[1]}", f"1,x,Ada,{TALK[0]}", "1,y,Ada,Hm"),
        {"fields": {"id": "ref", "role": "who", "content": "body", "time": "nr"}},
        TWO,
    ),
    "rows of pairs": (
        "a.jsonl",
        [{"ref": 1, "f": TALK[0], "g": TALK[1]}, {"ref": 1, "f": TALK[2], "g": TALK[3]}],
        {"fields": {"id": "ref", "ask": "f", "answer": "g"}},
        FOUR,
    ),
    "rows with deeper fields": (
        "a.jsonl",
        [
            {"m": {"ref": 1, "nr": 1 - n, "body": text}, "who": WHO[n]}
            for n, text in ((1, TALK[1]), (0, TALK[0]))
        ],
        {"fields": {"id": "m.ref", "time": "m.nr", "content": "m.body", "role": "who"}},
        [(U, TALK[1]), (A, TALK[0])],
    ),
    "numbers as roles": (
        "a.jsonl",
        {"acts": items(names=[1, 0, 1, 0])},
        {
            "fields": {"list": "acts", "role": "who", "content": "body"},
            "roles": {"1": "assistant", "0": "user"},
        },
        [(A, TALK[0]), (U, TALK[1]), (A, TALK[2]), (U, TALK[3])],
    ),
    "records inside one object": (
        "a.json",
        {"train": [{"acts": items()}], "test": [{"acts": items()}]},
        {"fields": {"list": "acts", "role": "who", "content": "body"}},
        FOUR,
    ),
    "the fields win over the shape": (
        "a.jsonl",
        {"messages": [{"role": "user", "content": "x"}], "acts": items()},
        {"shape": "messages", "fields": {"list": "acts", "role": "who", "content": "body"}},
        FOUR,
    ),
    "a prompt beside a known shape": (
        "a.jsonl",
        {"rules": "Be Ada.", "conversations": [{"from": "human", "value": TALK[0]}]},
        {"fields": {"system": "rules"}},
        [(S, "Be Ada."), (U, TALK[0])],
    ),
}


@pytest.mark.parametrize(("name", "content", "source", "expected"), NAMED.values(), ids=NAMED)
def test_named_fields_are_read(
    tmp_path: Path, name: str, content: Any, source: dict[str, Any], expected: Any
) -> None:
    row = rows_of(tmp_path, name, as_text(name, content), **source)[0]
    assert isinstance(row, Conversation), row
    assert messages_of(row) == expected


def test_what_stands_beside_the_turns_can_be_named(tmp_path: Path) -> None:
    record = {"acts": items(), "bio": ["I bake.", "I surf."], "rules": "Be kind.", "nr": 7}
    record |= {"book": "The Pass", "mood": "calm"}
    fields = {"list": "acts", "role": "who", "content": "body", "persona": "bio"}
    fields |= {"system": "rules", "id": "nr", "group": "book"}
    [row] = rows_of(tmp_path, "a.jsonl", json.dumps(record), fields=fields)
    assert row.persona.description == "I bake.\nI surf."
    assert messages_of(row) == [(S, "Be kind."), *FOUR]
    assert [message.name for message in row.messages][1:] == WHO
    assert (row.source.record, row.split_group) == ("7", "s/The Pass")
    assert json.loads(row.extra) == {"mood": "calm"}


ODD_NAMES: dict[str, tuple[Any, dict[str, str], str]] = {
    "of a record": (
        {"acts": items()},
        {"list": "acts", "persona": "bio", "role": "who", "content": "body"},
        r"fields: persona: the records have no field 'bio'; there are acts",
    ),
    "of an item": (
        {"acts": items()},
        {"list": "acts", "role": "whom", "content": "body"},
        r"fields: role: the items of `acts` have no field 'whom'; there are who, body",
    ),
    "a list that is none": (
        {"acts": "x"},
        {"list": "acts"},
        r"fields: list: no record has a list in 'acts'; there are acts",
    ),
    "no text": (
        {"acts": items(what="wording")},
        {"list": "acts", "role": "who"},
        r"fields: content: which field of the items of `acts` is it\? There are who, wording",
    ),
    "half of a pair": (
        {"f": "a", "g": "b"},
        {"ask": "f"},
        r"fields: answer: which field of the records is it\? There are f, g",
    ),
    "who writes": (
        {"acts": items("by")},
        {"list": "acts", "content": "body"},
        r"not read: fields: role: 'by' may say who writes; name it, or another",
    ),
    "numbers": (
        {"acts": items(names=[0, 1, 0, 1])},
        {"list": "acts", "content": "body", "role": "who"},
        r"'who' holds 0, 1: which is which\? Write `roles: \{'0': user, \.\.\}`",
    ),
}


@pytest.mark.parametrize(("record", "fields", "problem"), ODD_NAMES.values(), ids=ODD_NAMES)
def test_a_wrong_name_is_a_mistake_that_lists_the_right_ones(
    tmp_path: Path, record: Any, fields: dict[str, str], problem: str
) -> None:
    with pytest.raises(UserError, match=problem):
        rows_of(tmp_path, "a.jsonl", json.dumps(record), fields=fields)


def test_fields_are_not_ignored_where_a_text_has_none(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="fields are named, and a plain text has none"):
        rows_of(tmp_path, "a.txt", "Ada: Hi\nBen: Ho\n", fields={"role": "who"})


@pytest.mark.parametrize("name", ["a.txt", "a.jsonl", "a.csv"])
def test_roles_hold_for_every_shape(tmp_path: Path, name: str) -> None:
    content = {
        "a.txt": "Ada: Tea?\nBen: Please.\nAda: Here.\n",
        "a.jsonl": json.dumps({"turns": items("speaker", "text")}),
        "a.csv": table("speaker,text", "Ada,Tea?", "Ben,Please."),
    }[name]
    [row] = rows_of(tmp_path, name, content, roles={"ada": "assistant"})
    assert {m.name: m.role for m in row.messages} == {"Ada": A, "Ben": U}


def test_roles_turn_the_words_of_a_source_around(tmp_path: Path) -> None:
    record = {"messages": [{"role": role, "content": "Hi"} for role in (U, A)]}
    [row] = rows_of(tmp_path, "a.jsonl", json.dumps(record), roles={U: A, A: U})
    assert [message.role for message in row.messages] == [A, U]


@pytest.mark.parametrize(
    ("first", "second", "helper"),
    [
        ("supporter", "seeker", 0),
        ("Patient", "Doctor", 1),
        ("0_Wizard", "1_Apprentice", 0),
        ("NPC", "Player", 0),
        ("Q", "A", 1),
        ("Student", "Tutor", 1),
        ("Doctor", "Ada", 1),  # one word alone decides nothing: the second is the assistant
        ("Therapist", "Doctor", 1),
    ],
)
def test_who_helps_is_the_assistant_whoever_begins(
    tmp_path: Path, first: str, second: str, helper: int
) -> None:
    turns = [{"speaker": name, "text": "Hm"} for name in (first, second, first)]
    [row] = rows_of(tmp_path, "a.jsonl", json.dumps({"dialog": turns}))
    assert [m.role for m in row.messages[:2]].index(A) == helper


# --- known without naming


def pair(ask: str, answer: str) -> list[dict[str, str]]:
    return [{ask: TALK[0], answer: TALK[1]}]


KNOWN: dict[str, tuple[str, Any, list[tuple[str, str]]]] = {
    **{
        f"{ask}, {answer}": ("a.jsonl", pair(ask, answer), TWO)
        for ask, answer in (
            ("input", "output"),
            ("input", "target"),
            ("prompt", "response"),
            ("user", "bot"),
            ("Human", "Assistant"),
            ("Query", "Answer"),
            ("INSTRUCTION", "RESPONSE"),
            ("User Message", "Bot-Response"),
            ("userUtterance", "systemResponse"),
            ("Patient", "Doctor"),
            ("Context", "Response"),
        )
    },
    "context": (
        "a.jsonl",
        {"question": TALK[0], "context": "A ferry.", "answer": TALK[1]},
        [(U, f"{TALK[0]}\n\nA ferry."), (A, TALK[1])],
    ),
    "objects of pairs": ("a.jsonl", {"conversation": pair("input", "output")}, TWO),
    "a prompt in the first pair": (
        "a.jsonl",
        {"conversation": [{"system": "Be Ada.", "input": TALK[0], "output": TALK[1]}]},
        [(S, "Be Ada."), *TWO],
    ),
    "pairs": ("a.jsonl", {"conversation": [TALK[:2], TALK[2:]]}, FOUR),
    "pairs with silence": (
        "a.jsonl",
        {"conversation": [[None, "Good evening."], [TALK[0], TALK[1]], ["Bye, then.", None]]},
        [(A, "Good evening."), *TWO, (U, "Bye, then.")],
    ),
    "texts": ("a.jsonl", {"id": 1, "data": TALK}, FOUR),
    "lists of texts": ("a.json", [TALK, TALK[:2]], FOUR),
    "labels in the texts": (
        "a.jsonl",
        {"dialog": ["Bot: Hi there.", "User: Tea?"]},
        [(A, "Hi there."), (U, "Tea?")],
    ),
    "a history of texts": (
        "a.jsonl",
        {"history": TALK[:2], "prompt": TALK[2], "response": TALK[3]},
        FOUR,
    ),
    "a history of objects": (
        "a.jsonl",
        {"history": pair("user", "assistant"), "prompt": TALK[2], "response": TALK[3]},
        FOUR,
    ),
    "a history with speakers": (
        "a.jsonl",
        {
            "history": [{"role": "USER", "message": TALK[0]}, {"role": "BOT", "message": TALK[1]}],
            "query": TALK[2],
            "answer": TALK[3],
        },
        FOUR,
    ),
    "a history as text": (
        "a.jsonl",
        {"history": f"User: {TALK[0]}\nBot: {TALK[1]}", "prompt": TALK[2], "response": TALK[3]},
        FOUR,
    ),
    "a history that ends with the question": (
        "a.jsonl",
        {"history": [{"role": "user", "content": TALK[0]}], "prompt": TALK[0], "response": TALK[1]},
        TWO,
    ),
    "a list of earlier texts": ("a.jsonl", {"context": TALK[:3], "response": TALK[3]}, FOUR),
    "columns of objects": (
        "a.json",
        {"prompt": {"0": TALK[0], "1": "x"}, "completion": {"0": TALK[1], "1": "y"}},
        TWO,
    ),
    "columns of lists": ("a.json", {"prompt": [TALK[0], "x"], "completion": [TALK[1], "y"]}, TWO),
    "columns and rows": (
        "a.json",
        {"columns": ["prompt", "completion"], "data": [TALK[:2], TALK[2:]]},
        TWO,
    ),
    "columns of turns": (
        "a.json",
        {"dialogue_id": [1, 1, 2, 2], "speaker": WHO, "text": TALK},
        TWO,
    ),
    "lists of both sides": ("a.jsonl", {"user": TALK[::2], "assistant": TALK[1::2]}, FOUR),
    "speakers by number": (
        "a.jsonl",
        {"dialog": [[n % 2, text] for n, text in enumerate(TALK)]},
        FOUR,
    ),
    "a flag": (
        "a.jsonl",
        {"chat": [{"is_user": n % 2 == 0, "text": text} for n, text in enumerate(TALK)]},
        FOUR,
    ),
    "roles under any name": (
        "a.jsonl",
        {
            "dialog": [
                {"by": role, "text": text}
                for role, text in zip(["Bot", "Human"], TALK[:2], strict=True)
            ]
        },
        [(A, TALK[0]), (U, TALK[1])],
    ),
    "newest first": (
        "a.jsonl",
        {
            "messages": [
                {"sender": name, "text": text, "sent_at": f"2024-05-01 21:1{9 - n}:00"}
                for n, (name, text) in enumerate(zip(WHO[::-1], TALK[::-1], strict=True))
            ]
        },
        FOUR,
    ),
    "numbered columns of both sides": (
        "a.jsonl",
        {f"{side}_{n}": TALK[2 * n + k] for n in (0, 1) for k, side in ((1, "bot"), (0, "user"))},
        FOUR,
    ),
    "numbered speakers": (
        "a.csv",
        table("speaker1,text1,speaker2,text2,speaker3,text3", "Ada,a,Ada,b,Ben,c"),
        [(U, "a"), (U, "b"), (A, "c")],
    ),
    "a post a row": (
        "a.csv",
        table("topic_id,post_username,post_time,post_text", "5,Ben,2,b", "5,Ada,1,a"),
        [(U, "a"), (A, "b")],
    ),
    "names of another language": (
        "a.csv",
        table("Unterhaltung;Sprecher;Äußerung", "1;Ada;a", "1;Ben;b"),
        [(U, "a"), (A, "b")],
    ),
    "JSON in a cell": (
        "a.csv",
        table("id,messages", '1,"[{""role"": ""user"", ""content"": ""Hi""}]"'),
        [(U, "Hi")],
    ),
    "a Python list in a cell": (
        "a.csv",
        table("dialog,act", "\"['Hi there.', 'It''s late.']\",x".replace("''", "\\'")),
        [(U, "Hi there."), (A, "It's late.")],
    ),
    "a NumPy list in a cell": (
        "a.csv",
        table("dialog,act", "\"['Hi there.' 'Late?'\n 'Yes.']\",x"),
        [(U, "Hi there."), (A, "Late?"), (U, "Yes.")],
    ),
    "clocks in a log": (
        "a.txt",
        "[00:10] Ada: Late?\nBen (00:12): Yes.\n00:13:01 - Ada: Bye.\n",
        [(U, "Late?"), (A, "Yes."), (U, "Bye.")],
    ),
}


@pytest.mark.parametrize(("name", "content", "expected"), KNOWN.values(), ids=KNOWN)
def test_a_layout_is_known_without_naming(
    tmp_path: Path, name: str, content: Any, expected: Any
) -> None:
    row = rows_of(tmp_path, name, as_text(name, content))[0]
    assert isinstance(row, Conversation), row
    assert messages_of(row) == expected


def test_an_assumption_is_in_the_row(tmp_path: Path) -> None:
    cases = {
        "a.jsonl": (json.dumps({"data": TALK}), "the two speakers alternate"),
        "a.txt": ("Ada: Hi\nBen: Ho\nAda: Hm\n", "the file is one conversation"),
        "a.csv": ("name,message\nAda,a b\nBen,c d\nAda,e\n", "the file is one conversation"),
    }
    for name, (content, assumed) in cases.items():
        [row] = rows_of(tmp_path, name, content)
        assert f"collect: assumed that {assumed}" in row.edits


def test_a_log_of_rows_is_cut_at_silences(tmp_path: Path) -> None:
    times = ("05-01 21:00:00", "05-01 21:05:00", "05-02 09:00:00", "05-02 09:01:00")
    rows = [f"2024-{time},{name},Hm" for time, name in zip(times, WHO, strict=True)]
    found = rows_of(tmp_path, "a.csv", table("date,name,message", *rows))
    assert [len(row.messages) for row in found] == [2, 2]
    with_id = table("thread_id,date,name,message", *(f"7,{row}" for row in rows))
    assert [len(row.messages) for row in rows_of(tmp_path, "b.csv", with_id)] == [4]


def test_soda_names_its_speakers_and_its_scenario(tmp_path: Path) -> None:
    record = {"narrative": "He misses it.", "dialogue": TALK[:3], "speakers": ["Ada", "Ben", "Cy"]}
    [row] = rows_of(tmp_path, "a.jsonl", json.dumps(record))
    assert [message.name for message in row.messages] == ["Ada", "Ben", "Cy"]
    assert row.persona.scenario == "He misses it."


def test_what_is_no_message_is_counted(tmp_path: Path) -> None:
    turns = [*items("speaker", "text"), {"speaker": "Ada", "text": "Oops", "deleted": True}]
    turns.append({"speaker": [], "text": "", "note": "They leave."})
    [row] = rows_of(tmp_path, "a.jsonl", json.dumps({"turns": turns}))
    assert messages_of(row) == FOUR
    assert row.edits[-1:] == ("collect: left out 1 × deleted message, 1 × note without a speaker",)


def test_who_never_says_a_word_is_no_speaker(tmp_path: Path) -> None:
    turns = items("author", "text", ["human", "owl"] * 2)
    turns.insert(2, {"author": "chat_break", "text": ""})
    [row] = rows_of(tmp_path, "a.jsonl", json.dumps({"messages": turns}))
    assert messages_of(row) == FOUR
    assert row.edits[-1:] == ("collect: left out 1 × note without a text",)


@pytest.mark.parametrize(
    "time",
    ["2024-05-01 21:0{}:00 UTC", "Wed, 01 May 2024 21:0{}:00 GMT", "1 May 2024 21:0{} +0200"],
)
def test_turns_stand_in_the_order_of_their_times(tmp_path: Path, time: str) -> None:
    turns = [{**item, "Created": time.format(n)} for n, item in enumerate(items("speaker", "text"))]
    [row] = rows_of(tmp_path, "a.jsonl", json.dumps({"turns": turns[::-1]}))
    assert [text for _, text in messages_of(row)] == TALK
    assert "collect: put in the order of `Created`" in row.edits


def test_rows_of_several_rooms_are_not_one_conversation(tmp_path: Path) -> None:
    lines = [f"r{n % 2},{name},Hm" for n, name in enumerate(WHO * 2)]
    found = rows_of(tmp_path, "a.csv", table("room,name,message", *lines))
    assert {row.detail for row in found} == {
        "the rows may belong together by `room`: name it as the id"
    }


def test_marks_around_a_speaker_are_not_part_of_the_name(tmp_path: Path) -> None:
    text = "\n".join(f"#{name}#: {text}" for name, text in zip(WHO, TALK, strict=True))
    [row] = rows_of(tmp_path, "a.jsonl", json.dumps({"dialogue": text, "summary": "They talk."}))
    assert [message.name for message in row.messages] == WHO
    assert [message.content for message in row.messages] == TALK


def test_times_in_no_known_form_are_named(tmp_path: Path) -> None:
    turns = [
        {**item, "Created": f"5/1/24 9:0{n} PM"} for n, item in enumerate(items("speaker", "text"))
    ]
    [row] = rows_of(tmp_path, "a.jsonl", json.dumps({"turns": turns}))
    assumed = "collect: assumed that the turns stand in their order: `Created` is in no known form"
    assert assumed in row.edits


# --- what is not guessed

OPEN: dict[str, tuple[str, Any, str]] = {
    "a field that may be the speaker": (
        "a.jsonl",
        {"messages": [{"text": text, "by": 2} for text in TALK]},
        "`by` of a text may say who writes it",
    ),
    "names of fewer speakers than texts": (
        "a.jsonl",
        {"dialogue": TALK, "speakers": ["Ada", "Ben"]},
        "`speakers` beside `dialogue` may say who writes",
    ),
    "two lists of texts": (
        "a.jsonl",
        {"dialogue": TALK, "dialogue_de": TALK[::-1]},
        "`dialogue_de` beside `dialogue`",
    ),
    "some labels": ("a.jsonl", {"dialog": ["Bot: Hi", "Tea?"]}, "some texts begin with a speaker"),
    "two texts of a turn": (
        "a.jsonl",
        {"turns": [{"speaker": "Ada", "text": "a", "utterance": "b"}]},
        "`text` and `utterance` could both be the text",
    ),
    "two answers": (
        "a.jsonl",
        {"question": "a b", "answer": "c", "response": "d"},
        "`response` and `answer` could both be the answer",
    ),
    "numbers as roles": (
        "a.jsonl",
        {"turns": [{"role": n % 2, "text": text} for n, text in enumerate(TALK)]},
        "`role` is 0, and nothing says which role that is",
    ),
    "text before speaker": (
        "a.jsonl",
        {"dialogue": [[text, name] for name, text in zip(WHO, TALK, strict=True)]},
        "may be speakers and their texts",
    ),
    "two speakers or two messages": (
        "a.jsonl",
        {"dialogue": [["Ada", TALK[0]], ["Ben", TALK[1]]]},
        "may be speakers and their texts",
    ),
    "texts and labels": (
        "a.jsonl",
        {"dialogue": [[text, "joy"] for text in TALK]},
        "may be speakers and their texts",
    ),
    "two lists of pairs": (
        "a.jsonl",
        {"conversation": [TALK[:2]], "shown": [["x y", "z"]]},
        "`conversation` and `shown` hold pairs",
    ),
    "a branch": (
        "a.jsonl",
        {"messages": [{"author": "Ada", "text": "a", "replies": [{"author": "B", "text": "b"}]}]},
        "has its own `replies`: the conversation branches",
    ),
    "different kinds": (
        "a.jsonl",
        {"messages": [{"sender": "Ada", "type": kind, "text": "a"} for kind in ("text", "aside")]},
        "the turns have different `type`",
    ),
    "different media": (
        "a.jsonl",
        {"messages": [{"from": "Ada", "Media Type": kind, "text": "a"} for kind in "xy"]},
        "the turns have different `Media Type`",
    ),
    "an answer under another name": (
        "a.jsonl",
        {"history": [{"q": "a b", "a": "c"}], "question": "d e", "good_answer": "f"},
        "`good_answer` may be the answer",
    ),
    "passages or a history": (
        "a.jsonl",
        {"question": "a b", "context": ["p", "q"], "answer": "c"},
        "`context` beside `question`",
    ),
    "a numbered context": (
        "a.jsonl",
        {"prompt": "a b", "response": "c d", "response_2": "e"},
        "`response_2` may hold another message",
    ),
    "a test": (
        "a.jsonl",
        {"question": "What floats?", "choices": ["lead", "cork"], "answer": "B"},
        "the question needs its `choices`",
    ),
    "questions alone": (
        "a.jsonl",
        {"question_id": 1, "turns": ["Write a note.", "Shorter."]},
        "may be questions alone",
    ),
    "a history without speakers": (
        "a.jsonl",
        {"history": "something happened", "prompt": "a b", "response": "c"},
        "`history` is one text",
    ),
    "two conversations in a record": (
        "a.jsonl",
        {"de": "Ada: Hallo.\nBen: Ja?\nAda: Gut.", "en": "Ada: Hello.\nBen: Yes?\nAda: Fine."},
        "holds a conversation",
    ),
    "an answer that is missing": (
        "a.jsonl",
        {"text": "Ada: How late is it, my dear Ben?\nBen:", "rated": ["a", "b"]},
        "ends with a speaker and no text",
    ),
    "two numbered families": (
        "a.jsonl",
        {f"{name}{n}": "a b" for n in (1, 2, 3) for name in ("text", "turn")},
        "could be the turns as well",
    ),
    "lists under one id": (
        "a.jsonl",
        {"id": 7, "conversations": [TALK[:2], TALK[2:]]},
        "of one conversation or many?",
    ),
    "an id in every row": (
        "a.csv",
        table("conversation_id,speaker,text", "1,Ada,a", "2,Ben,b", "3,Ada,c"),
        "`conversation_id` is different in every row",
    ),
    "a time in words": (
        "a.csv",
        table("date,sender,text", "after lunch,Ada,b", "before lunch,Ben,a"),
        "`date` is not a number, nor a time",
    ),
    "who writes a row": (
        "a.csv",
        table("conversation_id,whose,text", "1,x,a", "1,y,b", "2,x,c"),
        "`whose` may say who writes",
    ),
    "reviews": (
        "a.csv",
        table("user,text", *(f"{name},Good tea." for name in "abcdef")),
        "hardly a `user` comes back",
    ),
}


@pytest.mark.parametrize(("name", "content", "reason"), OPEN.values(), ids=OPEN)
def test_what_is_open_is_refused_with_what_would_fit(
    tmp_path: Path, name: str, content: Any, reason: str
) -> None:
    with pytest.raises(UserError) as caught:
        rows_of(tmp_path, name, as_text(name, content))
    message = str(caught.value)
    assert f"source s: {name}: not read: " in message
    assert reason in message
    assert "\nThe first record holds:\n  " in message
    assert re.search(r"\n    fields: \{.+\}\n", message)
    assert "--field " in message


NO_TALK: dict[str, tuple[str, Any]] = {
    "paraphrases": ("a.csv", table("sentence1,sentence2,label", "A cat sat.,It sat.,1")),
    "pros and cons": ("a.jsonl", {"text": "Pros: it is warm and cheap.\nCons: it is far away."}),
    "tags": ("a.json", {"a": ["x y", "z w"], "b": ["q r", "s t"], "c": ["u v", "w x"]}),
    "attributes": ("a.jsonl", {"data": [{"name": "year", "value": "2003"}]}),
    "a mail": ("a.txt", "From: Ada\nTo: Ben\nSubject: Tea\n\nHello Ben.\n"),
    "a form": ("a.txt", "Name: Alba\nLength: 9 m\nBuilt: 1978\n" * 3),
    "a calendar": ("a.txt", "BEGIN:VEVENT\nUID:1\nEND:VEVENT\n" * 3),
    "a shopping list": ("a.txt", "2 eggs\n1 milk\n2 plums\n"),
    "a numbered story": ("a.txt", "1 Ada left.\n2 Ben came.\n3 He sat.\n1 Cy ran.\n2 He fell.\n"),
    "a log with tabs": ("a.txt", "18:00\tAda\tTea?\n18:01\tBen\tPlease.\n"),
    "fields with tabs": ("a.txt", "text:Tea?\tlabel:Please.\ntext:Late?\tlabel:Yes.\n"),
}


@pytest.mark.parametrize(("name", "content"), NO_TALK.values(), ids=NO_TALK)
def test_what_only_looks_like_a_conversation_is_refused(
    tmp_path: Path, name: str, content: Any
) -> None:
    with pytest.raises(UserError, match=r"no known shape fits|mail is not read"):
        rows_of(tmp_path, name, as_text(name, content))


BROKEN: dict[str, tuple[list[str], str]] = {
    "speaker by speaker": (
        ["speaker,text", "7,Ada,a", "7,Ada,b", "7,Ben,c", "7,Ben,d"],
        "the rows stand by `speaker`",
    ),
    "an id of two conversations": (
        ["turn,speaker,text", "7,1,Ada,a", "7,2,Ben,b", "7,1,Cy,c", "7,2,Di,d"],
        "`turn` begins again under one id",
    ),
    "several answers": (
        ["question,answer", "7,a b?,c", "7,a b?,d"],
        "rows of one conversation repeat a question",
    ),
    "the answer before": (
        ["context,response", "7,a b?,c d", "7,c d,e f"],
        "begin with the answer before them",
    ),
}


@pytest.mark.parametrize(("lines", "reason"), BROKEN.values(), ids=BROKEN)
def test_rows_whose_order_is_a_guess_are_one_bad_row_each(
    tmp_path: Path, lines: list[str], reason: str
) -> None:
    header, *rows = lines
    found = rows_of(tmp_path, "a.csv", table(f"thread_id,{header}", *rows))
    assert all(isinstance(row, Quarantine) and reason in row.detail for row in found)
    assert len(found) == len(rows)


def test_rows_that_branch_are_no_conversation() -> None:
    parents = (None, 1, 1)
    rows = [{"thread_id": 7, "speaker": "Ada", "text": "a", "reply_to": one} for one in parents]
    found = [one for _, one in turns.read(enumerate(rows, 1), [*rows], {})]
    assert [type(one) for one in found] == [Unread] * 3
    assert found[0].detail == "several rows have the same `reply_to`: the conversation branches"


def test_many_rows_without_an_id_are_no_conversation(tmp_path: Path) -> None:
    rows = [f"{'Ada' if n % 3 else 'Ben'},Hm {n}" for n in range(1_001)]
    found = rows_of(tmp_path, "a.csv", table("name,message", *rows))
    assert len(found) == 1_001
    assert "rows without an id: where does a conversation end?" in found[0].detail


def test_rows_that_a_channel_parts_are_no_conversation(tmp_path: Path) -> None:
    rows = ["x,Ada,a", "y,Cy,b", "x,Ben,c", "y,Cy,d", "x,Ada,e"]
    found = rows_of(tmp_path, "a.csv", table("channel,user,message", *rows))
    assert {row.detail for row in found} == {
        "the rows may belong together by `channel`: name it as the id"
    }


HINTED: dict[str, tuple[str, Any, int]] = {
    "rows": (
        "a.csv",
        table(
            "Konv,Wer,Wortlaut,Ort",
            *(f'{n // 2},{WHO[n]},"{text}",Rom' for n, text in enumerate(TALK)),
        ),
        2,
    ),
    "a list": ("a.jsonl", {"x": {"acts": items("wer", "wortlaut")}}, 1),
    "pairs": ("a.jsonl", {"acts": [[n, text] for n, text in zip(WHO, TALK, strict=True)]}, 1),
    "one pair": ("a.jsonl", [{"first": a, "second": b} for a, b in (TALK[:2], TALK[2:])], 2),
    "numbers as roles": (
        "a.jsonl",
        {"turns": [{"role": n % 2, "text": text} for n, text in enumerate(TALK)]},
        1,
    ),
}


@pytest.mark.parametrize(("name", "content", "count"), HINTED.values(), ids=HINTED)
def test_the_hint_of_a_refusal_reads_the_file(
    tmp_path: Path, name: str, content: Any, count: int
) -> None:
    text = as_text(name, content)
    with pytest.raises(UserError) as caught:
        rows_of(tmp_path, name, text)
    words = shlex.split(str(caught.value).splitlines()[-1])
    options = list(zip(words[::2], words[1::2], strict=True))
    fields = dict(value.split("=", 1) for option, value in options if option == "--field")
    roles = dict(value.split("=", 1) for option, value in options if option == "--role")
    found = rows_of(tmp_path, name, text, fields=fields, roles=roles)
    assert [type(row) for row in found] == [Conversation] * count
    assert [text for row in found for _, text in messages_of(row)] == TALK


# --- properties

WORDS = st.text("abcdefgh ?.äß中", min_size=1, max_size=20).filter(str.strip)
NAMES = st.sampled_from(["Ada", "Ben", "Cy"])
TURNS = st.lists(st.tuples(NAMES, WORDS), min_size=1, max_size=6)
KEYS = st.lists(st.text("xyz._-", min_size=1, max_size=6), min_size=4, max_size=4, unique=True)


@settings(max_examples=100, deadline=None)
@given(TURNS, KEYS)
def test_a_list_is_read_under_any_names(turns: list[tuple[str, str]], keys: list[str]) -> None:
    place, who, what, when = keys
    record = {place: [{who: a, what: b, when: n} for n, (a, b) in enumerate(turns)]}
    fields = FieldNames(list=place, role=who, content=what, time=when)
    [(_, found)] = named.read([(1, record)], [record], fields, {})
    assert isinstance(found, Transcript)
    assert [(speaker, text) for speaker, text, _ in found.turns] == turns
    assert found.extra == {}


@settings(max_examples=100, deadline=None)
@given(st.lists(TURNS, min_size=1, max_size=4), KEYS, st.randoms(use_true_random=False))
def test_rows_are_read_under_any_names_in_any_order(
    talks: list[list[tuple[str, str]]], keys: list[str], shuffle: Any
) -> None:
    key, who, what, when = keys
    rows = [
        {key: str(t), who: a, what: b, when: n}
        for t, talk in enumerate(talks)
        for n, (a, b) in enumerate(talk)
    ]
    shuffle.shuffle(rows)
    fields = FieldNames(id=key, role=who, content=what, time=when)
    try:
        found = [one for _, one in named.read(enumerate(rows, 1), rows, fields, {})]
    except Unclear:
        assert all(len(talk) == 1 for talk in talks)  # an id in every row is no id
        return
    assert all(isinstance(one, Transcript) for one in found)
    read = {one.record: [(a, b) for a, b, _ in one.turns] for one in found}
    assert read == {str(t): talk for t, talk in enumerate(talks)}


JUNK = st.none() | st.integers() | st.text(max_size=5) | st.lists(st.integers(), max_size=2)
ROW = st.dictionaries(st.sampled_from(["k", "who", "what", "when"]), JUNK)


@settings(max_examples=200, deadline=None)
@given(st.lists(ROW, min_size=1, max_size=6))
def test_any_rows_are_accounted_for_under_named_fields(rows: list[dict[str, Any]]) -> None:
    good = {"k": "1", "who": "Ada", "what": "Hello", "when": 1}
    records = [good, *rows]
    fields = FieldNames(id="k", role="who", content="what", time="when")
    try:
        found = [one for _, one in named.read(enumerate(records, 1), [good], fields, {})]
    except Unclear:
        return
    counts = [one.merged + 1 if isinstance(one, Transcript) else 1 for one in found]
    assert sum(counts) == len(records)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(WORDS, WORDS), min_size=1, max_size=5, unique=True))
def test_rows_of_pairs_keep_all_texts(pairs: list[tuple[str, str]]) -> None:
    rows = [
        {"dialogue_id": 1, "response_id": n, "context": ask, "response": answer}
        for n, (ask, answer) in enumerate(pairs)
    ]
    found = [one for _, one in exchanges.read(enumerate(reversed(rows), 1), rows, {})]
    if isinstance(found[0], Unread):  # a question comes twice, or an answer is asked
        assert len(found) == len(rows)
        return
    [transcript] = found
    assert [text for _, text, _ in transcript.turns] == [text for both in pairs for text in both]


@settings(max_examples=100, deadline=None)
@given(st.lists(st.text(max_size=12), max_size=8))
def test_every_line_by_number_is_a_turn_or_a_bad_row(lines: list[str]) -> None:
    lines = [line.replace("\n", " ") for line in ["1 Hi.", *lines]]
    found = list(by_number.read(lines, Place("a.txt")))
    turns = sum(len(one.turns) for one in found if isinstance(one, Transcript))
    unread = sum(isinstance(one, Unread) for one in found)
    assert turns + unread == sum(bool(line.strip()) for line in lines)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.text(max_size=8), min_size=1, max_size=4))
def test_lists_in_cells_are_read_as_they_were_printed(texts: list[str]) -> None:
    assert cells.as_list(json.dumps(texts)) == texts
    assert cells.as_list(repr(texts)) == texts
    assert cells.as_list(f"[{' '.join(map(repr, texts))}]") == texts  # as NumPy prints it


@given(st.text(max_size=30))
def test_any_cell_is_a_list_or_stays_a_text(text: str) -> None:
    assert isinstance(cells.as_list(f"[{text}"), list | None)


@pytest.mark.parametrize(
    ("value", "place"),
    [
        ("7", 7),
        (2.5, 2.5),
        ("0:21:15,5", 1275.5),
        ("1:02", 62),
        ("1970-01-01 00:01:00", 60),
        ("1970-01-01T01:01:00+01:00", 60),
        ("9:05 AM", None),
        ("4/26/2024", None),
        ("nan", None),
        (True, None),
        (None, None),
        ([1], None),
    ],
)
def test_the_place_of_a_turn(value: Any, place: float | None) -> None:
    assert place_of(value) == place
