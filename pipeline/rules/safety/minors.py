"""Adults only: a speaker who states an age under 18."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache
from typing import TYPE_CHECKING

from pipeline.rules.reading.phrases import UNSPACED, Hit, listed

if TYPE_CHECKING:
    from pipeline.conversation import Finding
    from pipeline.rules.reading.reading import Reading


ADULT = 18  # years
_NOT_AFTER = re.compile(  # "5 am", not "I'm 16 am I too young"
    r"(?<=\D[4-7])\s\d{1,2}(?!\d)|[-–/:.,']\d|['\"]\s?\d|\s?[%+$€£°]|\s?x\s?\d|x\b"
    r"|(?:st|nd|rd|th)\b"
    r"|\s?[ap]\.?m\b(?!\si\b)|\s(?:out\s)?of\b(?!\scourse)|\sfor\s\d"
)
_PLURAL = re.compile(r"\s+([a-z]+(?<![isu])s)\b")
_SUBJECTLESS = re.compile(
    r"[\d０-９一-十]+\s?[歳才さ]|(?!나|난|저|전|내|제)(?:[가-힣]+\s)?[\d가-힣]+\s?[살세]"
)
_SENTENCE = re.compile(r"[.!?。！？\n]")
_TOPIC = re.compile(r"([^\s、。！？,.]+?)(?:は|が|も|은(?=\s)|는(?=\s)|이(?=\s)|가(?=\s)|도(?=\s))")
_SELF = re.compile(r"(?:私|僕|俺|わたし|ぼく|あたし|自分|名前|年齢|年|나|저|내|제|나이|이름|우리)$")
_LISTED_AGE = re.compile(r"[歳才살]\s?[、,]\s?$")
_BESIDE_NAME = re.compile(r"(?: is |, | \()(\d{1,2})(?=[),.;\n]|\Z|\s(?:and|years old)\b)")
_FIRST_NAME = re.compile(r"(?:you are )?(?!(?:it|this|that|there|today)\b)\w+")
_CLAUSE_START = re.compile(
    r"(?:^|[^\w\s'\"-]|\b(?:hi|hey|hello|yo|lol|haha|oh|well|ok|okay|yes|yeah|no|and|so|si|sí|sì"
    r"|eu|io|ya|y|e|ну|и))\s*\Z"
)
_CLAUSE_END = re.compile(
    r"\s*(?:\Z|[^\w\s%+$€£°]"
    r"|(?:and|from|but|so|too|also|lol|haha|you|u|hbu|wbu|y|e|и|а)\b)"
)
_HOW_MANY = re.compile(
    r"how many|cu[aá]nt[oa]s (?!años)|quant[iaeo]s? (?!anni|anos)|сколько (?!тебе|вам)"
)
_OWN = re.compile(  # "her younger brother is 7", not "she lost her parents and is 16"
    r"(?:(?<!\w)(?:his|her|their|its|my|our|whose|su|sus|mi|seine?|ihre?|его|её|ее|их)|\w's)"
    r"(?:\s(?!(?:and|but|y|et|und|e)\s)[\w-]+){0,3},?\s\Z"
)


def underage(reading: Reading) -> Iterator[Finding]:
    """Speakers under 18: by what they write, and by their cards.

    A new message is judged without the cards.
    """
    yield from minors(reading)
    if reading.earlier is None:
        yield from cards(reading)


def minors(reading: Reading) -> Iterator[Finding]:
    """Messages in which a speaker states an own age under 18, or answers the question for it."""
    stated = [hit for hit in reading.hits["minor"] if _states_age(reading, hit)]
    bare = [hit for hit in reading.hits["minor_bare"] if _stands_bare(reading, hit)]
    answered = _answers(reading)
    yield from reading.first_places("safety.minor", [*stated, *bare, *answered])


def cards(reading: Reading) -> Iterator[Finding]:
    """Cards and system messages of characters under 18: "I am 16", "she is 16", "age: 16"."""
    for name, text in _descriptions(reading):
        described = reading.of_text(text.strip())
        hits = described.hits["minor_card"]
        stated = any(_is_of_the_card(described, hit) for hit in hits)
        if stated or _is_introduced(described.line(0), name) or any(minors(described)):
            yield reading.of_row_with_note("safety.minor", 1, "the card")


def _descriptions(reading: Reading) -> Iterator[tuple[str | None, str]]:
    """The texts that describe a character, with its name where that is known."""
    for card in (reading.persona, reading.user_persona):
        if card:
            yield card.name, f"{card.description or ''}\n{card.scenario or ''}"
    for message in reading.messages:
        if message.role == "system":
            yield None, message.content


def _is_introduced(line: str, name: str | None) -> bool:
    """Is an age beside the name: "Lena (16)", "Lena is 16"? A text may begin with any name."""
    names = _ways_to_call(name)
    for match in _BESIDE_NAME.finditer(line):
        before = line[: match.start()]
        named = before.endswith(names) or _FIRST_NAME.fullmatch(before)
        if named and 1 <= int(match[1]) < ADULT and not _is_other_number(line, match.end()):
            return True
    return False


def _ways_to_call(name: str | None) -> tuple[str, ...]:
    """The whole name and the first name, lower case."""
    if name is None or not name.strip():
        return ()
    return name.lower(), name.lower().split()[0]


def _is_of_the_card(reading: Reading, hit: Hit) -> bool:
    """The character's own age now.

    Not "at age 8", "mother of a 5-year-old girl", "her daughter is 7".
    """
    line = reading.line(hit.message)
    if _is_other_number(line, hit.end) or _is_counted(line, hit.end):
        return False
    if line.startswith(("he ", "she ", "they "), hit.start):
        return True
    before = line[max(0, hit.start - 60) : hit.start]
    return not (_card_before().search(before) or _OWN.search(before))


def _states_age(reading: Reading, hit: Hit) -> bool:
    line = reading.line(hit.message)
    if _is_undone(reading, hit):
        return False
    if _SUBJECTLESS.match(line, hit.start):
        return not _is_of_another(line[max(0, hit.start - 80) : hit.start])
    english = line[hit.start] == "i"  # "I'm 12 drinks in"
    return not (english and _is_counted(line, hit.end))


def _stands_bare(reading: Reading, hit: Hit) -> bool:
    return _fills_a_clause(reading, hit) and not _is_undone(reading, hit)


def _is_undone(reading: Reading, hit: Hit) -> bool:
    """By what follows ("15 minutes late") or precedes ("when I'm 16")."""
    line = reading.line(hit.message)
    before = line[max(0, hit.start - 40) : hit.start]
    return _is_other_number(line, hit.end) or bool(_before().search(before))


def _is_other_number(line: str, end: int) -> bool:
    """Does what follows say that the number is not an age?"""
    return bool(_NOT_AFTER.match(line, end) or _after().match(line, end))


def _is_counted(line: str, end: int) -> bool:
    """Does a plural follow the number, so that it counts something?"""
    match = _PLURAL.match(line, end)
    return match is not None and match[1] not in listed("not_a_unit")


def _fills_a_clause(reading: Reading, hit: Hit) -> bool:
    """Is the number a clause by itself, like "16 here, you?" and "age: 16"?

    Not "there are 16 here in the hall", nor an answer to "how many?".
    """
    line = reading.line(hit.message)
    before = line[max(0, hit.start - 12) : hit.start]
    if not (_CLAUSE_START.search(before) and _CLAUSE_END.match(line, hit.end)):
        return False
    asked = reading.line(hit.message - 1) if hit.message else ""
    return not _HOW_MANY.search(asked)


def _is_of_another(before: str) -> bool:
    """Is the age another's? Japanese and Korean leave "I" out: the topic of the sentence decides.

    A list of ages belongs to others too.
    """
    if _LISTED_AGE.search(_SENTENCE.split(before)[-1]):
        return True
    topics = [match[1] for match in _TOPIC.finditer(_SENTENCE.split(before)[-1])]
    return bool(topics) and not _SELF.search(topics[-1])


def _answers(reading: Reading) -> Iterator[Hit]:
    """Ages that answer a question: "How old are you?" "15, and you?"."""
    messages = reading.messages
    for asked in reading.hits["age_question"]:
        reply = asked.message + 1
        if reply == len(messages) or messages[reply].role == messages[asked.message].role:
            continue
        line = reading.line(reply)
        match = _answer().match(line)
        if match and _is_answered_age(line, match):
            yield Hit(reply, *match.span("age"))


def _is_answered_age(line: str, match: re.Match[str]) -> bool:
    minor = match["digits"] is None or 1 <= int(match["digits"]) < ADULT
    end = match.end()
    return minor and not _is_other_number(line, end) and not _is_counted(line, end)


def _any_of(words: Sequence[str]) -> str:
    """An expression for any of the words; for an empty list one that matches nowhere."""
    return "|".join(map(re.escape, words)) or "(?!)"


def _longest_first(name: str) -> str:
    return _any_of(sorted(listed(name), key=len, reverse=True))


@cache
def _answer() -> re.Pattern[str]:
    """A number after nothing but leads: "haha, only sixteen"; not a list: "12歳、10歳"."""
    leads, numbers = _longest_first("age_lead"), _longest_first("age_number")
    lead = rf"(?:(?:{leads})(?:(?<=[{UNSPACED}])|(?![^\W_]))\W*)"
    unit = r"\s?(?:[岁歲歳才살세]|yo|y/o|[fm])?(?![^\W_])"
    age = rf"(?P<age>(?P<digits>\d{{1,2}})|(?:{numbers})){unit}"
    return re.compile(rf"\W*{lead}{{0,4}}{age}(?![,、]\s?\d{{1,2}}\s?[岁歲歳才살세])")


@cache
def _after() -> re.Pattern[str]:
    """What may follow a number that is not an age: "minutes", "of experience".

    Words that begin with a line of the list, short ones with nothing but an s after it.
    """
    starts = listed("minor_after")
    short = _any_of([start for start in starts if len(start) < 3])
    long = _any_of([start for start in starts if len(start) >= 3])
    end = f"(?<=[{UNSPACED}])"
    word = rf"(?:(?:{short})s?|(?:{long})(?:{end}|[^\W_]{{0,3}}))"
    return re.compile(rf"[\s-]*{word}(?:{end}|(?![^\W_]))")


@cache
def _before() -> re.Pattern[str]:
    """What undoes an age after it: "when I'm 16", 'she said: "I'm 16"'; not "as I said, I'm 16"."""
    words = _any_of(listed("minor_before"))
    that = r"(?: that| he| she| they| que| che| dass)?"
    return re.compile(rf"(?<![^\W_{UNSPACED}])(?:{words}){that}(?:,(?=\s*\")|[\s:\"'])*\Z")


@cache
def _card_before() -> re.Pattern[str]:
    """What undoes an age in a card: "at age", "mother of a"; but not "the body of a"."""
    words = _any_of(listed("minor_card_before"))
    looks = r"(?<!body )(?<!look )(?<!looks )(?<!appearance )"
    return re.compile(rf"(?<![^\W_]){looks}(?:{words})(?:\s(?:an?|one|\w+,|\w+, who))?\s\Z")
