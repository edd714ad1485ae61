"""Which brackets, capitals and lines are blanks that nobody filled, and which people write."""

from __future__ import annotations

import pytest

from pipeline.conversation import Message
from pipeline.rules.reading.reading import read
from pipeline.rules.style.blanks import blanks


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Hi [your name]!", ["[your name]"]),
        ("Hi [name] and [city].", ["[name]", "[city]"]),
        ("Hi [[your name]]!", ["[your name]"]),
        ("Hi [her phone buzzes]", []),
        ("Hi [the name]", []),  # an editor's
        ("Hi [user_name_x]", ["[user_name_x]"]),
        ("Hi [first name, last name]", ["[first name, last name]"]),
        ("Hi [first name, last name, city, age]", []),  # too many words
        ("Hi [add a memory]", ["[add a memory]"]),
        ("Hi [adds salt]", []),
        # in round brackets people write asides
        ("Hi (name) ok", []),
        ("Hi (your name) ok", ["(your name)"]),
        ("Hi (your name here)", ["(your name here)"]),
        ("Hi {{user}}", ["{{user}}"]),
        # code
        ("`[your name]` is it", []),
        ("`a` [your name] `b`", ["[your name]"]),
        ("```\n[your name]\n```", []),
        # lines to write on
        ("I am ____ ok", ["____"]),
        ("a ___ b", ["___"]),
        ("a __ b", []),
        ("____", []),  # a rule
        ("Fill the blank: ____ ok", []),  # a riddle
        ("No blank here.", []),
        # names in capitals, variables
        ("Hi NAME_1", ["NAME_1"]),
        ("Hi YOUR_CITY", ["YOUR_CITY"]),
        ("It is USER_FRIENDLY", []),
        ("Hi $name", ["$name"]),
        ("Hi $soup", []),
        # values that a program did not have
        ("My name is xx.", ["xx"]),
        ("My name is xxxxx.", []),
        ("Hello undefined, ok", ["undefined"]),
        ("It is undefined, ok", []),
        ("", []),
    ],
)
def test_blanks_that_nobody_filled(text: str, found: list[str]) -> None:
    reading = read([Message("user", "Hi."), Message("assistant", text)])
    places = [(finding.message, text[finding.start : finding.end]) for finding in blanks(reading)]
    assert places == [(1, place) for place in found]
