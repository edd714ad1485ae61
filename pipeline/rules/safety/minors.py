"""Adults only: a speaker who says in the conversation that he or she is under 18.

"I'm 15"  "8th grader here"  "two more years until I turn 18"  "I was born in 2014"
"What grade are you in?" "Tenth."           "(16f)" after "I"
"We had a maths test today, ninth grade is so stressful."    a school year in a pupil's day
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cache
from typing import TYPE_CHECKING

from pipeline.rules.reading.lists import UNSPACED, listed
from pipeline.rules.reading.phrases import Hit
from pipeline.rules.safety import ages, schools
from pipeline.rules.safety.words import any_of

if TYPE_CHECKING:
    from pipeline.conversation import Finding
    from pipeline.rules.reading.reading import Reading


_TAGGED = re.compile(  # "I (16f)", "me [m/15]"
    r"(?<![^\W_])(?:i|me|i'm|im|myself|ich|je|moi|yo|io|eu|я|我)\s?[(\[]\s?"
    r"(?:(?:1[0-7])\s?/?\s?[fmwhж]|[fmwhж]\s?/?\s?1[0-7])\s?[)\]]"
)
_YEAR = re.compile(r"(?<!\d)20\d\d(?!\d)")
_YEARS_AGO = re.compile(r"\s*(?:about |exactly |just )?(\w+) years ago\b")


def minors(reading: Reading) -> Iterator[Finding]:
    """Messages in which a speaker says that he or she is under 18, or answers the question so."""
    hits = reading.hits
    tagged = list(_tagged(reading))
    if _LISTS.isdisjoint(hits) and not tagged:
        return
    stated = [hit for hit in hits["minor"] if ages.states_age(reading, hit)]
    bare = [hit for hit in hits["minor_bare"] if ages.stands_bare(reading, hit)]
    begun = [hit for hit in hits["minor_start"] if ages.begins_a_clause(reading, hit)]
    born = [hit for hit in hits["born"] if _is_born_young(reading, hit)]
    found = [*stated, *bare, *begun, *born, *tagged, *_answers(reading), *schools.pupils(reading)]
    yield from reading.first_places("safety.minor", found)


def _is_born_young(reading: Reading, hit: Hit) -> bool:
    line = reading.line(hit.message)
    year = _YEAR.search(line, hit.start, hit.end)
    said = ages.states_age(reading, hit)
    return year is not None and said and ages.born_young(int(year[0]))


def _tagged(reading: Reading) -> Iterator[Hit]:
    """Age and sex in brackets after "I", as in forums: "I (16f) and my mum"."""
    if "(" in reading.folded or "[" in reading.folded:
        for match in _TAGGED.finditer(reading.folded):
            yield reading.hit(*match.span())


# --- answers


def _answers(reading: Reading) -> Iterator[Hit]:
    """What answers a question: "How old are you?" "15, and you?"; "What grade?" "Tenth."."""
    messages = reading.messages
    for question, answered in _ANSWERED.items():
        for asked in reading.hits[question]:
            reply = asked.message + 1
            if reply == len(messages) or messages[reply].role == messages[asked.message].role:
                continue
            stretch = answered(reading.line(reply))
            if stretch:
                yield Hit(reply, *stretch)


def _age(line: str) -> tuple[int, int] | None:
    match = _answer().match(line)
    if match is None or (match["digits"] and not 1 <= int(match["digits"]) < ages.ADULT):
        return None
    end = match.end()
    other = ages.is_other_number(line, end) or ages.is_counted(line, end)
    return None if other else match.span("age")


def _grade(line: str) -> tuple[int, int] | None:
    match = _school_year().match(line)
    if match is None or ages.is_other_number(line, match.end()):
        return None
    return match.span("grade")


def _birth(line: str) -> tuple[int, int] | None:
    year = _YEAR.search(line)
    if year and ages.born_young(int(year[0])):
        return year.span()
    ago = _YEARS_AGO.match(line)
    if ago and (ago[1] in listed("age_number") or re.fullmatch("1[0-7]", ago[1])):
        return ago.span(1)
    return None


_ANSWERED: dict[str, Callable[[str], tuple[int, int] | None]] = {
    "age_question": _age,
    "grade_question": _grade,
    "birth_question": _birth,
}
_LISTS = frozenset(["minor", "minor_bare", "minor_start", "minor_school", "born", *_ANSWERED])


@cache
def _leads() -> str:
    """Words before an answer: "haha, only …"."""
    words = any_of(listed("age_lead"))
    return rf"\W*(?:(?:{words})(?:(?<=[{UNSPACED}])|(?![^\W_]))\W*){{0,4}}"


@cache
def _answer() -> re.Pattern[str]:
    """A number after nothing but leads: "haha, only sixteen"; not a list: "12歳、10歳"."""
    numbers = any_of(listed("age_number"))
    unit = rf"\s?(?:[岁歲歳才살세]|yo|y/o|[fm])?(?:(?<=[{UNSPACED}])|(?![^\W_]))"
    age = rf"(?P<age>(?P<digits>\d{{1,2}})|(?:{numbers})){unit}"
    return re.compile(rf"{_leads()}{age}(?![,、]\s?\d{{1,2}}\s?[岁歲歳才살세])")


@cache
def _school_year() -> re.Pattern[str]:
    """A school year after nothing but leads: "in the tenth", "8th", "7"."""
    years = any_of(listed("grade_number"))
    number = r"(?:1[0-2]|[1-9])(?:st|nd|rd|th|\.|-?[йм]|[ºª°e])?"
    end = rf"(?:(?<=[{UNSPACED}])|(?![^\W_]))"
    grade = rf"(?P<grade>{number}|{years})"
    return re.compile(
        rf"{_leads()}(?:(?:in|the|going into|der|die|en|la|na|no|в)\s){{0,2}}{grade}{end}"
    )
