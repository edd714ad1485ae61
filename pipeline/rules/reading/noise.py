"""Words of noise: keys struck at random and letters held down, told by pairs of letters that no language has.

Latin letters only: the profiles leave out what is rarer than 1 in 10,000, and only sixteen languages together leave
few gaps. One alphabet of one language (Cyrillic was tried) makes noise of good words.
"""

from __future__ import annotations

import json
import math
import unicodedata
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import langdetect
import numpy as np

from pipeline.compiled import njit

# Mean bits of a word's letter pairs above which it is noise. Source: 3 in 1,000 words of human dialogues in ten
# languages lie above (names, abbreviations), so three in a row are no accident.
RARE = 10.0
LONG = 4  # letters: shorter words tell nothing
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


def longest_run(text: str) -> tuple[int, int, int]:
    """The longest run of words of noise inside one message: words, start, end in `text` (messages joined by NUL)."""
    codes = np.frombuffer(text.encode("utf-32-le", "replace"), np.uint32)
    return _run(codes, *_tables())  # type: ignore[no-any-return]


@njit(cache=True)  # type: ignore[untyped-decorator]
def _run(codes: Any, letters: Any, bits: Any) -> tuple[int, int, int]:
    best, best_start, best_end = 0, 0, 0
    run, run_start = 0, 0
    word_start, total, before, held = 0, 0.0, 0, True
    for k in range(len(codes) + 1):
        code = codes[k] if k < len(codes) else np.uint32(0)
        letter = letters[code] if code < 65536 else 0
        if letter and before:
            total += bits[before, letter]
            held = held and letter == before
        elif letter:
            word_start, total, held = k, 0.0, True
        elif before and k - word_start >= LONG:
            if held or total > RARE * (k - word_start - 1):
                run_start = run_start if run else word_start
                run += 1
                if run > best:
                    best, best_start, best_end = run, run_start, k
            else:
                run = 0
        if code == 0:
            run = 0
        before = letter
    return best, best_start, best_end


@cache
def _tables() -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Character → letter 1 to 26, 0 for others, uint8 (65536,); bits of a pair in the language that likes it most."""
    letters = np.zeros(65536, np.uint8)
    for code in range(65536):
        letters[code] = _LETTERS.find(_plain(chr(code))) + 1
    bits = np.full((len(_LETTERS) + 1, len(_LETTERS) + 1), _NEVER, np.float32)
    for language in _LATIN:
        for pair, share in _pairs(language).items():
            i, j = (int(letters[ord(c)]) for c in pair)
            bits[i, j] = min(bits[i, j], -math.log2(share))
    return letters, bits


def _pairs(language: str) -> Counter[str]:
    """Pairs of plain letters in langdetect's profile of a language (Nakatani 2010) and their share of all pairs."""
    profile = json.loads(
        (Path(langdetect.__file__).parent / "profiles" / language).read_text("utf-8")
    )
    shares: Counter[str] = Counter()
    for gram, count in profile["freq"].items():
        pair = "".join(map(_plain, gram))
        if len(gram) == 2 and all(letter in _LETTERS for letter in pair):
            shares[pair] += count / profile["n_words"][1]
    return shares


def _plain(letter: str) -> str:
    """Lower case, without accents."""
    return unicodedata.normalize("NFD", letter.lower())[0]
