"""Where the phrases of `configs/words` stand in a text. What a line of a list means: `lists.py`.

    find(text, starts)                where the phrases of all lists stand in a text
    find(text, starts, ("goodbye",))  only those of some

How `find` works. Written out, the lines are 900,000 phrases: too many to lay out for a search in
one pass (Aho and Corasick 1975) in every process. Their beginnings are 118,000, laid out once and
kept for the next process (`layout.py`), and most texts have none of them:

    line        i (cannot|can't) help (with|in) (this|that)
    beginnings  "i cannot h"  "i can't he"                  10 letters, looked for in one pass
    text        … sorry, i cannot help with that …
                         "i cannot h"                       found: this line is worth a look
                         "i cannot help with that"          one of its phrases stands here: yes
                         pattern(line)                      gives the place, at word boundaries

Of a line with gaps only one part is searched for. Before the slow pattern is tried, another of its
parts must stand in the message, too: of `(i|we) (will|can) ~1 (respond|reply)` "reply" or "respond"
beside "i can". And a part that begins a word is not looked at inside one: "ser" of "user".
"""

from __future__ import annotations

import re
from array import array
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from itertools import pairwise, product
from math import prod
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from pipeline.rules.reading.lists import GAP, UNSPACED, parts, pattern
from pipeline.rules.reading.signs import holds

if TYPE_CHECKING:
    from ahocorasick_rs import AhoCorasick

# The lists that are searched for.
LISTS = (
    "refusal",
    "refusal_weak",
    "refusal_plain",
    "refusal_policy",
    "resource",
    "offer",
    "lecture",
    "lecture_weak",
    "assistant",
    "reasoning_user",
    "reasoning_plan",
    "service",
    "label_talk",
    "goodbye",
    "minor",
    "minor_bare",
    "minor_start",
    "minor_card",
    "minor_school",
    "minor_sign",
    "minor_youth",
    "pupil",
    "sexual",
    "suggestive",
    "age_question",
    "grade_question",
    "birth_question",
    "born",
    "self_harm",
    "coercion",
    "slur",
    "slur_weak",
    "hate",
    "hate_people",
    "hate_people_weak",
    "hate_one",
    "cliches",
    "lorem",
    "spam_pitch",
    "spam_trade",
    "spam_money",
    "spam_call",
    "meta_opening",
    "meta_note",
    "meta_label",
    "meta_offer",
    "meta_service",
    "meta_end",
    "ooc",
    "ooc_player",
    "ooc_speaker",
    "ooc_step",
    "prompt",
    "prompt_weak",
    "prompt_field",
    "injection",
)
BEGINNING = 10  # letters: 8 are found twice as often, 16 take three times as long to lay out
UNSPACED_BEGINNING = 4  # letters of a script that writes a word with one or two
# How often a letter comes, one of an unspaced script or a digit, and a word of `OFTEN_USED`.
COMMON, RARE, OFTEN = 1 / 8, 1 / 200, 1 / 60
UNSPACED_FROM = "\u0e00"
_OFTEN_USED = """
    'm a about all am an and are as at be been but can can't could did do don't for get go going
    good have he her him his how i i'm if im in is it it's just know let let's like
    me my need no not of oh on one or out really say she should so that that's the them then there
    they think this time to up want was we well were what when will with would yes you your
"""
OFTEN_USED = frozenset(_OFTEN_USED.split())
LONGEST = 200  # letters of a spelling that are compared
SPELLINGS = 5000  # phrases at most that the searched part of a line is written out to
MESSAGES, SHORT = 16_384, 1000  # that are kept in mind: those of a batch of rows; their letters
NEEDED = 100  # choices at most of a part that is looked for beside it

_UNSPACED_LETTER = re.compile(f"[{UNSPACED}]")


Phrase = tuple[str, int, int]  # the list, and from which letter of a message to which


class Hit(NamedTuple):
    """A listed phrase: in which message, from which character to which."""

    message: int
    start: int
    end: int


