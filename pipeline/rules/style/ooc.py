"""Remarks out of character: what the player says, not the figure.

"(OOC: brb, dinner is ready) *She waits.*"    the bracket
"// sorry, my phone died"                     the line
"((can we skip to the next scene?))"          the bracket; "((she grins))" is none
"-mun here, slow replies today- *She nods.*"  from dash to dash
"Stepping out of character for a second, …"   cannot be cut out: only found
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from itertools import product
from typing import TYPE_CHECKING

from pipeline.rules.reading.lists import UNSPACED, expression, listed, parts
from pipeline.rules.reading.signs import holds

if TYPE_CHECKING:
    from pipeline.conversation import Finding
    from pipeline.rules.reading.reading import Reading


_OPENING = "([{（【［〔<"
_CLOSING = ")]}）】］〕>"
_DOUBLE = ("((", "[[", "（（", "\n//", "\0//")
_LINE_END = re.compile(r"[\n\0]")
LISTS = ("ooc", "ooc_player", "ooc_speaker")  # whose phrases make a text worth a look
_MARKED = ("mark", "label", "command", "slash", "player", "speaker")
NEAR = 200  # letters in which players come to their topic
_EDGE = re.compile(rf"[{re.escape(_OPENING + _CLOSING)}\n\0]")


def aside(reading: Reading) -> Iterator[Finding]:
    """Remarks out of character."""
    hits = list(reading.hits["ooc_step"])
    if any(reading.hits[name] for name in LISTS) or has_doubles(reading.folded):
        hits += [reading.hit(start, end) for start, end in asides(reading.folded)]
    judged = [hit for hit in hits if hit.message in reading.judged]
    yield from reading.first_places("style.ooc", judged)


def has_doubles(folded: str) -> bool:
    """Are there double brackets, or slashes at the start of a line? folded: messages."""
    return folded.startswith("//") or holds(folded, _DOUBLE)


def asides(text: str) -> list[tuple[int, int]]:
    """Brackets and lines out of character, from left to right. text: folded."""
    lines = f"\n{text}"  # a line break opens every line
    opened = list(_aside().finditer(lines))
    if not opened:
        return []
    ends = _ends(lines)
    found: list[tuple[int, int]] = []
    for match in opened:
        start = match.start() + (match[0][0] in "\n\0 ")
        end = ends.get(start) or _framed_end(lines, match)
        is_new = not found or start > found[-1][1]
        is_marked = any(match[name] for name in _MARKED)
        if is_new and (is_marked or _topic().search(lines, start, min(end, start + NEAR))):
            found.append((start - 1, end - 1))
    return found


def _ends(lines: str) -> dict[int, int]:
    """Where each opening bracket is closed, or else where its line ends."""
    ends: dict[int, int] = {}
    opened: list[int] = []
    for edge in _EDGE.finditer(lines):
        if edge[0] in _OPENING:
            opened.append(edge.start())
        elif edge[0] in _CLOSING and opened:
            ends[opened.pop()] = edge.end()
        elif edge[0] not in _CLOSING:
            ends |= dict.fromkeys(opened, edge.start())
            opened.clear()
    return ends | dict.fromkeys(opened, len(lines))


def _framed_end(lines: str, opened: re.Match[str]) -> int:
    """Where the sign before a player's remark stands again, or else where the line ends."""
    line_end = _line_end(lines, opened.end())
    if not opened["frame"]:
        return line_end
    closing = re.compile(rf"{re.escape(opened['frame'])}(?=\s|$)")
    closed = closing.search(lines, opened.end(), line_end)
    return closed.end() if closed else line_end


def _line_end(lines: str, start: int) -> int:
    ends = (end.start() for end in _LINE_END.finditer(lines, start))
    return next(ends, len(lines))


@cache
def _aside() -> re.Pattern[str]:
    """How a remark opens: with a mark after a bracket or before a colon, two brackets, slashes."""
    opening = re.escape(_OPENING)
    spellings = ["".join(choices) for line in listed("ooc") for choices in product(*parts(line))]
    longest_first = sorted(spellings, key=len, reverse=True)
    marks = f"(?:{'|'.join(map(re.escape, longest_first))})(?![^\\W_{UNSPACED}])"
    players, speakers = (expression(listed(name)) for name in ("ooc_player", "ooc_speaker"))
    return re.compile(
        rf"[\n\0](?P<frame>[-–—~*_]{{0,3}})\s?(?P<player>{players})"
        rf"|(?<![{opening}])[{opening}]{{1,2}}\s?(?P<speaker>{speakers})"
        rf"|(?<![{opening}])(?P<brackets>[{opening}]{{1,3}})[^\w\n\0]{{0,4}}(?P<mark>{marks})"
        rf"|(?<![{opening}])(?P<double>\(\(|\[\[|（（)"
        rf"|[\n\0][^\w\n\0{opening}]{{0,4}}(?P<command>(?:ooc|оос|hrp)(?!\w))"
        rf"|[\n\0](?:[^\w\n\0{opening}]{{0,4}}(?P<label>{marks})(?:(?<=[:：])|\s?[:：]|\s[—–-]\s)|//)"
        rf"|(?P<slash>\s/{{1,2}}ooc\b)"
    )


@cache
def _topic() -> re.Pattern[str]:
    """What players speak of among themselves."""
    topics = "|".join(map(re.escape, listed("ooc_topic")))
    return re.compile(rf"(?<![^\W_{UNSPACED}])(?:{topics})(?![^\W_{UNSPACED}])")
