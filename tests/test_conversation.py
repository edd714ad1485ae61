from __future__ import annotations

import dataclasses
import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.conversation import (
    CRITERIA,
    MEASURES,
    Annotation,
    Conversation,
    Finding,
    Language,
    Message,
    Persona,
    Score,
    Source,
    fingerprint,
    identity,
)
from pipeline.store.columns import SCHEMA, from_table, to_table
from tests.rows import conversation

text = st.text(st.characters(codec="utf-8"), max_size=30)
maybe = st.none() | text
number = st.floats(allow_nan=False)
sources = st.builds(
    Source,
    kind=text,
    name=text,
    ref=text,
    record=maybe,
    license=maybe,
    attribution=maybe,
    retrieved=st.none() | st.dates(dt.date(1970, 1, 1), dt.date(2200, 1, 1)),
    models=st.lists(text, max_size=2).map(tuple),
    prompt=maybe,
    rehearsal=st.booleans(),
)
personas = st.none() | st.builds(Persona, maybe, maybe, maybe, maybe, maybe)
messages = st.builds(Message, st.sampled_from(["system", "user", "assistant"]), text, maybe)
findings = st.builds(
    Finding,
    text,
    text,
    st.none() | number,
    st.none() | number,
    st.none() | st.integers(0, 99),
    evidence=maybe,
)
conversations = st.builds(
    Conversation,
    id=text,
    messages=st.lists(messages, max_size=4).map(tuple),
    source=sources,
    persona=personas,
    user_persona=personas,
    split_group=maybe,
    language=st.none() | st.builds(Language, text, number),
    edits=st.lists(text, max_size=2).map(tuple),
    measures=st.dictionaries(st.sampled_from(sorted(MEASURES)), number, max_size=3),
    annotations=st.lists(
        st.builds(
            Annotation,
            maybe,
            st.sampled_from([None, "hold", "closer", "back"]),
            st.none() | number,
            maybe,
            maybe,
        ),
        max_size=3,
    ).map(tuple),
    scores=st.lists(
        st.builds(
            Score,
            st.sampled_from(CRITERIA),
            st.none() | number,
            text,
            maybe,
            st.lists(st.integers(0, 99), max_size=3).map(tuple),
            st.none() | number,
            maybe,
        ),
        max_size=2,
    ).map(tuple),
    findings=st.lists(findings, max_size=2).map(tuple),
    extra=maybe,
)


@given(st.lists(conversations, max_size=5), st.integers(0, 5))
def test_rows_survive_arrow_from_any_offset(rows: list[Conversation], start: int) -> None:
    table = to_table(rows)
    assert table.schema == SCHEMA
    assert list(from_table(table)) == rows
    assert list(from_table(table.slice(start))) == rows[start:]


def test_a_measure_that_the_schema_does_not_know_is_an_error() -> None:
    with pytest.raises(ValueError, match="charm"):
        to_table([conversation(measures={"charm": 1.0})])


def test_a_failed_score_stays_null_and_is_not_zero() -> None:
    row = conversation(scores=(Score(CRITERIA[0], None, "judge", error="no answer"),))
    assert next(from_table(to_table([row]))).scores[0].value is None


def test_fingerprint_names_the_words_said_and_nothing_else() -> None:
    one = conversation(1, ["Hello, you!", "Good  evening."])
    other = dataclasses.replace(
        conversation(2, ["hello you", "GOOD EVENING"]),
        persona=Persona("Ada"),
        split_group="elsewhere",
    )
    assert fingerprint(one) == fingerprint(other)
    assert fingerprint(one) != fingerprint(conversation(1, ["Hello, you!", "Good night."]))
    with_system = dataclasses.replace(one, messages=(Message("system", "Be Ada."), *one.messages))
    assert fingerprint(with_system) == fingerprint(one)


def test_ids_differ_by_source_and_by_place() -> None:
    assert (
        len(
            {
                identity("a", "b#1"),
                identity("a", "b#2"),
                identity("a2", "b#1"),
                identity("ab", "#1"),
            }
        )
        == 4
    )
