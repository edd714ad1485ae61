"""Quoted mail out of a message, so that its answer is left.

    Fine by me.                                     Fine by me.
    -----Original Message-----
    From: Tom
    Sent: Tuesday, March 3, 2020

    > Tea at five?                                  At six, please.
    At six, please.

Which lines are an answer is decided by `email-reply-parser`. It knows English headings only and is
slow on some texts, so it is given an outline: for each line what kind it is, in words it knows.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from pipeline.rules.style.quoted import MARKS, MailLine, kinds, lines_of, may_hold_mail

_OUTLINE = {
    "heading": "From: x",
    "letter": "From: x",
    "notice": "--",
    "signature": "--",
    "field": "",
    "device": "",
    "quoted": "> x",
    "blank": "",
}
_SPOKEN = re.compile(r"\s*>+\s*[*_\"“”„«]")  # how characters act and speak; mail has no stars


def strip_quoted(text: str) -> str:
    """Only what its writer has written. A message that is nothing but a quotation stays.

    Below a quotation that is gone another may begin: each round makes the text shorter.
    """
    shorter = _without_outermost(text)
    while len(shorter) < len(text):
        text, shorter = shorter, _without_outermost(shorter)
    return shorter


def _without_outermost(text: str) -> str:
    if not may_hold_mail(text.lower()):
        return text
    lines = lines_of(text)
    found = kinds(lines)
    is_mail = {*found} & {*MARKS, "device"}
    if not is_mail and ("quoted" not in found or any(map(_SPOKEN.match, lines))):
        return text
    answer = _answered(lines, found)
    return "\n".join(answer).strip() if any(map(_is_spoken, answer)) else text


def _is_spoken(line: str) -> bool:
    return any(map(str.isalnum, line))


def _answered(lines: Sequence[str], found: Sequence[MailLine]) -> list[str]:
    """The lines of the answer."""
    from email_reply_parser import EmailReplyParser

    outline: list[str] = []
    for index, kind in enumerate(found):
        if kind in ("notice", "signature"):
            outline.append("")  # what makes a signature is the blank line before it
        outline.append(_shape(found, index))
    kept = EmailReplyParser.parse_reply("\n".join(outline)).split("\n")
    numbered = {str(index): line for index, line in enumerate(lines)}
    return [numbered.get(line, "") for line in kept]


def _shape(found: Sequence[MailLine], index: int) -> str:
    """A line of the outline. A heading before lines with ">" hides these only."""
    kind = found[index]
    if kind == "heading":
        after = (other for other in found[index + 1 :] if other != "blank")
        if next(after, None) == "quoted":
            return "On x wrote:"
    return _OUTLINE.get(kind, str(index))
