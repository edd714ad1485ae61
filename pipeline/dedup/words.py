"""The words of a text, which two conversations are compared by.

A text is folded (NFKC, then casefold). Its words are the runs of letters and
digits; each CJK ideograph and each kana is a word by itself, as these scripts put
no blanks between words.

Compiled code cannot call Python for each character, so `characters` has a table
of what each one folds to.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache

import numpy as np
import numpy.typing as npt

from pipeline.dedup.arrays import Bytes

Table = npt.NDArray[np.uint32]  # (code points,) what each folds to, with the flags below

# Flags in a table; the bits below them are the letter itself.
IDEOGRAPH = 1 << 30  # a word by itself
CONTEXT = 1 << 29  # folds to several characters, or not without its neighbours: see `folded`
PAIR = 1 << 28  # folds to two ASCII letters (ß, ligatures), 7 bits each, the first the lowest

KNOWN = 0x20000  # code points of the table; beyond are ideographs (planes 2, 3) or no letters
WESTERN = 0x3000  # code points before CJK: in UTF-8 none of their bytes reaches FIRST_CJK_BYTE
FIRST_CJK_BYTE = 0xE3
SURROGATES = range(0xD800, 0xE000)
HANGUL_JAMO = range(0x1100, 0x1200)
LINE_FEED = 10

_KANA = "\u3041-\u3096\u309d-\u309f\u30a1-\u30fa\u30fc-\u30ff\u31f0-\u31ff"
_HAN = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_HAN_BEYOND = "\U00020000-\U0003ffff"
_ALONE = re.compile(f"[{_KANA}{_HAN}]")
_SINGLE = f"{_KANA}{_HAN}{_HAN_BEYOND}"
_WORD = re.compile(rf"[{_SINGLE}]|[^\W_{_SINGLE}]+")


def folded(text: str) -> str:
    """A text as it is compared: NFKC, then casefold."""
    return unicodedata.normalize("NFKC", text).casefold()


def words(text: str) -> list[str]:
    """The words of a text, folded: the definition that compiled code follows."""
    found = _WORD.findall(folded(text))
    return [word for word in found if word.isalnum() or ord(word[0]) >= KNOWN]


def characters(data: Bytes) -> Table:
    """The table for the characters of a UTF-8 text.

    Most texts need only the small one, which costs a tenth of a second less.
    """
    western = data.max(initial=0) < FIRST_CJK_BYTE
    return folding(WESTERN if western else KNOWN)


@cache
def folding(known: int) -> Table:
    """What each code point below `known` folds to, if to a letter or digit, else 0; with its flags.

    All are folded in one text, a line each: nothing folds together with a line
    feed.
    """
    texts = [_text_of(point) for point in range(known)]
    joining = _joining(texts)
    lines = folded("\n".join(texts)).split("\n")
    entries = (_entry(point, line, joining) for point, line in enumerate(lines))
    return np.fromiter(entries, np.uint32, known)


def _text_of(point: int) -> str:
    """A code point as a text; a blank for those that a line of text cannot have."""
    return " " if point == LINE_FEED or point in SURROGATES else chr(point)


def _entry(point: int, folds_to: str, joining: set[int]) -> int:
    if len(folds_to) == 2 and folds_to.isascii() and folds_to.isalpha():
        first, second = map(ord, folds_to)
        return PAIR | first | second << 7
    if _needs_context(point, folds_to, joining):
        return CONTEXT | (point if chr(point).isalnum() else 0)
    if not folds_to.isalnum():
        return 0
    return ord(folds_to) | (IDEOGRAPH if _ALONE.match(folds_to) else 0)


def _needs_context(point: int, folds_to: str, joining: set[int]) -> bool:
    if point in joining or not joining.isdisjoint(map(ord, folds_to)):
        return True
    return len(folds_to) > 1 and any(map(str.isalnum, folds_to))


def _joining(texts: list[str]) -> set[int]:
    """Code points that NFKC may merge with the one before, or move past it.

    They are the combining marks, what stands behind the first place of a
    decomposed character, and the Hangul jamo.
    """
    decomposed = unicodedata.normalize("NFD", "\n".join(texts)).split("\n")
    behind = {ord(letter) for text in decomposed for letter in text[1:]}
    combining = {ord(text) for text in texts if unicodedata.combining(text)}
    return behind | combining | set(HANGUL_JAMO)
