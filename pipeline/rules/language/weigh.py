"""The two compiled loops over texts: how well each language fits, and langdetect's own answer.

    weigh(texts, letters, weight, once, scratch)              how well each language fits each text
    replay(texts, letters, chance, dice, languages, scratch)  what the package langdetect answers

Both take a batch of texts as Arrow keeps them, one UTF-8 buffer and the offsets of the texts in it,
and read a text as the rows of its grams in the tables of `profiles.py`. A gram is one, two or three
letters that follow each other; words begin and end with a blank, and no gram goes across one:

    "du ich"  →  d · _d · u · du · _du · u_ · du_   and   i · _i · c · ic · _ic · h · ch · ich

The last three letters stand in one number, the window, from which all three grams are cut (21 bits
each):

    window     _ | d | u        after the letter u
    1 letter   u | 0 | 0        two letters to the left, what falls out is gone
    2 letters  d | u | 0        one letter to the left
    3 letters  _ | d | u        as it is

How a text becomes evidence. The profile of a language gives the probability p of each gram; a gram
that it lacks has the probability `FLOOR` everywhere. If grams were independent, the probability of
a text would be the product over its grams, so logarithms are added. Stored is log(p / FLOOR), by
which a gram that a language lacks adds nothing, in units of 1/24 nat, by which the largest fits a
byte. For the word "ich":

            i   _i    c   ic  _ic    h   ch  ich   h_  ch_     sum
    de    179  131  150  113    0  158  143  116  109  115    1214
    en    177  133  154  115    0  160  103   73  111   89    1115
    nl    175  134  138   96    0  145  115   78   77   75    1033

Only differences count, for a text of unknown language is not compared with anything else: German
fits better than English by (1214 - 1115) / 24 = 4.1 nats, which is a likelihood ratio of 62 to 1,
and better than Dutch by 7.5. Single letters hardly tell languages apart; "ch", "ich" and "ch_" do.

One short message gathers a few nats, a sentence in another language dozens: `detect.py` says what
is made of the difference.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from pipeline.compiled import njit
from pipeline.rules.language.profiles import (
    HASH,
    LANES,
    LATIN,
    OTHER_SCRIPT,
    SYLLABIC,
    UPPER,
    WIDE,
    Array,
    Letters,
)

LONGEST = 10_000  # characters of a text that are looked at, as in langdetect
TRIALS = 7
STEPS = 1001
SURE = 0.99999  # a trial ends where a language has this probability
LIKELY = 0.1  # mean probability from which on langdetect names a language

_PLANE = 65536
_BLANK = 32
_BITS = np.uint64(21)  # of a letter in a gram
_LETTER = np.uint64((1 << 21) - 1)
_WINDOW = np.uint64((1 << 63) - 1)
_COMPILE = {"cache": True, "nogil": True}


class Texts(NamedTuple):
    """A batch of texts. Text i is buffer[offsets[i]:offsets[i + 1]], in UTF-8."""

    buffer: Array  # (bytes,) uint8
    offsets: Array  # (texts + 1,) int64


class Scratch(NamedTuple):
    """Where a text is unpacked."""

    points: Array  # (LONGEST,) int64, its code points
    rows: Array  # (3 * LONGEST,) int32, the rows of its known grams, in order


def new_scratch() -> Scratch:
    return Scratch(np.empty(LONGEST, np.int64), np.empty(3 * LONGEST, np.int32))


@njit(**_COMPILE)
def _decoded(text: Array, points: Array) -> int:
    """UTF-8 to code points; runs of blanks become one. The number of code points."""
    at, seen, count, before = np.int64(0), 0, 0, np.int64(0)
    while at < text.size and seen < LONGEST:
        first = np.int64(text[at])
        tail = (first >= 0xC0) + (first >= 0xE0) + (first >= 0xF0)  # bytes that follow
        point = first & (0x3F >> tail) if tail else first
        for i in range(1, tail + 1):
            point = (point << 6) | (np.int64(text[at + i]) & 0x3F)
        at += 1 + tail
        seen += 1
        if point != _BLANK or before != _BLANK:
            points[count] = point
            count += 1
        before = point
    return count


@njit(**_COMPILE)
def _latin_is_foreign(points: Array, kinds: Array, as_package: bool) -> bool:
    """Does another script prevail, so that Latin letters do not count?

    In the package where it has more than twice as many letters, else where it has more, a Chinese,
    Japanese or Korean sign worth three: a song title does not make a Chinese sentence English.
    """
    latin, other, syllables = 0, 0, 0
    for point in points:
        kind = kinds[point] if point < _PLANE else OTHER_SCRIPT
        latin += (kind & LATIN) != 0
        other += (kind & OTHER_SCRIPT) != 0
        syllables += (kind & SYLLABIC) != 0
    return 2 * latin < other if as_package else latin < other + 2 * syllables


@njit(**_COMPILE)
def _leave_out_latin(points: Array) -> int:
    """Moves the other letters together; how many there are."""
    kept = 0
    for point in points:
        if not 65 <= point <= 122:  # "A" to "z"
            points[kept] = point
            kept += 1
    return kept


@njit(**_COMPILE)
def _bits(number: int) -> int:
    """How many binary digits a number has."""
    bits = 0
    while number >> bits:
        bits += 1
    return bits


@njit(inline="always", **_COMPILE)
def _add_grams(window: np.uint64, length: int, letters: Letters, rows: Array, count: int) -> int:
    """Writes the rows of the known grams that end with the newest letter; the number of rows then.

    length: letters of the window that belong to the word, the blank before it included.
    """
    last = np.uint64(letters.keys.size - 1)
    is_blank = (window & _LETTER) == _BLANK
    for size in range(1 + is_blank, length + 1):
        gram = (window << (_BITS * np.uint64(3 - size))) & _WINDOW
        slot = (gram * np.uint64(HASH)) >> letters.shift
        while letters.rows[slot] >= 0 and letters.keys[slot] != gram:
            slot = (slot + np.uint64(1)) & last
        if letters.rows[slot] >= 0:
            rows[count] = letters.rows[slot]
            count += 1
    return count


@njit(inline="always", **_COMPILE)
def _folded(point: int, letters: Letters) -> tuple[int, bool]:
    """The letter that stands for a character, and whether that is a capital."""
    if point >= _PLANE:
        return point, False
    return letters.folded[point], (letters.kind[point] & UPPER) != 0


@njit(**_COMPILE)
def _read(text: Array, letters: Letters, as_package: bool, scratch: Scratch) -> int:
    """The rows of all known grams of a text, in order, into `scratch.rows`; their number.

    Words in capitals do not count, from their second letter on; nor do Latin letters beside more
    letters of another script.
    """
    points = scratch.points[: _decoded(text, scratch.points)]
    if _latin_is_foreign(points, letters.kind, as_package):
        points = points[: _leave_out_latin(points)]
    window, length, upper_before, count = np.uint64(_BLANK), 1, False, 0
    for point in points:
        letter, upper = _folded(point, letters)
        if (window & _LETTER) == _BLANK:
            length, upper_before = 1, False
            if letter == _BLANK:
                continue
        window = (window << _BITS | np.uint64(letter)) & _WINDOW
        length = min(length + 1, 3)
        if not (upper and upper_before):
            count = _add_grams(window, length, letters, scratch.rows, count)
        upper_before = upper
    return count


@njit(**_COMPILE)
def weigh(texts: Texts, letters: Letters, weight: Array, once: Array, scratch: Scratch) -> Array:
    """How well each language fits each text: (texts, LANES) int32, in 1/24 nat.

    In alphabets a gram counts once a text: "Okay, okay, okay" and "I like to go hiking, swimming
    and kayaking" show no more than "Okay" and "I like hiking". The grams of other scripts stand for
    whole classes of signs, and all of them count.
    """
    evidence = np.zeros((texts.offsets.size - 1, LANES), np.int32)
    last = np.full(weight.shape[0], -1, np.int64)  # the text that each gram was last found in
    for text in range(texts.offsets.size - 1):
        content = texts.buffer[texts.offsets[text] : texts.offsets[text + 1]]
        for row in scratch.rows[: _read(content, letters, False, scratch)]:
            if last[row] != text or not once[row]:
                last[row] = text
                for lane in range(LANES):
                    evidence[text, lane] += weight[row, lane]
    return evidence


@njit(**_COMPILE)
def replay(
    texts: Texts,
    letters: Letters,
    chance: Array,
    dice: Array,
    languages: int,
    scratch: Scratch,
) -> Array:
    """langdetect's answer for each text: a lane, or `languages` for "unknown", or one more.

    One more stands for a text without known grams, of which the package raises an exception.
    The package seeds its generator anew for every text, so its dice fall the same way each time and
    are thrown once. Probabilities are multiplied and summed in the package's order, in the same 64
    bits.
    """
    answers = np.empty(texts.offsets.size - 1, np.int64)
    for text in range(texts.offsets.size - 1):
        content = texts.buffer[texts.offsets[text] : texts.offsets[text + 1]]
        rows = scratch.rows[: _read(content, letters, True, scratch)]
        answers[text] = languages + 1
        if rows.size:
            mean = _mean_of_trials(rows, chance, dice, languages)
            best = np.argmax(mean)
            answers[text] = best if mean[best] > LIKELY else languages
    return answers


@njit(**_COMPILE)
def _mean_of_trials(rows: Array, chance: Array, dice: Array, languages: int) -> Array:
    """Mean probability of each language over langdetect's trials, each with a jittered floor."""
    mean, likely = np.zeros(WIDE), np.zeros(WIDE)
    at, sine = 0, 0.0
    for trial in range(TRIALS):
        normal = sine
        if trial % 2 == 0:  # random.gauss makes two numbers at a time
            normal, sine = _two_normals(dice, at)
            at += 4
        likely[:languages] = 1.0 / languages
        at = _trial(rows, chance, dice, at, (0.5 + normal * 0.05) / 10_000, likely)
        for lane in range(languages):
            mean[lane] += likely[lane] / TRIALS
    return mean


