"""Shapes of noise that no language has: symbols, held keys, numbers, scripts.

"#$%^&*@@#$ hello"            SYMBOLS   8 in a row, 4 different
"aaaaaaaaaaaaaaaaaaaaaaaaa…"  HELD      one character 30 times
"17 44 91 3 8 102 77 61 5 5"  NUMBERS   ten numbers and not a letter
"the soup تاريخ готов 美味しい"  SCRIPTS   four scripts in one message, with no comma between
"的了是我不在人们有来他这上"      GRAMMAR   particles of Chinese, and nothing that they join
"9f86d081884c7d659a2feaa0c5…" CODED     32 letters and digits without a blank

One compiled pass over the characters says which messages could have any; they are few, and looked
at with plain Python.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cache
from itertools import chain, islice
from typing import Any, NamedTuple

import numpy as np

from pipeline.compiled import njit

SYMBOLS, HELD, NUMBERS, SCRIPTS, GRAMMAR, CODED = range(1, 7)

MANY_SYMBOLS, DIFFERENT = 8, 4
LONG_HELD = 30  # people hold a key for ten or fifteen ("noooooooo")
MANY_NUMBERS = 10
MANY_SCRIPTS = 4  # and as many changes
LONG_GRAMMAR, SHARE_GRAMMAR = 15, 0.85  # signs; their share: people have .35
LONG_CODED, CODED_DIGITS = 32, 6
MOST = 16  # shapes of a text

# Kinds of characters. Scripts come first.
_RANGES = {
    1: "az AZ ÀɎ",
    2: "ЀӾ",
    3: "ͰϾ",
    4: "֐ۿ",
    5: "ऀ෾",
    6: "฀๾",
    7: "가힣",
    8: "぀ヾ 一鿾",
}
_SCRIPTS = len(_RANGES)
_LATIN = 1
_DIGIT, _SYMBOL, _COMMA = 9, 10, 11
_SIGNS = "#$%^&*@|\\~+=<>{}[]"
_PARTICLES = (
    "的了是我不在人们有来他这上着个地到大里说就去子得也和那要下看天时过出"
    "为可以会能都没很又还让被把从向与国"
)
_PARTICLE = 12
_HAN = 8
_PLANE = 65536

_SYMBOLS = re.compile(rf"[{re.escape(_SIGNS)}]{{{MANY_SYMBOLS},}}")
_HELD = re.compile(rf"(.)\1{{{LONG_HELD - 1},}}", re.S)
_NUMBER = re.compile("[0-9]+")
_CODED = re.compile(rf"[0-9A-Za-z+=]{{{LONG_CODED},}}")
_DIGITS = re.compile("[0-9]")

Array = np.ndarray[Any, Any]
Ends = tuple[int, int]


class NoiseShape(NamedTuple):
    """One of the kinds above, and where it stands in the text."""

    kind: int
    start: int
    end: int


def shapes(text: str) -> list[NoiseShape]:
    """The first shape of each kind in each message, the first `MOST` of all. text: messages joined
    by NUL."""
    codes = np.frombuffer(text.encode("utf-32-le", "replace"), np.uint32)
    places = np.zeros((text.count("\0") + 1, 2), np.int64)
    count = _worth_a_look(codes, _kinds(), places)
    found = (_shapes_of(text[start:end], start) for start, end in places[:count].tolist())
    return list(islice(chain.from_iterable(found), MOST))


def _shapes_of(message: str, start: int) -> Iterator[NoiseShape]:
    """Of one message, that begins at a place of the text."""
    kinds = bytes(map(_kind_of, message))
    for kind, find in _FINDERS.items():
        place = find(message, kinds)
        if place:
            yield NoiseShape(kind, start + place[0], start + place[1])


@cache
def _kinds() -> Array:
    """What each character is, uint8 (65536,): a script, a digit, a symbol; 0 for the rest."""
    kinds = np.zeros(_PLANE, np.uint8)
    for script, ranges in _RANGES.items():
        for ends in ranges.split():
            kinds[ord(ends[0]) : ord(ends[1]) + 1] = script
    for characters, kind in (
        ("0123456789", _DIGIT),
        (_SIGNS, _SYMBOL),
        (",.;:!?()\"'«»“”‘’、。，（）—–-/\n\0", _COMMA),
        (_PARTICLES, _PARTICLE),
    ):
        for character in characters:
            kinds[ord(character)] = kind
    return kinds


def _kind_of(character: str) -> int:
    code = ord(character)
    return int(_kinds()[code]) if code < _PLANE else 0


@njit(cache=True)
def _worth_a_look(codes: Array, kinds: Array, places: Array) -> int:
    """Writes start and end of each message that could have a shape into `places`; how many."""
    count, start = 0, 0
    for end in range(len(codes) + 1):
        if end < len(codes) and codes[end] != 0:
            continue
        if _is_worth_a_look(codes[start:end], kinds):
            places[count, 0], places[count, 1] = start, end
            count += 1
        start = end + 1
    return count


@njit(cache=True)
def _is_worth_a_look(message: Array, kinds: Array) -> bool:
    """Could it have any shape? One pass over the characters, which most messages end with."""
    symbols, held, unbroken, spoken, scripts, before = 0, 0, 0, 0, 0, 0
    for code in message:
        kind = _kind(code, kinds)
        symbols = symbols + 1 if kind == _SYMBOL else 0
        held = held + 1 if code == before else 1
        is_coded = kind in (_LATIN, _DIGIT, _SYMBOL)
        unbroken = unbroken + 1 if is_coded else 0
        if symbols >= MANY_SYMBOLS or held >= LONG_HELD or unbroken >= LONG_CODED:
            return True
        is_spoken = 0 < kind <= _SCRIPTS or kind == _PARTICLE
        spoken += is_spoken
        scripts |= is_spoken << min(kind, _SCRIPTS)
        before = int(code)
    if spoken == 0:
        return len(message) >= MANY_NUMBERS
    return scripts & (scripts - 1) & ~2 != 0 or scripts == 1 << _SCRIPTS


@njit(cache=True)
def _kind(code: int, kinds: Array) -> int:
    return int(kinds[code]) if code < _PLANE else 0


# Where a message has a shape. kinds: of its characters, a byte each.


def _symbols(message: str, kinds: bytes) -> Ends | None:
    runs = _SYMBOLS.finditer(message)
    return _first(run.span() for run in runs if len(set(run[0])) >= DIFFERENT)


def _held(message: str, kinds: bytes) -> Ends | None:
    return _first(run.span() for run in _HELD.finditer(message) if _is_letter(ord(run[1])))


def _is_letter(code: int) -> bool:
    """Or a sign of another script; not "…", a line of dashes or blanks."""
    return 97 <= (code | 32) <= 122 or 0xC0 <= code < 0x2000 or 0x3040 <= code < 0xD7B0


def _numbers(message: str, kinds: bytes) -> Ends | None:
    numbers = _NUMBER.findall(message)
    is_spoken = any(0 < kind <= _SCRIPTS or kind == _PARTICLE for kind in kinds)
    return (0, len(message)) if len(numbers) >= MANY_NUMBERS and not is_spoken else None


def _scripts(message: str, kinds: bytes) -> Ends | None:
    """A word of another script follows without a comma, four times, and four scripts are there."""
    seen, changes, before = set(), 0, 0
    for kind in kinds:
        script = _SCRIPTS if kind == _PARTICLE else kind
        if script == _COMMA:
            before = 0
        elif 0 < script <= _SCRIPTS:
            seen.add(script)
            changes += before not in (0, script)
            before = script
    is_mixed = len(seen) >= MANY_SCRIPTS and changes >= MANY_SCRIPTS
    return (0, len(message)) if is_mixed else None


def _grammar(message: str, kinds: bytes) -> Ends | None:
    """Particles, with no comma between."""
    particles = kinds.count(_PARTICLE)
    signs = kinds.count(_HAN) + particles
    is_bare = signs >= LONG_GRAMMAR and particles >= SHARE_GRAMMAR * signs
    return (0, len(message)) if is_bare and _COMMA not in kinds else None


def _coded(message: str, kinds: bytes) -> Ends | None:
    return _first(run.span() for run in _CODED.finditer(message) if _is_coded(run[0]))


def _is_coded(run: str) -> bool:
    digits = len(_DIGITS.findall(run))
    return min(digits, len(run) - digits) >= CODED_DIGITS


def _first(places: Iterator[Ends]) -> Ends | None:
    return next(places, None)


_FINDERS: dict[int, Callable[[str, bytes], Ends | None]] = {
    SYMBOLS: _symbols,
    HELD: _held,
    NUMBERS: _numbers,
    SCRIPTS: _scripts,
    GRAMMAR: _grammar,
    CODED: _coded,
}
