"""Every foreign shape, read from a file as a user would have it, and with mutated records."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline import UserError, collect
from pipeline.collect import shapes
from pipeline.collect.admit import Origin, admit
from pipeline.collect.shapes.common import silence
from pipeline.collect.shapes.general import cell, log
from pipeline.collect.shapes.transcript import Place, Transcript, Unclear, Unread
from pipeline.conversation import Conversation, FileRead, Persona, Quarantine
from pipeline.recipe.collect import CollectSettings, SourceSettings
from pipeline.store.columns import to_table
from tests.foreign import EXAMPLES, IRC, TEI, A, U
from tests.messengers import FILES

OF_MESSENGERS = {shape for shape, *_ in FILES}  # see test_messengers.py


def rows_of(folder: Path, name: str, content: str | bytes, **source: Any) -> list[Any]:
    """The rows of one file."""
    (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    collecting = CollectSettings(sources=[SourceSettings(name="s", files=[name], **source)])
    return [
        row
        for unit in collect.units(collecting, folder)
        for row in collect.read(unit, collecting, folder)
        if not isinstance(row, FileRead)
    ]


def messages_of(row: Conversation) -> list[tuple[str, str]]:
    return [(m.role, m.content) for m in row.messages]


def as_text(name: str, content: Any) -> str:
    if isinstance(content, str):
        return content
    if name.endswith(".jsonl"):
        return "\n".join(
            json.dumps(record) for record in (content if isinstance(content, list) else [content])
        )
    return json.dumps(content)


@pytest.mark.parametrize(
    ("shape", "name", "content", "expected"),
    EXAMPLES,
    ids=[f"{e[0]}-{n}" for n, e in enumerate(EXAMPLES)],
)
def test_a_shape_is_recognised_and_read(
    tmp_path: Path, shape: str, name: str, content: Any, expected: Any
) -> None:
    text = as_text(name, content)
    first = next(row for row in rows_of(tmp_path, name, text) if isinstance(row, Conversation))
    assert messages_of(first) == expected
    assert (
        rows_of(tmp_path, name, text, shape=shape)[0] == first
    )  # and the same when the recipe names it


def test_every_shape_has_an_example_here_and_in_its_docstring() -> None:
    known = set(shapes.names(shapes.RECORDS, shapes.TABLES, shapes.TEXTS, shapes.DOCUMENTS))
    elsewhere = {"leaves", "cornell"} | OF_MESSENGERS  # Cornell needs two files
    assert {shape for shape, *_ in EXAMPLES} | elsewhere >= known
    for module in (*shapes.RECORDS, *shapes.TABLES, *shapes.TEXTS, *shapes.DOCUMENTS):
        assert len((module.__doc__ or "").splitlines()) >= 4, module.__name__


def test_what_the_source_holds_besides_is_kept(tmp_path: Path) -> None:
    reply = {"message_id": "m", "text": "A", "role": "assistant", "rank": 0, "replies": []}
    root = {
        "message_id": "t",
        "text": "Q",
        "role": "prompter",
        "labels": {"toxicity": 0.1},
        "replies": [reply],
    }
    tree = {"message_tree_id": "t", "prompt": root}
    row = rows_of(tmp_path, "tree.jsonl", json.dumps(tree))[0]
    assert row.source.record == "t"
    assert row.split_group == "s/t"
    assert json.loads(row.extra)["path"][0]["labels"] == {"toxicity": 0.1}

    row = rows_of(
        tmp_path,
        "emotions.csv",
        "dialogue_id,speaker,text,emotion,lang\nd,Ada,Oh!,Joy,en\nd,Ben,Hm,,en\n",
    )[0]
    assert [label.emotion for label in row.annotations] == ["joy", None]
    assert (row.source.record, json.loads(row.extra)) == ("d", {"lang": "en"})
    order = "collect: assumed that the rows of a conversation stand in its order"
    assert row.edits[:2] == ("collect: joined 2 records", order)


BESIDES = [
    {"id": 1, "conversation_id": "c2", "messages": [{"role": "user", "content": "Q"}]},
    {"uuid": "u1", "prompt_id": "c2", "prompt": "Q", "completion": "A"},
    {"id": 1, "messages": [{"role": "user", "content": "Q", "toxic": True, "lang": "c2"}]},
    {
        "id": 1,
        "conversations": [
            {"from": "human", "value": "Q", "rating": "c2"},
            {"from": "gpt", "value": "A"},
        ],
    },
    {
        "id": "a",
        "dialogue_id": 7,
        "turns": [{"speaker": "Ada", "text": "Q", "role": "c2", "emotion": 4}],
    },
    {"dialog": [{"message": "Q", "attrs": ["c2"]}, "A"], "id": 7},
]


@pytest.mark.parametrize(
    "record", BESIDES, ids=["messages", "prompt", "toxic", "rating", "speakers", "listed"]
)
def test_further_fields_of_a_record_or_a_turn_are_kept(
    tmp_path: Path, record: dict[str, Any]
) -> None:
    [row] = rows_of(tmp_path, "a.jsonl", json.dumps(record))
    assert row.source.record in ("1", "u1", "7")
    assert "c2" in row.extra
    assert ("emotion" in str(record)) == ("emotion" in row.extra)


def test_a_name_beside_a_role_is_the_speakers(tmp_path: Path) -> None:
    turns = [
        {"role": "user", "text": "Hello"},
        {"role": "assistant", "name": "Ada", "text": "Evening."},
    ]
    [row] = rows_of(tmp_path, "a.jsonl", json.dumps({"turns": turns}))
    assert [(m.role, m.name) for m in row.messages] == [(U, None), (A, "Ada")]
    assert row.extra is None


def test_personas_belong_to_the_side_they_describe(tmp_path: Path) -> None:
    table = (
        'user 1 personas,user 2 personas,chat\n"I bake.","I surf.","User 1: Hi!\nUser 2: Hello!"\n'
    )
    row = rows_of(tmp_path, "a.csv", table)[0]
    assert (row.persona.description, row.user_persona.description) == ("I surf.", "I bake.")
    row = rows_of(tmp_path, "a.csv", table, assistant="first")[0]
    assert messages_of(row)[0] == (A, "Hi!")
    assert (row.persona.description, row.user_persona.description) == ("I bake.", "I surf.")


@pytest.mark.parametrize(
    ("rule", "assistant"),
    [("second", "Ben"), ("first", "Ada"), ("most", "Cy"), ("cy", "Cy"), ("nobody", "Ben")],
)
def test_who_is_the_assistant_is_a_rule_of_the_recipe(
    tmp_path: Path, rule: str, assistant: str
) -> None:
    chat = "Ada: Hello.\nBen: Evening.\nCy: I talk more than anybody else here.\nAda: True.\n"
    row = rows_of(tmp_path, "a.txt", chat, assistant=rule)[0]
    assert {m.name for m in row.messages if m.role == "assistant"} == {assistant}
    assert [m.name for m in row.messages] == [
        "Ada",
        "Ben",
        "Cy",
        "Ada",
    ]  # more than two speakers stay, with their names


def test_one_bad_conversation_of_many_in_a_record_is_one_bad_row(tmp_path: Path) -> None:
    rows = rows_of(
        tmp_path,
        "a.yml",
        "conversations:\n- - Hello\n  - Yes\n- broken - line\n- - Tea?\n  - Please.\n",
    )
    assert [type(row).__name__ for row in rows] == ["Conversation", "Quarantine", "Conversation"]
    assert rows[1].raw == "broken - line"
    assert rows[1].where == "s: a.yml#1/2"


def test_leaves_gives_every_path_of_a_tree(tmp_path: Path) -> None:
    reply = [
        {"message_id": n, "text": n, "role": "assistant", "rank": 0, "replies": []}
        for n in ("a", "b")
    ]
    tree = json.dumps(
        {"message_tree_id": "t", "prompt": {"text": "Q", "role": "prompter", "replies": reply}}
    )
    rows = rows_of(tmp_path, "a.jsonl", tree, shape="leaves")
    assert [messages_of(row)[-1][1] for row in rows] == ["a", "b"]
    assert len({row.id for row in rows}) == 2
    assert {row.split_group for row in rows} == {"s/t"}


def test_leaves_gives_every_path_of_flat_rows_too(tmp_path: Path) -> None:
    messages = [
        ("q", None, "prompter"),
        ("b", "q", "assistant"),
        ("a", "q", "assistant"),
        ("c", "a", "prompter"),
    ]
    rows = [
        {
            "message_id": f"{tree}{i}",
            "parent_id": p and f"{tree}{p}",
            "message_tree_id": tree,
            "role": r,
            "text": i,
        }
        for i, p, r in reversed(messages)
        for tree in "xy"
    ]
    found = rows_of(tmp_path, "a.jsonl", as_text("a.jsonl", rows), shape="leaves")
    assert sorted((row.split_group, "".join(m.content for m in row.messages)) for row in found) == [
        ("s/x", "qac"), ("s/x", "qb"), ("s/y", "qac"), ("s/y", "qb")
    ]  # fmt: skip
    assert len({row.id for row in found}) == 4
    assert {row.source.record for row in found} == {"xc", "xb", "yc", "yb"}


@pytest.mark.parametrize("assistant", ["assistant", "bot"])
@pytest.mark.parametrize("name", ["a.json", "b.json", "c.csv"])
def test_a_system_prompt_is_not_a_message_of_the_assistant(
    tmp_path: Path, name: str, assistant: str
) -> None:
    turns = [("system", "You are Ada."), ("user", "Hello"), (assistant, "Good evening.")]
    content: Any = {
        "a.json": [{"role": role, "content": text} for role, text in turns],
        "b.json": {"turns": [{"role": role, "text": text} for role, text in turns]},
        "c.csv": "role,text\n" + "".join(f"{role},{text}\n" for role, text in turns),
    }[name]
    [row] = rows_of(tmp_path, name, as_text(name, content))
    assert messages_of(row) == [("system", "You are Ada."), (U, "Hello"), (A, "Good evening.")]
    content = [
        {"role": "user", "content": "Hello"},
        {"role": "assistant", "name": "Ada", "content": "Good evening."},
    ]
    [row] = rows_of(tmp_path, "named.json", json.dumps(content))
    assert [m.name for m in row.messages] == [None, "Ada"]


def test_personas_of_sides_called_by_their_roles(tmp_path: Path) -> None:
    chat = "User: Hi!\nAssistant: Hello!\nUser: Cake?"
    table = f'user persona,assistant persona,chat\n"I bake.","I surf.","{chat}"\n'
    [row] = rows_of(tmp_path, "a.csv", table)
    assert messages_of(row) == [(U, "Hi!"), (A, "Hello!"), (U, "Cake?")]
    assert (row.persona.description, row.user_persona.description) == ("I surf.", "I bake.")
    assert {m.name for m in row.messages} == {None}


ODD = "Conv,Nr,Who,Wording,Mood\nc1,2,Ben,Evening.,calm\nc2,1,Ada,Hm,\nc1,1,Ada,Hello,gay\n"
NAMED = {"text": "Wording", "speaker": "Who", "id": "Conv", "order": "Nr"}


def test_a_recipe_names_the_columns_of_a_table(tmp_path: Path) -> None:
    rows = rows_of(tmp_path, "a.csv", ODD, shape="turns", options=NAMED)
    assert [messages_of(row) for row in rows] == [[(U, "Hello"), (A, "Evening.")], [(U, "Hm")]]
    assert [m.name for m in rows[0].messages] == ["Ada", "Ben"]
    assert [row.source.record for row in rows] == ["c1", "c2"]
    assert json.loads(rows[0].extra) == {"turns": [{"Mood": "gay"}, {"Mood": "calm"}]}


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (
            {"shape": "turns"},
            r"source s: a\.csv: which column holds the text\? .*Conv, Nr, Who, Wording",
        ),
        (
            {"shape": "turns", "options": {"text": "Uterance"}},
            r"options: text: there is no column 'Uterance'; .*Who",
        ),
        (
            {"shape": "turns", "options": {"sender": "Who"}},
            r"unknown option sender; `turns` knows text, speaker, id",
        ),
        (
            {"shape": "messages", "options": NAMED},
            r"options are for `shape: turns`, .* read as messages",
        ),
    ],
)
def test_columns_that_are_not_there_are_named(
    tmp_path: Path, source: dict[str, Any], message: str
) -> None:
    with pytest.raises(UserError, match=message):
        rows_of(tmp_path, "a.csv", ODD, **source)


def test_a_silence_splits_also_in_a_log_without_dates(tmp_path: Path) -> None:
    assert len(rows_of(tmp_path, "a.log", IRC)) == 2


def test_a_character_card_is_referred_to_generate(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"character card.*generate"):
        rows_of(
            tmp_path,
            "ada.json",
            json.dumps({"spec": "chara_card_v2", "data": {"name": "Ada", "first_mes": "Hi"}}),
        )


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=6,
)


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every (container, key) inside a record."""
    items = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    for key, child in items:
        yield value, key
        yield from places(child)