@dataclass(frozen=True, eq=False)
class Line:
    """A line of a list that is searched for; it is equal to no other."""

    name: str
    line: str

    @cached_property
    def spelt(self) -> dict[str, list[str]]:
        """The spellings of its searched part, by their beginnings; sorted, and without those that
        begin with another, so that one comparison is enough (`_stands`)."""
        spelt: dict[str, list[str]] = defaultdict(list)
        for choices in product(*_searched(self.line)):
            spelling = "".join(choices)
            spelt[_beginning(spelling)].append(spelling)
        return {beginning: _shortest(spellings) for beginning, spellings in spelt.items()}

    @cached_property
    def is_led(self) -> bool:
        """Does the line begin with its searched part?"""
        searched = _searched(self.line)
        return parts(self.line)[: len(searched)] == searched

    @cached_property
    def begins_word(self) -> bool:
        """Does a word begin where its searched part does, in scripts that part their words?"""
        start, _ = _searched_run(self.line)
        before = parts(self.line)[start - 1] if start else [" "]
        is_gap = GAP.fullmatch(before[0])
        return bool(is_gap) or not any(choice[-1:].isalnum() or not choice for choice in before)

    @cached_property
    def needed(self) -> Sequence[str]:
        """The choices of its rarest part beside the searched one, of which one must stand in the
        message; "" where there is no such part."""
        start, end = _searched_run(self.line)
        whole = parts(self.line)
        others = [choices for choices in (*whole[:start], *whole[end:]) if _is_needed(choices)]
        rarest = min(([choices] for choices in others), key=_chance, default=[[""]])
        return rarest[0]


class Beginnings(NamedTuple):
    """What finds the beginnings of searched parts, and the lines that have each: one list for all,
    where a hundred thousand would be looked through by every collection of garbage."""

    automaton: AhoCorasick
    lines: list[Line]
    starts: array[int]  # of the lines of each beginning, and the end of the last

    def lines_of(self, number: int) -> list[Line]:
        """The lines of one beginning."""
        return self.lines[self.starts[number] : self.starts[number + 1]]


# Where phrases stand.


def find(
    text: str, starts: Sequence[int], names: tuple[str, ...] = LISTS
) -> defaultdict[str, list[Hit]]:
    """Where the phrases of every list stand.

    text: folded messages joined by NUL. starts: where each of them begins. names: of the lists.
    """
    found = defaultdict[str, list[Hit]](list)
    for message, (start, following) in enumerate(pairwise((*starts, len(text) + 1))):
        line = text[start : following - 1]
        search = _kept_in_mind if len(line) <= SHORT else _in_message
        for name, first, end in search(line, names):
            found[name].append(Hit(message, first, end))
    return found


@lru_cache(maxsize=MESSAGES)
def _kept_in_mind(text: str, names: tuple[str, ...]) -> tuple[Phrase, ...]:
    """What stands in a message that is read again: by a repair and the rules, or with the message
    after it."""
    return _in_message(text, names)


def _in_message(text: str, names: tuple[str, ...]) -> tuple[Phrase, ...]:
    """The phrases of a message."""
    looks = _worth_a_look(text, names)
    if not looks:
        return ()
    unspaced = not text.isascii() and bool(_UNSPACED_LETTER.search(text))
    found: list[Phrase] = []
    for line in sorted(looks, key=attrgetter("line")):
        form = pattern(line.line, unspaced)
        matches = _beginning_at(looks[line], form, text) if line.is_led else form.finditer(text)
        found += ((line.name, match.start(), match.end()) for match in matches)
    return tuple(found)


def _beginning_at(
    places: Sequence[int], form: re.Pattern[str], text: str
) -> Iterator[re.Match[str]]:
    """The matches that begin at one of some places, none inside another."""
    done = 0
    for place in sorted(places):
        match = form.match(text, place) if place >= done else None
        if match:
            done = match.end()
            yield match


def _worth_a_look(text: str, names: tuple[str, ...]) -> dict[Line, list[int]]:
    """Where a spelling of a line's searched part stands in a message, by line: these only are
    looked at."""
    beginnings = _beginnings(names)
    places = beginnings.automaton.find_matches_as_indexes(text, overlapping=True)
    if not places:
        return {}
    found: dict[Line, list[int]] = defaultdict(list)
    is_plain = text.isascii()
    for number, start, end in places:
        beginning = text[start:end]
        in_word = is_plain and text[start - 1 : start].isalnum()
        for line in beginnings.lines_of(number):
            if in_word and line.begins_word:
                continue
            if _stands(line.spelt[beginning], text, start):
                found[line].append(start)
    # once for each line, not each place: a long text may have many
    return {line: found[line] for line in found if holds(text, line.needed)}


