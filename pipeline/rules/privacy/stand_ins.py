"""Made-up values in place of personal data, the same for one datum throughout a conversation.

    mask(texts, spans) -> texts, spans

All come from ranges set aside for examples and fiction, so that none can be anybody's: example.org
(RFC 2606), telephone 555-0100 to 0199 (North American Numbering Plan), IP 192.0.2.0/24 and
2001:db8::/32 (RFC 5737, RFC 3849), cards from the card companies' own test numbers, IBAN of a bank
ZZZZ that does not exist, postcode 00000, network cards 00-00-5E-00-53-00 to FF (RFC 7042). Of a
secret the letters of its service are kept, of an id its form; neither is valid:

    ghp_ and 36 letters     ghp_EXAMPLE0012EXAMPLE0012…
    12345678Z               00000012X

`is_stand_in` knows such values again: what looks like a datum and can be nobody's.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from pipeline.conversation import normalised
from pipeline.rules.privacy.datum import key, phone_digits
from pipeline.rules.privacy.find import DatumKind, Span
from pipeline.rules.privacy.ids import is_id
from pipeline.rules.privacy.keys import prefix

FIRSTS = 1000  # different numbers that the stand-ins of a conversation may begin with
_NAMES = (
    "alex",
    "robin",
    "sam",
    "kim",
    "jo",
    "lee",
    "max",
    "charlie",
    "noa",
    "ari",
    "mika",
    "luca",
    "toni",
    "sasha",
    "nika",
    "rene",
    "jules",
    "remy",
    "kay",
    "dana",
)
_STREETS = (
    "Example",
    "Sample",
    "Specimen",
    "Model",
    "Pattern",
    "Fable",
    "Novel",
    "Story",
    "Chapter",
    "Preface",
)
_CARDS = (
    "4111 1111 1111 1111",
    "5555 5555 5555 4444",
    "4012 8888 8888 1881",
    "5105 1051 0510 5100",
    "4242 4242 4242 4242",
    "6011 1111 1111 1117",
    "3530 1113 3330 0000",
    "6011 0009 9013 9424",
    "3566 0020 2036 0505",
    "3714 496353 98431",
)
LEAST_SEED = 12  # words of a seed phrase
_WORD = re.compile("[a-z]+")
_MAC = re.compile(r"[0-9A-Fa-f]{2}([:-])(?:[0-9A-Fa-f]{2}\1){4}[0-9A-Fa-f]{2}")
_DOMAINS = ("org", "com", "net")

Datum = tuple[DatumKind, str]  # what kind it is, and its key

# What the values of each kind have that are set aside for examples.
_NOBODYS: dict[DatumKind, re.Pattern[str]] = {
    "email": re.compile(r"@(?:[\w-]+\.)*(?:example\.(?:org|com|net)|example|test|invalid)$", re.I),
    "phone": re.compile(r"555\D{0,3}01\d\d\D*$"),
    "address": re.compile(r"Sampletown"),
    "iban": re.compile(r"ZZZZ"),
    "ip": re.compile(r"192\.0\.2\.|198\.51\.100\.|203\.0\.113\.|2001:db8:", re.I),
    "handle": re.compile(r"_example_\d+$"),
    "url": re.compile(r"://example\.(?:org|com|net)/"),
    "secret": re.compile(r"EXAMPLE\d{4}|^example (?:[a-z]+ )+\d{4}$"),
    "id": re.compile(r"00(?P<gap>[:-])00(?P=gap)5E(?P=gap)00(?P=gap)53"),
}


def is_stand_in(kind: DatumKind, value: str) -> bool:
    """Is a value one that is set aside for examples, or one of ours?"""
    if kind == "card":
        return phone_digits(value) in map(phone_digits, _CARDS)
    return _NOBODYS[kind].search(value) is not None


def mask(
    texts: Sequence[str], spans: Sequence[Sequence[Span]]
) -> tuple[list[str], list[list[Span]]]:
    """Texts of one conversation with every span replaced, and where the stand-ins are now.

    spans: per text, from `datum.find_all`. Which stand-ins a conversation has depends on the text
    of its first datum: not all conversations have the same, and copies of one, even cut ones, stay
    copies for `dedup`.
    """
    given = _stand_ins(texts, spans)
    masked: list[str] = []
    moved: list[list[Span]] = []
    for text, found in zip(texts, spans, strict=True):
        new, places = _replaced(text, found, given)
        masked.append(new)
        moved.append(places)
    return masked, moved


def _stand_ins(texts: Sequence[str], spans: Sequence[Sequence[Span]]) -> dict[Datum, str]:
    """A stand-in for each datum, numbered within its kind in the order of the conversation."""
    first = _first_number(texts, spans)
    given: dict[Datum, str] = {}
    counted: Counter[DatumKind] = Counter()
    for span, value in _values(texts, spans):
        datum = (span.kind, key(span.kind, value))
        if datum not in given:
            given[datum] = stand_in(span.kind, first + counted[span.kind], value)
            counted[span.kind] += 1
    return given


def _first_number(texts: Sequence[str], spans: Sequence[Sequence[Span]]) -> int:
    with_data = (text for text, found in zip(texts, spans, strict=True) if found)
    return random.Random(normalised(next(with_data, ""))).randrange(FIRSTS)


def _values(texts: Sequence[str], spans: Sequence[Sequence[Span]]) -> Iterator[tuple[Span, str]]:
    for text, found in zip(texts, spans, strict=True):
        for span in found:
            yield span, text[span.start : span.end]


def _replaced(
    text: str, spans: Sequence[Span], given: Mapping[Datum, str]
) -> tuple[str, list[Span]]:
    """The text with every span replaced, and where its stand-ins are."""
    pieces: list[str] = []
    moved: list[Span] = []
    done = length = 0  # characters of the old text that are copied, characters of the new one
    for span in spans:
        before, value = text[done : span.start], text[span.start : span.end]
        new = given[span.kind, key(span.kind, value)]
        pieces += [before, new]
        start = length + len(before)
        length = start + len(new)
        moved.append(Span(span.kind, start, length))
        done = span.end
    return "".join([*pieces, text[done:]]), moved


def stand_in(kind: DatumKind, number: int, like: str) -> str:
    """A made-up value; of `like` only the form is kept (a country code, IPv6)."""
    name = _NAMES[number % len(_NAMES)]
    match kind:
        case "email":
            return f"{name}.{number % 1000}@example.{_DOMAINS[number % len(_DOMAINS)]}"
        case "phone":
            area = "+1 202 " if like.startswith(("+", "00")) else "202-"
            return f"{area}555-{100 + number % 100:04}"
        case "address":
            street = _STREETS[number % len(_STREETS)]
            return f"{1 + number % 999} {street} Street, Sampletown 00000"
        case "card":
            return _CARDS[number % len(_CARDS)]
        case "iban":
            return _iban(number)
        case "ip":
            return (
                f"2001:db8::{1 + number % 9999}" if ":" in like else f"192.0.2.{1 + number % 254}"
            )
        case "handle":
            return f"@{name}_example_{number % 1000}"
        case "url":
            return f"https://example.org/link/{number % 1000}"
        case "secret":
            return _secret(number, like)
        case "id":
            return _id(number, like)


def _iban(number: int) -> str:
    """An IBAN with its check digits: 98 less account, country and 00 modulo 97 (ISO 13616)."""
    account = f"ZZZZ{number:014}"
    digits = "".join(str(int(letter, 36)) for letter in f"{account}GB00")
    return f"GB{98 - int(digits) % 97:02}{account}"


def _secret(number: int, like: str) -> str:
    """The letters of the service and "EXAMPLE" with a number, as long as the key was."""
    if like.startswith("-----BEGIN"):
        return f"-----BEGIN PRIVATE KEY-----\nEXAMPLE{number:04}\n-----END PRIVATE KEY-----"
    words = len(_WORD.findall(like))
    if words >= LEAST_SEED and " " in like:
        first = number % len(_NAMES)
        names = [*_NAMES[first:], *_NAMES, *_NAMES][: words - 2]
        return " ".join(["example", *names, f"{number:04}"])
    service = prefix(like)
    unit = f"EXAMPLE{number:04}"
    repeated = unit * (1 + len(like) // len(unit))
    return service + repeated[: max(len(unit), len(like) - len(service))]


def _id(number: int, like: str) -> str:
    """As long as the id was and with its signs between; not valid by any check digits."""
    if _MAC.fullmatch(like):
        gap = like[2]
        return gap.join(("00", "00", "5E", "00", "53", f"{number % 256:02X}"))
    other = number
    while is_id(_shaped(other, like)):
        other += FIRSTS
    return _shaped(other, like)


def _shaped(number: int, like: str) -> str:
    """Letters as X, digits as those of a number, from the last one on."""
    digits = list(f"{number:0{sum(map(str.isdecimal, like))}}")
    shaped = [_shaped_letter(letter, digits) for letter in reversed(like)]
    return "".join(reversed(shaped))


def _shaped_letter(letter: str, digits: list[str]) -> str:
    """digits: those that are left; the last is taken."""
    if letter.isdecimal():
        return digits.pop()
    return "X" if letter.isalpha() else letter