@st.composite
def mutated(draw: st.DrawFn) -> tuple[str, Any]:
    """A shape's example with up to three places changed, removed or doubled."""
    examples = [(s, c) for s, n, c, _ in EXAMPLES if not isinstance(c, str)]
    shape, content = draw(st.sampled_from(examples))
    record = copy.deepcopy(
        content[0] if isinstance(content, list) and shape != "messages" else content
    )
    for _ in range(draw(st.integers(1, 3))):
        found = list(places(record))
        if not found:
            break
        container, key = draw(st.sampled_from(found))
        change = draw(st.sampled_from(["value", "remove", "double"]))
        if change == "remove":
            del container[key]
        elif change == "double" and isinstance(container, list):
            container.append(copy.deepcopy(container[key]))
        else:
            container[key] = draw(JSON)
    return shape, record


READERS = {shapes.name_of(module): module for module in shapes.RECORDS}
ORIGIN = Origin("file", "fuzz", max_bytes=10_000)


@settings(max_examples=300, deadline=None)
@given(mutated())
def test_no_mutated_record_breaks_a_reader_and_none_is_lost(case: tuple[str, Any]) -> None:
    _, record = case
    for name, reader in READERS.items():
        reader.recognise(record)
        try:
            found = list(reader.read(record))
        except ValueError:
            continue  # one unreadable row, with the reason
        assert all(isinstance(one, Transcript | Unread) for one in found), name
        rows = [admit(one, ORIGIN, f"x#{n}") for n, one in enumerate(found)]
        assert all(isinstance(row, Conversation | Quarantine) for row in rows)
        to_table(
            [row for row in rows if isinstance(row, Conversation)]
        )  # what was read can be written


