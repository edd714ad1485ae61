"""What a page has written into a message, removed.

Tom said: ↑                         I did.
Did you keep it?
Click to expand...
I did.
Like · Reply · 3h
"""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.rules.style.forum import FOLD, QUOTE, PageLine, may_hold_forum, page_lines


def strip_forum(text: str) -> str:
    """Without a page's lines, and without what it quotes. A message that is nothing else stays:
    style.forum decides. What is left may hold another page: each round makes it shorter."""
    shorter = _without_page(text)
    while len(shorter) < len(text):
        text, shorter = shorter, _without_page(shorter)
    return shorter


def _without_page(text: str) -> str:
    lower = text.lower()
    if len(lower) != len(text) or not may_hold_forum(lower):
        return text
    found = page_lines(lower)
    spans = [_with_quotation(text, line, found[index + 1 :]) for index, line in enumerate(found)]
    for stretches in (spans, [(line.start, line.end) for line in found]):
        prose = _without(text, stretches)
        if prose != text and any(map(str.isalpha, prose)):
            return prose
    return text


def _with_quotation(text: str, line: PageLine, later: Sequence[PageLine]) -> tuple[int, int]:
    """A heading with what it introduces: to the line that folds it, or to the next blank line."""
    if QUOTE not in line.names:
        return line.start, line.end
    folds = [other.end for other in later if FOLD in other.names]
    blank = text.find("\n\n", line.end)
    return line.start, folds[0] if folds else max(line.end, blank)


def _without(text: str, stretches: Sequence[tuple[int, int]]) -> str:
    kept: list[str] = []
    done = 0
    for start, end in stretches:
        kept.append(text[done:start].rstrip(" \t"))
        done = max(done, end)
    return "".join([*kept, text[done:]]).strip() if stretches else text
