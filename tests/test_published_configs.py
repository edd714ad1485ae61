"""The configs of a dataset: what trainers need, and every conversation in each or counted."""

from __future__ import annotations

import dataclasses
import importlib.util
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline import UserError
from pipeline.conversation import (
    Alternative,
    Annotation,
    Conversation,
    Finding,
    Language,
    Message,
    Persona,
    Relationship,
)
from pipeline.formats import cards
from pipeline.publish.configs import CONFIGS, TRAINABLE
from pipeline.publish.configs.made import MadeRows
from pipeline.recipe.publish import PublishSettings
from tests.conftest import Rapport
from tests.publishing import configs_of, placed_rows
from tests.rows import conversation

TEN = Path(__file__).parents[1] / "examples" / "score" / "ten.jsonl"
ADA = Persona("Ada", "Ada paints boats.", scenario="A shop in the rain.")
RESERVED = {"labels", "group", "input_ids", "seq_lengths", "attention_mask"}


def make(config: str, *rows: Conversation, **settings: object) -> MadeRows:
    return CONFIGS[config].make(rows, "0" * 16, PublishSettings(**settings))


def messages(made: MadeRows) -> list[tuple[str, str]]:
    (row,) = made.rows
    return [(one["role"], one["content"]) for one in row["messages"]]


def said(*texts: str, **more: Any) -> Conversation:
    """`u: …`, `a: …` and `s: …` as messages."""
    roles = {"u": "user", "a": "assistant", "s": "system"}
    made = tuple(Message(roles[text[0]], text[3:]) for text in texts)  # type: ignore[arg-type]
    return dataclasses.replace(conversation(1), messages=made, **more)


# --- default


def test_the_persona_becomes_the_system_message_and_the_greeting_goes_into_it() -> None:
    row = said("a: Mind the paint.", "u: oh", "u: which", "a: The green one.", "u: ok", persona=ADA)
    made = make("default", row)
    assert messages(made) == [
        (
            "system",
            (
                "You are Ada. Ada paints boats.\n\nA shop in the rain.\n\n"
                "You have spoken first: Mind the paint."
            ),
        ),
        ("user", "oh\n\nwhich"),
        ("assistant", "The green one."),
    ]
    assert made.changed == {
        "merged: messages of one side in a row": 1,
        "moved: greeting, into the system message": 1,
        "cut: last message of the user": 1,
    }
    opened = make("default", row, greeting="opening", persona_system=False)
    assert messages(opened) == [
        ("user", "[The talk begins.]"),
        ("assistant", "Mind the paint."),
        ("user", "oh\n\nwhich"),
        ("assistant", "The green one."),
    ]
    assert opened.changed["added: turn of the user before a greeting"] == 1


def test_words_are_of_the_language_of_the_row() -> None:
    row = said("a: Vorsicht.", "u: ja", "a: Gut.", persona=ADA, language=Language("de", 0.9))
    assert messages(make("default", row))[0][1].startswith("Du bist Ada. Ada paints")
    other = dataclasses.replace(row, language=Language("xx", 0.9))
    assert messages(make("default", other))[0][1].startswith("You are Ada.")


def test_what_the_system_message_says_already_is_not_said_twice() -> None:
    prompt = "Play Ada. Ada paints boats. It is late."
    row = said(f"s: {prompt}", "u: hi", "a: Hm.", persona=ADA)
    assert messages(make("default", row))[0][1] == f"A shop in the rain.\n\n{prompt}"
    only = make("default", row, persona_system=False)
    assert messages(only)[0][1] == prompt


def test_between_people_it_is_said_who_became_the_assistant_or_the_row_is_left_out() -> None:
    names = ["Mira", "Jonas", "Mira", "Jonas"]
    pairs = zip(conversation(1).messages, names, strict=False)
    row = dataclasses.replace(
        conversation(1), messages=tuple(message._replace(name=name) for message, name in pairs)
    )
    made = make("default", row)
    assert messages(made)[0] == ("system", "You are Jonas.")
    assert made.changed == {"added: who the assistant is, by the speaker's name": 1}
    silent = make("default", row, persona_system=False)
    assert silent.left_out == "between people, and nothing says who became the assistant"
    third = row.messages[2]._replace(name="Eve")
    crowd = dataclasses.replace(row, messages=(*row.messages[:2], third, row.messages[3]))
    for name in ("default", "sharegpt"):
        assert make(name, crowd).left_out == "more than one speaker on a side"
    assert len(make("full", crowd).rows) == 1


