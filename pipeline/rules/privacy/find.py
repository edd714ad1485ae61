"""Personal data in a message: where they stand and of which kind they are; never what they are.

    find(text, language=None) -> [Span]                 of one message
    datum.find_all(texts, language=None) -> [[Span]]    of all messages, repetitions included
    stand_ins.mask(texts, spans) -> texts, spans

A number counts when its own check says so (card: Luhn, ISO/IEC 7812; IBAN: modulo 97, ISO 13616) or
when it is written as such numbers are. A message without a digit, "@", a link or a word of `hints`
is not looked at.
"""

from __future__ import annotations

import ipaddress
import re
from bisect import bisect
from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from itertools import accumulate
from operator import attrgetter
from typing import Literal, NamedTuple

from pipeline.rules.privacy.addresses import addresses
from pipeline.rules.privacy.emails import emails
from pipeline.rules.privacy.handles import handles, nicknames, plain_nicknames, profiles
from pipeline.rules.privacy.hints import Bounds, Hint, has_long_word, hints
from pipeline.rules.privacy.ids import ANNOUNCE_IDS, cards_and_plates, ids
from pipeline.rules.privacy.phones import phones, phones_in_words
from pipeline.rules.privacy.secrets import ANNOUNCE_SECRETS, secrets

DatumKind = Literal[
    "email", "phone", "address", "card", "iban", "ip", "handle", "url", "secret", "id"
]


class Span(NamedTuple):
    """Characters [start, end) of one message."""

    kind: DatumKind
    start: int
    end: int


Finder = Callable[[str], Iterator[Bounds]]
_start = attrgetter("start")

_WORTH_READING = re.compile(r"[0-9@_０-９＠]")
_DIGITS = re.compile(r"\d")

_LINK = re.compile(r"\b[a-z][a-z0-9+.-]{1,20}://[^\s<>\"'）」』】，。、]+", re.IGNORECASE)
_SECRET = re.compile(
    r"[?&;#][\w.-]*(?:token|key|auth|session|sess|sid|sig|signature|secret|passw(?:or)?d|pwd"
    r"|passcode|invite|jwt|access|otp|code|ticket|hash)[\w.-]*=[^&\s#]{6,}"
    r"|://[^/\s:@]+:[^/\s@]+@|\beyJ[\w-]{10,}\."
    r"|/(?:joinchat|invite|reset|verify|confirm|share)/[\w-]{8,}"
    r"|://hooks\.slack\.com/services/|/api/webhooks/\d",
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
COUNTRY_AND_CHECK = 4  # letters that every IBAN begins with


def find(text: str, language: str | None = None, hinted: Set[Hint] | None = None) -> list[Span]:
    """All personal data of one message, in the order of the text; no two spans overlap.

    language: ISO 639-1 code of the conversation where it is known; which numbers can be telephones
    depends on it. hinted: `hints(text)` where it is known.
    """
    if hinted is None:
        hinted = hints(text)
    if not hinted and not is_worth_reading(text):
        return []
    spans: list[Span] = []
    for kind, find_kind in _finders(text, language, hinted):
        found = (Span(kind, start, end) for start, end in find_kind(text))
        spans = apart(spans, found)
    return spans


def is_worth_reading(text: str) -> bool:
    """Does it hold a digit, "@", "_" or a link?"""
    return bool(_WORTH_READING.search(text)) or "://" in text


def worth_reading(texts: Sequence[str]) -> set[int]:
    """Which of some texts do: one look at all of them together."""
    together = "\0".join(texts)
    places = [sign.start() for sign in _WORTH_READING.finditer(together)]
    if "://" in together:
        places += [link.start() for link in re.finditer("://", together)]
    starts = [0, *accumulate(len(text) + 1 for text in texts)]
    return {bisect(starts, place) - 1 for place in places}


def apart(spans: list[Span], more: Iterable[Span]) -> list[Span]:
    """The spans, and of the others those that overlap none. spans: in the order of the text."""
    for span in more:
        place = bisect(spans, span.start, key=_start)
        after_last = place == 0 or spans[place - 1].end <= span.start
        before_next = place == len(spans) or span.end <= spans[place].start
        if after_last and before_next:
            spans.insert(place, span)
    return spans


def _finders(
    text: str, language: str | None, hinted: Set[Hint]
) -> Iterator[tuple[DatumKind, Finder]]:
    """What is worth looking for in a text; a place belongs to the first kind found there."""
    digits = len(_DIGITS.findall(text))
    if "://" in text:
        yield "url", _links
    yield from _of_secrets(text, digits, hinted)
    if "@" in text or "email" in hinted:
        yield "email", lambda text: emails(text, "email" in hinted)
    yield from _of_numbers(text, digits, hinted)
    if digits:
        yield "address", lambda text: addresses(text, language)
    if digits >= 7:
        yield "phone", lambda text: phones(text, language)
    if "spelled" in hinted:
        yield "phone", phones_in_words
    if "/" in text:
        yield "handle", profiles
    if "@" in text or "#" in text or "u/" in text:
        yield "handle", handles
    if digits or "_" in text:
        yield "handle", nicknames
    if "network" in hinted:
        yield "handle", plain_nicknames


def _of_secrets(text: str, digits: int, hinted: Set[Hint]) -> Iterator[tuple[DatumKind, Finder]]:
    has_long = digits >= 2 and has_long_word(text)
    if has_long or not hinted.isdisjoint(ANNOUNCE_SECRETS):
        yield "secret", lambda text: secrets(text, hinted, has_long)


def _of_numbers(text: str, digits: int, hinted: Set[Hint]) -> Iterator[tuple[DatumKind, Finder]]:
    if digits >= 12:
        yield "iban", _ibans
    if digits >= 6 or not hinted.isdisjoint(ANNOUNCE_IDS):
        yield "id", lambda text: ids(text, hinted)
    elif digits and (text.count(":") >= 5 or not text.isascii()):
        yield "id", cards_and_plates
    if digits >= 12:
        yield "card", _cards
    if digits >= 4 and (text.count(".") >= 3 or text.count(":") >= 3):
        yield "ip", _addresses_of_machines


def _links(text: str) -> Iterator[Bounds]:
    for match in _LINK.finditer(text):
        if _SECRET.search(match.group()):
            yield match.start(), match.start() + len(match.group().rstrip(".,;:!?)"))


def _ibans(text: str) -> Iterator[Bounds]:
    """Words go on where an account ends ("… 30 00 or GB82 …"), so the next is looked for there."""
    done = 0
    while match := _IBAN.search(text, done):
        length = _length_of_iban(match.group())
        done = match.start() + (length or COUNTRY_AND_CHECK)
        if length:
            yield match.start(), done


def _length_of_iban(text: str) -> int:
    """Characters of the account that a text begins with, blanks included; 0 where there is none."""
    length = _IBAN_LENGTH.get(text[:2].upper(), _NO_IBAN)
    letters = [i for i, character in enumerate(text) if character.isalnum()]
    if len(letters) < length:
        return 0
    end = letters[length - 1] + 1
    return end if is_iban(text[:end]) else 0


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
