"""Telephone numbers in a message: as they are written in many countries, and in words.

"call 202-555-0143"                      written as a number is
"my number is 2025550143"                called one
"13800138000" in a Chinese conversation  valid where the language is spoken
"five five five, oh one four three"      in words
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import phonenumbers

from pipeline.rules.privacy.hints import Bounds, words_in
from pipeline.rules.privacy.spelled import digits, is_counting, spelled
from pipeline.rules.reading.lists import UNSPACED

HINT = 40  # characters before a number or name in which a word says what it is
NOWHERE = -1
LONG_IN_WORDS = 9  # digits in words that are a telephone number without a word that says so

_EDGE = rf"[^\W{UNSPACED}]"
_GAP = r"(?:[ .]|[ ]?[()/-]{1,2}[ ]?)?"  # between two digits of a telephone number
_PHONE = re.compile(
    rf"(?<!{_EDGE})(?<!\d[.,:-])(?<![#$€£¥/=+.])(?:"
    rf"(?P<abroad>(?:\+|\b00(?=[ ]?[1-9]))[ ]?\d(?:{_GAP}\d){{6,14}})"
    r"|(?P<american>(?:1[ .-]?)?(?:\(\d{3}\)[ .-]?|\d{3}[ .-])\d{3}[ .-]\d{4})"
    rf"|(?P<trunk>\(?0\d(?:{_GAP}\d){{6,10}})"
    r"|(?P<area>\(\d{2,5}\)[ ]?\d{2,5}[ -]\d{2,4}(?:[ -]\d{2,4})?)"
    rf"|(?P<bare>\(?\d(?:{_GAP}\d){{6,12}})"
    rf")(?:\s?(?:x|ext\.?)\s?\d{{1,5}})?(?!{_EDGE}|[%€$£]|[.,:/]\d)"
)
# Days, spans of years, ISBN, round numbers, social security, IP, decimals, bits.
_OTHER_NUMBER = re.compile(
    r"(?:19|20)\d\d[ ./-][01]?\d[ ./-][0-3]?\d(?!\d)|\d{1,2}[./-]\d{1,2}[./-](?:19|20)\d\d(?!\d)"
    r"|[12]\d{3}[ -]+[12]\d{3}$|97[89][ -]?\d[ -]?\d+[ -]?\d+[ -]?[\dX]$|\d{1,3}([ .]000)+$"
    r"|\d{3}-\d{2}-\d{4}$|(?:\d{1,3}\.){3}\d{1,3}$"
    r"|\d+(?:[ ]\d+)*\.\d+[ ]|\d+[ ]\d+\.\d|[01 -]+$"
)
_GROUPED = re.compile(r"\d[ ./()-]+\d")
_BETWEEN = re.compile(r"[^\n.!?\d]{0,20}[\s\S]{0,2}")  # a word for telephones and the number
_NEAR = re.compile(r"[^\n!?\d]{0,20}")
_AFTER = re.compile(r"[\s\\,-]{0,3}(?:office|fax|mobile|cell|home)\b", re.IGNORECASE)
# Countries whose telephone numbers a conversation may hold, by its language.
_WHERE_SPOKEN = {
    "en": "US GB CA AU IE NZ IN ZA",
    "de": "DE AT CH",
    "fr": "FR BE CH CA",
    "es": "ES MX AR CO CL PE",
    "it": "IT CH",
    "pt": "BR PT",
    "nl": "NL BE",
    "ru": "RU KZ BY",
    "uk": "UA",
    "pl": "PL",
    "sv": "SE FI",
    "da": "DK",
    "no": "NO",
    "fi": "FI",
    "cs": "CZ",
    "tr": "TR",
    "id": "ID",
    "ja": "JP",
    "ko": "KR",
    "zh": "CN TW HK SG",
    "vi": "VN",
    "hi": "IN",
}


def phones(text: str, language: str | None) -> Iterator[Bounds]:
    """Where telephone numbers in digits start and end."""
    for match in _PHONE.finditer(text):
        other = _OTHER_NUMBER.match(match.group().lstrip("("))
        if not other and _is_phone(match, text, language):
            yield match.span()


def phones_in_words(text: str) -> Iterator[Bounds]:
    """Where telephone numbers in words start and end; short ones where a word calls them so."""
    for match in spelled(text):
        number = digits(match.group())
        phone_word, _ = _last_words(text[max(0, match.start() - HINT) : match.start()])
        is_long = len(number) >= LONG_IN_WORDS and not is_counting(match.group())
        if is_long or phone_word > NOWHERE:
            yield match.span()


def _is_phone(match: re.Match[str], text: str, language: str | None) -> bool:
    """Written as a telephone number, or called one, or valid where the language is spoken."""
    written = match.group()
    length = sum(map(str.isdigit, written))
    if match["abroad"]:
        return 8 <= length <= 15
    grouped = _GROUPED.search(written) is not None
    if match["american"] or (match["trunk"] and grouped and length >= 9):
        return True
    if match["area"] and length >= 9:
        return True
    phone_word, other_word = _last_words(text[max(0, match.start() - HINT) : match.start()])
    if phone_word > other_word or _AFTER.match(text, match.end()):
        return True
    if other_word > NOWHERE:
        return False
    return (grouped or len(written) >= 10) and _is_valid(written, language)


def _last_words(before: str) -> tuple[int, int]:
    """Where the last word for telephones ends before a number, and the last one that says that the
    number is nobody's; `NOWHERE` without one. "my order number 4815162342": the second."""
    phones = words_in("phone_words", before)
    others = words_in("not_personal_words", before)
    return (
        max((end for _, end in phones if _BETWEEN.fullmatch(before, end)), default=NOWHERE),
        max((end for _, end in others if _NEAR.fullmatch(before, end)), default=NOWHERE),
    )


def is_called_otherwise(text: str, start: int) -> bool:
    """ "my order 078-05-1120": the last word before a number says that it is nobody's."""
    return _last_words(text[max(0, start - HINT) : start])[1] > NOWHERE


def _is_valid(written: str, language: str | None) -> bool:
    """Does a country where the language is spoken have such numbers (Google's libphonenumber)?"""
    for region in _WHERE_SPOKEN.get(language or "en", "").split():
        try:
            number = phonenumbers.parse(written, region)
        except phonenumbers.NumberParseException:
            continue
        if phonenumbers.is_valid_number_for_region(number, region):
            return True
    return False
