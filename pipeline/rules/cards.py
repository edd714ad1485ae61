"""Does the talk keep to the cards: facts voiced by the side they belong to, and not read out word for word."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from pipeline.conversation import Finding, Persona, Role, normalised
from pipeline.rules.view import View, words

RUN = 8  # words: shorter common runs with the card are nobody's business
STEM = 5  # letters by which two words are the same ("baking", "bakes" are not, "cookie", "cookies" are)
SHARE = 0.75  # of a fact's words that a message must have to voice it
_SENTENCE = re.compile(r"[^.!?\n。！？;]+[.!?。！？]?")
_WORD = re.compile(r"[^\W\d_]{4,}")


def readings(view: View) -> Iterator[Finding]:
    """Both sides against their cards; nothing where there is no card."""
    sides: tuple[tuple[Role, Role, Persona | None], ...] = (
        ("assistant", "user", view.persona),
        ("user", "assistant", view.user_persona),
    )
    for own, other, card in sides:
        if card and card.description:
            yield from _recited(view, own, card.description)
            yield from _swapped(view, own, other, card.description)


def _recited(view: View, own: Role, description: str) -> Iterator[Finding]:
    """The longest run of words that a message shares with its speaker's card."""
    card = f" {normalised(description)} "
    best, where = RUN - 1, None
    for i, message in enumerate(view.messages):
        said = normalised(message.content).split() if message.role == own else []
        for start in range(len(said) - best):
            while f" {' '.join(said[start : start + best + 1])} " in card and start + best < len(said):
                best, where = best + 1, i
    if where is not None:
        yield Finding("filter", "style.recited", best, None, where, decision="measured")


def _swapped(view: View, own: Role, other: Role, description: str) -> Iterator[Finding]:
    """Facts of a card that the other side voices and its own never does."""
    said = {
        role: [(i, s) for i, m in enumerate(view.messages) if m.role == role for s in _said(m.content)]
        for role in (own, other)
    }
    swapped = []
    for fact in _SENTENCE.findall(description):
        needed = _stems(fact)
        if len(needed) >= 2 and not any(_voices(sentence, needed) for _, sentence in said[own]):
            swapped += [(i, fact) for i, sentence in said[other] if _voices(sentence, needed)][:1]
    for message, fact in swapped:
        yield Finding("filter", "style.swapped", len(swapped), None, message, 0, None, fact.strip()[:80], "measured")


def _said(text: str) -> list[frozenset[str]]:
    """The stems of every sentence that is no question."""
    return [_stems(s) for s in _SENTENCE.findall(text) if not s.endswith(("?", "？"))]


def _stems(text: str) -> frozenset[str]:
    return frozenset(word[:STEM] for word in _WORD.findall(text.lower()) if word not in common())


@cache
def common() -> frozenset[str]:
    """Words that tell nothing of a fact, lower case."""
    return frozenset(words("common"))


def _voices(sentence: frozenset[str], fact: frozenset[str]) -> bool:
    return len(sentence & fact) >= SHARE * len(fact)
