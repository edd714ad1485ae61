"""Personal data in a message: where they stand and of which kind they are; never what they are.

    find(text, language=None) -> [Span]                 of one message
    datum.find_all(texts, language=None) -> [[Span]]    of all messages, repetitions included
    stand_ins.mask(texts, spans) -> texts, spans

A number counts when its own check says so (card: Luhn, ISO/IEC 7812; IBAN: modulo 97, ISO 13616) or
when it is written as such numbers are. A message without a digit, "@" or a link is not looked at.
"""

from __future__ import annotations

import ipaddress
import re
from bisect import bisect
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from operator import attrgetter
from typing import Literal, NamedTuple

import phonenumbers

from pipeline.rules.privacy.addresses import addresses
from pipeline.rules.reading.phrases import UNSPACED, listed

DatumKind = Literal["email", "phone", "address", "card", "iban", "ip", "handle", "url"]


class Span(NamedTuple):
    """Characters [start, end) of one message."""

    kind: DatumKind
    start: int
    end: int


Bounds = tuple[int, int]  # where a datum starts and ends
Finder = Callable[[str], Iterator[Bounds]]
_start = attrgetter("start")
HINT = 40  # characters before a number or name in which a word says what it is

_WORTH_READING = re.compile(r"[0-9@０-９_]")
_DIGITS = re.compile(r"\d")

_TOP = (
    r"(?:com|org|net|edu|gov|info|io|me|co|uk|de|fr|es|it|nl|pl|ru|ua|pt|br|jp|kr|cn|se|no|dk|fi|eu"
    r"|us|ca|au|in|id)"
)
_EMAIL = re.compile(
    r"(?<![A-Za-z0-9._%+@-])[A-Za-z0-9][A-Za-z0-9._%+-]{0,63}(?:"
    r"@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,24}"
    rf"|[ ]?(?:@|\(at\)|\[at\])[ ]?[A-Za-z0-9-]+[ ]?(?:\.|\(dot\)|\[dot\])[ ]?{_TOP}"
    rf"|[ ]at[ ][A-Za-z0-9-]+[ ]dot[ ]{_TOP}"
    r")(?![A-Za-z0-9@-]|\.[A-Za-z])",
    re.IGNORECASE,
)
_HANDLE = re.compile(
    rf"(?<![^\W{UNSPACED}])(?<![@./=:-])@(?=[\w.]*[A-Za-z])(?!\d+h\b)"
    r"[A-Za-z0-9_](?:[A-Za-z0-9_.]{1,28}[A-Za-z0-9_])(?![\w(\n]|\.\w)"
    r"|(?<![\w@#])[A-Za-z][\w.]{1,31}#\d{4}(?!\w)"
    r"|(?<=\s)(?<!\w)u/[A-Za-z0-9_-]{3,20}(?![\w/])"
)
_NICKNAME = re.compile(
    r"(?<![A-Za-z0-9_@.])[A-Za-z][A-Za-z.]*[0-9_][A-Za-z0-9_.]{0,28}(?<!\.)"
)  # lena_k99
_NOBODY = frozenset(
    {"@user", "@everyone", "@here", "@channel", "@all", "@username", "@home", "@gmail", "@work"}
)
_LINK = re.compile(r"\b(?:https?|ftp|wss?)://[^\s<>\"'）」』】，。、]+", re.IGNORECASE)
_SECRET = re.compile(
    r"[?&;#][\w.-]*(?:token|key|auth|session|sess|sid|sig|signature|secret|passw(?:or)?d|pwd"
    r"|passcode|invite|jwt|access|otp|code|ticket|hash)[\w.-]*=[^&\s#]{6,}"
    r"|://[^/\s:@]+:[^/\s@]+@|\beyJ[\w-]{10,}\."
    r"|/(?:joinchat|invite|reset|verify|confirm|share)/[\w-]{8,}",
    re.IGNORECASE,
)
_IBAN = re.compile(r"(?<![A-Za-z0-9])[A-Za-z]{2}\d{2}(?:[ -]?[A-Za-z0-9]){11,30}")
_CARD = re.compile(r"(?<![\w.,+-])\d(?:[ -]?\d){11,18}(?!\d)")
# Issuer prefixes and lengths, ISO/IEC 7812 as published by the card companies.
_ISSUED = re.compile(
    r"4(?:\d{12}|\d{15}|\d{18})|(?:5[1-5]|2[2-7])\d{14}|3[47]\d{13}|3(?:0[0-5]|[68]\d)\d{11}"
    r"|(?:2131|1800)\d{11}|35\d{14}|6(?:011|[45]\d\d|2\d\d)\d{12,15}|(?:5[06-8]|6[37])\d{10,17}"
)
_IP = re.compile(
    r"(?<![\w.:])(?:(?:\d{1,3}\.){3}\d{1,3}(?![\w]|\.\d)"
    r"|(?=[0-9A-Fa-f:]*\d)(?:[0-9A-Fa-f]{0,4}:){3,7}[0-9A-Fa-f]{1,4}(?![\w:]))"
)
_VERSION = re.compile(
    r"\b(?:v|ver|vers|version|release|build|firmware|section|chapter)\.?\s*$", re.IGNORECASE
)
_GAP = r"(?:[ .]|[ ]?[()/-]{1,2}[ ]?)?"  # between two digits of a telephone number
_PHONE = re.compile(
    rf"(?<![^\W{UNSPACED}])(?<!\d[.,:-])(?<![#$€£¥/=+.])(?:"
    rf"(?P<abroad>(?:\+|\b00(?=[ ]?[1-9]))[ ]?\d(?:{_GAP}\d){{6,14}})"
    r"|(?P<american>(?:1[ .-]?)?(?:\(\d{3}\)[ .-]?|\d{3}[ .-])\d{3}[ .-]\d{4})"
    rf"|(?P<trunk>\(?0\d(?:{_GAP}\d){{6,10}})"
    rf"|(?P<bare>\(?\d(?:{_GAP}\d){{6,12}})"
    rf")(?:\s?(?:x|ext\.?)\s?\d{{1,5}})?(?![^\W{UNSPACED}]|[%€$£]|[.,:/]\d)"
)
# Days, spans of years, ISBN, round numbers, social security, IP, decimals, bits.
_OTHER_NUMBER = re.compile(
    r"(?:19|20)\d\d[ ./-][01]?\d[ ./-][0-3]?\d(?!\d)|\d{1,2}[./-]\d{1,2}[./-](?:19|20)\d\d(?!\d)"
    r"|[12]\d{3}[ -]+[12]\d{3}$|97[89][ -]?\d[ -]?\d+[ -]?\d+[ -]?[\dX]$|\d{1,3}([ .]000)+$"
    r"|\d{3}-\d{2}-\d{4}$|(?:\d{1,3}\.){3}\d{1,3}$"
    r"|\d+(?:[ ]\d+)*\.\d+[ ]|\d+[ ]\d+\.\d|[01 -]+$"
)
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
# Countries by the letters and digits of their IBAN (SWIFT's IBAN registry).
_IBANS = {
    15: "NO",
    16: "BE",
    18: "DK FI FO GL NL SD",
    19: "MK SI",
    20: "AT BA EE KZ LT LU XK",
    21: "CH HR LI LV",
    22: "BG BH CR DE GB GE IE ME RS VA",
    23: "AE GI IL IQ OM SO TL",
    24: "AD CZ ES MD PK RO SA SE SK TN VG",
    25: "LY PT ST",
    26: "IS TR",
    27: "BI DJ FR GR IT MC MR SM",
    28: "AL AZ BY CY DO GT HU LB NI PL SV",
    29: "BR EG PS QA UA",
    30: "JO KW MU YE",
    31: "MT SC",
    32: "LC",
    33: "RU",
}
_IBAN_LENGTH = {
    country: length for length, countries in _IBANS.items() for country in countries.split()
}
_NO_IBAN = 99  # letters: longer than any


