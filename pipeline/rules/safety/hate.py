"""Contempt for people: of a group, of the other as a person, and slurs, by target and context.

All Muslims are terrorists.         → safety.hate: "ʘ are terrorists" is a line of hate_of
He is such a r3t4rd.                → safety.hate
Women are not too stupid to vote.   → nothing: denied inside
My uncle says women are vermin.     → safety.hate, evidence "reported: women are vermin"
Dick Van Dyke, a chink in the wall  → nothing: no sign of contempt stands before it
The word "faggot" is a slur.        → nothing: it is spoken of
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import cache
from operator import itemgetter
from typing import TYPE_CHECKING

from pipeline.rules.reading import phrases
from pipeline.rules.reading.lists import expression, listed, parts
from pipeline.rules.reading.phrases import Hit
from pipeline.rules.safety import standing

if TYPE_CHECKING:
    from pipeline.conversation import Finding
    from pipeline.rules.reading.reading import Reading

# What stands for the people of these lists in the lines of hate_of.
_SIGNS = {"hate_people": "ʘ", "hate_people_weak": "ǁ", "hate_one": "ǀ"}
# What may stand before people: the evidence begins with it.
_ALL_OF = re.compile(
    r"(?<!\w)(?:(?:all|most|the|these|those|every|alle|die|diese|tous|toutes|les|ces|todos|todas|los|las"
    r"|esos|tutti|tutte|gli|i|le|quei|os|as|esses|все|всех|эти|этих)\s){1,2}$"
)
LEAD = 40  # characters before a word in which a sign of contempt may stand
_SPOKEN_OF = re.compile(
    r"(?:\b(?:word|words|term|slur|insult|n-word|f-word|слово|слова|wort|begriff|mot|terme|palabra"
    r"|término|parola|termine|palavra|termo)|词|这个词|言葉|という語|단어)\W{0,3}$"
)
_IS_A_WORD = re.compile(
    r"\W{0,3}\s?(?:is|was|are|'s|means|это|ist|est|es|è|é) (?:a |an |such a |ein |une? |una |um )?"
    r"(?:\w+ )?(?:slur|word|insult|offensive|derogatory|term|name|ругательств|оскорблени"
    r"|schimpfwort|beleidigung|insulte|insulto|parolaccia|ofens)"
    r"|\s?(?:是|这个词|という言葉|라는 (?:말|단어))"
)
# "… are not vermin"; "… are not human" and "… are nothing but vermin" are no denials.
_DENIED_INSIDE = re.compile(
    r"\b(?:are|is|r)(?: (?:all|just|simply|really))?(?:n't| not| never| no)\s"
    r"(?!human|people|even|real|equal|as\b|near|like us|to be trusted|normal|right|capable|able"
    r"|built|made|cut out|fit|meant|wired|born|welcome|allowed)"
    r"|\b(?:sind|ist|bleiben)(?: \w+)? (?:nicht|keine|nie)\s"
    r"(?!mensch|richtige|normal|integrierbar|nur|anders|viel|besser)"
    r"|\b(?:ne sont|n'est|ne sont) (?:pas|plus|jamais)\s(?!(?:\w+ )?(?:êtres|humain))"
    r"|\bno (?:son|es|están)\s(?!(?:\w+ )?(?:personas|human|más que))"
    r"|\bnon (?:sono|è)\s(?!(?:\w+ )?(?:persone|uman|altro|che))"
    r"|\bnão (?:são|é)\s(?!(?:\w+ )?(?:gente|pessoas|human|mais|nada))"
    r"|\b(?:не|вовсе не|совсем не) (?!люд|долж|име|заслуж|надо|нужно|место)(?=\w+$)"
    r"|(?:不是|并不|并非|没有)(?!人|一个|好|资格|东西|的)"
    r"|\b(?:treated|seen|called|labell?ed|portrayed|considered|told)\b|\b(?:more|better) than"
    r" (?:as|like|they|than)?"
)
_OF_ITSELF = re.compile(
    r"\b(?:i'm|i am|we're|we are|as|proud|fellow|my)(?: an?| some)?(?: proud)?\s$"
)
_LIKENESS = {
    "a": "a4@*", "e": "e3*", "i": "i1!*", "o": "o0*", "u": "uv*", "s": "s$5", "t": "t7+",
    "g": "g69", "b": "b8", "l": "l1",
}  # fmt: skip
_SIGN_IN_WORD = re.compile(r"[134@*!0$57](?<=[a-z].)[134@*!0$57]{0,2}[a-z]")
_WORD_WITH_SIGN = re.compile(r"(?<![a-z0-9])[a-z]{1,20}[134@*!0$57]{1,3}[a-z][a-z134@*!0$57]{0,20}")


def hate(reading: Reading) -> Iterator[Finding]:
    """Statements of contempt, and slurs."""
    said = [*standing.not_undone(reading, "hate"), *_of_people(reading)]
    meant = [hit for hit in said if not _is_denied(reading, hit)]
    hits = [*meant, *_slurs(reading), *_disguised(reading)]
    yield from standing.findings(reading, "safety.hate", hits)


def _of_people(reading: Reading) -> Iterator[Hit]:
    """What is said of people: lines of hate_of, where a sign stands for the people."""
    for message, people in _people(reading).items():
        line = reading.line(message)
        signed, places = _signed(line, people)
        for hit in phrases.find(signed, [0], ("hate_of",))["hate_of"]:
            start = _place(places, hit.start)
            with_all = _ALL_OF.search(line, max(0, start - LEAD), start)
            start = with_all.start() if with_all else start
            found = Hit(message, start, _place(places, hit.end))
            if not standing.is_undone(reading, found, "hate_of"):
                yield found


def _people(reading: Reading) -> dict[int, list[tuple[Hit, str]]]:
    """The people that are named in each message, with their signs."""
    people: dict[int, list[tuple[Hit, str]]] = defaultdict(list)
    for name, sign in _SIGNS.items():
        for hit in reading.hits[name]:
            if not standing.is_undone(reading, hit, name):
                people[hit.message].append((hit, sign))
    return people


def _signed(line: str, people: Sequence[tuple[Hit, str]]) -> tuple[str, list[tuple[int, int]]]:
    """A message with signs for people, and which letter of it stands where in the message."""
    pieces, done, length, places = [], 0, 0, [(0, 0)]
    for hit, sign in sorted(people, key=_first_and_longest):
        if hit.start >= done:
            pieces += [line[done : hit.start], sign]
            length += hit.start - done
            places += [(length, hit.start), (length + 1, hit.end)]
            done, length = hit.end, length + 1
    return "".join([*pieces, line[done:]]), places


def _first_and_longest(named: tuple[Hit, str]) -> tuple[int, int]:
    hit, _ = named
    return hit.start, -hit.end


def _place(places: Sequence[tuple[int, int]], letter: int) -> int:
    """Where a letter of the signed message stands in the message."""
    signed, start = places[bisect_right(places, letter, key=itemgetter(0)) - 1]
    return start + letter - signed


def _is_denied(reading: Reading, hit: Hit) -> bool:
    """Is there a denial between the people and what is said of them?"""
    line = reading.line(hit.message)
    return bool(_DENIED_INSIDE.search(line, hit.start, hit.end))


def _slurs(reading: Reading) -> Iterator[Hit]:
    """Slurs that are used; those with another meaning only with contempt before them."""
    for hit in standing.not_undone(reading, "slur"):
        if not _is_spoken_of(reading, hit):
            yield hit
    for hit in reading.hits["slur_weak"]:
        before = reading.line(hit.message)[max(0, hit.start - LEAD) : hit.start]
        if _leads().search(before) and not _is_spoken_of(reading, hit):
            yield hit


def _is_spoken_of(reading: Reading, hit: Hit) -> bool:
    """Is the word itself spoken of, or does somebody call himself so?"""
    line = reading.line(hit.message)
    before = line[max(0, hit.start - LEAD) : hit.start]
    spoken_of = _SPOKEN_OF.search(before) or _IS_A_WORD.match(line, hit.end)
    return bool(spoken_of or _OF_ITSELF.search(before))


def _disguised(reading: Reading) -> Iterator[Hit]:
    """English slurs with a digit or a sign in place of a letter: "r3t4rd", "f*ggot"."""
    if not _SIGN_IN_WORD.search(reading.folded):
        return
    for match in _WORD_WITH_SIGN.finditer(reading.folded):
        if _disguises().fullmatch(match[0]):
            yield reading.hit(match.start(), match.end())


@cache
def _leads() -> re.Pattern[str]:
    """A line of slur_lead at the end of a text."""
    return re.compile(rf"{expression(listed('slur_lead'))}\W{{0,2}}$")


@cache
def _disguises() -> re.Pattern[str]:
    """The slurs of five letters and more, each letter or what looks like it."""
    lines = [*listed("slur"), *listed("slur_weak")]
    words = {word for line in lines for choices in parts(line) for word in choices}
    plain = sorted(word for word in words if word.isascii() and word.isalpha() and len(word) > 4)
    spelt = ("".join(f"[{_LIKENESS.get(letter, letter)}]" for letter in word) for word in plain)
    return re.compile(rf"(?:{'|'.join(spelt)})[!*]*")
