"""Is it a dialogue at all: how many turns, how long, who speaks how much, does it break off."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from functools import cache

from pipeline.conversation import Finding, Message
from pipeline.rules.reading.numbers import Numbers
from pipeline.rules.reading.view import View, words


def speaker(message: Message) -> str:
    """Who says it: the name where there is one, else the role."""
    return message.name or message.role


def balance(messages: Sequence[Message], words: Sequence[int]) -> float | None:
    """The quieter role's share of words, 0 to .5; None when nobody says a word."""
    user = sum(n for m, n in zip(messages, words, strict=True) if m.role == "user")
    both = sum(words)
    return min(user, both - user) / both if both else None


def measures(view: View, numbers: Numbers) -> dict[str, float]:
    """The row's numbers, by the names of `conversation.MEASURES`; what cannot be measured is missing."""
    said = [m for m in view.messages if m.role != "system"]
    words = [n for m, n in zip(view.messages, numbers.words, strict=True) if m.role != "system"]
    total, share = sum(words), balance(view.messages, numbers.words)
    found: dict[str, float] = {
        "turns": len(said),
        "words": total,
        "characters": sum(len(m.content) for m in said),
        "speakers": len({speaker(m) for m in said}),
        "repeated_turns": sum(1 for e in numbers.repeats if e >= 0) / len(said) if said else 0.0,
        "repetition": numbers.alike[0],
    }
    if said:
        found["words_per_turn"] = total / len(said)
        found["questions"] = sum("?" in m.content or "？" in m.content for m in said) / len(said)
    if share is not None:
        found["balance"] = share
        mean = total / len(words)
        found["length_variation"] = (
            math.sqrt(sum((n - mean) ** 2 for n in words) / len(words)) / mean
        )
    if numbers.distinct_2 == numbers.distinct_2:  # not nan
        found["distinct_2"] = numbers.distinct_2
    return found


def readings(view: View, numbers: Numbers, found: dict[str, float]) -> Iterator[Finding]:
    """Structure of a row. found: its measures."""
    sides = len({m.role for m in view.messages if m.role != "system"})
    longest = max(range(len(numbers.words)), key=numbers.words.__getitem__, default=None)
    yield _row("structure.turns", found["turns"])
    yield _row("structure.long", found["turns"])
    yield _row("structure.words", found["words"])
    yield _row("structure.speakers", found["speakers"])
    yield _row("structure.one_sided", sides)
    if longest is not None:
        yield Finding(
            "filter",
            "structure.long_message",
            numbers.words[longest],
            None,
            longest,
            decision="measured",
        )
    empty = [i for i, m in enumerate(view.messages) if not m.content or m.content.isspace()]
    for i in empty:
        yield Finding("filter", "structure.empty", len(empty), None, i, decision="measured")
    if broken := breaks_off(view.messages):
        last = len(view.messages) - 1
        yield Finding("filter", "structure.truncated", broken, None, last, decision="measured")
    if "balance" in found:
        yield _row("structure.balance", found["balance"])
        yield _row("structure.uneven", found["balance"])


def _row(rule: str, value: float) -> Finding:
    return Finding("filter", rule, value, decision="measured")


_STRAY = re.compile(
    r"(?<=[a-z]\s)[b-hj-tv-w]\Z|(?<![:;=-])[(\[«„]\s*\w*\Z"
)  # "where do you work t"
_ANSWERED = re.compile(
    r"(?:\A|[.!?\n,] ?)(?:yes|yeah|yep|no|nope|sure|oh)\W{1,3}\w+'\w+\Z"
)  # "Yes they're"
_ENDS = ".!?…。！？~)]}\"'”’»*」』）~♪"


def breaks_off(messages: Sequence[Message]) -> float:
    """1 where the last message must have been cut off: after "the", inside a bracket, at a stray letter.

    Otherwise, where the last message has no full stop, the share of the other messages that have one, .99 at most:
    who ends messages with a full stop mostly does so in the last one too. 0 where it has one.
    """
    if not messages or _ends(messages[-1].content):
        return 0.0
    if _is_cut(messages[-1].content):
        return 1.0
    if len(messages) < 5:
        return 0.0
    return min(0.99, sum(_ends(m.content) for m in messages[:-1]) / (len(messages) - 1))


def _is_cut(text: str) -> bool:
    """After "the", inside a bracket, at a stray letter; not after "plan b", "an A", "yes they're"."""
    lower = text.lower()
    if _lettered().search(lower) or _ANSWERED.search(lower):
        return False
    return bool(_STRAY.search(text) or _unfinished().search(lower))


@cache
def _unfinished() -> re.Pattern[str]:
    return re.compile(rf"(?<![^\W_])(?:{'|'.join(map(re.escape, words('unfinished')))})\Z")


@cache
def _lettered() -> re.Pattern[str]:
    return re.compile(
        rf"(?<![^\W_])(?:an [af]|(?:{'|'.join(map(re.escape, words('before_a_letter')))}) [a-z])\Z"
    )


def _ends(text: str) -> bool:
    return (
        not text
        or text[-1] in _ENDS
        or _frowns(text)
        or (not text[-1].isalnum() and text[-1] not in ",;:-–—、，([")
    )


def _frowns(text: str) -> bool:
    """ ":(", and as Russians write it: "Жаль((", "Мне грустно(", "Жаль (" """
    said = text.rstrip("(")
    if text.endswith("((") or not said:
        return text.endswith("((")
    return said != text and (not said[-1].isspace() or "а" <= said.rstrip()[-1:].lower() <= "ё")
