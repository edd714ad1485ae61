"""Word lists: every phrase is found where it is said, at its place, and only at word boundaries."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.conversation import Message
from pipeline.rules.reading.lists import UNSPACED, flat, listed, parts, pattern
from pipeline.rules.reading.phrases import LISTS, Line, find
from pipeline.rules.reading.reading import fold, read

UNSPACED_LETTER = re.compile(f"[{UNSPACED}]")


@pytest.mark.parametrize("name", [*LISTS, "meta_first_line", "hate_of"])
def test_every_line_of_every_list_is_found_in_its_longest_and_shortest_reading(name: str) -> None:
    assert listed(name)
    for line in listed(name):
        for pick in (max, min):
            reading = "".join(pick(part, key=len) for part in parts(line))
            reading = re.sub(r" ?~\d ?", " ", reading)
            hits = find(fold(f"({reading})"), [0], (name,))[name]
            assert any(hit.end - hit.start >= len(reading.strip()) for hit in hits), line


@pytest.mark.parametrize("name", [*LISTS, "meta_first_line", "hate_of"])
def test_the_look_before_a_pattern_misses_nothing_that_the_pattern_finds(name: str) -> None:
    """A line is tried where a beginning and another of its parts stand. `between`: what a gap may
    hold, and what may stand around a phrase."""
    for line in listed(name):
        for turn, between in enumerate((" ", " so ", ", no, ", " é ", "-")):
            phrase = "".join(part[7 * turn % len(part)] for part in parts(line))
            text = fold(f"so{between}{re.sub(r' ?~[0-9] ?', between, phrase)}{between}so")
            form = pattern(line, bool(UNSPACED_LETTER.search(text)))
            places = {(0, *match.span()) for match in form.finditer(text)}
            assert places <= {*find(text, [0], (name,))[name]}, (line, text)


def test_a_line_with_gaps_is_tried_only_beside_another_of_its_parts() -> None:
    line = Line("x", "(i|we) (will|can) ~1 (respond|reply)")
    assert set(line.needed) <= {"i", "we", "will", "can", "respond", "reply"}
    assert Line("x", "(me|us) to go").needed == [""]  # searched as a whole


@pytest.mark.parametrize(
    ("nested", "spelt"),
    [
        ("x (a|b (c|d) e|f) y", "x (a|b c e|b d e|f) y"),
        ("(a|b)(c|d) (e (f|g))", "(a|b)(c|d) (e f|e g)"),
        ("(a (x|y) b (c|d)|q)", "(a x b c|a x b d|a y b c|a y b d|q)"),
        ("(a (b (c|d)|e)|f)", "(a b c|a b d|a e|f)"),
    ],
)
def test_nested_choices_are_spelt_out(nested: str, spelt: str) -> None:
    assert flat(nested) == spelt


@pytest.mark.parametrize(
    ("line", "text", "is_found"),
    [
        ("i can't ~3 help", "i can't help", True),
        ("i can't ~3 help", "i can't, of all things, help", True),
        ("i can't ~3 help", "i can't do this or that: help", False),
        ("i can't ~3 help", "i can't. help", False),
        ("i can't ~3 help", "i can't helpless", False),
        ("我~2不能~3写", "我真的不能帮你写", True),
        ("我~2不能~3写", "我。不能写", False),
    ],
)
def test_a_gap_is_a_few_words_of_one_sentence(line: str, text: str, is_found: bool) -> None:
    assert bool(pattern(line).search(text)) == is_found


def test_boundaries_only_where_the_script_has_them() -> None:
    assert pattern("retard").search("the retardant") is None
    assert pattern("</s>").search("done.</s>")
    assert pattern("我无法").search("但我无法回答")


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30))
def test_hits_are_placed_in_their_message_whatever_stands_before(text: str) -> None:
    seen = read(
        [Message("user", text), Message("assistant", f"{text}\nSorry, as an AI I do not know.")]
    )
    (hit,) = [h for h in seen.hits["assistant"] if h.message == 1]
    assert seen.messages[1].content[hit.start : hit.end] == "as an AI"
