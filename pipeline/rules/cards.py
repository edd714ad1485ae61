"""Does the talk keep to the cards: facts voiced by the side they belong to, and not read out word for word."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache

from pipeline.conversation import Finding, Persona, Role, normalised
from pipeline.rules.reading.view import View, words

RUN = 8  # words: shorter common runs with the card are nobody's business
LONGEST = 100  # words: longer runs are not measured to their end
STEM = 5  # letters by which two words are the same ("baking", "bakes" are not, "cookie", "cookies" are)
SHARE = 0.75  # of a fact's words that a message must have to voice it
_SENTENCE = re.compile(r"[^.!?\n。！？;]+[.!?。！？]?")
_YOU = re.compile(r"\b(?:you|your|du|dein|tu|ты|твой|你)\b", re.I)
_WORD = re.compile(r"[^\W\d_]{4,}")


def readings(view: View) -> Iterator[Finding]:
    """Both sides against their cards; nothing where there is no card."""
    cards: tuple[tuple[Role, Persona | None], ...] = (
        ("assistant", view.persona),
        ("user", view.user_persona),
    )
    described = [(own, card.description) for own, card in cards if card and card.description]
    said = (
        [(i, m.role, s) for i, m in enumerate(view.messages) for s in _said(m.content)]
        if described
        else []
    )
    for own, description in described:
        yield from _recited(view, own, description)
        yield from _swapped(said, own, description)


def _recited(view: View, own: Role, description: str) -> Iterator[Finding]:
    """The longest run of words that a message shares with its speaker's card."""
    card = f" {normalised(description)} "
    best, where = RUN - 1, None
    for i, message in enumerate(view.messages):
        said = (
            normalised(message.content).split()
            if message.role == own and len(message.content) > best
            else []
        )
        for start in range(len(said) - best):
            while (
                start + best < len(said)
                and best < LONGEST
                and f" {' '.join(said[start : start + best + 1])} " in card
            ):
                best, where = best + 1, i
    if where is not None:
        yield Finding("filter", "style.recited", best, None, where, decision="measured")


def _swapped(
    said: Sequence[tuple[int, Role, frozenset[str]]], own: Role, description: str
) -> Iterator[Finding]:
    """Facts of a card that the other side voices and its own never does. said: message, role, stems of a sentence."""
    spoken = frozenset().union(*(stems for _, _, stems in said))
    swapped = []
    for fact in _SENTENCE.findall(description):
        needed = _stems(fact)
        if len(needed) < 2 or not _voices(spoken, needed):
            continue
        voiced = [(i, role) for i, role, stems in said if _voices(stems, needed)]
        if own not in {role for _, role in voiced}:
            swapped += [(i, fact) for i, _ in voiced][:1]
    for message, fact in swapped:
        yield Finding(
            "filter",
            "style.swapped",
            len(swapped),
            None,
            message,
            0,
            None,
            fact.strip()[:80],
            "measured",
        )


def _said(text: str) -> list[frozenset[str]]:
    """The stems of every sentence that is no question and does not speak of the listener."""
    sentences = (s for s in _SENTENCE.findall(text) if not s.endswith(("?", "？")))
    return [_stems(s) for s in sentences if not _YOU.search(s)]


def _stems(text: str) -> frozenset[str]:
    return frozenset(word[:STEM] for word in _WORD.findall(text.lower()) if word not in common())


@cache
def common() -> frozenset[str]:
    """Words that tell nothing of a fact, lower case."""
    return frozenset(words("common"))


def _voices(sentence: frozenset[str], fact: frozenset[str]) -> bool:
    return len(sentence & fact) >= SHARE * len(fact)