def find(text: str, language: str | None = None) -> list[Span]:
    """All personal data of one message, in the order of the text; no two spans overlap.

    language: ISO 639-1 code of the conversation where it is known; which numbers can be telephones
    depends on it.
    """
    if not _is_worth_reading(text):
        return []
    spans: list[Span] = []
    for kind, find_kind in _finders(text, language):
        found = (Span(kind, start, end) for start, end in find_kind(text))
        spans = apart(spans, found)
    return spans


def _is_worth_reading(text: str) -> bool:
    if not text or _WORTH_READING.search(text):
        return bool(text)
    return "://" in text or " dot " in text or "(at)" in text


def apart(spans: list[Span], more: Iterable[Span]) -> list[Span]:
    """The spans, and of the others those that overlap none. spans: in the order of the text."""
    for span in more:
        place = bisect(spans, span.start, key=_start)
        after_last = place == 0 or spans[place - 1].end <= span.start
        before_next = place == len(spans) or span.end <= spans[place].start
        if after_last and before_next:
            spans.insert(place, span)
    return spans


def _finders(text: str, language: str | None) -> Iterator[tuple[DatumKind, Finder]]:
    """What is worth looking for in a text; a place belongs to the first kind found there."""
    digits = len(_DIGITS.findall(text))
    if "://" in text:
        yield "url", _links
    if "@" in text or " dot " in text or "[at]" in text or "(at)" in text:
        yield "email", _emails
    if digits >= 12:
        yield "iban", _ibans
        yield "card", _cards
    if digits >= 4 and (text.count(".") >= 3 or text.count(":") >= 3):
        yield "ip", _addresses_of_machines
    if digits:
        yield "address", lambda text: addresses(text, language)
    if digits >= 7:
        yield "phone", lambda text: _phones(text, language)
    if "@" in text or "#" in text or "u/" in text:
        yield "handle", _handles
    if digits or "_" in text:
        yield "handle", _nicknames


