"""Alarms on conversations of people: what is counted, in which unit, and what a reader is given."""

from __future__ import annotations

from collections import Counter

import pytest

from benchmarks import alarms
from pipeline.conversation import Conversation, Message, Source

SOUP = (
    "What are we having tonight, then?",
    "Soup, and bread if the oven is kind to us.",
    "I could bring a lemon from the garden.",
    "Bring two, the first one never lasts.",
    "Is your sister coming as well?",
    "She is, with a pie of her own.",
)


def row(name: str, number: int, last: str = SOUP[-1]) -> Conversation:
    texts = (*SOUP[:-1], last)
    messages = [Message(("user", "assistant")[i % 2], text) for i, text in enumerate(texts)]
    return Conversation(f"{number:016x}", tuple(messages), Source("file", name, str(number)))


ROWS = [
    row("a", 1),
    row("b", 2, "Honestly, I want to die.\nYou?"),
    row("b", 3, "Come on, I'm fifteen."),
]


def test_findings_are_counted_by_rule_and_set_in_a_hundred_thousand_messages() -> None:
    messages: Counter[str] = Counter()
    found = list(alarms.alarms(alarms.counted(ROWS, messages)))
    assert messages == {"a": 6, "b": 12}
    told = [line.split() for line in alarms.table(messages, found)]
    assert told[0] == ["rule", "decision", "all", "a", "b"]
    assert told[1] == ["messages", "18", "6", "12"]
    assert ["safety.self_harm", "warn", "5555.56", "0.00", "8333.33"] in told
    assert ["safety.minor", "drop", "5555.56", "0.00", "8333.33"] in told


@pytest.mark.parametrize(
    ("rule", "decision", "strict"),
    [
        ("style.refusal", "drop", True),
        ("style.refusal", "warn", False),
        ("privacy.email", "drop", True),
        ("language.declared", "drop", True),
        ("language.admitted", "drop", False),
        ("safety.minor", "drop", False),
    ],
)
def test_what_must_not_drop_people(rule: str, decision: str, strict: bool) -> None:
    assert alarms.is_strict(rule, decision) == strict


def test_a_sample_is_the_same_for_a_seed_and_all_where_there_are_fewer() -> None:
    rows = [row("b", number, "Honestly, I want to die.") for number in range(9)]
    found = list(alarms.alarms(rows))
    first, again = (alarms.sample("safety.self_harm", 4, 7, found) for _ in range(2))
    assert first == again
    assert len({alarm.row.id for alarm in first}) == 4
    assert len(alarms.sample("safety.self_harm", 50, 7, found)) == 9
    assert alarms.sample("safety.hate", 50, 7, found) == []


def test_a_reader_is_given_one_line_with_what_stands_around(
    capsys: pytest.CaptureFixture[str],
) -> None:
    alarms.write(alarms.sample("safety.self_harm", 1, 1, alarms.alarms(ROWS)))
    head, line = capsys.readouterr().out.splitlines()
    assert head.split("\t") == ["id", "rule", "evidence", "message", "context"]
    name, rule, evidence, message, context = line.split("\t")
    assert (name, rule) == ("0000000000000002", "safety.self_harm")
    assert (evidence, message) == ("I want to die", "Honestly, I want to die. You?")
    assert context.startswith(f"user: {SOUP[2]} / assistant: {SOUP[3]} / user: {SOUP[4]}")
    assert context.endswith("assistant: Honestly, I want to die. You?")
