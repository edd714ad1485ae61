"""Telephone numbers in words: five five five, zero one four three.

    digits("девятьсот двенадцать, триста сорок пять")    "912345"
    digits("double five oh one")                         "5501"

In most languages people spell digit by digit; in Russian and French by hundreds and tens.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

from pipeline.rules.reading.lists import UNSPACED

SHORTEST = 7  # digits: without country and area

# Of each number its words in the languages that are admitted.
_UNITS = {
    0: "zero oh nought null cero zéro zerro ноль нуль ноля нуля nul noll nolla",
    1: "one eins ein uno una un une um uma один одна раз een één jeden ett",
    2: "two zwei zwo dos deux due dois duas два две twee dwa två",
    3: "three drei tres trois tre três три drie trzy",
    4: "four vier cuatro quatre quattro quatro четыре cztery fyra",
    5: "five fünf cinco cinq cinque пять vijf pięć fem",
    6: "six sechs seis sei шесть zes sześć sex meia",
    7: "seven sieben siete sept sette sete семь zeven siedem sju",
    8: "eight acht ocho huit otto oito восемь osiem åtta",
    9: "nine neun nueve neuf nove девять negen dziewięć nio",
}
_TENS = {
    10: "десять dix",
    11: "одиннадцать onze",
    12: "двенадцать douze",
    13: "тринадцать treize",
    14: "четырнадцать quatorze",
    15: "пятнадцать quinze",
    16: "шестнадцать seize",
    17: "семнадцать dix-sept",
    18: "восемнадцать dix-huit",
    19: "девятнадцать dix-neuf",
    20: "двадцать vingt",
    30: "тридцать trente",
    40: "сорок quarante",
    50: "пятьдесят cinquante",
    60: "шестьдесят soixante",
    70: "семьдесят septante",
    80: "восемьдесят quatre-vingts quatre-vingt",
    90: "девяносто nonante",
    100: "сто",
    200: "двести",
    300: "триста",
    400: "четыреста",
    500: "пятьсот",
    600: "шестьсот",
    700: "семьсот",
    800: "восемьсот",
    900: "девятьсот",
}
_TIMES = {
    "double": 2,
    "triple": 3,
    "doppel": 2,
    "doble": 2,
    "doppio": 2,
    "duplo": 2,
    "дважды": 2,
    "трижды": 3,
}
_NUMBER = {word: n for n, words in (_UNITS | _TENS).items() for word in words.split()}
_SYLLABLES = (
    ("零〇공영", 0),
    ("一幺일", 1),
    ("二两이", 2),
    ("三삼", 3),
    ("四사", 4),
    ("五오", 5),
    ("六육", 6),
    ("七칠", 7),
    ("八팔", 8),
    ("九구", 9),
)
_SYLLABLE = {letter: n for letters, n in _SYLLABLES for letter in letters}
# Words by which a text is looked at: whoever spells a number needs some of them, and few others do.
_COMMON = frozenset(("oh", "null", "sei", "sept", "nul", "nio", "sex", "сто", "ноля", "нуля"))
RARER = (
    *(word for n in (0, 4, 5, 7, 8, 9) for word in _UNITS[n].split() if word not in _COMMON),
    *" ".join(_TENS.values()).split(),
    *"零〇幺五七八九공영칠팔",
)

_ANY = "|".join(map(re.escape, sorted([*_NUMBER, *_TIMES], key=len, reverse=True)))
_BETWEEN = r"(?:[\s,./–-]{1,3}(?:(?:and|et|und|y|e|и)\s)?)"
_EDGE = rf"[^\W_{UNSPACED}]"
_SPELLED = re.compile(
    rf"(?<!{_EDGE})(?:{_ANY})(?:{_BETWEEN}(?:{_ANY})){{3,24}}(?!{_EDGE})"
    r"|[零〇一幺二两三四五六七八九](?:[ 、，,の-]?[零〇一幺二两三四五六七八九]){6,14}"
    r"|[공영일이삼사오육칠팔구](?:[ ,-]?[공영일이삼사오육칠팔구]){8,12}",
    re.IGNORECASE,
)
_WORD = re.compile(rf"{_ANY}|[零〇一幺二两三四五六七八九공영일이삼사오육칠팔구]", re.IGNORECASE)


def spelled(text: str) -> Iterator[re.Match[str]]:
    """Where seven and more digits stand in words."""
    for match in _SPELLED.finditer(text):
        number = digits(match.group())
        if SHORTEST <= len(number) <= 15 and len(set(number)) >= 3:
            yield match


def digits(text: str) -> str:
    """The digits that words stand for."""
    found, times = "", 1
    for value in _joined([word.lower() for word in _WORD.findall(text)]):
        if isinstance(value, str):
            times = _TIMES[value]
        else:
            found += str(value) * times
            times = 1
    return found


def _joined(words: Sequence[str]) -> Iterator[int | str]:
    """Numbers with their hundreds, tens and units together; words for "twice" as they are."""
    number: int | None = None
    for word in words:
        if word in _TIMES:
            if number is not None:
                yield number
            yield word
            number = None
            continue
        value = _value(word)
        if number is not None and _goes_on(number, value):
            number += value
        else:
            if number is not None:
                yield number
            number = value
    if number is not None:
        yield number


def _value(word: str) -> int:
    return _NUMBER[word] if word in _NUMBER else _SYLLABLE[word]


def _goes_on(number: int, value: int) -> bool:
    """Do the words go on with the same number: сорок пять, soixante-douze?"""
    if value == 0:
        return False
    rest = number % 100
    if rest == 0:
        return number >= 100 and value < 100
    if rest in (60, 80):  # soixante-douze, quatre-vingt-dix
        return value < 20
    return rest >= 20 and rest % 10 == 0 and value < 10


def is_counting(text: str) -> bool:
    """One, two, three …: most digits are the ones after those before them, and each is a word."""
    number = digits(text)
    if len(_WORD.findall(text)) < len(number):
        return False
    steps = [int(later) - int(earlier) for earlier, later in pairwise(number)]
    return max(steps.count(1), steps.count(-1), steps.count(2)) > 0.7 * len(steps)
