"""How sexual a message is: 0 not, 1 suggestive, 2 explicit; so that a recipe can drop such rows.

    explicit      an act, or an organ in an act
    suggestive    desire, nakedness, innuendo
    neither       romance and kisses; a single term in a medical, a teaching or a news text; insults

A finding quotes the word. `safety.sexual: {limit: 1, decision: drop}` drops what is explicit.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING

from pipeline.rules.reading.lists import UNSPACED, listed
from pipeline.rules.reading.phrases import Hit
from pipeline.rules.safety.words import any_of

if TYPE_CHECKING:
    from pipeline.conversation import Finding
    from pipeline.rules.reading.reading import Reading

SUGGESTIVE, EXPLICIT = 1, 2
_GRADES = {"sexual": EXPLICIT, "suggestive": SUGGESTIVE}


def sexual(reading: Reading) -> Iterator[Finding]:
    """Messages that are suggestive or explicit; value: the grade; and cards that are."""
    for grade, hit in _graded(reading):
        yield reading.of_place("safety.sexual", grade, hit)
    if reading.earlier is None:
        grades = [grade for _, text in reading.described for grade, _ in _graded(text)]
        if grades:
            yield reading.of_row_with_note("safety.sexual", max(grades), "the card")


def explicit(reading: Reading) -> list[Hit]:
    """Every explicit phrase, in matter-of-fact texts as well: beside a minor no text is exempt."""
    return list(reading.hits["sexual"]) if "sexual" in reading.hits else []


def _graded(reading: Reading) -> Iterator[tuple[int, Hit]]:
    """The highest grade of each message that has one, and the word that gives it."""
    if _GRADES.keys().isdisjoint(reading.hits):
        return
    found: dict[int, list[tuple[int, Hit]]] = defaultdict(list)
    for name, grade in _GRADES.items():
        for hit in reading.hits[name]:
            found[hit.message].append((grade, hit))
    for message, hits in sorted(found.items()):
        if _are_several(hits) or not _is_matter_of_fact(reading.line(message)):
            yield max(hits, key=_grade_then_first)


def _are_several(hits: list[tuple[int, Hit]]) -> bool:
    """Do at least two of them stand apart from each other?"""
    first_end = min(hit.end for _, hit in hits)
    return any(hit.start >= first_end for _, hit in hits)


def _grade_then_first(graded: tuple[int, Hit]) -> tuple[int, int]:
    grade, hit = graded
    return grade, -hit.start


def _is_matter_of_fact(line: str) -> bool:
    """Is it a medical, a teaching or a news text?"""
    return bool(_matter_of_fact().search(line))


@cache
def _matter_of_fact() -> re.Pattern[str]:
    """Words of the list, and those that go on for up to four letters behind a long one."""
    words = listed("not_sexual")
    short = any_of([word for word in words if len(word) < 6])
    long = any_of([word for word in words if len(word) >= 6])
    end = rf"(?:(?<=[{UNSPACED}])|(?![^\W_]))"
    word = rf"(?:(?:{short})s?|(?:{long})[^\W\d_]{{0,4}}){end}"
    return re.compile(rf"(?<![^\W\d_{UNSPACED}]){word}")
