"""Made-up values in place of personal data: the same datum gets the same stand-in throughout a conversation.

    mask(texts, spans) -> texts, spans

All come from ranges set aside for examples and fiction, so that none can be anybody's: example.org (RFC 2606),
telephone 555-0100 to 0199 (North American Numbering Plan), IP 192.0.2.0/24 and 2001:db8::/32 (RFC 5737, RFC 3849),
cards from the card companies' own test numbers, IBAN of a bank ZZZZ that does not exist, postcode 00000.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence

from pipeline.conversation import normalised
from pipeline.rules.privacy.datum import key
from pipeline.rules.privacy.find import Kind, Span

_NAMES = (
    "alex", "robin", "sam", "kim", "jo", "lee", "max", "charlie", "noa", "ari", "mika", "luca", "toni", "sasha", "nika",
    "rene", "jules", "remy", "kay", "dana",
)  # fmt: skip
_STREETS = (
    "Example", "Sample", "Specimen", "Model", "Pattern", "Fable", "Novel", "Story", "Chapter", "Preface",
)  # fmt: skip
_CARDS = (
    "4111 1111 1111 1111", "5555 5555 5555 4444", "4012 8888 8888 1881", "5105 1051 0510 5100", "4242 4242 4242 4242",
    "6011 1111 1111 1117", "3530 1113 3330 0000", "6011 0009 9013 9424", "3566 0020 2036 0505", "3714 496353 98431",
)  # fmt: skip


def mask(
    texts: Sequence[str], spans: Sequence[Sequence[Span]]
) -> tuple[list[str], list[list[Span]]]:
    """Texts of one conversation with every span replaced, and where the stand-ins stand now.

    spans: per text, from `datum.find_all`. Which stand-ins a conversation has hangs on the words around its first
    datum: not all have the same, and copies of one talk, even cut ones, stay copies for `dedup`.
    """
    said = next((text for text, found in zip(texts, spans, strict=True) if found), "")
    first = random.Random(normalised(said)).randrange(1000)
    given: dict[tuple[Kind, str], str] = {}
    counted: Counter[Kind] = Counter()
    for text, found in zip(texts, spans, strict=True):
        for kind, start, end in found:
            value = text[start:end]
            if (datum := (kind, key(kind, value))) not in given:
                given[datum] = stand_in(kind, first + counted[kind], value)
                counted[kind] += 1
    masked = [_replaced(text, found, given) for text, found in zip(texts, spans, strict=True)]
    return [text for text, _ in masked], [moved for _, moved in masked]


def _replaced(
    text: str, spans: Sequence[Span], given: dict[tuple[Kind, str], str]
) -> tuple[str, list[Span]]:
    pieces, moved, done, at = [], [], 0, 0
    for kind, start, end in spans:
        value = given[kind, key(kind, text[start:end])]
        pieces += [text[done:start], value]
        at += start - done
        moved.append(Span(kind, at, at + len(value)))
        at += len(value)
        done = end
    return "".join([*pieces, text[done:]]), moved


def stand_in(kind: Kind, nth: int, like: str) -> str:
    """The nth made-up value of a kind; of `like` only the form is kept (a country code, IPv6), never the content."""
    name = _NAMES[nth % 20]
    match kind:
        case "email":
            return f"{name}.{nth % 1000}@example.{('org', 'com', 'net')[nth % 3]}"
        case "phone":
            return (
                f"{'+1 202 ' if like.startswith(('+', '00')) else '202-'}555-{100 + nth % 100:04}"
            )
        case "address":
            return f"{1 + nth % 999} {_STREETS[nth % 10]} Street, Sampletown 00000"
        case "card":
            return _CARDS[nth % 10]
        case "iban":
            return _iban(nth)
        case "ip":
            return f"2001:db8::{1 + nth % 9999}" if ":" in like else f"192.0.2.{1 + nth % 254}"
        case "handle":
            return f"@{name}_example_{nth % 1000}"
        case "url":
            return f"https://example.org/link/{nth % 1000}"


def _iban(nth: int) -> str:
    account = f"ZZZZ{nth:014}"
    check = 98 - int("".join(str(int(c, 36)) for c in f"{account}GB00")) % 97
    return f"GB{check:02}{account}"
