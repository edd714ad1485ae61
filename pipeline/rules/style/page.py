"""Remains of a page or a mail program in messages: one look for both."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING

from pipeline.rules.style.forum import fixed_parts, forum
from pipeline.rules.style.quoted import STEMS, has_mail_lines, quoted

if TYPE_CHECKING:
    from ahocorasick_rs import AhoCorasick

    from pipeline.conversation import Finding
    from pipeline.rules.reading.reading import Reading


def page(reading: Reading) -> Iterator[Finding]:
    """Lines of a forum, headings and notices of mail."""
    if may_hold_page(reading.folded):
        yield from forum(reading)
        yield from quoted(reading)


def may_hold_page(folded: str) -> bool:
    """A quick look, to which most conversations say no. folded: lower case, straight quotes."""
    return has_mail_lines(folded) or bool(_automaton().find_matches_as_indexes(folded))


@cache
def _automaton() -> AhoCorasick:
    from ahocorasick_rs import AhoCorasick

    return AhoCorasick(sorted(fixed_parts().union(STEMS)))
