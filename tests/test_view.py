"""What is compared: who is heard under each view, and what counts as a word."""

import itertools

import pyarrow as pa
import pytest

from pipeline.conversation import Conversation, Message, Persona, Source, to_table
from pipeline.dedup.view import ASSISTANT, USER, heard, words

NAMES = itertools.count()


def row(*said: tuple[str, str], greeting: str | None = None) -> Conversation:
    persona = Persona("Mia", greeting=greeting) if greeting else None
    return Conversation(str(next(NAMES)), tuple(Message(*one) for one in said), Source("file", "t", "1"), persona)


def hears(table: pa.Table, view: str) -> list[list[str]]:
    """The texts heard of each row."""
    found = heard(table, view)
    texts = [found.data[a:b].tobytes().decode() for a, b in itertools.pairwise(found.texts)]
    return [
        [texts[m] for m in range(start, stop) if found.speaker[m]] for start, stop in itertools.pairwise(found.rows)
    ]


S, U, A = "system", "user", "assistant"
FULL = row(
    (S, "rules"),
    (A, "welcome"),
    (U, "hi"),
    (U, "you there"),
    (A, "yes"),
    (A, "always"),
    (U, "good"),
    greeting="welcome",
)


@pytest.mark.parametrize(
    ("view", "expected"),
    [
        ("dialogue", ["hi", "you there", "yes", "always", "good"]),
        ("assistant", ["yes", "always"]),
        ("opening", ["hi", "you there", "yes"]),
    ],
)
def test_each_view_hears_its_messages(view, expected):
    assert hears(to_table([FULL]), view) == [expected]


def test_a_greeting_is_only_what_the_persona_says_before_the_user_speaks():
    said = [(A, "welcome"), (U, "welcome"), (A, "welcome")]
    table = to_table([row(*said, greeting=" welcome\n"), row(*said, greeting="hello"), row(*said)])
    assert [len(texts) for texts in hears(table, "dialogue")] == [2, 3, 3]


def test_system_messages_are_heard_nowhere():
    table = to_table([row((S, "rules"), (U, "hi"), (S, "more rules"), (A, "yes"))])
    for view in ("dialogue", "assistant", "opening"):
        assert not any("rules" in text for text in hears(table, view)[0])


def test_speakers_are_told_apart():
    found = heard(to_table([row((U, "hi"), (S, "x"), (A, "yes"))]), "dialogue")
    assert found.speaker.tolist() == [USER, 0, ASSISTANT]


def test_a_table_in_several_chunks_or_a_slice_of_one_is_heard_alike():
    rows = [row((U, f"question {i}"), (A, f"answer {i}"), greeting="answer 1") for i in range(5)]
    whole = to_table(rows)
    chunked = pa.concat_tables([whole.slice(0, 2), whole.slice(2, 3)])
    assert hears(chunked, "dialogue") == hears(whole, "dialogue")
    assert hears(whole.slice(1, 3), "dialogue") == hears(whole, "dialogue")[1:4]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Don't STOP_me now!", ["don", "t", "stop", "me", "now"]),
        ("ﬁne Straße ①", ["fine", "strasse", "1"]),
        ("cafe\u0301 CAFÉ", ["café", "café"]),
        ("日本語のテキスト", list("日本語のテキスト")),
        ("한국어 대화", ["한국어", "대화"]),
        ("ﾊﾞﾝ", ["バ", "ン"]),
        (" ... !? ", []),
    ],
)
def test_words(text, expected):
    assert words(text) == expected