@pytest.mark.parametrize(
    "texts", [("u: hi",), ("a: hi",), ("a: hi", "u: hm"), ("u: hi", "a:  "), ("s: x",), ()]
)
def test_without_a_reply_to_a_user_there_is_nothing_to_train_on(texts: tuple[str, ...]) -> None:
    assert make("default", said(*texts)).left_out == "no reply of the assistant to a user"


TEXTS = st.sampled_from(["", "  ", "Well.", "[x]", "Я", "line\nline", "$name ${who}"])
ROWS = st.builds(
    lambda made, persona, code: dataclasses.replace(
        conversation(2),
        messages=tuple(Message(*one) for one in made),
        persona=persona,
        language=code and Language(code, 0.5),
        annotations=tuple(Annotation("casual", "hold") for _ in made),
        alternatives=tuple(
            Alternative(at, "Another.", reason, reason == "chosen")
            for at, reason in enumerate(("swipe", "style.cliches", "chosen", "candidate", None))
            if at < len(made)
        ),
    ),
    st.lists(
        st.tuples(
            st.sampled_from(["system", "user", "assistant"]),
            TEXTS,
            st.none() | st.sampled_from(["Ada", "Eve"]),
        ),
        max_size=8,
    ),
    st.none() | st.just(ADA) | st.builds(Persona, st.none() | TEXTS, st.none() | TEXTS),
    st.none() | st.sampled_from(["en", "ru", "xx"]),
)