def _links(text: str) -> Iterator[Bounds]:
    for match in _LINK.finditer(text):
        if _SECRET.search(match.group()):
            yield match.start(), match.start() + len(match.group().rstrip(".,;:!?)"))


def _emails(text: str) -> Iterator[Bounds]:
    yield from (match.span() for match in _EMAIL.finditer(text))


def _handles(text: str) -> Iterator[Bounds]:
    for match in _HANDLE.finditer(text):
        if match.group().lower() not in _NOBODY:
            yield match.span()


def _nicknames(text: str) -> Iterator[Bounds]:
    for match in _NICKNAME.finditer(text):
        if _network().search(text, max(0, match.start() - HINT), match.start()):
            yield match.span()


@cache
def _network() -> re.Pattern[str]:
    """ "my insta is": the name of a network before the handle."""
    networks = "|".join(map(re.escape, listed("handle_words")))
    return re.compile(
        rf"(?<![^\W{UNSPACED}])(?:{networks})(?![A-Za-z])[\s:=-]*"
        r"(?:(?:is|as|handle|name|id|username|user|account|me|at|on|ist|est|es|è|é|это)\b"
        r"[\s:=-]*){0,3}$",
        re.IGNORECASE,
    )


def _ibans(text: str) -> Iterator[Bounds]:
    for match in _IBAN.finditer(text):
        length = _IBAN_LENGTH.get(match.group()[:2].upper(), _NO_IBAN)
        letters = [i for i, character in enumerate(match.group()) if character.isalnum()]
        if len(letters) >= length:
            end = letters[length - 1] + 1
            if is_iban(match.group()[:end]):
                yield match.start(), match.start() + end


def is_iban(text: str) -> bool:
    """The check of ISO 13616: with country and check digits last, A as 10, modulo 97 it is 1."""
    letters = "".join(filter(str.isalnum, text)).upper()
    digits = "".join(str(int(letter, 36)) for letter in letters[4:] + letters[:4])
    return int(digits) % 97 == 1


def _cards(text: str) -> Iterator[Bounds]:
    for match in _CARD.finditer(text):
        for end in _ends_of_groups(match.group()):
            if is_card(match.group()[:end]):
                yield match.start(), match.start() + end
                break


def _ends_of_groups(number: str) -> list[int]:
    """Where a run of digit groups may end, longest first: an expiry date may follow the card."""
    gaps = [i for i, character in enumerate(number) if character in " -"]
    return [len(number), *reversed(gaps)]


def is_card(text: str) -> bool:
    """A number that some company issues, with the right last digit (Luhn, ISO/IEC 7812-1)."""
    digits = [int(character) for character in text if character.isdigit()]
    if not _ISSUED.fullmatch("".join(map(str, digits))):
        return False
    doubled = [digit * 2 - 9 * (digit > 4) for digit in digits[-2::-2]]
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


def _addresses_of_machines(text: str) -> Iterator[Bounds]:
    for match in _IP.finditer(text):
        version = _VERSION.search(text, max(0, match.start() - 20), match.start())
        if not version and _is_ip(match.group()):
            yield match.span()


def _is_ip(text: str) -> bool:
    """An address of some machine; 127.0.0.1 and 0.0.0.0 are everybody's."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    return not address.is_loopback and not address.is_unspecified


def _phones(text: str, language: str | None) -> Iterator[Bounds]:
    for match in _PHONE.finditer(text):
        other = _OTHER_NUMBER.match(match.group().lstrip("("))
        if not other and _is_phone(match, text, language):
            yield match.span()


def _is_phone(match: re.Match[str], text: str, language: str | None) -> bool:
    """Written as a telephone number, or called one, or valid where the language is spoken."""
    written = match.group()
    digits = sum(map(str.isdigit, written))
    if match["abroad"]:
        return 8 <= digits <= 15
    grouped = _GROUPED.search(written) is not None
    if match["american"] or (match["trunk"] and grouped and digits >= 9):
        return True
    if _is_called_phone(match, text):
        return True
    return (grouped or len(written) >= 10) and _is_valid(written, language)


def _is_called_phone(match: re.Match[str], text: str) -> bool:
    before = _phone_words().search(text, max(0, match.start() - HINT), match.start())
    return bool(before or _AFTER.match(text, match.end()))


_GROUPED = re.compile(r"\d[ ./()-]+\d")
_AFTER = re.compile(r"[\s\\,-]{0,3}(?:office|fax|mobile|cell|home)\b", re.IGNORECASE)


@cache
def _phone_words() -> re.Pattern[str]:
    any_word = "|".join(map(re.escape, listed("phone_words")))
    edge = rf"[^\W{UNSPACED}]"
    return re.compile(
        rf"(?<!{edge})(?:{any_word})(?!{edge})[^\n.!?\d]{{0,20}}[\s\S]{{0,2}}$", re.IGNORECASE
    )


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
