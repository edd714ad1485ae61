"""What a judge may answer, and whether its evidence is there.

The schema has the quotes first: a model that writes the level first only finds reasons for it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TypedDict

from pipeline.conversation import Message, normalised
from pipeline.criteria import LEVELS
from pipeline.llm.request import JsonObject

MOST_QUOTES = 4
# Tokens of one answer, at most: four quotes of two sentences and one sentence why. Our choice.
ANSWER_TOKENS = 800
# How a part is left out of a quote.
GAP = re.compile(r"\[?(?:…|\.\.\.)\]?")


class Quote(TypedDict):
    """Words that a verdict rests on, and the number of the message they stand in."""

    message: int
    quote: str


class PairQuote(Quote):
    """The same of one of two conversations: `first` or `second`."""

    conversation: str


class Verdict(TypedDict):
    """An answer that fits `VERDICT`."""

    quotes: list[Quote]
    why: str
    level: int | None


class PairVerdict(TypedDict):
    """An answer that fits `PAIR_VERDICT`."""

    quotes: list[PairQuote]
    why: str
    better: str | None


def _schema(quote: JsonObject, name: str, last: JsonObject) -> JsonObject:
    """Quotes, a sentence, and what follows from them under `name`."""
    quotes = {"type": "array", "items": _object(quote), "maxItems": MOST_QUOTES}
    return _object({"quotes": quotes, "why": {"type": "string"}, name: last})


def _object(properties: JsonObject) -> JsonObject:
    """An object with all of these properties and no others."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


_PLACE: JsonObject = {"message": {"type": "integer"}, "quote": {"type": "string"}}
_SIDE: JsonObject = {"conversation": {"type": "string", "enum": ["first", "second"]}}
VERDICT = _schema(_PLACE, "level", {"type": ["integer", "null"], "enum": [*LEVELS, None]})
PAIR_VERDICT = _schema(
    _SIDE | _PLACE,
    "better",
    {"type": ["string", "null"], "enum": ["first", "second", "equal", None]},
)


def unfounded(quotes: Sequence[Quote], messages: Sequence[Message]) -> str | None:
    """Why quotes are no evidence, in a sentence; None where every one stands in the message that
    it names."""
    for quote in quotes:
        number, text = quote["message"], quote["quote"]
        if not 0 <= number < len(messages):
            return f"it quotes message {number}, which does not exist"
        if not stands_in(text, messages[number].content):
            return f'it quotes what does not stand in message {number}: "{text[:80]}"'
    if not quotes:
        return "it gives no quote"
    return None


def stands_in(quote: str, text: str) -> bool:
    """Are these the words of a text, in their order, whatever their case and punctuation?

    A quote may leave parts out ("I knew … at once"). One without words (":-)") must stand there
    as it is.
    """
    parts = list(filter(None, map(normalised, GAP.split(quote))))
    if not parts:
        return bool(quote.strip()) and quote.strip() in text
    words, place = normalised(text), 0
    for part in parts:
        found = words.find(part, place)
        if found < 0:
            return False
        place = found + len(part)
    return True


def evidence(quotes: Sequence[Quote], why: str) -> str:
    """Quotes and reason for a reader: a line for each quote, with its message, then the reason."""
    return "\n".join([*_quoted(quotes), why.strip()]).strip()


def _quoted(quotes: Sequence[Quote]) -> Iterator[str]:
    for quote in quotes:
        text = " ".join(quote["quote"].split())
        yield f'{quote["message"]}: "{text}"'
