"""Self-harm, hate and coercion are found in ten languages; what only sounds like them passes, and
the evidence says how a phrase stands."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.conversation import Conversation, Finding, Message, Source
from pipeline.filter import work
from pipeline.recipe.filter import FilterSettings
from pipeline.rules.reading.lists import listed
from pipeline.rules.reading.reading import Reading, read
from pipeline.rules.safety import coercion, hate, self_harm

TEXTS = Path(__file__).parent / "data" / "moderation.txt"
READERS: dict[str, Callable[[Reading], Iterator[Finding]]] = {
    "self_harm": self_harm.self_harm,
    "hate": hate.hate,
    "coercion": coercion.coercion,
}


def found(text: str) -> dict[str, str | None]:
    """Rule → evidence, of a message behind another one."""
    reading = read([Message("user", "And then?"), Message("assistant", text)])
    findings = [finding for reader in READERS.values() for finding in reader(reading)]
    return {f.rule.removeprefix("safety."): f.evidence for f in findings if f.message == 1}


def lines() -> list[tuple[str, str, str]]:
    """Rule or "clean", language, message."""
    text = TEXTS.read_text("utf-8").splitlines()
    told = [line.split(" | ") for line in text if line and not line.startswith("#")]
    return [(rule, language, message) for rule, language, message in told]


def test_what_is_meant_is_found_and_what_only_sounds_like_it_is_not() -> None:
    wrong = []
    for rule, _, message in lines():
        rules = found(message).keys()
        right = not rules if rule == "clean" else rule in rules
        if not right:
            wrong.append((rule, message))
    assert wrong == []


def test_each_rule_is_tested_in_ten_languages() -> None:
    counts = Counter((rule, language) for rule, language, _ in lines())
    languages = {language for _, language in counts}
    assert languages == {"en", "ru", "de", "fr", "es", "it", "pt", "zh", "ja", "ko"}
    assert all(counts[rule, language] >= 4 for rule in READERS for language in languages)


@pytest.mark.parametrize(
    ("text", "rule", "evidence"),
    [
        ("I want to die.", "self_harm", "I want to die"),
        ('"I want to die," she whispers.', "self_harm", "in quotation marks: I want to die"),
        ("„Ich will sterben“, sagt sie.", "self_harm", "in quotation marks: Ich will sterben"),
        ("I want to die lol", "self_harm", "in jest: I want to die"),
        ("All refugees are vermin.", "hate", "All refugees are vermin"),
        ("My uncle says all refugees are vermin.", "hate", "reported: all refugees are vermin"),
        ('She yelled "faggot" at me.', "hate", "in quotation marks: faggot"),
        ("I'll kill you if you leave.", "coercion", "I'll kill you if you"),
    ],
)
def test_evidence_says_how_a_phrase_stands(text: str, rule: str, evidence: str) -> None:
    assert found(text) == {rule: evidence}


@pytest.mark.parametrize(
    "text",
    [
        "It's not that I want to die.",
        "I never said I want to die, I said I want pie.",
        'In the film he says "I want to die" and it rains.',
        "Io non voglio morire.",
        "Она сказала ему: я не хочу умереть.",
        "It is a myth that immigrants are criminals.",
        "Nobody said women are stupid.",
        "I'll kill you, hahaha",
        "Я тебя убью, ахаха",
    ],
)
def test_what_is_denied_played_or_told_of_a_film_passes(text: str) -> None:
    assert found(text) == {}


@pytest.mark.parametrize(
    ("text", "is_found"),
    [
        ("such a r3t4rd", True),
        ("You f@ggot.", True),
        ("what a n*gger", True),
        ("the fire r3tardant", False),
        ("mp3s and 3d prints", False),
        ("*nods*and smiles", False),
        ("you stupid dyke", True),
        ("Dick Van Dyke", False),
        ("the dyke broke", False),
        ("he's a chink", True),
        ("a chink in the wall", False),
        ("I'm a faggot and proud", False),
        ('The word "faggot" hurts.', False),
        ("Faggot is a slur.", False),
        ("faggots in gravy", False),
    ],
)
def test_slurs_by_context(text: str, is_found: bool) -> None:
    assert ("hate" in found(text)) == is_found


def test_a_home_is_not_a_life() -> None:
    assert "self_harm" in found("I don't want to live anymore.")
    assert "self_harm" in found("I don't want to live in this world anymore.")
    assert found("I don't want to live with my parents.") == {}
    assert found("Не хочу жить в этом доме.") == {}


def test_the_first_place_of_each_message_counts_and_lies_where_it_says() -> None:
    texts = ("I want to die. I want to die.", "Why?", "Because I want to die!")
    messages = [Message(("user", "assistant")[i % 2], text) for i, text in enumerate(texts)]
    findings = list(self_harm.self_harm(read(messages)))
    assert [(f.message, f.start, f.value) for f in findings] == [(0, 0, 2), (2, 8, 2)]
    for finding in findings:
        content = messages[finding.message or 0].content
        assert content[finding.start : finding.end] == "I want to die"


def test_no_evidence_quotes_personal_data() -> None:
    texts = ('"If you tell mike77@mail.example.net, I will kill you," he says.', "Never.") * 3
    messages = tuple(Message(("user", "assistant")[i % 2], text) for i, text in enumerate(texts))
    row = Conversation("0" * 16, messages, Source("file", "test", "1"))
    (result,) = work([row], FilterSettings())
    findings = getattr(result, "conversation", result).findings
    threats = [finding for finding in findings if finding.rule == "safety.coercion"]
    assert threats
    assert not any("mike77" in (finding.evidence or "") for finding in threats)


WORDS = sorted({word for name in ("self_harm", "slur_lead") for word in listed(name)[0].split()})


@given(st.lists(st.sampled_from([*WORDS, "*", '"', "„", "3", "\n", "i", "never"]), max_size=40))
def test_any_text_is_read_and_places_lie_in_it(pieces: list[str]) -> None:
    text = " ".join(pieces)
    reading = read([Message("user", text)])
    for reader in READERS.values():
        for finding in reader(reading):
            assert 0 <= (finding.start or 0) < (finding.end or 0) <= len(text)


@pytest.mark.parametrize("piece", ["[[[[", "a1", "i want to ", '"', "you're a ", "n*"])
def test_long_texts_take_time_in_proportion(piece: str) -> None:
    def seconds(times: int) -> float:
        reading = read([Message("user", piece * times)])
        start = time.process_time()
        for reader in READERS.values():
            list(reader(reading))
        return time.process_time() - start

    seconds(10)
    assert seconds(40_000) < 25 * max(seconds(4_000), 0.01)