@njit(**_COMPILE)
def _trial(rows: Array, chance: Array, dice: Array, at: int, floor: float, likely: Array) -> int:
    """Multiplies the probabilities of random grams into `likely`; the place of the next dice."""
    shift = np.uint32(32 - _bits(rows.size))
    for step in range(STEPS):
        pick = np.int64(dice[at] >> shift)
        at += 1
        while pick >= rows.size:  # random.choice throws again rather than fold
            pick = np.int64(dice[at] >> shift)
            at += 1
        row = rows[pick]
        for lane in range(WIDE):
            likely[lane] *= floor + chance[row, lane]
        if step % 5 == 0 and _normalised(likely) > SURE:
            break
    return at


@njit(**_COMPILE)
def _two_normals(dice: Array, at: int) -> tuple[float, float]:
    """What random.gauss makes of the next four words (Box and Muller 1958)."""
    angle = _fraction(dice, at) * (2.0 * math.pi)
    length = math.sqrt(-2.0 * math.log(1.0 - _fraction(dice, at + 2)))
    return math.cos(angle) * length, math.sin(angle) * length


@njit(**_COMPILE)
def _fraction(dice: Array, at: int) -> float:
    """random.random() from two words."""
    high, low = dice[at] >> np.uint32(5), dice[at + 1] >> np.uint32(6)
    return float(high * 67108864.0 + low) / 9007199254740992.0


@njit(**_COMPILE)
def _normalised(likely: Array) -> float:
    """Divides by the sum, in place; the largest."""
    total, largest = 0.0, 0.0
    for lane in range(WIDE):
        total += likely[lane]
    for lane in range(WIDE):
        likely[lane] /= total
        largest = max(largest, likely[lane])
    return largest
