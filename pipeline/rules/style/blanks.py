"""Unfilled blanks: "[your name]", "{{user}}"."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING

from pipeline.rules.reading.phrases import Hit, listed

if TYPE_CHECKING:
    from pipeline.conversation import Finding
    from pipeline.rules.reading.reading import Reading


_ROUND = re.compile(
    r"\((?=[a-z])(?:(?:insert|your|my|his|her|their|enter)\s)?"
    r"(?:(?:user|speaker|person)\s?[12ab](?:'s)?\s?)?(?:name|city|age|hometown)?\)"
)
_BRACKETS = re.compile(
    r"(?<![\w`'\"/\\$=])(?:\{\{[^{}\n]{1,40}\}\}|\[[^\[\]\n]{2,40}\]"
    r"|<[a-z][a-z' _-]{1,30}>|\{[a-z][a-z' _-]{1,30}\})"
)
_OPENING = re.compile(r"[\[{<]")
_SURE_BLANK = ("{{", "[insert ", "<insert ", "{insert ")
_WORD = re.compile(r"[^\W_]+(?:'s)?")
_ENDING = re.compile(r"\d*(?:'s|s)?$")  # a number, and the s of a genitive or plural


def blanks(reading: Reading) -> Iterator[Finding]:
    """Descriptions in place of a value: "[your name]", "{{user}}", "<city>"."""
    if not _OPENING.search(reading.text):
        return
    for message in reading.judged:
        if "```" in reading.messages[message].content:
            continue
        for match in _BRACKETS.finditer(reading.line(message)):
            if match[0].startswith(_SURE_BLANK) or _is_blank(match[0]):
                yield reading.of_place("style.placeholder", 1, Hit(message, *match.span()))


def mentions(reading: Reading) -> Iterator[Finding]:
    """A prompt's name for a speaker: "user 1", "(user 1's name)"."""
    hits = [hit for hit in reading.hits["label_talk"] if not _names_a_person(reading, hit)]
    yield from reading.first_places("style.mention", hits)
    if "(" not in reading.text:
        return
    for message in reading.judged:
        for match in _ROUND.finditer(reading.line(message)):
            yield reading.of_place("style.mention", 1, Hit(message, *match.span()))


def _names_a_person(reading: Reading, hit: Hit) -> bool:
    return reading.line(hit.message)[hit.start : hit.end] in reading.names


def _is_blank(bracket: str) -> bool:
    """A blank's name and what joins it ("[user 1's favorite band]"), nothing else.

    Not "[her phone buzzes]".
    """
    if bracket.startswith("[the "):  # an editor's
        return False
    words = [_stem(word) for word in _WORD.findall(bracket)]
    rest = [word for word in words if word not in glue()]
    named = [word for word in rest if word in blank_names()]
    return len(words) <= 5 and bool(named) and (len(named) == len(rest) or "_" in bracket)


def _stem(word: str) -> str:
    return _ENDING.sub("", word)


@cache
def blank_names() -> frozenset[str]:
    """Words that name an unfilled blank, lower case, without a last s."""
    return frozenset(map(_stem, listed("placeholder")))


@cache
def glue() -> frozenset[str]:
    """Words and numbers that join a blank and are not blanks by themselves."""
    return frozenset(["", *map(_stem, listed("placeholder_glue"))])
