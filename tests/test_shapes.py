"""Every foreign shape, read from a real file as a user would have it, and every reader under mutated records."""

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
from pipeline.collect.shapes.transcript import Transcript, Unread
from pipeline.conversation import Conversation, Quarantine, to_table
from pipeline.recipe.settings import CollectSettings, SourceSettings
from tests.foreign import EXAMPLES, IRC, TEI, A, U


def rows_of(folder: Path, name: str, content: str | bytes, **source: Any) -> list[Any]:
    """The rows of one file."""
    (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    door = CollectSettings(sources=[SourceSettings(name="s", files=[name], **source)])
    return [row for unit in collect.units(door, folder) for row in collect.read(unit, door, folder)]


def said(row: Conversation) -> list[tuple[str, str]]:
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
    assert said(first) == expected
    assert (
        rows_of(tmp_path, name, text, shape=shape)[0] == first
    )  # and the same when the recipe names it


def test_every_shape_has_an_example_here_and_in_its_docstring() -> None:
    known = set(shapes.names(shapes.RECORDS, shapes.TABLES, shapes.TEXTS, shapes.DOCUMENTS))
    assert {shape for shape, *_ in EXAMPLES} == known - {"leaves"}
    for module in (*shapes.RECORDS, *shapes.TABLES, *shapes.TEXTS, *shapes.DOCUMENTS):
        assert len((module.__doc__ or "").splitlines()) >= 4, module.__name__


def test_what_the_source_knows_is_carried_along(tmp_path: Path) -> None:
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
    assert row.edits == ("collect: joined 2 records",)


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
    {"dialog": [{"message": "Q", "text": "c2"}, "A"], "id": 7},
]


