"""What a machine left inside a message: reasoning, calls of tools, marks of citations.

    <think>She greets me.</think>Hello!                    Hello!
    One moment. {"name": "weather", "arguments": {}}       One moment.
    The pass opens in May【12†source】.                     The pass opens in May.

Nothing is removed where no reply remains, or where it is not known what belongs to the reply: then
the message stays as it is, for the rules to find.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from pipeline.rules.style import citations, reasoning, tools
from pipeline.rules.style.stretch import Stretch

_WRAPPER = re.compile(
    r"\A\s*<(?P<tag>(?:final[_ -]?)?(?:answer|response|reply|output|message)|final|dialogue)>"
    r"(?P<reply>(?:(?!</?(?P=tag)>).)*)(?:</(?P=tag)>)?\s*\Z",
    re.I | re.S,
)
_HEADING = re.compile(
    r"\A\W{0,4}(?:(?:final|my) )?(?:response|reply|answer)[*_ ]*:[*_ ]*(?=\S)", re.I
)
_WORDS = re.compile(r"\w\W+\w|[\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]{4}")
_NO_BLANK_BEFORE = ".,;:!?…)]}。，！？、；：”»」"


def without_reasoning(text: str) -> str:
    """Without blocks of reasoning, and without a tag or heading around the reply after them."""
    found = reasoning.blocks(text)
    if not found or not all(block.whole for block in found):
        return text
    rest = without(text, found)
    if wrapped := _WRAPPER.match(rest):
        rest = wrapped["reply"].strip()
    rest = _HEADING.sub("", rest)
    return rest or text


def without_calls(text: str) -> str:
    """Without calls of tools; a reply that is wrapped as data, by itself."""
    if "{" in text and (reply := tools.reply_in(text)):
        return reply
    found = tools.calls(text)
    if not found or not all(call.whole for call in found):
        return text
    rest = without(text, found)
    return rest if _WORDS.search(rest) and not tools.calls(rest) else text


def without_citations(text: str) -> str:
    """Without marks of citations, footnotes and a list of sources."""
    found = citations.marks(text)
    rest = without(text, found).rstrip(",;") if found else text
    return rest if _WORDS.search(rest) else text


def without(text: str, stretches: Iterable[Stretch]) -> str:
    """A text without some of its parts, as if they had never stood there.

    stretches: sorted; they may overlap.
    """
    pieces: list[str] = []
    done = 0
    for start, end, _ in stretches:
        if start > done:
            pieces.append(text[done:start])
        done = max(done, end)
    pieces.append(text[done:])
    return _joined([piece for piece in pieces if piece.strip()])


def _joined(pieces: list[str]) -> str:
    """Pieces with as much between them as stood on either side: a line break, a blank, nothing."""
    joined: list[str] = []
    for piece in pieces:
        if joined:
            joined.append(_between(joined[-1], piece))
            joined[-2] = joined[-2].rstrip()
            piece = piece.lstrip()
        joined.append(piece)
    return "".join(joined).strip()


def _between(left: str, right: str) -> str:
    blank = left[len(left.rstrip()) :] + right[: len(right) - len(right.lstrip())]
    if "\n" in blank:
        return "\n" * min(2, blank.count("\n"))
    if not blank or right.lstrip()[0] in _NO_BLANK_BEFORE:
        return ""
    return " "
