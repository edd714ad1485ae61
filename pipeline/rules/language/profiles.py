"""The letter statistics that ship with langdetect, laid out for compiled code, and the two loops that read them.

A profile gives the frequency of every run of one, two and three letters ("gram") in the Wikipedia of one language
(Nakatani 2010, "Language Detection Library for Java"). langdetect looks grams up in Python dictionaries, one text
at a time; here they stand in one hash table, and whole batches of texts are read straight from Arrow's buffers.

`hear` adds up what every gram says: exact, without dice, and fast. `replay` throws langdetect's own dice, in
langdetect's own order, and so gives the answers of the package. Both take a batch of texts as (buffer, offsets).
"""

from __future__ import annotations

import json
import math
import random
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import langdetect
import numpy as np
from langdetect.utils.ngram import NGram
from langdetect.utils.unicode_block import unicode_block

from pipeline.compiled import njit

Array = np.ndarray[Any, Any]

LONGEST = 10_000  # characters of a text that are looked at, as in langdetect
FLOOR = (
    0.5 / 10_000
)  # the probability of a gram a language never uses: langdetect's alpha / base frequency
UNIT = 24  # one unit of weight of evidence is 1/24 nat, so that the largest, log(1 / FLOOR) = 9.9 nats, fits a byte
LANES = 64  # languages, padded to one cache line of bytes; the padding never wins
WIDE = 56  # the same in langdetect's own 64-bit floats: seven cache lines

_UPPER, _LATIN, _OTHER_SCRIPT, _SYLLABIC = 1, 2, 4, 8
_HASH = 0x9E3779B97F4A7C15  # 2**64 / golden ratio (Knuth, multiplicative hashing)
_COMPILE = {"cache": True, "nogil": True}


class Letters(NamedTuple):
    """What the loops need to know of letters and grams. The hash table is open, a third full, probed in steps of 1."""

    folded: Array  # (65536,) int64, code point → the letter that stands for it
    kind: Array  # (65536,) uint8, bits _UPPER, _LATIN, _OTHER_SCRIPT, _SYLLABIC
    keys: Array  # (2**bits,) uint64, grams
    rows: Array  # (2**bits,) int32, row in the tables below, -1 = free


class Weights(NamedTuple):
    """The evidence of grams for languages; `names` are ISO 639-1 codes, zh for all Chinese."""

    names: tuple[str, ...]
    weight: Array  # (grams, LANES) uint8, log(probability / FLOOR) in 1/24 nat
    once: Array  # (grams,) bool, see `hear`


class Chances(NamedTuple):
    """langdetect's own table; `names` as in the package (zh-cn, zh-tw)."""

    names: tuple[str, ...]
    chance: Array  # (grams, WIDE) float64
    dice: Array  # (2**17,) uint32, the Mersenne Twister's words after seed 0


@cache
def letters() -> Letters:
    grams = _grams()[0]
    size = 1 << (3 * grams.size).bit_length()
    return Letters(*_characters(), *_hashed(grams, size))


@cache
def weights() -> Weights:
    """Chinese in both scripts becomes one language: what either profile allows, it allows. Chinese signs speak for
    Chinese and Japanese alone: quoted in the Wikipedias of others, they would make Korean claim short Chinese texts."""
    names, chance = _chances()
    chance[:, names.index("zh-cn")] = np.maximum(
        chance[:, names.index("zh-cn")], chance[:, names.index("zh-tw")]
    )
    for lane, name in enumerate(names):
        if name not in ("zh-cn", "ja"):
            chance[_holds(_grams()[0], 0x3400, 0xA000), lane] = 0
    kept = [i for i, name in enumerate(names) if name != "zh-tw"]
    weight = np.zeros((len(chance), LANES), np.uint8)
    weight[:, : len(kept)] = np.rint(UNIT * np.log1p(chance[:, kept] / FLOOR))
    return Weights(
        tuple(names[i].partition("-")[0] for i in kept),
        weight,
        ~_holds(_grams()[0], 0x2E80, 0x110000),
    )


@cache
def chances() -> Chances:
    twister = random.Random(0)
    return Chances(
        *_chances(), np.array([twister.getrandbits(32) for _ in range(1 << 17)], np.uint32)
    )


@cache
def _grams() -> tuple[Array, list[tuple[str, Array, Array]]]:
    """All grams, and per language (name, row of each of its grams, probability of each)."""
    languages = []
    for path in sorted((Path(langdetect.__file__).parent / "profiles").iterdir()):
        profile = json.loads(path.read_bytes())
        known = [(gram, count) for gram, count in profile["freq"].items() if 1 <= len(gram) <= 3]
        of_length = np.array(profile["n_words"], np.float64)[[len(gram) - 1 for gram, _ in known]]
        chance = np.array([count for _, count in known], np.float64) / of_length
        languages.append((profile["name"], _packed([gram for gram, _ in known]), chance))
    grams = np.unique(np.concatenate([keys for _, keys, _ in languages]))
    return grams, [(name, np.searchsorted(grams, keys), chance) for name, keys, chance in languages]