@pytest.mark.parametrize(
    "record", BESIDES, ids=["messages", "prompt", "toxic", "rating", "speakers", "listed"]
)
def test_what_a_record_or_a_turn_knows_besides_is_not_lost(
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


def test_personas_go_to_the_side_they_describe(tmp_path: Path) -> None:
    talk = (
        'user 1 personas,user 2 personas,talk\n"I bake.","I surf.","User 1: Hi!\nUser 2: Hello!"\n'
    )
    row = rows_of(tmp_path, "a.csv", talk)[0]
    assert (row.persona.description, row.user_persona.description) == ("I surf.", "I bake.")
    row = rows_of(tmp_path, "a.csv", talk, assistant="first")[0]
    assert said(row)[0] == (A, "Hi!")
    assert (row.persona.description, row.user_persona.description) == ("I bake.", "I surf.")


@pytest.mark.parametrize(
    ("rule", "assistant"),
    [("second", "Ben"), ("first", "Ada"), ("most", "Cy"), ("cy", "Cy"), ("nobody", "Ben")],
)
def test_who_is_the_assistant_is_a_rule_of_the_recipe(
    tmp_path: Path, rule: str, assistant: str
) -> None:
    log = "Ada: Hello.\nBen: Evening.\nCy: I talk more than anybody else here.\nAda: True.\n"
    row = rows_of(tmp_path, "a.txt", log, assistant=rule)[0]
    assert {m.name for m in row.messages if m.role == "assistant"} == {assistant}
    assert [m.name for m in row.messages] == [
        "Ada",
        "Ben",
        "Cy",
        "Ada",
    ]  # more than two speakers stay, with their names


def test_one_bad_talk_of_many_in_a_record_is_one_bad_row(tmp_path: Path) -> None:
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
    assert [said(row)[-1][1] for row in rows] == ["a", "b"]
    assert len({row.id for row in rows}) == 2
    assert {row.split_group for row in rows} == {"s/t"}


def test_leaves_gives_every_path_of_flat_rows_too(tmp_path: Path) -> None:
    said = [
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
        for i, p, r in reversed(said)
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
def test_a_system_prompt_is_not_something_the_assistant_said(
    tmp_path: Path, name: str, assistant: str
) -> None:
    talk = [("system", "You are Ada."), ("user", "Hello"), (assistant, "Good evening.")]
    content: Any = {
        "a.json": [{"role": role, "content": text} for role, text in talk],
        "b.json": {"turns": [{"role": role, "text": text} for role, text in talk]},
        "c.csv": "role,text\n" + "".join(f"{role},{text}\n" for role, text in talk),
    }[name]
    [row] = rows_of(tmp_path, name, as_text(name, content))
    assert said(row) == [("system", "You are Ada."), (U, "Hello"), (A, "Good evening.")]
    content = [
        {"role": "user", "content": "Hello"},
        {"role": "assistant", "name": "Ada", "content": "Good evening."},
    ]
    [row] = rows_of(tmp_path, "named.json", json.dumps(content))
    assert [m.name for m in row.messages] == [None, "Ada"]


def test_personas_of_sides_called_by_their_roles(tmp_path: Path) -> None:
    talk = 'user persona,assistant persona,talk\n"I bake.","I surf.","User: Hi!\nAssistant: Hello!\nUser: Cake?"\n'
    [row] = rows_of(tmp_path, "a.csv", talk)
    assert said(row) == [(U, "Hi!"), (A, "Hello!"), (U, "Cake?")]
    assert (row.persona.description, row.user_persona.description) == ("I surf.", "I bake.")
    assert {m.name for m in row.messages} == {None}


ODD = "Conv,Nr,Who,Utterance_Text,Mood\nc1,2,Ben,Evening.,calm\nc2,1,Ada,Hm,\nc1,1,Ada,Hello,gay\n"
NAMED = {"text": "Utterance_Text", "speaker": "Who", "id": "Conv", "order": "Nr"}


def test_a_recipe_names_the_columns_of_a_table(tmp_path: Path) -> None:
    rows = rows_of(tmp_path, "a.csv", ODD, shape="turns", options=NAMED)
    assert [said(row) for row in rows] == [[(U, "Hello"), (A, "Evening.")], [(U, "Hm")]]
    assert [m.name for m in rows[0].messages] == ["Ada", "Ben"]
    assert [row.source.record for row in rows] == ["c1", "c2"]
    assert json.loads(rows[0].extra) == {"turns": [{"Mood": "gay"}, {"Mood": "calm"}]}


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (
            {"shape": "turns"},
            r"source s: a\.csv: which column holds the text\? .*Conv, Nr, Who, Utterance_Text",
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
def test_columns_that_are_not_there_are_told(
    tmp_path: Path, source: dict[str, Any], message: str
) -> None:
    with pytest.raises(UserError, match=message):
        rows_of(tmp_path, "a.csv", ODD, **source)


def test_a_silence_parts_talks_and_a_night_in_a_log_without_dates_too(tmp_path: Path) -> None:
    assert len(rows_of(tmp_path, "a.log", IRC)) == 2


def test_a_character_card_is_sent_to_the_room_it_is_for(tmp_path: Path) -> None:
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
            talks = list(reader.read(record))
        except ValueError:
            continue  # one unreadable row, with the reason
        assert all(isinstance(talk, Transcript | Unread) for talk in talks), name
        rows = [admit(talk, ORIGIN, f"x#{n}") for n, talk in enumerate(talks)]
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
    assert sum(said(row) == [(U, "Hello"), (A, "Evening.")] for row in kept) >= 2
    assert len({row.id for row in rows}) == len(rows)


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=300), st.sampled_from(["log", "irc", "whatsapp", "cdial"]))
def test_any_text_is_read_by_any_text_shape(text: str, name: str) -> None:
    module = next(m for m in shapes.TEXTS if shapes.name_of(m) == name)
    lines = text.splitlines(keepends=True)
    module.recognise(lines)
    rows = [admit(talk, ORIGIN, f"x#{n}") for n, talk in enumerate(module.read(lines))]
    assert all(isinstance(row, Conversation | Quarantine) for row in rows)


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=200), st.integers(0, len(TEI)))
def test_any_xml_is_read_or_refused(junk: bytes, at: int) -> None:
    document = TEI.encode()[:at] + junk + TEI.encode()[at:]
    reader = next(iter(shapes.DOCUMENTS))
    reader.recognise(document)
    assert all(isinstance(talk, Transcript | Unread) for talk in reader.read(document))


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
        talks = [talk for _, talk in module.read(enumerate([first, *rows], 1), [first], {})]
        assert (
            sum(talk.merged + 1 if isinstance(talk, Transcript) else 1 for talk in talks)
            == len(rows) + 1
        )
