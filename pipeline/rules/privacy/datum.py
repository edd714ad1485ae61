"""One datum however it is written: what names it, and where it stands again in the other texts of a conversation.

    find_all(texts, language=None) -> [[Span]]
    key("phone", "+1 202 555 0143") == key("phone", "202-555-0143")

A telephone number is named by its last digits, a street without flat and town, a handle without "@". Where a datum is
said again in passing ("ok, adding lena_k99"), no word before it tells what it is: it is known from elsewhere.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence

import ahocorasick_rs

from pipeline.rules.privacy.addresses import street
from pipeline.rules.privacy.find import Kind, Span, apart, find
from pipeline.rules.reading.phrases import UNSPACED

LOCAL = 7  # last digits of a telephone number: without country and area
LONGEST = 19  # digits of a card

_AT = re.compile(r"\s*(?:@|\(at\)|\[at\]|\sat\s)\s*")
_DOT = re.compile(r"\s*(?:\.|\(dot\)|\[dot\]|\sdot\s)\s*")
_EXTENSION = re.compile(r"\s?(?:x|ext).*")
_SIGIL = re.compile(r"^(?:@|u/)")
_RUN = re.compile(r"\d(?:[ ()./-]{0,3}\d)+")
_WORD = rf"[^\W{UNSPACED}]"


def find_all(texts: Sequence[str], language: str | None = None) -> list[list[Span]]:
    """All personal data of the texts of one conversation; what is found in one is found in all."""
    spans = [find(text, language) if text else [] for text in texts]
    known = {
        (kind, text[start:end])
        for text, found in zip(texts, spans, strict=True)
        for kind, start, end in found
    }
    if not known:
        return spans
    again = _Known(known)
    return [
        apart(found, again.places(text)) if text else found
        for text, found in zip(texts, spans, strict=True)
    ]


def key(kind: Kind, value: str) -> str:
    """The same for two ways to write one datum."""
    folded = " ".join(_small(value).split())
    match kind:
        case "phone":
            return _digits(_EXTENSION.sub("", folded))[-LOCAL:]
        case "card":
            return _digits(folded)
        case "email":
            return _DOT.sub(".", _AT.sub("@", folded))
        case "handle":
            return _SIGIL.sub("", folded)
        case "address":
            return " ".join(re.findall(r"\w+", _small(street(value.title()))))
        case "iban" | "ip" | "url":
            return folded.replace(" ", "").replace("-", "") if kind == "iban" else folded


def _small(text: str) -> str:
    """In small letters, character for character."""
    return text.replace("İ", "i").lower()


def _digits(text: str) -> str:
    return re.sub(r"\D", "", text)


class _Known:
    """What the conversation's personal data look like elsewhere: words as they are, numbers by their digits."""

    def __init__(self, known: Iterable[tuple[Kind, str]]) -> None:
        words: dict[str, Kind] = {}
        self.numbers: set[str] = set()
        self.tails: dict[str, Kind] = {}  # the numbers again, with and without country and area
        for kind, value in sorted(known):
            if kind in ("phone", "card"):
                number = _digits(_EXTENSION.sub("", value.lower())).lstrip("0")
                self.numbers.add(number)
                self.tails |= {number[n:]: kind for n in range(len(number) - LOCAL + 1)}
            elif word := _needle(kind, value):
                words.setdefault(word, kind)
        self.words = list(words.items())
        self.automaton = ahocorasick_rs.AhoCorasick(list(words)) if words else None

    def places(self, text: str) -> Iterator[Span]:
        lower = _small(text)
        if self.automaton:
            for nth, start, end in self.automaton.find_matches_as_indexes(lower, overlapping=True):
                if _stands_alone(lower, start, end):
                    yield Span(self.words[nth][1], _with_sigil(lower, start), end)
        for run in _RUN.finditer(text) if self.numbers else ():
            yield from self._within(run)

    def _within(self, run: re.Match[str]) -> Iterator[Span]:
        """Known numbers among the digits of a run, from the start of a group of digits to the end of one."""
        at = [i for i, character in enumerate(run.group()) if character.isdecimal()]
        digits = "".join(run.group()[i] for i in at)
        starts = [n for n, i in enumerate(at) if n == 0 or at[n - 1] != i - 1]
        for end in [*starts[1:], len(at)]:
            near = starts[bisect_left(starts, end - LONGEST) : bisect_left(starts, end - LOCAL + 1)]
            first = next((n for n in near if self._is_known(digits[n:end])), None)
            if first is not None:
                start = run.start() + at[first]
                start -= run.string[max(0, start - 1) : start] in ("+", "(")
                yield Span(
                    self.tails[digits[first:end][-LOCAL:]], start, run.start() + at[end - 1] + 1
                )

    def _is_known(self, digits: str) -> bool:
        """A known number, the end of one, or one with country or area before it."""
        return digits in self.tails or any(
            digits[n:] in self.numbers for n in range(len(digits) - LOCAL + 1)
        )


def _needle(kind: Kind, value: str) -> str | None:
    """What to look for, in small letters; a handle that could be any word ("@sam") is told by its "@" only."""
    if kind == "address":
        return _small(street(value.title()))
    if kind != "handle":
        return _small(value)
    name = key(kind, value)
    return name if re.search(r"[0-9_]", name) else None


def _stands_alone(text: str, start: int, end: int) -> bool:
    """No letter or digit goes on before or after."""
    before = re.match(_WORD, text[start]) and re.match(_WORD, text[start - 1 : start])
    after = re.match(_WORD, text[end - 1]) and re.match(_WORD, text[end : end + 1])
    return not before and not after


def _with_sigil(text: str, start: int) -> int:
    if text[start - 1 : start] == "@":
        return start - 1
    return start - 2 if text[max(0, start - 2) : start] == "u/" else start
