"""Lists of words as regular expressions, for what stands beside a hit.

A word of a list counts as a whole; one that ends in * goes on with letters: `teach*` is in
"teaching". Beside the letters of scripts without blanks there are no boundaries.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache

from pipeline.rules.reading.lists import UNSPACED, listed


def any_of(words: Sequence[str]) -> str:
    """An expression for any of the words, the longest first; for an empty list one that matches
    nowhere."""
    return "|".join(map(_expression, sorted(words, key=len, reverse=True))) or "(?!)"


def _expression(word: str) -> str:
    stem = re.escape(word.removesuffix("*"))
    return rf"{stem}\w*" if word.endswith("*") else stem


def of_list(name: str) -> str:
    """An expression for any word of a list, with boundaries."""
    word = rf"[^\W_{UNSPACED}]"
    return rf"(?<!{word})(?:{any_of(listed(name))})(?!{word})"


@cache
def pattern(name: str) -> re.Pattern[str]:
    """What finds any word of a list."""
    return re.compile(of_list(name))
