"""One datum however it is written: what identifies it, and where it stands again.

    find_all(texts, language=None) -> [[Span]]
    key("phone", "+1 202 555 0143") == key("phone", "202-555-0143")

A telephone number is identified by its last digits, a street without flat and town, a handle
without "@". Where a datum is repeated in passing ("ok, adding lena_k99"), no word before it says
what it is: it is known from elsewhere in the conversation.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

import ahocorasick_rs

from pipeline.rules.privacy import spelled
from pipeline.rules.privacy.addresses import street
from pipeline.rules.privacy.emails import plain as plain_address
from pipeline.rules.privacy.find import DatumKind, Span, apart, find, worth_reading
from pipeline.rules.privacy.hints import hints_of, small
from pipeline.rules.reading.lists import UNSPACED

LOCAL = 7  # last digits of a telephone number: without country and area
LONGEST = 19  # digits of a card

_EXTENSION = re.compile(r"\s?(?:x|ext).*")
_SIGIL = re.compile(r"^(?:[@＠]|u/)")
_DIGITS = re.compile(r"\d(?:[ ()./-]{0,3}\d)+")
_NO_DIGIT = re.compile(r"\D")
_WORDS = re.compile(r"\w+")
_MARKED = re.compile(r"[0-9_]")
_LETTER = re.compile(rf"[^\W{UNSPACED}]")


def find_all(texts: Sequence[str], language: str | None = None) -> list[list[Span]]:
    """All personal data of the texts of one conversation; what is found in one is found in all."""
    spans = _found(texts, language)
    if not any(spans):
        return spans
    found = zip(texts, spans, strict=True)
    known = set(chain.from_iterable(_values(text, in_text) for text, in_text in found))
    again = _Known(known)
    return [apart(found, again.places(text)) for text, found in zip(texts, spans, strict=True)]


def _found(texts: Sequence[str], language: str | None) -> list[list[Span]]:
    """What is found in each text by itself. Most conversations have nothing: one look at all of
    them together instead of one at each."""
    every = hints_of(texts)
    announced = (index for index, hinted in enumerate(every) if hinted)
    spans: list[list[Span]] = [[] for _ in texts]
    for index in worth_reading(texts).union(announced):
        spans[index] = find(texts[index], language, every[index])
    return spans


def _values(text: str, spans: Sequence[Span]) -> Iterator[tuple[DatumKind, str]]:
    for span in spans:
        yield span.kind, text[span.start : span.end]


def key(kind: DatumKind, value: str) -> str:
    """The same for two ways to write one datum."""
    folded = " ".join(small(value).split())
    match kind:
        case "phone":
            return phone_digits(folded)[-LOCAL:]
        case "card":
            return _digits(folded)
        case "email":
            return plain_address(folded)
        case "handle":
            return _SIGIL.sub("", folded)
        case "address":
            return " ".join(_WORDS.findall(small(street(value.title()))))
        case "iban":
            return folded.replace(" ", "").replace("-", "")
        case "id":
            return "".join(filter(str.isalnum, folded))
        case "secret":  # two keys may differ in nothing but capitals
            return value
        case "ip" | "url":
            return folded


def _digits(text: str) -> str:
    return _NO_DIGIT.sub("", text)


def phone_digits(number: str) -> str:
    """The digits of a telephone number without its extension, also of one in words."""
    return _digits(_EXTENSION.sub("", number)) or spelled.digits(number)


class _Known:
    """A conversation's personal data as they look elsewhere: words as they are, numbers as digits.

    Of the number 202 555 0143, `numbers` has 2025550143, and `tails` all its ends from the local
    5550143 on, so that it is found without country and area, and with more before it.
    """

    def __init__(self, known: Iterable[tuple[DatumKind, str]]) -> None:
        words: dict[str, DatumKind] = {}
        self.numbers: set[str] = set()
        self.tails: dict[str, DatumKind] = {}
        for kind, value in sorted(known):
            if kind in ("phone", "card"):
                number = phone_digits(value.lower()).lstrip("0")
                self.numbers.add(number)
                self.tails |= dict.fromkeys(_ends(number), kind)
            elif word := _searched_word(kind, value):
                words.setdefault(word, kind)
        self.words = list(words.items())
        self.automaton = ahocorasick_rs.AhoCorasick(list(words)) if words else None

    def places(self, text: str) -> Iterator[Span]:
        """Where the data stand in a text."""
        lower = small(text)
        if self.automaton:
            for word, start, end in self.automaton.find_matches_as_indexes(lower, overlapping=True):
                if _stands_alone(lower, start, end):
                    yield Span(self.words[word][1], _with_sigil(lower, start), end)
        if self.numbers:
            for run in _DIGITS.finditer(text):
                yield from self._numbers_in(run)

    def _numbers_in(self, run: re.Match[str]) -> Iterator[Span]:
        """Known numbers among the digits of a run, from the start of a group to the end of one.

        run     "202-555-0143"
        places   0 1 2 4 5 6 8 9 10 11    of the digits "2025550143"; groups start at 0, 3, 6
        """
        places = [i for i, character in enumerate(run.group()) if character.isdecimal()]
        digits = "".join(run.group()[i] for i in places)
        groups = [n for n, i in enumerate(places) if n == 0 or places[n - 1] != i - 1]
        for end in [*groups[1:], len(places)]:
            first = self._first_digit(digits[:end], groups)
            if first is not None:
                # `tails` has the last digits of every known number
                kind = self.tails[digits[first:end][-LOCAL:]]
                start = _with_plus(run.string, run.start() + places[first])
                yield Span(kind, start, run.start() + places[end - 1] + 1)

    def _first_digit(self, digits: str, groups: Sequence[int]) -> int | None:
        """The group at which the longest known number starts that ends with these digits."""
        nearest, farthest = len(digits) - LOCAL + 1, len(digits) - LONGEST
        starts = groups[bisect_left(groups, farthest) : bisect_left(groups, nearest)]
        return next((start for start in starts if self._is_known(digits[start:])), None)

    def _is_known(self, digits: str) -> bool:
        """A known number, the end of one, or one with country or area before it."""
        return digits in self.tails or not self.numbers.isdisjoint(_ends(digits))


def _ends(number: str) -> list[str]:
    """The ends of a number, from the whole to the last `LOCAL` digits."""
    return [number[first:] for first in range(len(number) - LOCAL + 1)]


def _searched_word(kind: DatumKind, value: str) -> str | None:
    """What to look for, in small letters; a handle that could be any word ("@sam") is left out."""
    if kind == "address":
        return small(street(value.title()))
    if kind == "secret":
        return small(value) if _is_unlike_words(value) else None
    if kind != "handle":
        return small(value)
    name = key(kind, value)
    return name if _MARKED.search(name) else None


def _is_unlike_words(secret: str) -> bool:
    """A password that could be a word or a year is only known where a word says so."""
    return len(secret) >= 6 and _MARKED.search(secret) is not None


def _stands_alone(text: str, start: int, end: int) -> bool:
    """No letter or digit goes on before or after."""
    before = _LETTER.match(text[start]) and _LETTER.match(text[start - 1 : start])
    after = _LETTER.match(text[end - 1]) and _LETTER.match(text[end : end + 1])
    return not before and not after


def _with_sigil(text: str, start: int) -> int:
    """Where a handle starts, "@" and "u/" before it included."""
    if text[start - 1 : start] == "@":
        return start - 1
    return start - 2 if text[max(0, start - 2) : start] == "u/" else start


def _with_plus(text: str, start: int) -> int:
    """Where a number starts, "+" and "(" before it included."""
    return start - (text[max(0, start - 1) : start] in ("+", "("))
