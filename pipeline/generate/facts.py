"""What people say of themselves and of each other: age, name, home, work, the names of theirs.

The ways of saying it are texts in `configs/memory/<language>.yaml`, a phrase a line:

    age:       "I'm {age}"               of who speaks
    your age:  "you're {age}"            of the other side
    new home:  "I moved to {place}"      as true as what was said before; nothing contradicts it

`(a|b|)` in a phrase stands for a, b or nothing. Numbers are read where they are written in digits.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from typing import NamedTuple

from pipeline.conversation import Message, normalised
from pipeline.generate.plan import Side

OTHER: dict[str, Side] = {"user": "assistant", "assistant": "user"}
CAPITAL = r"[^\W\d_a-zа-яёäöüßàâçèéêëîïôùûñáíóú][\w'’-]+"
HAN = r"[\u4e00-\u9fff]"
SLOTS = {
    "age": r"(?P<value>(?:1[89]|[2-9]\d|1[01]\d))(?!\d)",
    "name": rf"(?P<value>{CAPITAL})",
    "place": rf"(?P<value>{CAPITAL}(?:[ -]{CAPITAL})?)",
    "job": r"(?P<value>[^\W\d_][^,.;:!?…\n]{2,40})",
}
HAN_SLOTS = SLOTS | {
    "name": rf"(?P<value>{HAN}{{2,4}}?)(?=[，。！？、,.!?\s]|$)",
    "place": rf"(?P<value>{HAN}{{2,6}}?)(?=[的，。！？、,.!?\s]|$)",
    "job": rf"(?P<value>{HAN}{{2,8}}?)(?=[的，。！？、,.!?\s]|$)",
}
LISTS = ("introductions", "explanations", "small", "kin", "units")  # no ways to say a fact
WORDS_OF_A_JOB = 3
STEM = 4  # first letters by which two words are the same, in any case of a noun
A_BIRTHDAY = 1  # years


class Remark(NamedTuple):
    """What somebody said, word for word. sitting: from 1. message: its index in the sitting."""

    sitting: int
    message: int
    name: str
    text: str


class Fact(NamedTuple):
    """side: whom it is about. is_new: it changed, so that it contradicts nothing before it."""

    side: Side
    kind: str
    value: str
    message: int = -1
    is_new: bool = False


class Way(NamedTuple):
    """One way of saying a fact. kind: age, name, home, work, or a word of kin."""

    kind: str
    pattern: re.Pattern[str]
    of_other: bool
    is_new: bool


@dataclass(frozen=True, eq=False)
class Sayings:
    """How a language says such things; equal to no other. introductions: phrases of people who have
    never met.
    explanations: why nothing came of a promise. small: words that name nothing."""

    ways: tuple[Way, ...]
    introductions: tuple[re.Pattern[str], ...]
    explanations: tuple[re.Pattern[str], ...]
    small: frozenset[str]


def speech(values: Mapping[str, Sequence[str]]) -> Sayings:
    """The phrases of `configs/memory/<language>.yaml`."""
    ways: list[Way] = []
    for heading, phrases in values.items():
        if heading not in LISTS:
            ways += _ways(heading, phrases, values)
    return Sayings(
        tuple(ways),
        tuple(compiled(phrase) for phrase in values["introductions"]),
        tuple(compiled(phrase) for phrase in values["explanations"]),
        frozenset(values["small"]),
    )


def _ways(
    heading: str, phrases: Sequence[str], values: Mapping[str, Sequence[str]]
) -> Iterator[Way]:
    *before, kind = heading.split()
    of_other = "your" in before
    is_new = "new" in before
    units = values["units"]
    for phrase in phrases:
        if "{kin}" not in phrase:
            yield Way(kind, compiled(phrase, units), of_other, is_new)
            continue
        for word in values["kin"]:
            yield Way(word, compiled(phrase.replace("{kin}", word)), of_other, is_new)


def compiled(phrase: str, units: Sequence[str] = ()) -> re.Pattern[str]:
    """A phrase as a regular expression: its words in any case, its slots as `value`.

    units: words after a number that make it no age.
    """
    slots = HAN_SLOTS if re.search(HAN, phrase) else SLOTS
    parts = re.split(r"\{(\w+)\}", phrase)
    for place, part in enumerate(parts):
        parts[place] = slots[part] if place % 2 else _literal(part)
    start = r"(?<!\w)" if phrase[:1].isascii() or slots is SLOTS else ""
    if phrase.endswith("{age}"):
        counted = "|".join(map(re.escape, units))
        end = rf"(?!\s*(?:[-%°€$£:/]|(?i:{counted})\b)|[.,]\d)"
        return re.compile(start + "".join(parts) + end, re.MULTILINE)
    last = r"(?!\w)" if slots is SLOTS and phrase[-1:].isalnum() else ""
    return re.compile(start + "".join(parts) + last, re.MULTILINE)


def _literal(text: str) -> str:
    if not text:
        return ""
    escaped = re.escape(text).replace(r"\(", "(?:").replace(r"\)", ")").replace(r"\|", "|")
    spaced = escaped.replace(r"\ ", r"\s*" if re.search(HAN, text) else r"\s+")
    return f"(?i:{spaced.replace(chr(39), '[' + chr(39) + '’]')})"


# --- finding and comparing


def facts_in(message: Message, index: int, speech: Sayings) -> Iterator[Fact]:
    """What a message says of who wrote it, and of the other side."""
    side: Side = "user" if message.role == "user" else "assistant"
    for fact in _facts_of_text(message.content, side, speech):
        yield fact._replace(message=index)


@lru_cache(maxsize=2048)  # a talk is read again with every message that is added to it
def _facts_of_text(text: str, side: Side, speech: Sayings) -> tuple[Fact, ...]:
    found = (_facts(way, side, text, speech.small) for way in speech.ways)
    return tuple(dict.fromkeys(chain.from_iterable(found)))


def _facts(way: Way, side: Side, text: str, small: frozenset[str]) -> Iterator[Fact]:
    """What is said in one way of saying it."""
    about = OTHER[side] if way.of_other else side
    for found in way.pattern.finditer(text):
        value = found["value"].strip()
        if way.kind == "work":
            value = _job(value, small)
        if value:
            yield Fact(about, way.kind, value, is_new=way.is_new)


def facts_of(messages: Sequence[Message], speech: Sayings) -> list[Fact]:
    """The same of all messages of a talk."""
    return [
        fact for index, message in enumerate(messages) for fact in facts_in(message, index, speech)
    ]


def _job(value: str, small: frozenset[str]) -> str:
    words = value.split()[:WORDS_OF_A_JOB]
    places = [place for place, word in enumerate(words) if word.casefold() in small]
    return " ".join(words[: min(places, default=len(words))])


def contradicted(new: Fact, known: Sequence[Fact]) -> Fact | None:
    """The known fact that a new one contradicts; None: it fits one of them, or nothing is known."""
    if new.is_new:
        return None
    others = [fact for fact in known if (fact.side, fact.kind) == (new.side, new.kind)]
    if not others or any(is_same(new.kind, new.value, other.value) for other in others):
        return None
    return others[-1]


def is_same(kind: str, value: str, other: str) -> bool:
    """Are two values of one kind the same, as far as can be seen: an age a year off, a word in
    another case, a part of the name?"""
    if kind == "age":
        return abs(int(value) - int(other)) <= A_BIRTHDAY
    return bool(stems(value) & stems(other))


def stems(text: str) -> set[str]:
    """The beginnings of the words of a text; of Chinese, every two letters that stand together."""
    found: set[str] = set()
    for word in normalised(text).split():
        if re.match(HAN, word):
            found.update(word[place : place + 2] for place in range(max(1, len(word) - 1)))
        else:
            found.add(word[:STEM])
    return found
