"""Cornell Movie-Dialogs: movie_conversations.txt, with movie_lines.txt beside it.

u0 +++$+++ u2 +++$+++ m0 +++$+++ ['L1046', 'L1047']
L1047 +++$+++ u2 +++$+++ m0 +++$+++ TILDA +++$+++ Only the first one.

The lines alone are in no order of conversations, and are not read. They are in cp1252. A film is
one group.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from pipeline.collect.shapes.transcript import About, Place, Transcript, Turn, Unread

ABOUT = About("Cornell Movie-Dialogs", ("names", "groups"))

MARK = "+++$+++"
LINES = "movie_lines.txt"
CONVERSATION = re.compile(
    r"(u\d+) \+\+\+\$\+\+\+ (u\d+) \+\+\+\$\+\+\+ (m\d+) \+\+\+\$\+\+\+ \[(.*)\]\s*"
)
LINE_ID = re.compile(r"L\d+")


class FilmLine(NamedTuple):
    """A line of a film; two characters of one film may have the same name, but not the same id."""

    character: str
    name: str
    text: str


def recognise(head: list[str]) -> bool:
    lines = [line for line in head if line.strip()]
    return bool(lines) and all(map(CONVERSATION.fullmatch, lines))


def read(lines: Iterable[str], place: Place) -> Iterator[Transcript | Unread]:
    beside = place.beside(LINES)
    if beside is None:
        yield Unread("record.unreadable", f"the texts are missing: no {LINES} beside it", "")
        return
    texts = _film_lines(beside)
    for line in lines:
        match = CONVERSATION.fullmatch(line)
        if match:
            yield _transcript(match, texts)
        elif line.strip():
            yield Unread("record.unreadable", "not a conversation of Cornell's form", line)


def _film_lines(data: bytes) -> dict[str, FilmLine]:
    """The lines by their ids."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("cp1252", "replace")
    found: dict[str, FilmLine] = {}
    for line in text.split("\n"):
        parts = [part.strip() for part in line.split(MARK)]
        if len(parts) == 5:
            number, character, _, name, words = parts
            found[number] = FilmLine(character, name, words)
    return found


def _transcript(match: re.Match[str], texts: dict[str, FilmLine]) -> Transcript | Unread:
    numbers = LINE_ID.findall(match[4])
    missing = [number for number in numbers if number not in texts]
    if missing:
        detail = f"the line {missing[0]} is not in {LINES}"
        return Unread("record.unreadable", detail, match[0])
    spoken = [texts[number] for number in numbers]
    characters = {line.character for line in spoken}
    names = {line.name for line in spoken}
    turns: list[Turn] = []
    for line in spoken:
        name = line.name
        if len(names) < len(characters):
            name = f"{line.name} ({line.character})"
        turns.append((name, line.text, None))
    return Transcript(turns, group=match[3])