def _stands(spellings: Sequence[str], text: str, start: int) -> bool:
    """Does one of them stand there, where their beginning does? It can only be the last that is
    not above the text."""
    if len(spellings) == 1:
        return text.startswith(spellings[0], start)
    place = bisect_right(spellings, text[start : start + LONGEST])
    return place > 0 and text.startswith(spellings[place - 1], start)


def _shortest(spellings: Iterable[str]) -> list[str]:
    """Sorted, without those that begin with another."""
    kept: list[str] = []
    for spelling in sorted(spellings):
        if not kept or not spelling.startswith(kept[-1]):
            kept.append(spelling)
    return kept


@cache
def _beginnings(names: tuple[str, ...]) -> Beginnings:
    """Of the lines of some lists."""
    from ahocorasick_rs import AhoCorasick

    from pipeline.rules.reading.layout import layout

    found = layout(names, lambda line: _begun(_searched(line)), Path(__file__))
    lines = [Line(name, line) for name, line in found.lines]
    owners = [lines[number] for number in found.owners]
    return Beginnings(AhoCorasick(found.beginnings), owners, array("L", found.starts))


def _begun(searched: Sequence[Sequence[str]]) -> set[str]:
    """The first letters of every spelling, without writing the spellings out."""
    begun = {""}
    for choices in searched:
        whole = {start for start in begun if len(start) == _enough(start)}
        going_on = begun - whole
        longer = {_beginning(start + choice) for start in going_on for choice in choices}
        begun = whole | longer
    return begun


def _beginning(spelling: str) -> str:
    """Its first letters."""
    return spelling[: _enough(spelling)]


def _enough(spelling: str) -> int:
    """How many letters of it are looked for."""
    return UNSPACED_BEGINNING if spelling > UNSPACED_FROM else BEGINNING


def _searched(line: str) -> list[list[str]]:
    """The part of a line that is searched for; where the line matches, one of its spellings must
    stand."""
    start, end = _searched_run(line)
    return parts(line)[start:end]


@cache
def _searched_run(line: str) -> tuple[int, int]:
    """Which of a line's `parts` are searched for, from which to which: the longest run that has few
    enough spellings, or the rarest of a line with gaps, the longest of which may be as common as
    "i can't"."""
    whole = parts(line)
    last = len(whole) + 1
    runs = [(start, end) for start in range(last) for end in range(start + 1, last)]
    spelt = [run for run in runs if not any(GAP.fullmatch(one[0]) for one in whole[slice(*run)])]
    few = [run for run in spelt if prod(map(len, whole[slice(*run)])) <= SPELLINGS]
    if len(spelt) < len(runs):
        return min(few, key=lambda run: _chance(whole[slice(*run)]))
    return max(few, key=lambda run: _least_length(whole[slice(*run)]))


def _is_needed(choices: Sequence[str]) -> bool:
    """Is one of some choices in whatever the line matches? Those of a gap are not."""
    return all(choices) and len(choices) <= NEEDED and not GAP.fullmatch(choices[0])


def _least_length(run: Sequence[Sequence[str]]) -> int:
    return sum(min(map(len, choices)) for choices in run)


def _chance(run: Sequence[Sequence[str]]) -> float:
    """How likely one of its spellings stands at a place of a text, roughly."""
    return prod(sum(map(_chance_of_spelling, choices)) for choices in run)


@cache
def _chance_of_spelling(spelling: str) -> float:
    return prod(map(_chance_of_word, spelling.split()))


def _chance_of_word(word: str) -> float:
    if word in OFTEN_USED:
        return OFTEN
    rare = sum(letter >= UNSPACED_FROM or letter.isdigit() for letter in word)
    return RARE**rare * COMMON ** (len(word) - rare)
