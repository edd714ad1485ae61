"""Words of noise: keys struck at random and letters held down, by pairs that no language has.

Latin letters only: the profiles leave out what is rarer than 1 in 10,000, and only sixteen
languages together leave few gaps. One alphabet of one language (Cyrillic was tried) makes noise of
good words.

    "asdkjh"  →  as 7 bits · sd 12 · dk 11 · kj 20 · jh 20   mean 14 bits, above RARE: noise
    "strong"  →  st 6 · tr 7 · ro 7 · on 6 · ng 5            mean  6 bits: a word
"""

from __future__ import annotations

import json
import math
import unicodedata
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import langdetect
import numpy as np

from pipeline.compiled import njit

# Mean bits of a word's letter pairs above which it is noise. Source: 3 in 1,000 words of human
# dialogues in ten languages lie above (names, abbreviations), so three in a row are no accident.
RARE = 10.0
LONG = 4  # letters: shorter words say nothing
_NEVER = 20.0  # bits of a pair that no language has
_LATIN = (
    "en",
    "de",
    "fr",
    "es",
    "it",
    "pt",
    "nl",
    "pl",
    "sv",
    "id",
    "tr",
    "fi",
    "cs",
    "ro",
    "hu",
    "vi",
)
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_PLANE = 65536

Array = np.ndarray[Any, Any]


class Run(NamedTuple):
    """Words of noise in a row: how many, and where they start and end in the text."""

    words: int
    start: int
    end: int


def longest_run(text: str) -> Run:
    """The longest run of words of noise inside one message. text: messages joined by NUL."""
    codes = np.frombuffer(text.encode("utf-32-le", "replace"), np.uint32)
    return Run(*_longest_run(codes, *_tables()))


@njit(cache=True)  # type: ignore[untyped-decorator]
def _longest_run(codes: Array, letters: Array, bits: Array) -> tuple[int, int, int]:
    best, best_start, best_end = 0, 0, 0
    run, run_start, start = 0, 0, 0
    for end in range(len(codes) + 1):
        code = codes[end] if end < len(codes) else np.uint32(0)
        if code < _PLANE and letters[code]:
            continue
        if end - start >= LONG:
            if not _is_noise(codes, start, end, letters, bits):
                run = 0
            else:
                run_start = run_start if run else start
                run += 1
                if run > best:
                    best, best_start, best_end = run, run_start, end
        if code == 0:  # the end of a message
            run = 0
        start = end + 1
    return best, best_start, best_end


@njit(cache=True)  # type: ignore[untyped-decorator]
def _is_noise(codes: Array, start: int, end: int, letters: Array, bits: Array) -> bool:
    """Is this word one letter held down, or made of pairs that are too rare?"""
    total, held = 0.0, True
    for k in range(start + 1, end):
        before, letter = letters[codes[k - 1]], letters[codes[k]]
        total += bits[before, letter]
        held = held and letter == before
    return held or total > RARE * (end - start - 1)


@cache
def _tables() -> tuple[Array, Array]:
    """Characters as letters 1 to 26, 0 for others, uint8 (65536,); and the bits of each pair.

    Bits: in the language that has the pair most, float32 (27, 27).
    """
    letters = np.zeros(_PLANE, np.uint8)
    for code in range(_PLANE):
        letters[code] = _LETTERS.find(_plain(chr(code))) + 1
    bits = np.full((len(_LETTERS) + 1, len(_LETTERS) + 1), _NEVER, np.float32)
    for language in _LATIN:
        for pair, share in _pairs(language).items():
            place = tuple(int(letters[ord(letter)]) for letter in pair)
            bits[place] = min(bits[place], -math.log2(share))
    return letters, bits


def _pairs(language: str) -> Counter[str]:
    """Pairs of plain letters in langdetect's profile of a language, as shares of all pairs."""
    path = Path(langdetect.__file__).parent / "profiles" / language
    profile = json.loads(path.read_text("utf-8"))
    shares: Counter[str] = Counter()
    for gram, count in profile["freq"].items():
        pair = "".join(map(_plain, gram))
        if len(gram) == 2 and all(letter in _LETTERS for letter in pair):
            shares[pair] += count / profile["n_words"][1]
    return shares


def _plain(letter: str) -> str:
    """Lower case, without accents."""
    return unicodedata.normalize("NFD", letter.lower())[0]
