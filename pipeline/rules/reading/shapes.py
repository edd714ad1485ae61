"""Shapes of noise that no language has, in one compiled pass: symbols, held keys, numbers, scripts.

"#$%^&*@@#$ hello"            SYMBOLS   8 in a row, 4 different
"aaaaaaaaaaaaaaaaaaaaaaaaa…"  HELD      one character 30 times
"17 44 91 3 8 102 77 61 5 5"  NUMBERS   ten numbers and not a letter
"the soup تاريخ готов 美味しい"  SCRIPTS   four scripts in one message, with no comma between
"的了是我不在人们有来他这上"      GRAMMAR   particles of Chinese, and nothing that they join
"9f86d081884c7d659a2feaa0c5…" CODED     32 letters and digits without a blank
"""

from __future__ import annotations

from functools import cache
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
_PARTICLES = (
    "的了是我不在人们有来他这上着个地到大里说就去子得也和那要下看天时过出"
    "为可以会能都没很又还让被把从向与国"
)
_PARTICLE = 12
_PLANE = 65536

Array = np.ndarray[Any, Any]


class NoiseShape(NamedTuple):
    """One of the kinds above, and where it stands in the text."""

    kind: int
    start: int
    end: int


def shapes(text: str) -> list[NoiseShape]:
    """The first shape of each kind in each message. text: messages joined by NUL."""
    codes = np.frombuffer(text.encode("utf-32-le", "replace"), np.uint32)
    found = np.zeros((16, 3), np.int64)
    count = _shapes(codes, _kinds(), found)
    return [NoiseShape(*shape) for shape in found[:count].tolist()]


@cache
def _kinds() -> Array:
    """What each character is, uint8 (65536,): a script, a digit, a symbol; 0 for the rest."""
    kinds = np.zeros(_PLANE, np.uint8)
    for script, ranges in _RANGES.items():
        for ends in ranges.split():
            kinds[ord(ends[0]) : ord(ends[1]) + 1] = script
    for characters, kind in (
        ("0123456789", _DIGIT),
        ("#$%^&*@|\\~+=<>{}[]", _SYMBOL),
        (",.;:!?()\"'«»“”‘’、。，（）—–-/\n\0", _COMMA),
        (_PARTICLES, _PARTICLE),
    ):
        for character in characters:
            kinds[ord(character)] = kind
    return kinds


@njit(cache=True)
def _shapes(codes: Array, kinds: Array, found: Array) -> int:
    """Writes kind, start and end of each shape into `found`; how many there are."""
    count, start = 0, 0
    for end in range(len(codes) + 1):
        if end < len(codes) and codes[end] != 0:
            continue
        if not _is_worth_a_look(codes[start:end], kinds):
            start = end + 1
            continue
        for shape in range(SYMBOLS, CODED + 1):
            first, last = _place(shape, codes[start:end], kinds)
            if last > first and count < len(found):
                found[count, 0], found[count, 1], found[count, 2] = shape, first, last
                found[count, 1:] += start
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
def _place(shape: int, message: Array, kinds: Array) -> Any:
    """Where a message has a shape; (0, 0) where it has not."""
    if shape == SYMBOLS:
        return _symbols(message, kinds)
    if shape == HELD:
        return _held(message)
    if shape == CODED:
        return _coded(message, kinds)
    is_whole = (
        (shape == NUMBERS and _is_numbers(message, kinds))
        or (shape == SCRIPTS and _is_of_many_scripts(message, kinds))
        or (shape == GRAMMAR and _is_grammar(message, kinds))
    )
    if is_whole:
        return 0, len(message)
    return 0, 0


@njit(cache=True)
def _kind(code: int, kinds: Array) -> int:
    return int(kinds[code]) if code < _PLANE else 0


@njit(cache=True)
def _symbols(message: Array, kinds: Array) -> tuple[int, int]:
    start = 0
    for end in range(len(message) + 1):
        if end < len(message) and _kind(message[end], kinds) == _SYMBOL:
            continue
        if end - start >= MANY_SYMBOLS and len(np.unique(message[start:end])) >= DIFFERENT:
            return start, end
        start = end + 1
    return 0, 0


@njit(cache=True)
def _held(message: Array) -> tuple[int, int]:
    start = 0
    for end in range(len(message) + 1):
        if end < len(message) and message[end] == message[start]:
            continue
        if end - start >= LONG_HELD and _is_letter(message[start]):
            return start, end
        start = end
    return 0, 0


@njit(cache=True)
def _is_letter(code: int) -> bool:
    """Or a sign of another script; not "…", a line of dashes or blanks."""
    return 97 <= (code | 32) <= 122 or 0xC0 <= code < 0x2000 or 0x3040 <= code < 0xD7B0


@njit(cache=True)
def _coded(message: Array, kinds: Array) -> tuple[int, int]:
    start, digits = 0, 0
    for end in range(len(message) + 1):
        code = message[end] if end < len(message) else np.uint32(32)
        is_digit = 48 <= code <= 57
        if is_digit or 97 <= (code | 32) <= 122 or code == 43 or code == 61:
            digits += int(is_digit)
            continue
        letters = end - start - digits
        if end - start >= LONG_CODED and min(digits, letters) >= CODED_DIGITS:
            return start, end
        start, digits = end + 1, 0
    return 0, 0


@njit(cache=True)
def _is_numbers(message: Array, kinds: Array) -> bool:
    numbers, before = 0, 0
    for code in message:
        kind = _kind(code, kinds)
        if 0 < kind <= _SCRIPTS or kind == _PARTICLE:
            return False
        numbers += kind == _DIGIT and before != _DIGIT
        before = kind
    return numbers >= MANY_NUMBERS


@njit(cache=True)
def _is_of_many_scripts(message: Array, kinds: Array) -> bool:
    """A word of another script follows without a comma, four times, and four scripts are there."""
    seen, changes, before = 0, 0, 0
    for code in message:
        kind = _kind(code, kinds)
        if kind == _PARTICLE:
            kind = _SCRIPTS
        if kind == _COMMA:
            before = 0
        elif 0 < kind <= _SCRIPTS:
            seen |= 1 << kind
            changes += before not in (0, kind)
            before = kind
    scripts = 0
    while seen:
        scripts += seen & 1
        seen >>= 1
    return scripts >= MANY_SCRIPTS and changes >= MANY_SCRIPTS


@njit(cache=True)
def _is_grammar(message: Array, kinds: Array) -> bool:
    signs, particles = 0, 0
    for code in message:
        kind = _kind(code, kinds)
        if kind == _COMMA:
            return False
        signs += kind == 8 or kind == _PARTICLE
        particles += kind == _PARTICLE
    return signs >= LONG_GRAMMAR and particles >= SHARE_GRAMMAR * signs
