"""Without what a generator or a player said beside the text.

    "Sure! Here is the next reply:\\n\\nCome in."         → "Come in."
    "Come in.\\n\\n(Note: I kept the tone light.)"        → "Come in."
    "(OOC: back in five minutes) *She wipes the table.*" → "*She wipes the table.*"

A note goes from the beginning or the end of a message, a bracket from everywhere. What would leave
nothing stays, and the rules `style.meta` and `style.ooc` decide.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import accumulate

from pipeline.filter.repair.draft import SPOKEN, Draft
from pipeline.rules.reading import phrases
from pipeline.rules.reading.reading import fold
from pipeline.rules.reading.signs import holds
from pipeline.rules.style import meta, ooc

ROUNDS = 8  # notes of one message at most
_RULE_LINE = re.compile(r"\s*[-=*_~—]{3,}\s*")
_NUMBERED = re.compile(r"^\W{0,3}[1-9][.):]\s", re.M)
# What sets off all notes and remarks but offers.
_FRAME = tuple("\n:：([{（【※/")
_QUOTES = {'"': '"', "“": "”", "«": "»", "「": "」", "„": "“"}
_CODE = "```"


def remove_notes(draft: Draft, text: str) -> None:
    """Remove notes and remarks from a draft. text: all of its messages, joined by NUL."""
    folded = fold(text)
    starts = [0, *accumulate(len(message) + 1 for message in text.split("\0"))][:-1]
    found = phrases.find(folded, starts)
    hits = {name: found[name] for name in _lists(text) if name in found}
    if "\n" in text:  # a first line has others below it
        hits |= phrases.find(folded, starts, (meta.FIRST_LINES,))
    if any(meta.of_messages(folded, starts, hits).values()):
        draft.change_texts("removed a generator's notes", without_notes, SPOKEN)
    if any(name in hits for name in ooc.LISTS) or ooc.has_doubles(folded):
        draft.change_texts("removed out-of-character notes", without_asides, SPOKEN)


def _lists(text: str) -> tuple[str, ...]:
    """The lists that may say something of these messages: an offer is a sentence, a note is set
    off."""
    return (*meta.LISTS, *ooc.LISTS) if holds(text, _FRAME) else ("meta_offer",)


def without_notes(text: str) -> str:
    """Without a generator's notes at the beginning and the end."""
    return _settled(text, _without_a_note)


def without_asides(text: str) -> str:
    """Without a player's remarks out of character."""
    return text if _CODE in text else _settled(text, _without_asides)


def _settled(text: str, change: Callable[[str], str]) -> str:
    """Changed until it stays as it is: what is left may begin with another note."""
    for _ in range(ROUNDS):
        before, text = text, change(text)
        if text == before:
            break
    return text


def _without_a_note(text: str) -> str:
    folded = fold(text)
    hits = phrases.find(folded, [0], meta.LISTS)
    for start, end in meta.places(folded, hits):
        if not text[end:].strip():
            rest = _without_rule(text[:start].rstrip())
        elif not text[:start].strip():
            rest = _unquoted(text[end:].strip())
        else:
            continue
        if _is_whole(rest):
            return rest
    return text


def _without_rule(text: str) -> str:
    """Without a last line of dashes, which parted the note from the text."""
    before, _, last = text.rpartition("\n")
    return before.rstrip() if _RULE_LINE.fullmatch(last) else text


def _without_asides(text: str) -> str:
    rest, done = [], 0
    for start, end in ooc.asides(fold(text)):
        rest.append(text[done:start].rstrip(" "))
        done = end
    whole = "".join([*rest, text[done:]]).strip()
    return whole if rest and _is_whole(whole) else text


def _unquoted(text: str) -> str:
    """Without the quotation marks around the whole: "I'd love to." """
    closing = _QUOTES.get(text[:1])
    inner = text[1:-1]
    if closing and text.endswith(closing) and not {text[0], closing}.intersection(inner):
        return inner.strip()
    return text


def _is_whole(rest: str) -> bool:
    """Is what is left something to read, and one text, not several that are numbered?"""
    return sum(map(str.isalnum, rest[:40])) >= 2 and len(_NUMBERED.findall(rest)) < 2
