"""Does a conversation keep to its cards?

A fact of a card is voiced by the side it belongs to, and the card is not recited word for word.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import cache, lru_cache
from itertools import chain
from typing import TYPE_CHECKING

from pipeline.rules import sides
from pipeline.rules.reading import CARDS
from pipeline.rules.reading.lists import listed

if TYPE_CHECKING:
    from pipeline.conversation import Finding, Role
    from pipeline.rules.reading.reading import Reading

RUN = 8  # words: shorter runs in common with the card are of no interest
LONGEST = 100  # words: longer runs are not measured to their end
STEM = 5  # letters by which words are the same: "cookie" and "cookies", not "baking" and "bakes"
SHARE = 0.75  # of a fact's words that a message must have to voice it
QUOTED = 80  # characters of a fact that are quoted
_SENTENCE = re.compile(r"[^.!?\n。！？;]+[.!?。！？]?")
_YOU = re.compile(r"\b(?:you|your|du|dein|tu|ты|твой|你)\b", re.I)
_WORD = re.compile(r"[^\W\d_]{4,}")

Stems = frozenset[str]


def kept_to(reading: Reading) -> Iterator[Finding]:
    """Both sides against their cards; nothing where there is no card."""
    yield from sides.on_the_wrong_side(reading)
    described = list(_descriptions(reading))
    if not described:
        return
    voiced = _voiced(reading)
    for own, description in described:
        yield from _recited(reading, own, description)
        yield from _swapped(reading, voiced, own, description)


def _descriptions(reading: Reading) -> Iterator[tuple[Role, str]]:
    if reading.persona and reading.persona.description:
        yield "assistant", reading.persona.description
    if reading.user_persona and reading.user_persona.description:
        yield "user", reading.user_persona.description


def _voiced(reading: Reading) -> dict[str, list[int]]:
    """Which messages have each stem."""
    voiced: dict[str, list[int]] = defaultdict(list)
    for i, message in enumerate(reading.messages):
        for stem in _stems(message.content):
            voiced[stem].append(i)
    return voiced


@lru_cache(maxsize=CARDS)
def _words_of_card(description: str) -> tuple[str, frozenset[str]]:
    """A card's words in their order, blanks around each, and which they are."""
    from pipeline.conversation import normalised

    card = normalised(description)
    return f" {card} ", frozenset(card.split())


@lru_cache(maxsize=CARDS)
def _facts(description: str) -> tuple[tuple[str, Stems], ...]:
    """A card's sentences that say something, and their stems."""
    sentences = _SENTENCE.findall(description)
    facts = ((sentence, _stems(sentence)) for sentence in sentences)
    return tuple(fact for fact in facts if len(fact[1]) >= 2)


def _recited(reading: Reading, own: Role, description: str) -> Iterator[Finding]:
    """The longest run of words that a message has in common with its writer's card."""
    from pipeline.conversation import words_of

    card, known = _words_of_card(description)
    longest, found_in = RUN - 1, None
    for i, message in enumerate(reading.messages):
        if message.role != own or len(message.content) <= longest:
            continue
        words = words_of(message.content)
        if sum(map(known.__contains__, words)) > longest:
            run = _run_in_common(words, card, longest)
            if run > longest:
                longest, found_in = run, i
    if found_in is not None:
        yield reading.of_message("style.recited", longest, found_in)


def _run_in_common(words: Sequence[str], card: str, least: int) -> int:
    """The words of the longest run that stands in the card, or `least` where none is longer."""
    longest = least
    for start in range(len(words) - least):
        while start + longest < len(words) and longest < LONGEST:
            run = " ".join(words[start : start + longest + 1])
            if f" {run} " not in card:
                break
            longest += 1
    return longest


def _swapped(
    reading: Reading, voiced: Mapping[str, Sequence[int]], own: Role, description: str
) -> Iterator[Finding]:
    """Facts of a card that only the other side voices, at the message that does so first."""
    swapped: list[tuple[int, str]] = []
    for fact, stems in _facts(description):
        likely = _likely(voiced, stems)
        first = _first_of_other(reading, likely, own, stems)
        if first is not None:
            swapped.append((first, fact))
    for message, fact in swapped:
        note = fact.strip()[:QUOTED]
        yield reading.with_note("style.swapped", len(swapped), message, note)


def _likely(voiced: Mapping[str, Sequence[int]], fact: Stems) -> list[int]:
    """The messages that have enough of a fact's stems."""
    stems = Counter(chain.from_iterable(voiced.get(stem, ()) for stem in fact))
    return sorted(i for i, count in stems.items() if count >= SHARE * len(fact))


def _first_of_other(reading: Reading, likely: Sequence[int], own: Role, fact: Stems) -> int | None:
    """The first message of the other side that voices a fact; None where its own side does."""
    by_own = [i for i in likely if reading.messages[i].role == own]
    by_other = [i for i in likely if reading.messages[i].role != own]
    if not by_other or any(_states(reading.messages[i].content, fact) for i in by_own):
        return None
    return next((i for i in by_other if _states(reading.messages[i].content, fact)), None)


def _states(text: str, fact: Stems) -> bool:
    """Does a sentence voice a fact that is not a question and does not speak of the listener?"""
    return any(
        not sentence.endswith(("?", "？"))
        and _voices(_stems(sentence), fact)
        and not _YOU.search(sentence)
        for sentence in _SENTENCE.findall(text)
    )


def _stems(text: str) -> Stems:
    words = set(_WORD.findall(text.lower()))
    return frozenset([word[:STEM] for word in words.difference(common())])


@cache
def common() -> frozenset[str]:
    """Words that say nothing of a fact, lower case."""
    return frozenset(listed("common"))


def _voices(sentence: Stems, fact: Stems) -> bool:
    return len(sentence & fact) >= SHARE * len(fact)