@settings(max_examples=100, deadline=None)
@given(st.lists(JSON, min_size=1, max_size=4), st.sampled_from(["a.jsonl", "a.json"]))
def test_every_record_of_a_file_is_one_row_or_more(
    tmp_path_factory: Any, junk: list[Any], name: str
) -> None:
    """Good records among any junk: the good ones are read, every other one is in the quarantine."""
    folder = tmp_path_factory.mktemp("fuzz")
    good = {
        "messages": [
            {"role": "user", "content": "Hello"},
            {"role": "assistant", "content": "Evening."},
        ]
    }
    records = [good, *junk, good]
    text = json.dumps(records) if name == "a.json" else "\n".join(map(json.dumps, records))
    rows = rows_of(folder, name, text, shape="messages")
    kept = [row for row in rows if isinstance(row, Conversation)]
    assert len(rows) == len(records)
    assert sum(messages_of(row) == [(U, "Hello"), (A, "Evening.")] for row in kept) >= 2
    assert len({row.id for row in rows}) == len(rows)


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=300), st.sampled_from(["log", "irc", "whatsapp", "cdial"]))
def test_any_text_is_read_by_any_text_shape(text: str, name: str) -> None:
    module = next(m for m in shapes.TEXTS if shapes.name_of(m) == name)
    lines = text.splitlines(keepends=True)
    module.recognise(lines)
    rows = [
        admit(one, ORIGIN, f"x#{n}") for n, one in enumerate(module.read(lines, Place("a.txt")))
    ]
    assert all(isinstance(row, Conversation | Quarantine) for row in rows)


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=200), st.integers(0, len(TEI)))
def test_any_xml_is_read_or_refused(junk: bytes, at: int) -> None:
    document = TEI.encode()[:at] + junk + TEI.encode()[at:]
    reader = next(iter(shapes.DOCUMENTS))
    reader.recognise(document)
    assert all(
        isinstance(one, Transcript | Unread) for one in reader.read(document, Place("a.xml"))
    )


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.dictionaries(st.sampled_from(["dialogue_id", "text", "speaker", "turn"]), JSON),
        min_size=1,
        max_size=6,
    )
)
def test_any_rows_of_a_table_are_accounted_for(rows: list[dict[str, Any]]) -> None:
    first = {"dialogue_id": "d", "speaker": "Ada", "text": "Hello", "turn": 1}
    for module in shapes.TABLES:
        try:
            found = [one for _, one in module.read(enumerate([first, *rows], 1), [first], {})]
        except Unclear:
            continue  # the whole file is refused
        assert (
            sum(one.merged + 1 if isinstance(one, Transcript) else 1 for one in found)
            == len(rows) + 1
        )


