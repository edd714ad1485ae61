"""Turns parted by tabs, a talk a line, as in CDial: often with blanks between all characters, which are taken out.

你 好 ！	晚 上 好 。	再 见
春 天 来 了	是 啊
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pipeline.collect.shapes.listed import alternating
from pipeline.collect.shapes.talk import Talk, Unread


def recognise(head: list[str]) -> bool:
    lines = [line for line in head if line.strip()]
    return bool(lines) and sum("\t" in line.strip() for line in lines) * 2 > len(lines)


def read(lines: Iterable[str]) -> Iterator[Talk | Unread]:
    for line in lines:
        if line.strip():
            texts = [joined(text.strip()) for text in line.strip("\r\n").split("\t")]
            yield Talk(alternating(texts))


def joined(text: str) -> str:
    """A text without the blanks between its characters, if there is one between all of them."""
    return text.replace(" ", "") if all(len(piece) == 1 for piece in text.split(" ")) else text
