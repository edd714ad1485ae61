"""Words of noise: keys struck at random and letters held down, by the surprise of their letters.

Every three letters of a word are looked up in the language that has them most, of those that write
in its script; what no language has costs `NEVER` bits:

    "strong"  →  _st 8 · str 8 · tro 9 · ron 9 · ong 9 · ng_ 7           mean  8 bits: a word
    "asdkjh"  →  _as 9 · asd 14 · sdk 20 · dkj 20 · kjh 20 · jh_ 20      mean 17 bits: noise

Names and rare words are as strange as that now and then, so one word says nothing: `longest_run`
gives how many stand in a row. Latin and Cyrillic letters only. The profiles leave out what is rarer
than 1 in 10,000; thirty languages of one script leave few gaps, four leave more, so the limit of
Cyrillic is higher, and lower only for words on one row of the keyboard ("жлдорпав").
"""

from __future__ import annotations

import json
import math
import unicodedata
from collections import Counter
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import langdetect
import numpy as np

from pipeline.compiled import njit
from pipeline.rules.language.prepared import Arrays, prepared

LONG = 4  # letters: shorter words say nothing
NEVER = 20.0  # bits of three letters that no language has
# Mean bits of a word's threes above which it is noise: of any word, and of one whose letters stand
# on one row of the keyboard. Source: 5 in 1,000 Latin and 27 in 1,000 Cyrillic words of people in
# eleven languages lie above; three different ones in a row, 5 times in 360,000 messages.
RARE_LATIN, RARE_LATIN_ROW = 12.5, 11.2
RARE_CYRILLIC, RARE_CYRILLIC_ROW = 17.2, 13.4
# Mean bits of a whole message that is one or two words long, and its letters.
RARE_ALONE, LONG_ALONE = 15.5, 8
ALONE = 3  # words that such a message counts as

DRAWN_OUT, LONG_HELD = 3, 6  # the same letter in a row; in a word that holds no other
LONG_CAPITALS = 5

_LATIN = (
    "en de fr es it pt nl pl sv id tr fi cs ro hu vi da no hr sk sl sq et lt lv tl sw so af ca cy"
)
_CYRILLIC = "ru uk bg mk"
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_CYRILLIC_LETTERS = "абвгдежзийклмнопрстуфхцчшщъыьэюяєіїґјљњќћџѓѕђ"
_ALL = _LETTERS + _CYRILLIC_LETTERS
_ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm", "йцукенгшщзхъ", "фывапролджэ", "ячсмитьбю")
_LETTER_OF = {"ł": "l", "ø": "o", "đ": "d", "ß": "s", "æ": "e", "œ": "e", "ı": "i", "ð": "d"}
_PLANE = 65536
_EAST_ASIAN = 0x2E80  # from here on a sign is a word
# What stands there: the end of a message, something too short to say anything, a word, noise, noise
# that no name is as strange as.
_END, _SHORT, _WORD, _NOISE, _STRANGE = range(5)
_SIZE = len(_ALL) + 1

Array = np.ndarray[Any, Any]


class Run(NamedTuple):
    """Words of noise in a row: how many, and where they start and end in the text."""

    words: int
    start: int
    end: int


def longest_run(text: str) -> Run:
    """The longest run of words of noise inside one message. text: messages joined by NUL."""
    codes = np.frombuffer(text.encode("utf-32-le", "replace"), np.uint32)
    tables = _tables()
    words = _words(codes, tables["letters"], tables["rows"], tables["bits"])
    return Run(*_longest_run(words, codes, tables["letters"]))


@njit(cache=True)
def _longest_run(words: Array, codes: Array, letters: Array) -> tuple[int, int, int]:
    """The longest run of words of noise. words: as `_words` writes them."""
    best = run = (0, 0, 0)
    last, spoken, strange = 0, 0, True
    for start, end, kind in words:
        spoken += kind != _END
        if kind == _WORD:
            run = (0, 0, 0)
        elif kind >= _NOISE and not (run[0] and _is_again(codes, last, start, letters)):
            run = (run[0] + 1, run[1] if run[0] else start, end)
            last, strange = start, strange and kind == _STRANGE
            if run[0] > best[0]:
                best = run
        elif kind == _END:
            if best[0] < ALONE and strange and _is_alone(run, spoken):
                best = (ALONE, run[1], run[2])
            run, spoken, strange = (0, 0, 0), 0, True
    return best


@njit(cache=True)
def _is_alone(run: tuple[int, int, int], spoken: int) -> bool:
    """Is the run the whole message, one or two words long?"""
    return 0 < run[0] == spoken <= 2 and run[2] - run[1] >= LONG_ALONE