# --- what a small change of one shape would break


def conversations(folder: Path, name: str, content: Any, **source: Any) -> list[Conversation]:
    return [
        row
        for row in rows_of(folder, name, as_text(name, content), **source)
        if isinstance(row, Conversation)
    ]


@pytest.mark.parametrize(
    ("second", "count"), [("03:00:00", 1), ("03:00:01", 2)], ids=["six hours", "and a second"]
)
def test_a_silence_of_more_than_six_hours_splits(tmp_path: Path, second: str, count: int) -> None:
    chat = f"2020-12-31 21:00:00 <ada> night\n2021-01-01 {second} <ben> morning\n"
    rows = conversations(tmp_path, "a.log", chat)
    assert len(rows) == count
    assert json.loads(rows[0].extra or "") == {"began": "2020-12-31 21:00:00"}


def test_a_channel_without_silences_is_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(silence, "LONGEST", 2)
    chat = "".join(f"21:{minute} <ada> hm\n" for minute in range(10, 15))
    assert [len(row.messages) for row in conversations(tmp_path, "a.log", chat)] == [2, 2, 1]


CLOCKS = {
    "12/31/20, 12:05 AM - ": "2020-12-31 00:05:00",
    "12/31/20, 12:05 PM - ": "2020-12-31 12:05:00",
    "12/31/20, 9:05 p.m. - ": "2020-12-31 21:05:00",
    "[31.12.2020, 21:05:09] ": "2020-12-31 21:05:09",
    "05/04/21, 21:05 - ": "2021-04-05 21:05:00",  # a clock of 24 hours: days first
    "05/04/21, 9:05 PM - ": "2021-05-04 21:05:00",
    "2021-04-05, 21:05 - ": "2021-04-05 21:05:00",
}


