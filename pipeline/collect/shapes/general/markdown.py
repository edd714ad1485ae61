"""Chats written in Markdown: speakers in bold, in a line of their own or not, or in headings.

# Ferry

**Ada:** Is the ferry late?            ### User
                                       Is the ferry late?
**Ben:** Only an hour.                 ### Assistant
Take a seat.                           Only an hour.

Speakers are role words, else names that come back. What stands below a speaker belongs to the
message, other headings and code as well. A heading right above a speaker begins a new conversation,
a line of dashes ends one, unless it stands between most messages. Where all lines of a message are
quoted (`> text`), the marks are removed.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from pipeline.collect.shapes.transcript import (
    ROLE_WORDS,
    About,
    Place,
    Transcript,
    Turn,
    Unclear,
    Unread,
)
from pipeline.conversation import Role

ABOUT = About("chats in Markdown", ("roles", "names", "groups"))

BOLD = re.compile(
    r"^(?:[-*+]\s+|>\s*)?(?:\*\*|__)(?P<name>[^*_\n]{1,40}?)"
    r"(?:\s*[:：]\s*(?:\*\*|__)|(?:\*\*|__)\s*[:：])\s*(?P<text>.*)$"
)
ALONE = re.compile(r"^(?:\*\*|__)(?P<name>[^*_\n]{1,40}?)[:：]?(?:\*\*|__)$")
HEADING = re.compile(r"^#{1,6}\s+(?P<name>[^\n]+?)\s*#*$")
FENCE = re.compile(r"^\s*(?:```|~~~)")
RULE = re.compile(r"^\s*([-*_])(?:\s*\1){2,}\s*$")
AROUND = re.compile(r"^[\W_]+|[\W_]+$")  # the name in `## 🧑 User:`
WRITERS: dict[str, Role] = {
    **ROLE_WORDS,
    "prompt": "user",
    "response": "assistant",
    "me": "user",
    "q": "user",
    "a": "assistant",
}
# words in bold before a colon that are no speakers
LABELS = """
    note notes warning tip tips important example examples pros cons summary usage input output
    installation requirements features license step result default returns parameters arguments
    date author version status description see todo hint caution title topic location setting