@njit(cache=True)
def _words(codes: Array, letters: Array, rows: Array, bits: Array) -> Array:
    """Start, end and kind of each word, and a last one of kind _END behind each message."""
    words = np.zeros((len(codes) + 2, 3), np.int64)
    count, start = 0, 0
    for end in range(len(codes) + 1):
        code = codes[end] if end < len(codes) else np.uint32(0)
        if code < _PLANE and letters[code]:
            continue
        if end > start:
            kind = _SHORT  # half of all words: not even asked, which halves the time
            if end - start >= LONG:
                kind = _kind(codes[start:end], letters, rows, bits)
            words[count, 0], words[count, 1], words[count, 2] = start, end, kind
            count += 1
        if code == 0 or code >= _EAST_ASIAN:
            kind = _SHORT if code else _END
            words[count, 0], words[count, 1], words[count, 2] = end, end, kind
            count += 1
        start = end + 1
    return words[:count]


@njit(cache=True)
def _kind(word: Array, letters: Array, rows: Array, bits: Array) -> int:
    if not _says_anything(word, letters):
        return _SHORT
    rare = _surprise(word, letters, bits)
    if rare <= _limit(word, letters, rows):
        return _WORD
    if rare > RARE_ALONE:
        return _STRANGE
    return _NOISE


@njit(cache=True)
def _says_anything(word: Array, letters: Array) -> bool:
    """Not short words in capitals ("HTML"), nor drawn-out ones ("brrrr"); but a key held down."""
    capitals, longest, held, before = 0, 1, 0, 0
    for code in word:
        capitals += 65 <= code <= 90 or 0x410 <= code <= 0x42F
        held = held + 1 if letters[code] == before else 1
        longest, before = max(longest, held), letters[code]
    if longest >= DRAWN_OUT:
        return longest == len(word) >= LONG_HELD
    return capitals < len(word) or capitals > LONG_CAPITALS


@njit(cache=True)
def _surprise(word: Array, letters: Array, bits: Array) -> float:
    """Mean bits of a word's threes; `NEVER` where it is one letter held down."""
    total, held = 0.0, True
    before, last = 0, letters[word[0]]
    for code in word[1:]:
        total += bits[before, last, letters[code]]
        held = held and letters[code] == last
        before, last = last, letters[code]
    total += bits[before, last, 0]
    if held:
        return NEVER
    mean: float = total / len(word)
    return mean


@njit(cache=True)
def _limit(word: Array, letters: Array, rows: Array) -> float:
    """Mean bits above which a word of this script is noise."""
    row = rows[letters[word[0]]]
    for code in word:
        if rows[letters[code]] != row:
            row = 0
    if letters[word[0]] <= len(_LETTERS):
        return RARE_LATIN_ROW if row else RARE_LATIN
    return RARE_CYRILLIC_ROW if row else RARE_CYRILLIC


@njit(cache=True)
def _is_again(codes: Array, before: int, start: int, letters: Array) -> bool:
    """Do the words that begin at `before` and `start` begin with the same three letters?

    "Kchch, kchch", "boys boys boys": a word that is said again is no other word.
    """
    same = True
    for k in range(3):
        same = same and letters[codes[before + k]] == letters[codes[start + k]]
    return same


@cache
def _tables() -> Arrays:
    return prepared("noise", _made, (Path(__file__), version("langdetect")))


def _made() -> Arrays:
    """Of characters, letters and threes.

    letters: characters as letters 1 to _SIZE - 1, 0 for others, uint8 (65536,). rows: the row of
    the keyboard of each letter, 1 to 6, uint8 (_SIZE,). bits: of each three, in the language that
    has it most, float32 (_SIZE, _SIZE, _SIZE).
    """
    letters = np.zeros(_PLANE, np.uint8)
    for code in range(_PLANE):
        letters[code] = _ALL.find(_plain(chr(code))) + 1
    rows = np.zeros(_SIZE, np.uint8)
    for number, row in enumerate(_ROWS, 1):
        for letter in row:
            rows[_ALL.index(letter) + 1] = number
    bits = np.full((_SIZE, _SIZE, _SIZE), NEVER, np.float32)
    for language in (*_LATIN.split(), *_CYRILLIC.split()):
        for three, share in _threes(language).items():
            place = tuple(_ALL.find(letter) + 1 for letter in three)
            bits[place] = min(bits[place], -math.log2(share))
    return {"letters": letters, "rows": rows, "bits": bits}


def _threes(language: str) -> Counter[str]:
    """Threes of plain letters and blanks in langdetect's profile of a language, as shares."""
    path = Path(langdetect.__file__).parent / "profiles" / language
    profile = json.loads(path.read_text("utf-8"))
    shares: Counter[str] = Counter()
    for gram, count in profile["freq"].items():
        three = "".join(map(_plain, gram))
        if len(three) == 3 and all(letter in _ALL or letter == " " for letter in three):
            shares[three] += count / profile["n_words"][2]
    return shares


def _plain(letter: str) -> str:
    """Lower case, without accents; letters that no accent makes as the plain one they look like."""
    lower = letter.lower()
    return _LETTER_OF.get(lower, unicodedata.normalize("NFD", lower)[0])
