"""The letter statistics that ship with langdetect, laid out for compiled code.

A profile gives the frequency of every run of one, two and three letters ("gram") in the Wikipedia
of one language (Nakatani 2010, "Language Detection Library for Java"). langdetect looks grams up in
Python dictionaries, one text at a time. Here every gram of every language has one row, in a table
with a lane for each language; `weigh.py` reads whole batches of texts with them:

    gram    hash table       row        af  ar  bg  …  zh   padding
    "ich"   keys, rows   →   41,203      0   0   0  …   0         0     one cache line, 64 bytes

    letters()    how characters are folded, and the hash table from grams to rows
    weights()    the evidence of each gram for each language, in one byte
    chances()    langdetect's own probabilities and dice, to replay the package
"""

from __future__ import annotations

import json
import random
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import langdetect
import numpy as np
from langdetect.utils.ngram import NGram

from pipeline.rules.language.prepared import Arrays, prepared

Array = np.ndarray[Any, Any]

FLOOR = (
    0.5 / 10_000
)  # probability of a gram that a language lacks: langdetect's alpha / base frequency
UNIT = 24  # units of evidence in a nat: the largest, log(1 / FLOOR) = 9.9 nats, fits a byte
LANES = 64  # languages, padded to one cache line of bytes; the padding never wins
WIDE = 56  # the same in langdetect's own 64-bit floats: seven cache lines
DICE = 1 << 17  # words: more than the trials of one text can use

UPPER, LATIN, OTHER_SCRIPT, SYLLABIC = 1, 2, 4, 8
HASH = 0x9E3779B97F4A7C15  # 2**64 / golden ratio (Knuth, multiplicative hashing)
COMBINING = 0x300  # accents; from here on characters are of another script
HAN, HAN_END = 0x3400, 0xA000
EAST_ASIAN, HANGUL_END = 0x2E80, 0xD7B0  # Han, kana, Hangul: letters stand for syllables or words
PLANE, LAST = 1 << 16, 0x110000


class Letters(NamedTuple):
    """What the loops need to know of letters and grams. The hash table is open and a third full."""

    folded: Array  # (65536,) int64, code point → the letter that stands for it
    kind: Array  # (65536,) uint8, bits UPPER, LATIN, OTHER_SCRIPT, SYLLABIC
    keys: Array  # (2**n,) uint64, grams
    rows: Array  # (2**n,) int32, row in the tables below, -1 = free
    shift: np.uint64  # 64 - n, by which a hash becomes a slot


class Weights(NamedTuple):
    """The evidence of grams for languages; `names` are ISO 639-1 codes, zh for all Chinese."""

    names: tuple[str, ...]
    weight: Array  # (grams, LANES) uint8, log(probability / FLOOR) in 1/24 nat
    once: Array  # (grams,) bool, grams of alphabets: they count once a text


class Chances(NamedTuple):
    """langdetect's own table; `names` as in the package (zh-cn, zh-tw)."""

    names: tuple[str, ...]
    chance: Array  # (grams, WIDE) float64
    dice: Array  # (DICE,) uint32, the Mersenne Twister's words after seed 0


class _Profile(NamedTuple):
    """One language's file: its name, its grams as numbers, the probability of each."""

    name: str
    grams: Array  # (n,) uint64
    chance: Array  # (n,) float64


@cache
def letters() -> Letters:
    tables = _tables()
    keys = tables["keys"]
    return Letters(tables["folded"], tables["kind"], keys, tables["rows"], _shift(keys.size))


@cache
def weights() -> Weights:
    tables = _tables()
    return Weights(tuple(tables["names"].tolist()), tables["weight"], tables["once"])


@cache
def chances() -> Chances:
    twister = random.Random(0)
    dice = [twister.getrandbits(32) for _ in range(DICE)]
    return Chances(*_chances(), np.array(dice, np.uint32))


@cache
def _tables() -> Arrays:
    return prepared("languages", _made, (Path(__file__), version("langdetect")))


def _made() -> Arrays:
    """The tables of `Letters` and `Weights`; half a CPU-second."""
    folded, kind = _characters()
    keys, rows = _hashed(_grams())
    names, weight = _weights()
    alphabetic = ~_holds(EAST_ASIAN, LAST)
    return {
        "folded": folded,
        "kind": kind,
        "keys": keys,
        "rows": rows,
        "names": np.array(names),
        "weight": weight,
        "once": alphabetic,
    }