"""
NO_SPEAKERS = frozenset(LABELS.split())
MOSTLY = 0.6  # share of lines that name a speaker, above which every name is one


STYLES = {"alone": ALONE, "bold": BOLD, "heading": HEADING}


class SpeakerLine(NamedTuple):
    """A line that may name a speaker, how it is marked, and the text behind the name."""

    line: int
    name: str
    text: str
    style: str


@dataclass(slots=True)
class Section:
    """A message: its speaker, its lines, and what stands between it and the next."""

    name: str
    lines: list[str]
    between: list[str] = field(default_factory=list)


def recognise(head: list[str]) -> bool:
    return len(_speakers([line.rstrip() for line in head])) >= 2


def read(lines: Iterable[str], place: Place) -> Iterator[Transcript | Unread]:
    text = [line.rstrip() for line in lines]
    marks = _speakers(text)
    if not marks:
        raise Unclear("nobody in it is marked as a speaker")
    unsure = _once_only(text, marks)
    if unsure:
        raise Unclear(f"{unsure} may be a speaker or not: the name stands there once")
    sections = [_section(text, mark, end) for mark, end in _with_ends(text, marks)]
    yield from _transcripts(text[: marks[0].line], sections)


def _transcripts(above: list[str], sections: Sequence[Section]) -> Iterator[Transcript]:
    """What stands above a conversation of which nothing is left stands above the next."""
    not_placed: list[str] = []
    for title, talk in _talks(above, sections):
        not_placed += title
        if found := _transcript(not_placed, talk):
            yield found
            not_placed = []


def _transcript(above: list[str], talk: Sequence[Section]) -> Transcript | None:
    turns = [turn for turn in map(_turn, talk) if turn[1]]
    if not turns:
        return None
    empty = len(talk) - len(turns)
    left_out = {"message without a text": empty} if empty else {}
    extra = {"above": "\n".join(above)} if any(above) else {}
    return Transcript(turns, extra=extra, left_out=left_out)


# --- who speaks


def _speakers(text: Sequence[str]) -> list[SpeakerLine]:
    """The lines at which somebody begins to speak; [] when the text is no chat.

    Role words decide, where both sides have one; else names in bold, else in headings.
    """
    marks = list(_marks(text))
    styles = {style: [mark for mark in marks if mark.style == style] for style in STYLES}
    for found in styles.values():
        known = [mark for mark in found if mark.name.lower() in WRITERS]
        if {WRITERS[mark.name.lower()] for mark in known} >= {"user", "assistant"}:
            return known
    for style, found in styles.items():
        if _come_back(found) and not (style == "heading" and _is_outline(found)):
            return found
    return []


def _marks(text: Sequence[str]) -> Iterator[SpeakerLine]:
    is_code = False
    for number, line in enumerate(text):
        if FENCE.match(line):
            is_code = not is_code
        if not is_code and (mark := _mark(number, line)):
            yield mark


def _mark(number: int, line: str) -> SpeakerLine | None:
    for style, pattern in STYLES.items():
        match = pattern.match(line)
        if match:
            name = AROUND.sub("", match["name"])
            text = match.groupdict().get("text", "")
            return None if name.lower() in NO_SPEAKERS else SpeakerLine(number, name, text, style)
    return None


def _come_back(marks: Sequence[SpeakerLine]) -> bool:
    """Whether two or more names stand there, most of them more than once."""
    times = Counter(mark.name for mark in marks)
    again = [name for name, count in times.items() if count > 1]
    return len(times) >= 2 and len(again) * 2 >= len(times)


def _is_outline(marks: Sequence[SpeakerLine]) -> bool:
    """Whether headings are those of a document: some stand only once."""
    return min(Counter(mark.name for mark in marks).values()) < 2


def _once_only(text: Sequence[str], marks: Sequence[SpeakerLine]) -> str | None:
    """A name that stands there once, in a text of which much is not marked."""
    filled = sum(bool(line) for line in text)
    times = Counter(mark.name for mark in marks)
    known = [name for name in times if times[name] > 1 or name.lower() in WRITERS]
    if len(known) == len(times) or len(marks) >= MOSTLY * filled:
        return None
    return next(name for name in times if name not in known)


# --- messages


def _with_ends(
    text: Sequence[str], marks: Sequence[SpeakerLine]
) -> Iterator[tuple[SpeakerLine, int]]:
    ends = [*(mark.line for mark in marks[1:]), len(text)]
    yield from zip(marks, ends, strict=True)


def _section(text: Sequence[str], mark: SpeakerLine, end: int) -> Section:
    """The lines of a message. Blank lines, rules and headings at its end stand between messages."""
    lines = [mark.text, *text[mark.line + 1 : end]]
    last = len(lines)
    while last > 1 and _is_between(lines[last - 1]):
        last -= 1
    return Section(mark.name, lines[:last], lines[last:])


def _is_between(line: str) -> bool:
    return not line or bool(RULE.match(line) or HEADING.match(line))


def _talks(
    above: list[str], sections: Sequence[Section]
) -> Iterator[tuple[list[str], list[Section]]]:
    """The conversations, each with what stands above it."""
    rules = sum(any(map(RULE.match, section.between)) for section in sections)
    are_layout = rules * 2 > len(sections) - 1
    talk: list[Section] = []
    for section in sections:
        talk.append(section)
        titles = [line for line in section.between if HEADING.match(line)]
        if titles or (not are_layout and any(map(RULE.match, section.between))):
            yield above, talk
            above, talk = titles, []
    if talk:
        yield above, talk


def _turn(section: Section) -> Turn:
    lines = section.lines
    if all(line.startswith(">") for line in lines if line):
        lines = [line.removeprefix(">").removeprefix(" ") for line in lines]
    role = WRITERS.get(section.name.lower())
    return None if role else section.name, "\n".join(lines).strip(), role
