r"""What of an answer was meant to be said.

    <think>She greets me.</think>Hello!           thoughts in the text
    She greets me.</think>Hello!                  thoughts that the template has opened
    <|channel|>analysis<|message|>She greets me. … <|channel|>final<|message|>Hello!
    Hello!<|im_end|><|im_start|>user Hi!          the server did not stop at the end of the turn
    Hello!\nUser: Hi!                             nor at a `stop`

Each of these is `Hello!`.

A server should do this itself, and most do. Nothing here guesses: text is cut at tokens that no
writer types, and at what was asked for as `stop`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from pipeline.formats import templates

_WORD = r"(?:seed:)?(?:think(?:ing)?|thoughts?|reason(?:ing)?|THINK)"
_OPEN = rf"(?:<{_WORD}>|\[THINK\]|◁think▷)"
_CLOSE = rf"(?:</{_WORD}>|\[/THINK\]|◁/think▷)"
_THOUGHTS = re.compile(rf"\A\s*(?:{_OPEN})?(?:(?!{_OPEN}).)*?{_CLOSE}\s*", re.DOTALL)
_CLOSES = re.compile(_CLOSE)
_UNENDED = re.compile(rf"\A\s*{_OPEN}.*\Z", re.DOTALL)
_ANALYSIS = re.compile(
    r"\A\s*(?:<\|start\|>assistant)?<\|channel\|>(?:analysis|commentary)<\|message\|>.*?"
    r"(?:<\|channel\|>final<\|message\|>|\Z)",
    re.DOTALL,
)
_SIGN = re.compile(r"[<\[｜◁]")  # every token has one of these


class Spoken(NamedTuple):
    """An answer as it is meant.

    thought: thoughts were taken out. ran_on: the text went on behind its end, and was cut there.
    """

    text: str
    thought: bool = False
    ran_on: bool = False


def spoken(text: str) -> Spoken:
    """The answer in what a model wrote."""
    if not _SIGN.search(text):
        return Spoken(text)
    text, thought = _without_thoughts(text)
    text, ended = _turn_of(text)
    return Spoken(text, thought, ended)


def end_of(text: str, stops: Sequence[str]) -> int:
    """Where a text ends that had to end before any of these."""
    places = [text.find(stop) for stop in stops]
    return min([place for place in places if place >= 0], default=len(text))


def _without_thoughts(text: str) -> tuple[str, bool]:
    """The text behind the thoughts, and whether there were any."""
    for form in (_ANALYSIS, _THOUGHTS if _CLOSES.search(text) else _UNENDED):
        found = form.match(text)
        if found:
            return text[found.end() :], True
    return text, False


def _turn_of(text: str) -> tuple[str, bool]:
    """The turn of the model without the tokens around it, and whether one of them ended it."""
    start = 0
    for mark in templates.marks(text):
        before = text[start : mark.start]
        opens = mark.kind in ("role", "begin") and mark.role in (None, "assistant")
        if opens and not before.strip():
            start = mark.end
        elif mark.kind in ("role", "end") and not (mark.family == "sentence" and "<s>" in before):
            return before.strip(), True
    return text[start:].strip() if start else text, False