def _weights() -> tuple[list[str], Array]:
    """Names and weights of the languages, Chinese in both scripts as one.

    Chinese signs speak for Chinese and Japanese alone. The Wikipedias of others quote them, which
    would make Korean claim short Chinese texts.
    """
    names, chance = _chances()
    chinese, traditional = names.index("zh-cn"), names.index("zh-tw")
    chance[:, chinese] = np.maximum(chance[:, chinese], chance[:, traditional])
    quoting = [name not in ("zh-cn", "ja") for name in names]
    chance[np.ix_(_holds(HAN, HAN_END), np.flatnonzero(quoting))] = 0
    kept = [lane for lane in range(len(names)) if lane != traditional]
    weight = np.zeros((len(chance), LANES), np.uint8)
    weight[:, : len(kept)] = np.rint(UNIT * np.log1p(chance[:, kept] / FLOOR))
    return [names[lane].partition("-")[0] for lane in kept], weight


def _chances() -> tuple[tuple[str, ...], Array]:
    """The names of all languages, and the probability of each gram in a lane for each."""
    grams = _grams()
    chance = np.zeros((grams.size, WIDE))
    for lane, profile in enumerate(_profiles()):
        chance[np.searchsorted(grams, profile.grams), lane] = profile.chance
    return tuple(profile.name for profile in _profiles()), chance


@cache
def _grams() -> Array:
    """The grams of all languages as numbers, in order."""
    return np.unique(np.concatenate([profile.grams for profile in _profiles()]))


@cache
def _profiles() -> list[_Profile]:
    folder = Path(langdetect.__file__).parent / "profiles"
    return [_profile(path) for path in sorted(folder.iterdir())]


def _profile(path: Path) -> _Profile:
    """A file of langdetect: {"name": "de", "freq": {"ich": 1234, …}, "n_words": [9, 9, 9]}.

    freq: how often each gram was seen. n_words: how many grams of one, two and three letters.
    """
    content = json.loads(path.read_bytes())
    counts = {gram: count for gram, count in content["freq"].items() if 1 <= len(gram) <= 3}
    lengths = np.array(list(map(len, counts)))
    totals = np.array(content["n_words"], np.float64)[lengths - 1]
    chance = np.array(list(counts.values()), np.float64) / totals
    return _Profile(content["name"], _packed(list(counts)), chance)


def _holds(first: int, end: int) -> Array:
    """Which grams have a letter of the range [first, end)."""
    shifts = np.array([[42], [21], [0]], np.uint64)
    letters = (_grams() >> shifts) & np.uint64(0x1FFFFF)  # (3, grams)
    held: Array = np.logical_or.reduce((letters >= first) & (letters < end))
    return held


def _packed(grams: list[str]) -> Array:
    """One to three letters as one number, 21 bits a letter from the left."""
    points = np.array(grams, "<U3").view(np.uint32).reshape(-1, 3).astype(np.uint64)
    first, second, third = points.T
    packed: Array = first << np.uint64(42) | second << np.uint64(21) | third
    return packed


def _hashed(grams: Array) -> tuple[Array, Array]:
    """Keys and rows of the hash table: every gram goes to its slot, or the next free one after it.

    All grams step on together. Of those that want the same free slot the first gets it, the others
    try the next one:

        "ich" "der" "das"  want slots  7 7 9   →  "ich" 7, "das" 9, and "der" goes on to 8
    """
    size = 1 << (3 * grams.size).bit_length()
    keys, rows = np.zeros(size, np.uint64), np.full(size, -1, np.int32)
    waiting = np.arange(grams.size)
    slot = (grams * np.uint64(HASH)) >> _shift(size)
    while waiting.size:
        free = np.flatnonzero(rows[slot] < 0)
        _, first = np.unique(slot[free], return_index=True)
        placed = free[first]
        keys[slot[placed]], rows[slot[placed]] = grams[waiting[placed]], waiting[placed]
        waiting, slot = np.delete(waiting, placed), np.delete(slot, placed)
        slot = (slot + np.uint64(1)) & np.uint64(size - 1)
    return keys, rows


def _shift(size: int) -> np.uint64:
    return np.uint64(65 - size.bit_length())


def _characters() -> tuple[Array, Array]:
    """What each character is folded to, and of which kind it is."""
    folded, kind = np.zeros(PLANE, np.int64), np.zeros(PLANE, np.uint8)
    for point in range(PLANE):
        letter = NGram.normalize(chr(point))
        folded[point] = ord(letter)
        kind[point] = UPPER * letter.isupper() | _script(point)
    return folded, kind


def _script(point: int) -> int:
    if "A" <= chr(point) <= "z":
        return LATIN
    # The package means to leave out Vietnamese letters here, but compares the number of a block
    # with its name. We do as the package does.
    if point < COMBINING:
        return 0
    return OTHER_SCRIPT | SYLLABIC * (EAST_ASIAN <= point < HANGUL_END)
