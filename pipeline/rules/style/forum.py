"""What forums, telephones and chat exports write into messages.

    Tom — Today at 14:32                                  a heading
    Good soup!                                            prose
    Last edited by Tom; 03-03-2020 at 02:22 PM            a sign of a page
    12 likes · Reply · Share                              buttons and numbers

A line is a page's when listed entries cover it from end to end, and one of them is a sign
(`configs/words/forum.txt`), a heading that something follows (`forum_head.txt`,
`forum_quote.txt`), or two are buttons (`forum_button.txt`). `forum_word.txt` covers what stands
beside these. Lines one below the other count together; so may the end of a line, after a sentence.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from pipeline.rules.reading.phrases import Hit
from pipeline.rules.style.devices import DEVICE
from pipeline.rules.style.entries import Entries

if TYPE_CHECKING:
    from ahocorasick_rs import AhoCorasick

    from pipeline.conversation import Finding
    from pipeline.rules.reading.reading import Reading

SIGN = "forum"
FOLD = "forum_fold"
HEAD = "forum_head"
QUOTE = "forum_quote"
BUTTON, WORD = "forum_button", "forum_word"
LONGEST = 160  # characters of a page's line, from its end
_ALL = Entries((SIGN, DEVICE, FOLD, HEAD, QUOTE, BUTTON, WORD))
_BRACKETS = str.maketrans("()<>【】（）「」［］‹›", "[][][][][][][]")
# What may stand between entries, and around them.
_BETWEEN = " \t\u200e[].,;:!…·•|/—–-_*~#+→»►▼▲↩⋅！。、：👍❤🙂😂"
_BEFORE = re.compile(r"(?:[.!?…。！？)\]\"'”»*~]|\s{2}|[|·•]|[^\w\s,;:'-])\s*$")


class PageLine(NamedTuple):
    """A line of a page or the end of a line: of which lists its entries are, and where it stands in
    the message. is_whole: nothing stands before it in its line."""

    names: Sequence[str]
    start: int
    end: int
    is_whole: bool


def forum(reading: Reading) -> Iterator[Finding]:
    """Messages with lines of a page."""
    for message in reading.judged:
        for line in page_lines(reading.line(message))[:1]:
            yield reading.of_place("style.forum", 1, Hit(message, line.start, line.end))


def may_hold_forum(folded: str) -> bool:
    """Is there a sign or a button? A quick look. folded: lower case, straight quotes."""
    return bool(_automaton().find_matches_as_indexes(folded))


def fixed_parts() -> set[str]:
    """What stands in every text that holds a line of a page."""
    return Entries((SIGN, DEVICE, FOLD, HEAD, QUOTE, BUTTON)).fixed_parts()


@cache
def _automaton() -> AhoCorasick:
    from ahocorasick_rs import AhoCorasick

    return AhoCorasick(sorted(fixed_parts()))


def page_lines(folded: str) -> list[PageLine]:
    """A message's lines that a page has written, one after another."""
    if not may_hold_forum(folded):
        return []
    found: list[PageLine] = []
    block: list[PageLine] = []
    start = 0
    for text in folded.translate(_BRACKETS).split("\n"):
        line = _covered(text, start)
        start += len(text) + 1
        if line and line.is_whole:
            block.append(line)
        elif text.strip():
            found += _page_block(block, is_last=False)
            found += [line] if line and _is_page(line.names) else []
            block = []
    # A message that is all buttons is judged as one line: nothing of it is prose.
    return found + _page_block(block, is_last=bool(start > len(text) + 1))


def _page_block(block: Sequence[PageLine], is_last: bool) -> list[PageLine]:
    """Lines below each other, if a page has written them. is_last: no prose follows."""
    names = [name for line in block for name in line.names]
    is_heading = not is_last and bool({HEAD, QUOTE} & {*names})
    # one button below prose
    is_button = is_last and len(block) == 1 and block[0].start > 0 and BUTTON in names
    return list(block) if is_heading or is_button or _is_page(names) else []


def _is_page(names: Sequence[str]) -> bool:
    is_row = BUTTON in names and len(names) >= 2
    return bool({SIGN, DEVICE, FOLD} & {*names}) or is_row


def _covered(text: str, start: int) -> PageLine | None:
    """A line that entries cover, or the end of one. start: of the line in its message."""
    shift = max(0, len(text) - LONGEST)
    line = text[shift:]
    pieces = _covering(line)
    for first in range(len(pieces)):
        begin = shift + pieces[first][1]
        names = [name for name, _, _ in pieces[first:]]
        if not text[:begin].strip(_BETWEEN):
            return PageLine(names, start, start + len(text), True)
        if text[begin - 1] == "[" or text[begin] == "[" or _BEFORE.search(text[:begin]):
            return PageLine(names, start + begin, start + len(text), False)
    return None


def _covering(line: str) -> list[tuple[str, int, int]]:
    """The entries that cover the end of a line without a gap, from left to right: list, start,
    end."""
    pieces = _ALL.pieces(line)
    covering: list[tuple[str, int, int]] = []
    end = _edge(line, len(line))
    while end > 0:
        ending = [piece for piece in pieces if _edge(line, piece[2]) == end and piece[1] < end]
        if not ending:
            break
        covering.append(min(ending, key=lambda piece: (piece[1], _ALL.names.index(piece[0]))))
        end = _edge(line, covering[-1][1])
    return covering[::-1]


def _edge(line: str, end: int) -> int:
    """The end of what stands before the separators that end there."""
    return len(line[:end].rstrip(_BETWEEN))