def _chances() -> tuple[tuple[str, ...], Array]:
    grams, languages = _grams()
    chance = np.zeros((grams.size, WIDE))
    for lane, (_, rows, values) in enumerate(languages):
        chance[rows, lane] = values
    return tuple(name for name, _, _ in languages), chance


def _holds(grams: Array, first: int, end: int) -> Array:
    """Which grams have a letter of the range [first, end)."""
    letters = (grams >> np.array([[42], [21], [0]], np.uint64)) & np.uint64(0x1FFFFF)  # (3, grams)
    held: Array = np.logical_or.reduce((letters >= first) & (letters < end))
    return held


def _packed(grams: list[str]) -> Array:
    """One to three letters as one number, 21 bits a letter from the left."""
    points = np.array(grams, "<U3").view(np.uint32).reshape(-1, 3).astype(np.uint64)
    packed: Array = points[:, 0] << np.uint64(42) | points[:, 1] << np.uint64(21) | points[:, 2]
    return packed


def _hashed(grams: Array, size: int) -> tuple[Array, Array]:
    """All grams step on together; of those that want one free slot the first gets it, the others go one further."""
    keys, rows = np.zeros(size, np.uint64), np.full(size, -1, np.int32)
    waiting = np.arange(grams.size)
    slot = (grams * np.uint64(_HASH)) >> np.uint64(65 - size.bit_length())
    while waiting.size:
        free = np.flatnonzero(rows[slot] < 0)
        _, first = np.unique(slot[free], return_index=True)
        placed = free[first]
        keys[slot[placed]], rows[slot[placed]] = grams[waiting[placed]], waiting[placed]
        waiting, slot = np.delete(waiting, placed), np.delete(slot, placed)
        slot = (slot + np.uint64(1)) & np.uint64(size - 1)
    return keys, rows


def _characters() -> tuple[Array, Array]:
    folded, kind = np.arange(1 << 16), np.zeros(1 << 16, np.uint8)
    for point in range(1 << 16):
        character = chr(point)
        letter = NGram.normalize(character)
        folded[point] = ord(letter)
        kind[point] = _UPPER * letter.isupper()
        if "A" <= character <= "z":
            kind[point] |= _LATIN
        # The package compares the block's number with its name here, so the exception it means to make never holds.
        elif character >= "\u0300" and unicode_block(character) != "Latin Extended Additional":
            kind[point] |= _OTHER_SCRIPT
            kind[point] |= _SYLLABIC * (0x2E80 <= point < 0xD7B0)  # Han, kana, Hangul
    return folded, kind


@njit(**_COMPILE)
def _decoded(buffer, start, end, points):  # type: ignore[no-untyped-def]
    """UTF-8 to code points; runs of blanks become one. The number of code points."""
    at, seen, n, before = start, 0, 0, np.int64(0)
    while at < end and seen < LONGEST:
        first = np.int64(buffer[at])
        tail = (first >= 0xC0) + (first >= 0xE0) + (first >= 0xF0)  # bytes that follow
        point = first & (0x3F >> tail) if tail else first
        for i in range(1, tail + 1):
            point = point << 6 | np.int64(buffer[at + i]) & 0x3F
        at += 1 + tail
        seen += 1
        if point != 32 or before != 32:
            points[n] = point
            n += 1
        before = point
    return n


@njit(**_COMPILE)
def _read(buffer, start, end, letters, as_package, points, found):  # type: ignore[no-untyped-def]
    """The rows of all known grams of one text, in order, into `found`; their number.

    Words in capitals (from the second letter on) do not count. Latin letters do not count where another script
    prevails: in the package where it has more than twice as many letters, else where it has more, a Chinese, Japanese
    or Korean sign worth three (a song title in a Chinese sentence is no English).
    """
    n = _decoded(buffer, start, end, points)
    latin, other, syllables = 0, 0, 0
    for i in range(n):
        kind = letters.kind[points[i]] if points[i] < 65536 else _OTHER_SCRIPT
        latin += (kind & _LATIN) >> 1
        other += (kind & _OTHER_SCRIPT) >> 2
        syllables += (kind & _SYLLABIC) >> 3
    skip_latin = 2 * latin < other if as_package else latin < other + 2 * syllables
    shift, mask = np.uint64(65 - _bits(letters.keys.size)), np.uint64(letters.keys.size - 1)
    first, second, third = (
        np.int64(0),
        np.int64(0),
        np.int64(32),
    )  # the last three letters; third is the newest
    size, capitals, upper_before, m = 1, False, False, 0
    for i in range(n):
        letter, upper = points[i], False
        if skip_latin and 65 <= letter <= 122:
            continue
        if letter < 65536:
            upper = (letters.kind[letter] & _UPPER) != 0
            letter = letters.folded[letter]
        if third == 32:
            size, capitals, upper_before = 1, False, False
            if letter == 32:
                continue
        first, second, third = second, third, letter
        size = min(size + 1, 3)
        capitals = upper and (capitals or upper_before)
        upper_before = upper
        if capitals:
            continue
        for length in range(1, size + 1):
            if length == 1:
                if third == 32:
                    continue
                key = np.uint64(third) << np.uint64(42)
            elif length == 2:
                key = np.uint64(second) << np.uint64(42) | np.uint64(third) << np.uint64(21)
            else:
                key = (
                    np.uint64(first) << np.uint64(42)
                    | np.uint64(second) << np.uint64(21)
                    | np.uint64(third)
                )
            slot = (key * np.uint64(_HASH)) >> shift
            while letters.rows[slot] >= 0:
                if letters.keys[slot] == key:
                    found[m] = letters.rows[slot]
                    m += 1
                    break
                slot = (slot + np.uint64(1)) & mask
    return m


