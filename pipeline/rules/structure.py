"""Is it a dialogue at all: how many messages, how long, who writes how much, does it break off."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from functools import cache
from statistics import fmean
from typing import TYPE_CHECKING

from pipeline.rules.reading.phrases import listed

if TYPE_CHECKING:
    from pipeline.conversation import Finding, Message
    from pipeline.rules.reading.reading import Reading

ENOUGH = 5  # messages, from which on the full stops of the others say anything about the last
_STRAY = re.compile(  # "where do you work t", "She said (and"
    r"(?<=[a-z]\s)[b-hj-tv-w]\Z|(?<![:;=-])[(\[«„]\s*\w*\Z"
)
_ANSWERED = re.compile(  # "Yes they're"
    r"(?:\A|[.!?\n,] ?)(?:yes|yeah|yep|no|nope|sure|oh)\W{1,3}\w+'\w+\Z"
)
_ENDS = ".!?…。！？~)]}\"'”’»*」』）~♪"
_GOES_ON = ",;:-–—、，(["


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


def measures(reading: Reading) -> dict[str, float]:
    """The row's numbers by the names of `conversation.MEASURES`.

    What cannot be measured is missing.
    """
    numbers = reading.numbers
    spoken = [reading.messages[i] for i in reading.spoken]
    words = [numbers.words[i] for i in reading.spoken]
    found: dict[str, float] = {
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
    """A last message that breaks off, or probably does."""
    if broken := breaks_off(reading.messages):
        yield reading.of_message("structure.truncated", broken, len(reading.messages) - 1)


def shares(reading: Reading) -> Iterator[Finding]:
    """How little the quieter side writes."""
    share = reading.measures.get("balance")
    if share is not None:
        yield reading.of_row("structure.balance", share)
        yield reading.of_row("structure.uneven", share)


def breaks_off(messages: Sequence[Message]) -> float:
    """1 where the last message must have been cut off: after "the", in a bracket, at one letter.

    Otherwise, where the last message has no full stop, the share of the other messages that have
    one, .99 at most: who ends messages with a full stop mostly does so in the last one too. 0 where
    it has one.
    """
    if not messages or _is_whole(messages[-1].content):
        return 0.0
    if _is_cut(messages[-1].content):
        return 1.0
    if len(messages) < ENOUGH:
        return 0.0
    whole = fmean(_is_whole(message.content) for message in messages[:-1])
    return min(0.99, whole)


def _is_cut(text: str) -> bool:
    """After "the", inside a bracket, at a stray letter.

    Not after "plan b", "an A", "yes they're".
    """
    lower = text.lower()
    if _lettered().search(lower) or _ANSWERED.search(lower):
        return False
    return bool(_STRAY.search(text) or _unfinished().search(lower))


@cache
def _unfinished() -> re.Pattern[str]:
    words = "|".join(map(re.escape, listed("unfinished")))
    return re.compile(rf"(?<![^\W_])(?:{words})\Z")


@cache
def _lettered() -> re.Pattern[str]:
    words = "|".join(map(re.escape, listed("before_a_letter")))
    return re.compile(rf"(?<![^\W_])(?:an [af]|(?:{words}) [a-z])\Z")


def _is_whole(text: str) -> bool:
    """Does it end as a message may end?"""
    if not text or text[-1] in _ENDS or _frowns(text):
        return True
    return not text[-1].isalnum() and text[-1] not in _GOES_ON


def _frowns(text: str) -> bool:
    """ ":(", and as Russians write it: "Жаль((", "Мне грустно(", "Жаль (" """
    before = text.rstrip("(")
    if text.endswith("((") or not before:
        return text.endswith("((")
    if before == text:
        return False
    russian = "а" <= before.rstrip()[-1:].lower() <= "ё"
    return not before[-1].isspace() or russian
