"""Cards and system messages of characters under 18.

    "Age: 16"  `Age("15" + "young")`  "- **Age:** fifteen"  "looks 12"     a field of the card
    "Mila, 16, goes to the village school."  "Du bist Jonas, 14 Jahre alt"     beside the name
    "She is in ninth grade."  "a shy schoolgirl"     words, where the card tells no grown-up age
    "Born: 12 May 2014"     against the card's own "the year is 2026", or against today

Not: "mother of a 15-year-old", "teacher of grade 7", "at age 8 she lost her parents".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache, lru_cache
from typing import TYPE_CHECKING

from pipeline.rules.reading import CARDS
from pipeline.rules.reading.lists import listed
from pipeline.rules.reading.phrases import Hit
from pipeline.rules.safety import ages
from pipeline.rules.safety.minors import minors
from pipeline.rules.safety.words import any_of, of_list, pattern

if TYPE_CHECKING:
    from pipeline.conversation import Finding
    from pipeline.rules.reading.reading import Reading

_UNITS = (
    r"years? old|year-old|yrs?|y/?o|jahre|jährige\w?|ans|años|anni|anos|лет|года?"
    r"|岁|歲|歳|才|살|세"
)
_NUMBER = rf"(?P<age>\d{{1,3}}|{any_of(listed('age_number'))})"
# The ends of number words: most cards hold none of them, and no digit.
_NUMBER_ENDS = frozenset(word[-3:] for word in listed("age_number"))
_DIGIT = re.compile(r"\d")
_NO_MORE = (
    r"(?!\d|[.,]\d|th\b|\s?(?:k\b|thousand|hundred|million|billion|centur|decade|\d{3}))"
    r"(?![^\W\d_\u3040-\u9fff\uac00-\ud7af]{3})"
)
_ABOUT = (
    r"(?:(?:about|around|approx\w*\.?|roughly|only|just|looks|appears|physically|maybe|almost|nearly"
    r"|~|like|zirka|ca\.?|etwa|environ|unos|около|约)\s?){0,2}"
)
_FIELD = re.compile(
    rf"{of_list('age_key')}[\"'*_`\s]{{0,4}}"
    rf"(?:is\b|[=:：(\[|>–—-])[\"'*_`\s(\[{{]{{0,6}}{_ABOUT}{_NUMBER}{_NO_MORE}"
)
_LOOKS = re.compile(
    r"\b(?:looks?|appears?|seems?|body|face|physically|mind|mentally)\s(?:(?:to be|like|about"
    r"|around"
    r"|only|no older than|no more than|maybe|barely|as if|s?he(?:'s| is| was)|an?|of|in)\s){0,4}"
    rf"{_NUMBER}(?=[\s,.;)\-]|\Z){_NO_MORE}"
)
_BESIDE_NAME = re.compile(
    r"(?: is | is only | is just | is now | turned | just turned |, | \(| \| | - | – | — "
    r"|，|、|，今年|は|는 |은 )"
    rf"{_NUMBER}(?!\s?[살세歳才岁]\s?(?:때|에|の時|の頃|に|から|的时候|那年|时))"
    rf"(?=[),.;|\n，。]|\Z|\s(?:and|{_UNITS}|[fm]\b|[-–—|])|\s?{_UNITS})"
)
_FIRST_NAME = re.compile(
    r"\W*(?:(?:you are|you're|play|play as|roleplay as|act as|meet|name:|du bist|tu es|eres|sei"
    r"|você é|ты(?: [—-])?|你是)\s)?"
    r"(?!(?:it|this|that|there|today|he|she|they|and|but|his|her|the|my|their|its|an?|our|your|no"
    r"|every|one|mein\w*|sein\w*|ihr\w*|une?|una|el|la|le|der|die|das|ein\w*)\b)"
    r"[{\[<]*[\w'-]+[}\]>]*(?: [\w'-]+)?(?:\s?\([^()\n]{1,20}\))?"
)
_OWN = re.compile(  # "her younger brother is 7", not "she lost her parents and is 16"
    r"(?:(?<!\w)(?:his|her|their|its|my|our|whose|su|sus|mi|seine?|ihre?|его|её|ее|их)|\w's)"
    r"(?:\s(?!(?:and|but|y|et|und|e)\s)[\w-]+){0,3},?\s\Z"
)
_AT_A_TIME = re.compile(
    r"\b(?:when|since|until|till|while|after|before|as|where)\s(?:\w+\s){1,2}(?:was|were|is|am|are"
    r"|turned)\s(?:(?:only|just|about|around|an?)\s)?\Z"
)
_GROWN_UP = re.compile(
    rf"(?<!\d)(?:1[89]|[2-9]\d|\d{{3,}})[\s-]?(?:{_UNITS}|year)|\b(?:middle-aged|elderly|retired"
    r"|in (?:his|her|their|your|my) (?:early |mid |mid-|late )?(?:twenties|thirties|forties|fifties"
    r"|sixties|20s|30s|40s|50s|60s)|college|university|grown (?:wo)?man|adult)\b"
)
# What stands before a word that describes the character: "is a shy …", "— застенчивая …", ", a …"
_PREDICATE = re.compile(
    r"(?:\b(?:is|are|am|as|play|plays|playing|you're|she's|he's|i'm|ist|bist|est|es|eres|è|sei|é"
    r"|это|ты|она|он|я)|^|[:=(\[\"\n+]|[—–]|,\s(?:an?|the|une?|eine?|una|uma?)|(?:\A|\n)an?)[\s\"]*"
    r"(?:(?!(?:of|to|with|for|from|by|her|his|their|my|who|and|or|has|have|loves?|mother|father|mom"
    r"|mum|dad|parent|teach\w*|tutor|nanny|fan|not|never|no|like|than|i've|one|two|three|got|met"
    r"|raises?|knows?|helps?|hates?)\b)[\w'-]+,?\s)"
    r"{0,4}\Z"
)
_EASTERN = re.compile(r"(?:是|は|은|는|:|：|、|，|,|^|\n)[^。.!！\n的の]{0,12}\Z")
_AT_SCHOOL = re.compile(
    r"\b(?:is|are|am|'s|'re|currently|still|now|attends?|attending|goes to|go to|going to"
    r"|studies (?:at|in)|enrolled (?:in|at)|(?:student|pupil|freshman|sophomore|junior|girl"
    r"|boy) (?:in|at|of)|starts|starting|entering|учится|ученица|ученик|учишься|geht|gehst|besucht"
    r"|schülerin|schüler"
    r"|élève|est|va|cursa|está|va a|frequenta|estuda|è|上|读|讀|在|就读)"
    r"(?:\s(?:in|at|an?|the|her|his|their|в|in die|in der|de|en|\w+)){0,3}\s?\Z"
)
_SEVERAL = ("girls", "boys", "teens", "teenagers", "adolescents", "students", "graders", "children")
_SENTENCE_END = re.compile(r"[.!?\n。！？;]")
_BORN = re.compile(
    r"(?:\bborn\b|\bbirth\w*|\bdob\b|\bgeboren|\bgeburt\w*|\bnée?\b|\bnaci\w+|\bnat[oa]\b"
    r"|\bnasci\w+|рожден\w*|родил\w*|出生|생년월일)[^\n]{0,30}?(?<!\d)(?P<after>(?:19|20)\d\d)(?!\d)"
    r"|(?<!\d)(?P<before>(?:19|20)\d\d)(?:年(?:生|出生)|년생|\s?г\.\s?р|\sгода рождения)"
)
_YEAR = re.compile(r"(?:19|20)\d\d")
_NOW = re.compile(
    r"(?:the year is|current year|current date|today is|set in|it is|setting:|present day[:,]?"
    r"|year:|сейчас|现在是|今は)[^\n\d]{0,14}((?:19|20)\d\d)(?!\d)"
)


def cards(reading: Reading) -> Iterator[Finding]:
    """Cards and system messages of characters under 18."""
    for name, described in reading.described:
        if _is_under_age(described.text, name):
            yield reading.of_row_with_note("safety.minor", 1, "the card")


@lru_cache(maxsize=CARDS)
def _is_under_age(card: str, name: str | None) -> bool:
    """Is the character of a card?"""
    from pipeline.rules.reading.reading import of_card

    described = of_card(card)
    return _tells_age(described, name) or _is_born_young(described) or _is_described(described)


def _tells_age(described: Reading, name: str | None) -> bool:
    line = described.line(0)
    hits = described.hits.get("minor_card", ())
    if any(_is_of_the_card(described, hit) for hit in hits) or any(minors(described)):
        return True
    numbered = _DIGIT.search(line) or any(end in line for end in _NUMBER_ENDS)
    return bool(numbered) and (_has_field(line) or _is_introduced(line, name))


def _is_of_the_card(described: Reading, hit: Hit) -> bool:
    """The character's own age now.

    Not "at age 8", "mother of a 5-year-old girl", "her daughter is 7".
    """
    line = described.line(hit.message)
    if ages.is_other_number(line, hit.end) or ages.is_counted(line, hit.end):
        return False
    if ages.is_in_number(line, hit.start) or _follows("not_young", line, hit.end):
        return False
    if line.startswith(("he ", "she ", "they "), hit.start):
        return True
    return not _is_of_another(line, hit.start)


def _is_of_another(line: str, start: int) -> bool:
    """Or of another time: "since I was sixteen years old"."""
    before = line[max(0, start - 60) : start]
    return bool(_card_before().search(before) or _OWN.search(before) or _AT_A_TIME.search(before))


def _has_field(line: str) -> bool:
    """Does a field, or what the character looks like, give an age under 18?"""
    for match in (*_FIELD.finditer(line), *_LOOKS.finditer(line)):
        if _is_young(match["age"]) and not _is_no_age(line, match):
            return True
    return False


def _is_no_age(line: str, match: re.Match[str]) -> bool:
    """ "her son's age: 7", "looks 15 pounds lighter"."""
    counted = ages.is_counted(line, match.end("age"))
    follows = line[match.end("age") : match.end("age") + 2]
    ranged = follows[:1] in "-–/" and follows[1:].isdigit()
    other = ages.is_other_number(line, match.end("age")) and not ranged
    related = _relative(line[max(0, match.start() - 30) : match.start()])
    return counted or other or related or _is_of_another(line, match.start())


def _is_young(number: str) -> bool:
    return not number.isdigit() or 1 <= int(number) < ages.ADULT


def _is_introduced(line: str, name: str | None) -> bool:
    """Is an age beside the name: "Lena (16)", "Lena is 16"? A text may begin with any name."""
    names = _ways_to_call(name)
    for match in _BESIDE_NAME.finditer(line):
        before = line[: match.start()]
        named = before.endswith(names) or _FIRST_NAME.fullmatch(before)
        if named and _is_young(match["age"]) and not ages.is_other_number(line, match.end("age")):
            return True
    return False


def _ways_to_call(name: str | None) -> tuple[str, ...]:
    """The whole name and the first name, lower case."""
    if name is None or not name.strip():
        return ()
    return name.lower(), name.lower().split()[0]


def _is_born_young(described: Reading) -> bool:
    line = described.line(0)
    if not _YEAR.search(line):
        return False
    now = _NOW.search(line)
    for match in _BORN.finditer(line):
        year = int(match["after"] or match["before"])
        young = ages.born_young(year, int(now[1]) if now else None)
        before = _SENTENCE_END.split(line[: match.start()])[-1]
        if young and not (_relative(before) or _is_of_another(line, match.start())):
            return True
    return False


def _is_described(described: Reading) -> bool:
    """Words such as "schoolgirl" or "in ninth grade" for the character of a card that tells no
    grown-up age."""
    youth = described.hits["minor_youth"]
    school = described.hits["minor_school"]
    line = described.line(0)
    if not (youth or school) or _GROWN_UP.search(line):
        return False
    named = any(_is_predicate(line, hit) for hit in youth)
    return named or any(_is_at_school(line, hit) for hit in school)


def _is_predicate(line: str, hit: Hit) -> bool:
    if line[hit.start : hit.end].endswith(_SEVERAL):
        return False
    before = line[max(0, hit.start - 60) : hit.start]
    eastern = not line[hit.start].isascii() and _EASTERN.search(before)
    return bool(eastern or _PREDICATE.search(before)) and not _is_beside_the_point(line, hit)


def _is_at_school(line: str, hit: Hit) -> bool:
    before = line[max(0, hit.start - 60) : hit.start]
    return bool(_AT_SCHOOL.search(before)) and not _is_beside_the_point(line, hit)


def _is_beside_the_point(line: str, hit: Hit) -> bool:
    """ "a middle school teacher", "her son, who is in middle school"."""
    before = line[max(0, hit.start - 60) : hit.start]
    sentence = _SENTENCE_END.split(before)[-1]
    related = _relative(sentence)
    staff = _follows("school_staff", line, hit.end)
    return bool(related or staff) or _is_of_another(line, hit.start)


def _relative(text: str) -> bool:
    """Is a relative named? Not in "daughter of the baker", who may be the character."""
    found = pattern("relative").finditer(text)
    return any(not text.startswith(" of", match.end()) for match in found)


def _follows(name: str, line: str, end: int) -> bool:
    """Does a word of a list follow? But "the daughter of" may be the character."""
    start = end + len(line[end : end + 2]) - len(line[end : end + 2].lstrip(" -'"))
    match = pattern(name).match(line, start)
    return match is not None and not line.startswith(" of", match.end())


@cache
def _card_before() -> re.Pattern[str]:
    """What undoes an age in a card: "at age", "mother of a"; but not "the body of a"."""
    words = any_of(listed("minor_card_before"))
    looks = r"(?<!body )(?<!look )(?<!looks )(?<!appearance )"
    between = r"(?:\s(?:an?|one|is|are|was|is only|is now|\w+,|\w+, who(?: is)?))?"
    return re.compile(rf"(?<![^\W_]){looks}(?:{words}),?{between}\s\Z")
