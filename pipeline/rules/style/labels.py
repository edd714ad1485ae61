"""Speakers' labels inside messages."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence, Set
from functools import cache
from typing import TYPE_CHECKING

from pipeline.rules.reading.phrases import Hit, listed

if TYPE_CHECKING:
    from pipeline.conversation import Finding, Message
    from pipeline.rules.reading.reading import Reading


_LABEL = re.compile(r"(?:^|\n)[ \t*_>#-]*+(?P<label>[^\n:：]{1,30}?)[*_ ]*+[:：]")


def labels(reading: Reading) -> Iterator[Finding]:
    """Labels of speakers inside a message: its own speaker's, or another's for whom it speaks."""
    if ":" in reading.text or "：" in reading.text:
        for message in reading.judged:
            yield from _labels_of(reading, message)


def _labels_of(reading: Reading, message: int) -> Iterator[Finding]:
    line = reading.line(message)
    if ":" not in line and "：" not in line:
        return
    found = [(_label(match), match) for match in _LABEL.finditer(line)]
    known = known_labels() | reading.names
    counted = known | _weak(reading, {label for label, _ in found}, known)
    own = (reading.messages[message].name or "").lower()
    for label, match in found:
        if label in counted:
            is_own = label in reading.names and label == own
            rule = "style.label" if is_own or not match.start() else "style.other_side"
            yield reading.of_place(rule, 1, Hit(message, match.start("label"), match.end()))


def _weak(reading: Reading, found: set[str], known: Set[str]) -> Set[str]:
    """The weak labels that count: those beside a known one, or that open messages."""
    weak = found & weak_labels()
    if not weak or found & known:
        return weak
    return weak & opening_labels(reading.messages)


def _label(match: re.Match[str]) -> str:
    return match["label"].strip(" *_")


def opening_labels(messages: Sequence[Message]) -> set[str]:
    """Weak labels that open two messages of the conversation."""
    starts = [message.content[:60].lower() for message in messages]
    opened = Counter(_label(match) for match in map(_LABEL.match, starts) if match)
    return {label for label, count in opened.items() if count >= 2} & weak_labels()


@cache
def known_labels() -> frozenset[str]:
    """Labels of speakers that are not names ("user", "assistant"), lower case."""
    return frozenset(listed("label"))


@cache
def weak_labels() -> frozenset[str]:
    """Labels that are ordinary words too, lower case."""
    return frozenset(listed("label_weak"))