@pytest.mark.parametrize(("head", "began"), CLOCKS.items())
def test_dates_of_phones(tmp_path: Path, head: str, began: str) -> None:
    [row] = conversations(tmp_path, "a.txt", f"{head}Ada: Hello\n{head}Ben: Hi\n")
    assert json.loads(row.extra or "") == {"began": began}


def test_a_line_of_a_chat_without_a_time_continues_only_a_message(tmp_path: Path) -> None:
    head = "12/31/20, 9:05 PM - "
    chat = f"{head}Ada was added\nand more\n{head}Ada: Hello\nyou\n{head}Ben: Hi: all\n"
    [row] = conversations(tmp_path, "a.txt", chat)
    assert messages_of(row) == [(U, "Hello\nyou"), (A, "Hi: all")]


def tree(*replies: dict[str, Any]) -> dict[str, Any]:
    objects = [{"role": "assistant", "replies": [], **reply} for reply in replies]
    return {
        "message_tree_id": "t",
        "prompt": {"text": "Q", "role": "prompter", "replies": objects},
    }


RANKED: dict[str, tuple[list[dict[str, Any]], str]] = {
    "the lowest": ([{"text": "a", "rank": 1}, {"text": "b", "rank": 0}], "b"),
    "unranked last": ([{"text": "a"}, {"text": "b", "rank": 9}], "b"),
    "of equals the first": ([{"text": "a"}, {"text": "b"}], "a"),
    "not a deleted one": ([{"text": "a", "rank": 0, "deleted": True}, {"text": "b"}], "b"),
    "not a rejected one": ([{"text": "a", "rank": 0, "review_result": False}, {"text": "b"}], "b"),
    "one not yet reviewed": ([{"text": "a", "review_result": None}, {"text": "b"}], "a"),
}


