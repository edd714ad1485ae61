"""Lists of what programs write, and where their entries stand in a line.

The lists are written like those of `reading.phrases`, with two slots more: `0` is a number, a date
or a time; `~3` is a name or a few words, up to thirty letters.

    0 likes                         "12 likes"
    last edited by ~3               "last edited by Tom on Tuesday"
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache, cached_property
from itertools import product
from math import prod
from typing import TYPE_CHECKING

from pipeline.rules.reading.lists import UNSPACED, listed

if TYPE_CHECKING:
    from ahocorasick_rs import AhoCorasick

BRACKETS = "[(<【（「［‹"  # in lists and lines they are all written "["
_SPELLINGS = 60  # of the part of an entry that is looked for, at most
_SLOT = re.compile(r"(~\d|0)")
_TOKEN = re.compile(r"(\([^()]*\)|~\d|0)")
_NUMBER = r"\d[\d.,:/-]*k?"
_LETTER = f"[^\\W_{UNSPACED}]"


class Entries:
    """The entries of some lists."""

    def __init__(self, names: Sequence[str]) -> None:
        self.names = names

    def fixed_parts(self) -> set[str]:
        """Of each entry a part, one of whose spellings stands wherever the entry does."""
        every = [
            part for name in self.names for entry in listed(name) for part in _fixed_part(entry)
        ]
        return {part.replace("[", bracket) for part in every for bracket in BRACKETS}

    def pieces(self, line: str) -> list[tuple[str, int, int]]:
        """Every entry that stands in a line: its list, start, end."""
        automaton, owners = self._search
        numbers = {match[0] for match in automaton.find_matches_as_indexes(line, overlapping=True)}
        found = {owner for number in numbers for owner in owners[number]}
        return [
            (name, *match.span())
            for name, entry in sorted(found | self._numbers)
            for match in meaning(entry).finditer(line)
        ]

    @cached_property
    def _search(self) -> tuple[AhoCorasick, list[list[tuple[str, str]]]]:
        """What finds the fixed parts, and the entries of each."""
        from ahocorasick_rs import AhoCorasick

        owners: dict[str, list[tuple[str, str]]] = {}
        for name in self.names:
            for entry in listed(name):
                for spelling in _fixed_part(entry):
                    owners.setdefault(spelling, []).append((name, entry))
        return AhoCorasick(list(owners)), list(owners.values())

    @cached_property
    def _numbers(self) -> set[tuple[str, str]]:
        """Entries without a fixed part."""
        every = [(name, entry) for name in self.names for entry in listed(name)]
        return {owner for owner in every if not _fixed_part(owner[1])}


@cache
def _fixed_part(entry: str) -> tuple[str, ...]:
    """The spellings of the longest part of an entry that has no slot, and few of them."""
    whole = _tokens(entry)
    last = len(whole) + 1
    runs = [whole[start:end] for start in range(last) for end in range(start + 1, last)]
    fixed = [run for run in runs if not any(map(_has_slot, run))]
    few = [run for run in fixed if prod(map(len, run)) <= _SPELLINGS]
    best = max(few, key=_worth, default=[])
    spellings = {"".join(choice).strip("] ") for choice in product(*best)}
    return tuple(sorted(spellings)) if _worth(best) > 1 else ()


def _tokens(entry: str) -> list[list[str]]:
    """The choices of an entry: `a (b|c) ~3` → [["a "], ["b", "c"], [" "], ["~3"]]."""
    tokens = filter(None, _TOKEN.split(entry))
    return [_choices(token) for token in tokens]


def _choices(token: str) -> list[str]:
    return token[1:-1].split("|") if token.startswith("(") else [token]


def _has_slot(choices: Sequence[str]) -> bool:
    return any(map(_SLOT.search, choices))


def _worth(run: Sequence[Sequence[str]]) -> int:
    """How many letters a part has at least; blanks and brackets count for nothing."""
    return sum(min(len(choice.strip("[] ")) for choice in choices) for choices in run)


@cache
def meaning(entry: str) -> re.Pattern[str]:
    """An entry as a regular expression, with word boundaries where its script has them."""
    tokens = _tokens(entry)
    start = r"(?<![^\n])" if tokens[0][0].startswith("~") else f"(?<!{_LETTER})"
    body = "".join(map(_any_of, tokens))
    if tokens[-1][0].startswith("~"):  # a name at the end goes on to the end of the sentence
        body = body.removesuffix("?")
    return re.compile(f"{start}{body}(?!{_LETTER})")


def _any_of(choices: Sequence[str]) -> str:
    longest_first = sorted(choices, key=len, reverse=True)
    body = "|".join(map(_expression, longest_first))
    return f"(?:{body})" if len(choices) > 1 else body


def _expression(choice: str) -> str:
    return "".join(map(_slot_or_letters, _SLOT.split(choice)))


def _slot_or_letters(piece: str) -> str:
    if piece == "0":
        return _NUMBER
    if not piece.startswith("~"):
        return re.escape(piece)
    return rf"(?:[^\n.!?]|[.!?](?!\s)|(?<=\d)\.){{0,{10 * int(piece[1:])}}}?"
