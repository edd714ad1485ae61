"""Is it a dialogue at all: how many messages, how long, who writes how much, does anybody speak."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from pipeline.rules import endings
from pipeline.rules.reading.signs import holds

if TYPE_CHECKING:
    from pipeline.conversation import Finding, Measures, Message
    from pipeline.rules.reading.reading import Reading

ENOUGH = 3  # messages of a side, from which on their share says anything
# A stage direction: "*smiles*", "(waves)". None holds its own sign, so that each is read once.
_DIRECTION = re.compile(
    r"\*[^*\n]+\*|(?<!\w)_[^_\n]+_|\[[^\[\]\n]+\]|\([^()\n]+\)|（[^（）\n]+）|【[^【】\n]+】"
    r"|<[^<>\n]+>|~[^~\n]+~"
)
_SPOKEN = re.compile(r"[^\W_]")
_SPEECH = re.compile('["“”«»„「」『』]')


def speaker(message: Message) -> str:
    """Who writes it: the name where there is one, else the role."""
    return message.name or message.role


def balance(messages: Sequence[Message], words: Sequence[int]) -> float | None:
    """The quieter role's share of words, 0 to .5; None when nobody writes a word."""
    by_user = [
        count for message, count in zip(messages, words, strict=True) if message.role == "user"
    ]
    user, total = sum(by_user), sum(words)
    return min(user, total - user) / total if total else None


def measures(reading: Reading) -> Measures:
    """The row's numbers by the names of `conversation.MEASURES`.

    What cannot be measured is missing.
    """
    numbers = reading.numbers
    spoken = [reading.messages[i] for i in reading.spoken]
    words = [numbers.words[i] for i in reading.spoken]
    found: Measures = {
        "turns": len(spoken),
        "words": sum(words),
        "characters": sum(len(message.content) for message in spoken),
        "speakers": len(set(map(speaker, spoken))),
        "repeated_turns": 0.0,
        "repetition": numbers.similar.value,
    }
    if spoken:
        repeats = sum(earlier >= 0 for earlier in numbers.repeats)
        found["repeated_turns"] = repeats / len(spoken)
        found["words_per_turn"] = sum(words) / len(spoken)
        found["questions"] = sum(map(_asks, spoken)) / len(spoken)
    share = balance(reading.messages, numbers.words)
    if share is not None:
        found["balance"] = share
        found["length_variation"] = _variation(words)
    if not math.isnan(numbers.distinct_2):
        found["distinct_2"] = numbers.distinct_2
    return found


def _asks(message: Message) -> bool:
    return "?" in message.content or "？" in message.content


def _variation(counts: Sequence[int]) -> float:
    """Standard deviation / mean."""
    mean = sum(counts) / len(counts)
    squares = [(count - mean) ** 2 for count in counts]
    return math.sqrt(sum(squares) / len(counts)) / mean


def size(reading: Reading) -> Iterator[Finding]:
    """How many messages, words and speakers."""
    measured = reading.measures
    yield reading.of_row("structure.turns", measured["turns"])
    yield reading.of_row("structure.long", measured["turns"])
    yield reading.of_row("structure.words", measured["words"])
    yield reading.of_row("structure.speakers", measured["speakers"])


def sides(reading: Reading) -> Iterator[Finding]:
    """How many of user and assistant write anything."""
    roles = {reading.messages[i].role for i in reading.spoken}
    yield reading.of_row("structure.one_sided", len(roles))


def longest(reading: Reading) -> Iterator[Finding]:
    """The longest message, in words."""
    words = reading.numbers.words
    if words:
        most = max(words)
        yield reading.of_message("structure.long_message", most, words.index(most))


def empty(reading: Reading) -> Iterator[Finding]:
    """Messages without a visible character; value: how many."""
    found = [i for i, message in enumerate(reading.messages) if not message.content.strip()]
    for i in found:
        yield reading.of_message("structure.empty", len(found), i)


def truncated(reading: Reading) -> Iterator[Finding]:
    """A last message that breaks off; the word that it breaks off at is quoted."""
    if end := endings.breaks_off(reading.messages):
        yield reading.with_note("structure.truncated", 1, len(reading.messages) - 1, end)


def stage(reading: Reading) -> Iterator[Finding]:
    """What share of one side's messages is nothing but stage directions."""
    if not holds(reading.text, "*_[(（【<~"):
        return
    for side in ("user", "assistant"):
        own = [i for i in reading.spoken if reading.messages[i].role == side]
        silent = [i for i in own if is_stage(reading.messages[i].content)]
        if silent and len(own) >= ENOUGH:
            yield reading.of_message("structure.stage", len(silent) / len(own), silent[0])


def is_stage(text: str) -> bool:
    """*smiles* · [laughs] · (shrugs); not "*smiles* Yes." nor "*“Yes,” she says.*" """
    if text[:1].isalnum():  # as most do
        return False
    left = _DIRECTION.sub("", text)
    return left != text and not _SPOKEN.search(left) and not _SPEECH.search(text)


def shares(reading: Reading) -> Iterator[Finding]:
    """How little the quieter side writes."""
    share = reading.measures.get("balance")
    if share is not None:
        yield reading.of_row("structure.balance", share)
        yield reading.of_row("structure.uneven", share)
