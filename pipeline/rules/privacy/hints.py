"""What the words of a text announce: without one, no pattern for secrets and the like is tried.

    hints("My password is …")      {"secret"}
    hints("… name (at) mail.de")   {"email"}

All words of all lists are looked for in one pass (Aho and Corasick 1975), in any case.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence, Set
from functools import cache
from itertools import accumulate
from typing import Literal

import ahocorasick_rs

from pipeline.rules.privacy.spelled import RARER
from pipeline.rules.reading.lists import UNSPACED, listed

Bounds = tuple[int, int]  # where a datum starts and ends
Hint = Literal[
    "secret", "token", "block", "seed", "id", "passport", "plate", "email", "spelled", "network"
]
_LISTS: dict[Hint, str] = {
    "secret": "secret_words",
    "token": "token_words",
    "seed": "seed_words",
    "id": "id_words",
    "passport": "passport_words",
    "plate": "plate_words",
    "email": "at_words",
    "network": "handle_words",
}
NOTHING: Set[Hint] = frozenset()
SHORTEST = 3  # bytes of a word that announces something: "ig" is in too many
LEAST_SPELLED = 3  # rarer words for digits in a telephone number that is spelled out
_LETTER = re.compile(rf"[^\W\d_{UNSPACED}]")
_LONG = re.compile(r"[A-Za-z0-9_.-]{16}")


def hints(text: str) -> Set[Hint]:
    """What the words of a text announce."""
    return hints_of([text])[0]


def hints_of(texts: Sequence[str]) -> list[Set[Hint]]:
    """What the words of each text announce: one look at all of them together."""
    automaton, meanings = _automaton()
    together = small("\0".join(texts))
    found = automaton.find_matches_as_indexes(together, overlapping=True)
    if not found:
        return [NOTHING] * len(texts)
    words = [(start, meanings[n]) for n, start, end in found if is_word(together, start, end)]
    every = [NOTHING] * len(texts)
    for index, hinted in _by_text(texts, words).items():
        every[index] = _enough(hinted)
    return every


def _by_text(texts: Sequence[str], words: Sequence[tuple[int, Hint]]) -> dict[int, list[Hint]]:
    """Hints by the number of their text. words: (place in all texts, joined by one letter)."""
    starts = [0, *accumulate(len(text) + 1 for text in texts)]
    announced: dict[int, list[Hint]] = defaultdict(list)
    for start, hint in words:
        announced[bisect_right(starts, start) - 1].append(hint)
    return announced


def _enough(announced: Sequence[Hint]) -> Set[Hint]:
    if announced.count("spelled") < LEAST_SPELLED:
        return set(announced) - {"spelled"}
    return set(announced)


def is_word(text: str, start: int, end: int) -> bool:
    """No letter goes on before or after: `ig` is not in `night`. In Chinese and the like one may
    touch it."""
    before, after = text[start - 1 : start], text[end : end + 1]
    return not (_LETTER.match(before) and _LETTER.match(text[start])) and not (
        _LETTER.match(after) and _LETTER.match(text[end - 1])
    )


def words_in(name: str, text: str) -> Iterator[tuple[int, int]]:
    """Where words of a list stand in a short text, in any case."""
    lower = small(text)
    for _, start, end in _words(name).find_matches_as_indexes(lower, overlapping=True):
        if is_word(lower, start, end):
            yield start, end


@cache
def _words(name: str) -> ahocorasick_rs.AhoCorasick:
    return ahocorasick_rs.AhoCorasick(listed(name))


def has_long_word(text: str) -> bool:
    """Is there a word as long as keys are?"""
    return _LONG.search(text) is not None


@cache
def _automaton() -> tuple[ahocorasick_rs.AhoCorasick, list[Hint]]:
    """What finds the words, and for each of them what it announces."""
    pairs: list[tuple[str, Hint]] = [("private key-----", "block"), ("putty-user", "block")]
    for hint, name in _LISTS.items():
        pairs += [(word, hint) for word in listed(name) if len(word.encode()) >= SHORTEST]
    pairs += [(word, "spelled") for word in RARER]
    # laid out in full: 15 ms a process, and half the time for each conversation
    automaton = ahocorasick_rs.AhoCorasick(
        [word for word, _ in pairs], implementation=ahocorasick_rs.Implementation.DFA
    )
    return automaton, [hint for _, hint in pairs]


def small(text: str) -> str:
    """In small letters, character for character."""
    return text.replace("İ", "i").lower()


def any_word(words: Iterable[str]) -> str:
    """A regular expression for any of the words, the longest first."""
    return f"(?:{'|'.join(map(re.escape, sorted(words, key=len, reverse=True)))})"


def whole_word(words: Iterable[str]) -> str:
    """A regular expression for any of the words, as `is_word` has it: `wifi密码` holds one."""
    unspaced, letter = f"[{UNSPACED}]", rf"[^\W\d_{UNSPACED}]"
    return f"(?:(?<!{letter})|(?={unspaced})){any_word(words)}(?:(?!{letter})|(?<={unspaced}))"