@pytest.mark.parametrize(("replies", "best"), RANKED.values(), ids=RANKED)
def test_the_best_path(tmp_path: Path, replies: list[dict[str, Any]], best: str) -> None:
    [row] = conversations(tmp_path, "a.jsonl", tree(*replies))
    assert messages_of(row)[-1] == (A, best)


def flat(**fields: Any) -> dict[str, Any]:
    row = {"message_id": "1", "parent_id": None, "message_tree_id": "t", "role": "prompter"}
    return {**row, "text": "Q", **fields}


ODD_TREES: dict[str, tuple[list[dict[str, Any]], str]] = {
    "its own parent": ([flat(), flat(message_id="2", parent_id="2", text="A")], "Q"),
    "no id": ([flat(message_id=None), flat(message_id="2", parent_id="1", text="A")], "Q"),
    "a circle": (
        [flat(message_id="2", parent_id="3"), flat(message_id="3", parent_id="2")],
        "the tree has no first message",
    ),
    "a list as id": ([flat(message_id=[1])], "a message_id is a list or an object"),
    "an unknown parent": ([flat(), flat(message_id="2", parent_id="9")], "Q"),
}


@pytest.mark.parametrize("shape", ["replies", "leaves"])
@pytest.mark.parametrize(("rows", "expected"), ODD_TREES.values(), ids=ODD_TREES)
def test_a_tree_with_wrong_ids_ends(
    tmp_path: Path, rows: list[dict[str, Any]], expected: str, shape: str
) -> None:
    [row] = rows_of(tmp_path, "a.jsonl", as_text("a.jsonl", rows), shape=shape)
    found = row.detail if isinstance(row, Quarantine) else row.messages[0].content
    assert found == expected


def test_turns_are_in_the_order_of_numbers_not_of_digits(tmp_path: Path) -> None:
    table = "dialogue_id,turn,speaker,text\nd,10,Ada,c\nd,9,Ben,b\nd,1,Ada,a\n"
    [row] = conversations(tmp_path, "a.csv", table)
    assert [message.content for message in row.messages] == ["a", "b", "c"]
    assert row.edits[0] == "collect: joined 3 records"


