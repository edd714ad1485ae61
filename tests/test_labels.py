"""Which label inside a message opens a turn, where it stands, and whose it is."""

from __future__ import annotations

import pytest

from pipeline.conversation import Message
from pipeline.rules.reading.reading import read
from pipeline.rules.style.labels import labels, opening_labels, side_of, speakers_in

NAMES = {"tom", "lena fischer"}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("User: hi", [("user", 0, 5)]),
        ("User (Ann): hi", [("user", 0, 11)]),
        ("User #2: hi", [("user", 0, 8)]),
        ("I will.\nUser: When?", [("user", 8, 13)]),
        ("I will.\nTom: When?", [("tom", 8, 12)]),
        ("I will.\nLena: When?", [("lena", 8, 13)]),  # the first name
        ("I will.\nBob: When?", []),  # nobody's
        ("12:30 Tom: hi\n12:31 Lena: ho", [("tom", 6, 10), ("lena", 20, 25)]),
        # the other side, spoken to
        ("I will.\nYou: *I nod.*", [("you", 8, 12)]),
        ("I will.\nYou: plan b", []),
        ("Me: one.\nYou: the rest.", []),
        # names that come back
        ("Ann: When?\nBob: At six.\nAnn: Good.", [("ann", 0, 4), ("bob", 11, 15), ("ann", 24, 28)]),
        ("Ann: When?\nBob: At six.", []),
        ("Ann: When?\nBob: At six.\nCy: Good.", []),
        ("Ann: When?\nAnn: At six.\nBob: Good.", []),
        ("Soup: beans\nBread: rye\nSoup: lentils", []),
        # a question and its answer
        ("Q: When?\nA: At six.", [("q", 0, 2), ("a", 9, 11)]),
        ("Q: When.\nA: At six.", []),
        ("Q: When?\nQ: At six.", []),
        ("Q: When?\nA: six", []),
        ("Me: When?\nYou: At six.", [("me", 0, 3), ("you", 10, 14)]),
        ("You: When?\nMe: At six.", [("you", 0, 4), ("me", 11, 14)]),
        ("Lunch: soup?\nDinner: bread.", []),
        # in the middle of a line
        ("Sure. User: and then", [("user", 6, 11)]),
        ("Sure USER: and then", [("user", 5, 10)]),
        ("sure User: and then", []),
        # alone in a line, in brackets
        ("I will.\nuser\nhi", [("user", 8, 12)]),
        ("I will.\nassistant", [("assistant", 8, 17)]),
        ("I will.\n[Tom] hi", [("tom", 9, 13)]),
        ("I will.\n[Bob] hi", []),
        # lines of a chat
        ("<tom> hi\n<lena> ho", [("tom", 0, 6), ("lena", 8, 16)]),
        ("<tom> hi", []),
        ("", []),
    ],
)
def test_labels_of_speakers(text: str, found: list[tuple[str, int, int]]) -> None:
    assert [tuple(label) for label in speakers_in(text, NAMES, [])] == found


@pytest.mark.parametrize(
    ("name", "text", "rule"),
    [
        ("Tom", "Tom: I will.", "style.label"),
        ("Tom", "I will.\nTom: When?", "style.label"),  # its own, further on
        ("Tom", "I will.\nLena: When?", "style.other_side"),
        ("Tom", "Lena: When?", "style.label"),  # it opens the message
        (None, "I will.\nUser: When?", "style.other_side"),
    ],
)
def test_whose_label_it_is(name: str | None, text: str, rule: str) -> None:
    messages = [Message("user", "So?", "Lena"), Message("assistant", text, name)]
    (found,) = labels(read(messages))
    assert (found.rule, found.message) == (rule, 1)


def test_a_system_message_may_hold_labels() -> None:
    messages = [Message("system", "User: hi\nAssistant: ho"), Message("user", "Hello.")]
    assert list(labels(read(messages))) == []


def test_whose_turn_a_label_opens() -> None:
    sides = {}
    for word in ("user", "tom", "mia", "assistant", "gpt", "usuario", "bob"):
        (label, *_) = speakers_in(f"{word}: hi.", {word}, [])
        sides[word] = side_of(label, {"tom"}, {"mia"})
    assert sides == {
        "user": "user", "tom": "user", "usuario": "user", "mia": "assistant",
        "assistant": "assistant", "gpt": "assistant", "bob": None,
    }  # fmt: skip


def test_a_weak_label_counts_where_it_opens_two_messages() -> None:
    once = [Message("user", "Customer: Hello."), Message("assistant", "Soup: no.")]
    twice = [*once, Message("user", "Customer: Yes."), Message("assistant", "Soup: no.")]
    assert opening_labels(once) == set()
    assert opening_labels(twice) == {"customer"}
    text = "I will.\nCustomer: plan b"
    assert speakers_in(text, NAMES, once) == []
    assert [tuple(label) for label in speakers_in(text, NAMES, twice)] == [("customer", 8, 17)]
    both = "Customer: A soup?\nAgent: It is here."  # two that speak
    assert [label.word for label in speakers_in(both, NAMES, [])] == ["customer", "agent"]
    beside = "User: A soup?\nCustomer: plan b"
    assert [label.word for label in speakers_in(beside, NAMES, [])] == ["user", "customer"]
