"""A conversation a line, its turns separated by tabs, as in CDial.

你 好 ！	晚 上 好 。	再 见
春 天 来 了	是 啊

Where there is a blank between all characters of a text, the blanks are removed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from pipeline.collect.shapes.transcript import (
    About,
    Place,
    Transcript,
    alternating,
)

ABOUT = About("CDial and other texts with a conversation a line, parted by tabs")

FIELD = re.compile(r"\w+[:=]")  # in front of a value: `text:Hello`


def recognise(head: list[str]) -> bool:
    """Every line has two texts at least, and they are no columns of a log or a table."""
    rows = [line.strip("\r\n").split("\t") for line in head if line.strip()]
    if not rows or min(map(len, rows)) < 2:
        return False
    return not any(_is_column(texts) for texts in zip(*rows, strict=False))


def _is_column(texts: Sequence[str]) -> bool:
    """Whether the texts at one place of all lines are times, numbers, names or fields."""
    letters = sum(any(map(str.isalpha, text)) for text in texts)
    fields = {match[0] for match in map(FIELD.match, texts) if match}
    comes_back = len(texts) > 3 and len(set(texts)) * 2 <= len(texts)
    return comes_back or letters * 2 <= len(texts) or len(fields) == 1 < len(texts)


def read(lines: Iterable[str], place: Place) -> Iterator[Transcript]:
    for line in lines:
        if line.strip():
            texts = line.strip("\r\n").split("\t")
            yield Transcript(alternating(joined(text.strip()) for text in texts))


def joined(text: str) -> str:
    """A text without the blanks between its characters, if there is one between all of them."""
    if all(len(piece) == 1 for piece in text.split(" ")):
        return text.replace(" ", "")
    return text