def test_an_id_that_never_comes_back_is_not_the_id_of_a_conversation(tmp_path: Path) -> None:
    table = "id,speaker,text\n1,Ada,Hello\n2,Ben,Hi\n"
    assert len(conversations(tmp_path, "a.csv", table)) == 1
    assert len(conversations(tmp_path, "a.csv", table + "1,Ada,Tea?\n")) == 2


def test_columns_are_known_in_any_spelling(tmp_path: Path) -> None:
    table = "Dialogue-ID,Speaker,Text\nd,Ada,Hello\nd,Cy,Hm\ne,Ben,Hi\n"
    assert [row.source.record for row in conversations(tmp_path, "a.csv", table)] == ["d", "e"]


def test_a_system_answers_where_nobody_else_does(tmp_path: Path) -> None:
    turns = [{"speaker": "SYSTEM", "text": "Where?"}, {"speaker": "Ada", "text": "Here."}]
    [row] = conversations(tmp_path, "a.json", [{"turns": turns}])
    assert messages_of(row) == [(A, "Where?"), (U, "Here.")]


@pytest.mark.parametrize(("size", "shape"), [(40, "spoken"), (41, "pairs")])
def test_a_long_first_half_is_a_message_not_a_speaker(
    tmp_path: Path, size: int, shape: str
) -> None:
    name = "x" * size
    record = {"dialogue": [[name, "a"], [name, "b"], [name, "c"], [name, "d"]]}
    [row] = conversations(tmp_path, "a.json", [record])
    assert len(row.messages) == {"spoken": 4, "pairs": 8}[shape]


def test_actions_are_kept_beside_the_conversation(tmp_path: Path) -> None:
    pairs = [["agent", "Hi!"], ["action", "Looked up."], ["customer", "Ok"], ["agent", "Bye"]]
    [row] = conversations(tmp_path, "a.json", [{"convo_id": 7, "original": pairs}])
    assert json.loads(row.extra or "") == {"actions": [{"after": 1, "text": "Looked up."}]}
    assert row.edits == ("collect: left out 1 actions",)


def test_needs_and_deals_of_a_negotiation(tmp_path: Path) -> None:
    [casino] = [content[0] for shape, _, content, _ in EXAMPLES if shape == "casino"]
    logs = [*casino["chat_logs"], {"text": "Deal", "task_data": {"n": 3}, "id": "mturk_agent_1"}]
    [row] = conversations(tmp_path, "a.json", [{**casino, "chat_logs": logs}])
    assert row.persona is not None
    assert row.persona.description == "High need: Water. It is hot"
    assert json.loads(row.extra or "")["deals"] == [{"turn": 2, "n": 3}]
    assert row.source.record == "1"


def test_what_a_bot_and_a_character_are(tmp_path: Path) -> None:
    bot = {"bot_id": "b", "bot_name": "Ada", "bot_greeting": "Hi.", "bot_description": "Reads."}
    bot |= {"bot_definitions": "{{char}}: Do sit."}
    record = bot | {"conversation": [{"message": "Hi.", "is_human": False}]}
    [row] = conversations(tmp_path, "a.jsonl", record)
    assert row.persona == Persona("Ada", "Reads.\nAda: Do sit.", "Hi.")
    assert (row.split_group, row.extra) == ("s/b", '{"bot_id":"b"}')
    chat = [{"role": "char", "content": "Hail."}]
    seed = {"char_id": 3, "name": "Zelara", "context": "An elf.", "example_dialogue": chat}
    [row] = conversations(tmp_path, "a.jsonl", seed)
    assert row.persona == Persona("Zelara", "An elf.")
    assert (row.source.record, row.split_group) == ("3", "s/Zelara")
    assert row.extra == '{"char_id":3}'


def test_what_a_play_gives_beside_its_speeches(tmp_path: Path) -> None:
    first, second = conversations(tmp_path, "a.xml", TEI)
    play = {"play": "p1", "title": "The Visit", "author": "A. Nobody"}
    assert json.loads(first.extra or "") == {**play, "scene": "Act I", "setting": "A garden."}
    assert json.loads(second.extra or "") == {**play, "scene": "Act I"}
    assert {row.split_group for row in (first, second)} == {"s/p1"}
    assert [m.name for m in first.messages] == ["Ada", "Ben"]


