"""A conversation a line, its turns separated by tabs, as in CDial.

你 好 ！	晚 上 好 。	再 见
春 天 来 了	是 啊

Where there is a blank between all characters of a text, the blanks are removed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pipeline.collect.shapes.transcript import (
    About,
    Place,
    Transcript,
    alternating,
)

ABOUT = About("CDial and other texts with a conversation a line, parted by tabs")


def recognise(head: list[str]) -> bool:
    lines = [line for line in head if line.strip()]
    return bool(lines) and sum("\t" in line.strip() for line in lines) * 2 > len(lines)


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
