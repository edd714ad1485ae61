"""Where a listed phrase counts as what its speaker says: at the start of a sentence or clause.

"I cannot help with that."                        yes
"*sighs* Oh no 😔 I'm sorry, but I cannot help …"  yes: actions, emoji, apologies stand before it
"As much as I'd love to, I cannot help …"         yes: it begins a clause
"He said, I cannot help with that."               no: reported
"The book that I cannot help with"                no: in the middle of a clause
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

from pipeline.rules.reading.lists import UNSPACED, listed
from pipeline.rules.reading.phrases import Hit

if TYPE_CHECKING:
    from pipeline.conversation import Role
    from pipeline.rules.reading.reading import Reading

LEAD = 200  # characters: no lead of a reply is longer
_EMOJI = "\u2190-\u2bff\ufe0f\U0001f000-\U0001faff"
_SENTENCE_END = re.compile(rf"[.!?。！？…\n;:；：\"“”„«»()\[\]（）【】「」『』*_~{_EMOJI}]")
_MARKS = r"\s,，、\-—–'"
_UNSPACED_END = re.compile(f"[{UNSPACED}]$")


def replies(reading: Reading, name: str, role: Role = "assistant") -> list[Hit]:
    """The phrases of a list that a side says, each at the start of a sentence or clause."""
    return [hit for hit in said(reading, name, role) if starts_a_clause(reading, hit)]


def said(reading: Reading, name: str, role: Role = "assistant") -> list[Hit]:
    """The phrases of a list in the messages of one side."""
    hits = reading.hits[name]
    return [hit for hit in hits if reading.messages[hit.message].role == role]


def starts_a_clause(reading: Reading, hit: Hit) -> bool:
    """Does it begin its sentence or clause, leads ("I'm sorry, but") apart, and is not reported?"""
    before = lead(reading, hit)
    rest = before[: _end_without_leads(before)]
    if not rest:
        return True
    begins = len(rest) < len(before.rstrip()) or bool(_UNSPACED_END.search(rest))
    return begins and not starts("reported").search(rest)


def _end_without_leads(before: str) -> int:
    """Where the leads and marks begin that a text ends in."""
    end = len(before)
    for match in reversed([*_leads().finditer(before)]):
        if match.end() < end:
            break
        end = match.start()
    return end


def lead(reading: Reading, hit: Hit) -> str:
    """What stands before it in its sentence, `LEAD` characters at most."""
    begin = reading.starts[hit.message]
    end = begin + hit.start
    before = reading.folded[max(begin, end - LEAD) : end]
    ends = [match.end() for match in _SENTENCE_END.finditer(before)]
    return before[ends[-1] :] if ends else before


@cache
def starts(name: str) -> re.Pattern[str]:
    """Words that start with a line of the list."""
    lines = "|".join(map(re.escape, listed(name)))
    return re.compile(f"(?<![^\\W_{UNSPACED}])(?:{lines})")


@cache
def _leads() -> re.Pattern[str]:
    """A lead, or marks."""
    longest_first = sorted(listed("leads"), key=len, reverse=True)
    leads = "|".join(map(re.escape, longest_first))
    return re.compile(rf"(?<![^\W_{UNSPACED}])(?:{leads})(?![a-zа-яё])|[{_MARKS}]+")