@pytest.mark.parametrize(
    ("text", "turns"),
    [
        ("Ada: My plan: rest.\nNote: it is late.\nBen: Ok.\nAda: Bye.\nBen: Bye.", 4),
        ("Ada: Hi\nBen: Ho", 2),  # each once: all labels are speakers
        ("Speaker 1: Hi\nSpeaker 2: Ho\nbut late", 2),
        ("**Ada:** Hi\n**Ben:** Ho", 2),
        ("one two three four five: Hi\nAda: Ho\nBen: Hm", 2),  # five words are not a name
    ],
)
def test_speakers_of_a_text(text: str, turns: int) -> None:
    found = cell.turns_of(text)
    assert len(found) == turns
    assert not any("*" in message for _, message, _ in found)


def test_a_log_is_split_by_rules_and_by_empty_lines_that_are_rare(tmp_path: Path) -> None:
    chat = "Ada: Hi\nBen: Ho\nAda: Hm\n"
    assert len(conversations(tmp_path, "a.txt", f"{chat}---\n{chat}***\n***\n{chat}")) == 3
    assert len(conversations(tmp_path, "a.txt", f"{chat}\n{chat}")) == 2
    assert len(conversations(tmp_path, "a.txt", chat.replace("\n", "\n\n"))) == 1


@pytest.mark.parametrize(("prose", "fits"), [(2, True), (3, False)])
def test_a_log_has_a_speaker_in_most_lines(prose: int, fits: bool) -> None:
    head = ["Ada: Hi\n", "Ben: Ho\n", "Ada: Hm\n", *["It rained.\n"] * prose]
    assert log.recognise(head) is fits


def test_numbered_columns_of_the_largest_family(tmp_path: Path) -> None:
    table = "text1,text2,turn1,turn2,turn10,turn3\nx,y,a,b,d,\n"
    [row] = conversations(tmp_path, "a.csv", table, shape="numbered")
    assert [message.content for message in row.messages] == ["a", "b", "d"]
    assert [message.role for message in row.messages] == [U, A, A]  # turn 3 is empty


def test_parts_and_tools_of_messages(tmp_path: Path) -> None:
    tool = [{"role": "user", "content": "Q"}, {"role": "tool", "content": "42"}]
    call = [{"role": "assistant", "content": None, "tool_calls": [{"id": 1}]}]
    details = [
        rows_of(tmp_path, "a.jsonl", json.dumps({"messages": messages}))[0].detail
        for messages in (tool, call)
    ]
    assert details[0].startswith("message 2 has the role 'tool', expected system, user")
    assert details[1] == "message 1 is a tool call and has no text"


def test_a_telegram_chat_is_a_group_and_names_its_speakers(tmp_path: Path) -> None:
    chat = next(content for shape, _, content, _ in EXAMPLES if shape == "telegram")
    first, second = conversations(tmp_path, "a.json", chat)
    assert {first.split_group, second.split_group} == {"s/7"}
    assert [message.name for message in first.messages] == ["Ada", "Ben"]
    assert json.loads(second.extra or "") == {"began": "2021-01-02 21:17:03"}


def test_the_input_of_an_instruction_is_used_once(tmp_path: Path) -> None:
    record = {"instruction": "Greet.", "input": "It is late.", "output": "Hm.", "source": "x"}
    [row] = conversations(tmp_path, "a.jsonl", record)
    assert json.loads(row.extra or "") == {"source": "x"}
    record = {"prompt": "Greet.", "input": "It is late.", "completion": "Hm."}
    [row] = conversations(tmp_path, "a.jsonl", record)
    assert messages_of(row)[0] == (U, "Greet.\n\nIt is late.")
    assert row.extra is None