@given(ROWS, st.booleans(), st.sampled_from(["system", "opening"]))
def test_every_template_takes_what_is_made_for_trainers(
    row: Conversation, persona: bool, greeting: str
) -> None:
    """The user first, strictly in turn, the assistant last, no empty text; and no word of a reply
    that was not said."""
    for name in CONFIGS:
        made = make(name, row, persona_system=persona, greeting=greeting)
        table = (
            CONFIGS[name].encoded(made.rows) if made.rows else CONFIGS[name].schema.empty_table()
        )
        assert table.schema == CONFIGS[name].schema
        for one in table.to_pylist() if name in ("default", "noted", "sharegpt") else ():
            turns = one.get("messages") or [
                {
                    "role": {"human": "user", "gpt": "assistant"}[each["from"]],
                    "content": each["value"],
                }
                for each in one["conversations"]
            ]
            spoken = [each for each in turns if each["role"] != "system"]
            assert [each["role"] for each in spoken] == ["user", "assistant"] * (len(spoken) // 2)
            assert spoken
            assert sum(each["role"] == "system" for each in turns) <= 1
            assert turns[0]["role"] in ("system", "user")
            assert all(each["content"].strip() for each in turns)
            whole = [message.content for message in row.messages]
            for each in spoken[1::2]:
                assert all(part in whole for part in each["content"].split("\n\n"))


def nulls(array: pa.Array) -> int:
    """Of a column, and of all that is inside it."""
    found = int(array.null_count)
    if pa.types.is_struct(array.type):
        found += sum(nulls(array.field(n)) for n in range(array.type.num_fields))
    if pa.types.is_list(array.type):
        found += nulls(array.flatten())
    return found


def test_no_column_of_a_config_to_train_on_has_a_null_or_a_name_that_trainers_keep() -> None:
    row = said("a: Hi.", "u: hm", "a: Yes.", alternatives=(Alternative(2, "No.", "style.cliches"),))
    row = dataclasses.replace(row, annotations=(Annotation("casual", "hold"),) * 3)
    for name in (*TRAINABLE, "sharegpt", "preference", "unpaired"):
        config = CONFIGS[name]
        table = config.encoded(make(name, row).rows)
        assert sum(nulls(column.combine_chunks()) for column in table.columns) == 0
        assert not RESERVED & set(config.schema.names)
    assert CONFIGS["default"].schema.names == [
        *("id", "messages", "source", "license", "language", "split_group"),
    ]


# --- windows


@given(st.lists(st.text("ab ", min_size=1, max_size=90), max_size=12), st.integers(16, 90))
def test_a_long_talk_is_cut_between_exchanges_and_no_message_is_lost_or_told_twice(
    texts: list[str], most: int
) -> None:
    row = conversation(1, [f"{number}{text}" for number, text in enumerate(texts)], persona=ADA)
    whole = make("default", row)
    cut = make("default", row, max_tokens=most)
    if whole.left_out:
        assert cut.left_out == whole.left_out
        return
    (everything,) = whole.rows
    kept = []
    for window in cut.rows:
        system, *turns = window["messages"]
        assert system == everything["messages"][0]
        assert [one["role"] for one in turns] == ["user", "assistant"] * (len(turns) // 2)
        assert sum(-(-len(one["content"]) // 4) + 4 for one in window["messages"]) <= most
        kept += turns
    left_out = cut.changed.get("left out: exchange that alone is longer than max_tokens", 0)
    spoken = everything["messages"][1:]
    assert [one for one in spoken if one in kept] == kept
    if cut.rows:
        assert len(kept) + 2 * left_out == len(spoken)
        assert len({one["id"] for one in cut.rows}) == len(cut.rows) == len(cut.tokens)
    else:
        assert cut.left_out == "no exchange is as short as max_tokens"
    if len(cut.rows) > 1:
        cuts = cut.changed["cut: windows of a conversation longer than max_tokens"]
        assert cuts == len(cut.rows)


def test_notes_and_flags_stay_with_their_messages_in_windows() -> None:
    row = conversation(3)
    plan = [("casual", f"step {number}") for number in range(6)]
    row = dataclasses.replace(row, annotations=tuple(Annotation(*one) for one in plan))  # type: ignore[arg-type]
    made = make("noted", row, max_tokens=60)
    assert len(made.rows) > 1
    notes = [one["content"] for window in made.rows for one in window["messages"][::2]]
    assert [note[-8:] for note in notes] == ["step 1.]", "step 3.]", "step 5.]"]


@pytest.mark.skipif(
    importlib.util.find_spec("tokenizers") is not None, reason="the library is installed here"
)
def test_a_tokenizer_that_cannot_be_had_is_a_sentence_before_the_first_stage(
    tmp_path: Path, rapport: Rapport
) -> None:
    with pytest.raises(UserError, match="pip install tokenizers"):
        make("default", conversation(1), tokenizer="some/where")
    recipe = {
        "name": "a",
        "collect": {"sources": [{"name": "x", "files": [str(TEN)]}]},
        "publish": {"tokenizer": "some/where"},
    }
    path = tmp_path / "recipe.yaml"
    path.write_text(json.dumps(recipe), "utf-8")
    code, _, err = rapport("run", path, "--out", tmp_path / "out")
    assert code == 1
    assert "pip install tokenizers" in err
    assert not (tmp_path / "out" / "1-collect").exists()
    assert rapport("run", path, "--out", tmp_path / "out", "--until", "collect")[0] == 0


# --- noted


def test_stage_and_decision_stand_before_each_reply_and_a_warned_one_is_not_trained_on() -> None:
    plan = [("ice-breaker", "hold"), ("ice-breaker", "closer"), ("casual", "hold"), (None, None)]
    row = said("u: Hi.", "a: Tea?", "u: Yes.", "a: Good.", persona=ADA)
    row = dataclasses.replace(
        row,
        annotations=tuple(Annotation(*one) for one in plan),  # type: ignore[arg-type]
        findings=(Finding("filter", "style.cliches", message=1), Finding("filter", "style.x")),
    )
    made = make("noted", row)
    turns = made.rows[0]["messages"]
    assert [one["content"] for one in turns[1:]] == [
        "Hi.\n\n[Stage: ice-breaker. Next: closer.]",
        "Tea?",
        "Yes.",
        "Good.",
    ]
    assert [one["train"] for one in turns] == [False, False, False, False, True]
    assert made.changed == {"not trained on: reply that a rule warned of": 1}
    assert make("noted", conversation(1)).left_out == "no stage and decision are known"


# --- pairs


def test_pairs_say_why_and_swipes_are_never_unpaired() -> None:
    row = said("a: Hey.", "u: Hi.", "a: Tea?", "u: Yes.", "u: Please.", "a: Good.", persona=ADA)
    others = [
        (0, "Hello.", "swipe"),
        (2, "A myriad of teas!", "style.cliches"),
        (2, "Tea? ", "swipe"),
        (2, "Coffee?", "branch"),
        (5, "Bad.", "rejected"),
        (1, "Ho.", "swipe"),
        (5, "Good.", "chosen"),
        (5, "Fine.", "candidate"),
        (6, "Cut.", "style.cliches"),
    ]
    alternatives = tuple(Alternative(*one, one[2] == "chosen") for one in others)
    row = dataclasses.replace(row, alternatives=alternatives)
    made = make("preference", row)
    found = [(one["why"], one["reason"], one["rejected"][0]["content"]) for one in made.rows]
    assert found == [
        ("rule", "style.cliches", "A myriad of teas!"),
        ("swipe", "branch", "Coffee?"),
        ("judge", "rejected", "Bad."),
    ]
    first = made.rows[0]
    assert [one["role"] for one in first["prompt"]] == ["system", "user"]
    assert first["chosen"] == [{"role": "assistant", "content": "Tea?"}]
    assert [one["role"] for one in made.rows[2]["prompt"]] == [
        *("system", "user", "assistant", "user")
    ]
    assert sum(made.changed.values()) + len(found) == len(others) - 1
    labels = [(one["completion"][0]["content"], one["label"]) for one in make("unpaired", row).rows]
    assert labels == [
        ("Tea?", True),
        ("A myriad of teas!", False),
        ("Good.", True),
        ("Bad.", False),
    ]
    generated = dataclasses.replace(row, source=row.source._replace(kind="generated"))
    assert ("judge", "candidate") in [
        (one["why"], one["reason"]) for one in make("preference", generated).rows
    ]


# --- characters, realm, relationships


def generated(number: int, name: str, **extra: object) -> Conversation:
    character = cards.Character(name, f"{name} paints boats and hums.", greeting="Mind the paint.")
    row = conversation(number)
    return dataclasses.replace(
        row,
        source=row.source._replace(kind="generated", models=("m",)),
        persona=character.persona("Sam"),
        user_persona=Persona("Sam"),
        extra=json.dumps(extra),
    )


def read(folder: Path, config: str) -> list[dict[str, Any]]:
    import pyarrow.parquet as pq

    files = sorted((folder / config).glob("*.parquet"))
    return [row for file in files for row in pq.read_table(file).to_pylist()]


def test_characters_and_chains_are_one_row_each(tmp_path: Path) -> None:
    chain = [
        dataclasses.replace(
            generated(n, "Ada", situation=f"day {n}"),
            relationship=Relationship("r1", 5 - n, 24.0),
        )
        for n in range(1, 4)
    ]
    rows = [*chain, generated(7, "Eve", topic="tea"), conversation(8)]
    settings = PublishSettings()
    counts = {"train": 2, "validation": 1, "test": 1}
    found = configs_of(
        tmp_path, [rows[:2], rows[2:]], placed_rows([rows], settings), counts, settings
    )
    infos = {one.name: one for one in found}
    people = {one["name"]: one for one in read(tmp_path, "characters")}
    assert set(people) == {"Ada", "Eve"}
    assert json.loads(people["Ada"]["card"])["spec"] == "chara_card_v2"
    assert infos["characters"].left_out == {"no character with a name and a description": 1}
    assert infos["characters"].used == 4
    realm = {one["name"]: one for one in read(tmp_path, "realm")}
    assert [len(realm[name]["dialogues"]) for name in ("Ada", "Eve")] == [3, 1]
    assert realm["Eve"]["dialogues"][0]["topic"] == "tea"
    (kept,) = read(tmp_path, "relationships")
    assert [one["number"] for one in kept["sittings"]] == [2, 3, 4]
    assert (kept["id"], kept["character"], kept["user"]) == ("r1", "Ada", "Sam")
    assert kept["sittings"][0]["situation"] == "day 3"
    assert infos["relationships"].left_out == {"no sitting of a relationship": 2}
    for info in found:
        if not CONFIGS[info.name].rehearsal:
            assert info.came == len(rows) == info.used + sum(info.left_out.values())
