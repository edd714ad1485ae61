"""What each line of a mail is: a heading, a signature, a letter that is passed on, or text."""

from __future__ import annotations

import pytest

from pipeline.rules.style.quoted import kinds, lines_of

WIDE = "x" * 70


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Hi.\n> you said", "text quoted"),
        ("Hi.\n\n>", "text blank quoted"),
        # a signature: two dashes and a few short lines, to the end
        ("Hi.\n--\nAda", "text signature text"),
        ("--\nAda", "text text"),
        ("Hi.\n--", "text text"),
        ("Hi.\n--\n" + "\n".join("a" * 8), "text signature" + " text" * 8),
        ("Hi.\n--\n" + "\n".join("a" * 9), "text text" + " text" * 9),
        (f"Hi.\n--\n{WIDE}", "text signature text"),
        (f"Hi.\n--\n{WIDE}x", "text text text"),
        # a closing: a formula, a name, an office
        ("Hi.\nBest regards,\nAda\nThe sea office", "text signature text text"),
        ("Hi.\nBest regards,\nAda", "text text text"),
        ("Best regards,\nAda\nThe office", "text text text"),
        ("Hi.\nBest regards,\nAda\nWill you come?", "text text text text"),
        ("Hi.\nBest regards,\n" + "\n".join(["Ada"] * 8), "text signature" + " text" * 8),
        ("Hi.\nBest regards,\n" + "\n".join(["Ada"] * 9), "text text" + " text" * 9),
        (f"Hi.\nBest regards,\nAda\n{WIDE}", "text signature text text"),
        (f"Hi.\nBest regards,\nAda\n{WIDE}x", "text text text text"),
        # a heading: a day or an address, a verb, a colon
        ("Hi.\nOn 3 March 2020 Jonas wrote:\nSo", "text heading text"),
        ("Hi.\nJonas wrote:\n> So", "text heading quoted"),
        ("Hi.\nJonas wrote:\nSo", "text text text"),
        ("Hi.\njonas@a.example wrote:\nSo", "text heading text"),
        ("2020-03-03 14:22 j@a.example:\nSo", "heading text"),
        ("j@a.example:\nSo", "text text"),
        # broken in two
        ("Hi.\nOn 3 March 2020, Jonas <j@a.example>\nwrote:\nSo", "text heading text text"),
        ("Hi.\nOn 3 March 2020 Jonas\nwrote:\nSo", "text text text text"),
        (f"Ada <ada@a.example>\n{'x' * 118} wrote:\nSo", "heading text text"),  # 125 characters
        (f"Ada <ada@a.example>\n{'x' * 119} wrote:\nSo", "text text text"),
        # a letter that is passed on, with two fields
        ("Hi.\nFrom: Jonas\nTo: Ada\nSubject: tea\nSo", "text letter text text text"),
        ("Hi.\nFrom: Jonas\nTo: Ada\nSo", "text text text text"),
        ("From: Jonas\nTo: Ada\nSubject: tea\nSo", "text text text text"),
        # fields above a message, where one of them answers or holds an address
        ("Subject: re: tea\nTo: Ada\nHi.", "field field text"),
        ("Subject: tea\nTo: Ada\nHi.", "text text text"),
        ("To: ada@a.example\nHi.", "field text"),
        ("Hi.\nSent from my iPhone", "text device"),
    ],
)
def test_what_each_line_of_a_mail_is(text: str, found: str) -> None:
    assert kinds(lines_of(text)) == found.split()
    assert kinds(lines_of(text.upper())) == found.split()