@njit(**_COMPILE)
def _bits(number):  # type: ignore[no-untyped-def]
    bits = 0
    while number >> bits:
        bits += 1
    return bits


@njit(**_COMPILE)
def hear(buffer, offsets, letters, weight, once):  # type: ignore[no-untyped-def]
    """How much each text sounds like each language: (texts, LANES) int32 in 1/24 nat over a text of unknown grams.

    In alphabets a gram counts once a text: "Okay, okay, okay" and "I like to go hiking, swimming and kayaking" say no
    more than "Okay" and "I like hiking". The grams of other scripts stand for whole classes of signs and all count.
    """
    heard = np.zeros((offsets.size - 1, LANES), np.int32)
    points, found = np.empty(LONGEST, np.int64), np.empty(3 * LONGEST, np.int32)
    last = np.full(weight.shape[0], -1, np.int64)  # the text each gram was last found in
    for text in range(offsets.size - 1):
        for i in range(
            _read(buffer, offsets[text], offsets[text + 1], letters, False, points, found)
        ):
            row = found[i]
            if last[row] == text and once[row]:
                continue
            last[row] = text
            for lane in range(LANES):
                heard[text, lane] += weight[row, lane]
    return heard


@njit(**_COMPILE)
def replay(buffer, offsets, letters, chance, dice, languages):  # type: ignore[no-untyped-def]
    """langdetect's answer for each text: a lane, `languages` for "unknown", `languages` + 1 for no known gram at all.

    The package seeds its generator anew for every text, so its dice fall the same way each time and are thrown once.
    Probabilities are multiplied and summed in the package's order, in the same 64 bits.
    """
    answers = np.empty(offsets.size - 1, np.int64)
    points, found = np.empty(LONGEST, np.int64), np.empty(3 * LONGEST, np.int32)
    for text in range(offsets.size - 1):
        m = _read(buffer, offsets[text], offsets[text + 1], letters, True, points, found)
        if m == 0:
            answers[text] = languages + 1
            continue
        mean = _trials(found, m, chance, dice, languages)
        best = np.argmax(mean)
        answers[text] = best if mean[best] > 0.1 else languages
    return answers


@njit(**_COMPILE)
def _trials(found, m, chance, dice, languages):  # type: ignore[no-untyped-def]
    """Mean probability of each language over langdetect's seven trials, each with a jittered floor."""
    mean, likely = np.zeros(WIDE), np.zeros(WIDE)
    shift = np.uint32(32 - _bits(m))
    at, sine = 0, 0.0
    for trial in range(7):
        if trial % 2 == 0:  # random.gauss makes two numbers at a time
            angle = _fraction(dice, at) * (2.0 * math.pi)
            length = math.sqrt(-2.0 * math.log(1.0 - _fraction(dice, at + 2)))
            at += 4
            normal, sine = math.cos(angle) * length, math.sin(angle) * length
        else:
            normal = sine
        floor = (0.5 + normal * 0.05) / 10_000
        likely[:languages] = 1.0 / languages
        for step in range(1001):
            pick = np.int64(dice[at] >> shift)
            at += 1
            while pick >= m:  # random.choice throws again rather than fold
                pick = np.int64(dice[at] >> shift)
                at += 1
            row = found[pick]
            for lane in range(WIDE):
                likely[lane] *= floor + chance[row, lane]
            if step % 5 == 0 and _normalised(likely) > 0.99999:
                break
        for lane in range(languages):
            mean[lane] += likely[lane] / 7
    return mean


@njit(**_COMPILE)
def _fraction(dice, at):  # type: ignore[no-untyped-def]
    """random.random() from two words."""
    return (
        (dice[at] >> np.uint32(5)) * 67108864.0 + (dice[at + 1] >> np.uint32(6))
    ) / 9007199254740992.0


@njit(**_COMPILE)
def _normalised(likely):  # type: ignore[no-untyped-def]
    """Divides by the sum, in place; the largest."""
    total, largest = 0.0, 0.0
    for lane in range(WIDE):
        total += likely[lane]
    for lane in range(WIDE):
        likely[lane] /= total
        largest = max(largest, likely[lane])
    return largest
