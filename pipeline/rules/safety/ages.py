"""Is a number or a phrase the age of somebody under 18, or something else?

"I'm 16"  "turned fifteen"  "born in 2014"            an age under 18
"I'm 16 minutes late"  "when I'm 16 again"  "I'm 16 of 20"   another number, another time
"""

from __future__ import annotations

import datetime as dt
import re
from functools import cache
from typing import TYPE_CHECKING

from pipeline.rules.reading.lists import UNSPACED, listed
from pipeline.rules.reading.phrases import Hit
from pipeline.rules.safety.words import any_of

if TYPE_CHECKING:
    from pipeline.rules.reading.reading import Reading

ADULT = 18  # years
_NOT_AFTER = re.compile(  # "5 am", not "I'm 16 am I too young"
    r"(?<=\D[4-7])\s\d{1,2}(?!\d)|[-–/:.,']\d|['\"]\s?\d|\s?[%+$€£°]|\s?x\s?\d|x\b"
    r"|(?:st|nd|rd|th)\b|\s?[ap]\.?m\b(?!\si\b)|\s(?:out\s)?of\b(?!\scourse)|\sfor\s\d"
    r"|\s?\(?\s?(?:in|of)?\s?(?:19|20)\d\d"
)
_PLURAL = re.compile(r"\s+([a-z]+(?<![isu])s)\b")
_COUNTABLE = re.compile(r"(?:\d|teen|five|six|seven|eight|nine|ten|eleven|twelve)\Z")
_TENS = re.compile(
    r"(?:(?:twen|thir|for|fif|six|seven|eigh|nine)ty[\s-]\w|[一二三四五六七八九十百][一二三四五六七八九十])\Z"
)
_SUBJECTLESS = re.compile(
    r"(?!私|僕|俺|わたし|ぼく|あたし|うち|おれ|自分|나|난|저|전|내|제|우린)"
    r"[^\0]*?[\u3040-\u30ff\uac00-\ud7af歳才]"
)
_SENTENCE = re.compile(r"[.!?。！？\n]")
_TOPIC = re.compile(r"([^\s、。！？,.]+?)(?:は|が|も|은(?=\s)|는(?=\s)|이(?=\s)|가(?=\s)|도(?=\s))")
_SELF = re.compile(
    r"(?:私|僕|俺|わたし|ぼく|あたし|自分|名前|年齢|年|(?<![가-힣])(?:나|저|내|제)|나이|이름|우리)$"
)
_OF_OTHERS = re.compile(  # "I'm teaching a 9th grader"
    r"\b(?:teach\w*|tutor\w*|dating|raising|mother|father|coach\w*|writing|reading|older|younger)\b"
    r"|女儿|儿子|妹|弟|姐|哥|他|她|朋友|孩子|同学|犬|狗|猫|我的(?!年|生)"
)
_LISTED_AGE = re.compile(r"[歳才살]\s?[、,]\s?$")
_CLAUSE_START = re.compile(
    r"(?:^|[^\w\s'\"-]|\b(?:hi|hey|hello|yo|lol|haha|oh|well|ok|okay|yes|yeah|no|and|so|si|sí|sì"
    r"|eu|io|ya|y|e|ну|и))\s*\Z"
)
_CLAUSE_END = re.compile(
    r"\s*(?:\Z|[^\w\s%+$€£°]"
    r"|(?:and|from|but|so|too|also|lol|haha|you|u|hbu|wbu|y|e|и|а)\b)"
)
_HOW_MANY = re.compile(
    r"how many|how much|how far|cu[aá]nt[oa]s (?!años)|quant[iaeo]s? (?!anni|anos)"
    r"|сколько (?!тебе|вам)|wie viele|combien|多少(?!岁)|いくつ(?!です)"
)


def born_young(year: int, now: int | None = None) -> bool:
    """Is somebody born in that year under 18, or turning 18, in the year `now` or today?"""
    now = now or dt.date.today().year
    return now - ADULT <= year <= now


def states_age(reading: Reading, hit: Hit) -> bool:
    """Is a phrase of the list `minor` said of the speaker, now?"""
    line = reading.line(hit.message)
    if is_undone(reading, hit) or _OF_OTHERS.search(line, hit.start, hit.end):
        return False
    if _SUBJECTLESS.match(line[hit.start : hit.end]):
        return not _is_of_another(line[max(0, hit.start - 80) : hit.start])
    english = line[hit.start] == "i"  # "I'm 12 drinks in"
    return not (english and is_counted(line, hit.end))


def stands_bare(reading: Reading, hit: Hit) -> bool:
    """Is a phrase of the list `minor_bare` a clause by itself, like "16 here, you?"?

    Not "there are 16 here in the hall", nor an answer to "how many?".
    """
    ends = _CLAUSE_END.match(reading.line(hit.message), hit.end)
    return ends is not None and begins_a_clause(reading, hit)


def begins_a_clause(reading: Reading, hit: Hit) -> bool:
    """Does a phrase begin a clause, so that "I" can be left out, and is it no answer to "how
    many?"?"""
    line = reading.line(hit.message)
    before = line[max(0, hit.start - 12) : hit.start]
    if not _CLAUSE_START.search(before):
        return False
    asked = reading.line(hit.message - 1) if hit.message else ""
    return not (_HOW_MANY.search(asked) or is_undone(reading, hit))


def is_undone(reading: Reading, hit: Hit) -> bool:
    """By what follows ("15 minutes late") or precedes ("when I'm 16")?"""
    line = reading.line(hit.message)
    before = line[max(0, hit.start - 40) : hit.start]
    return is_other_number(line, hit.end) or bool(_before().search(before))


def is_other_number(line: str, end: int) -> bool:
    """Does what follows say that the number is not an age?"""
    return bool(_NOT_AFTER.match(line, end) or _after().match(line, end))


def is_in_number(line: str, start: int) -> bool:
    """Is it the end of a larger number: "five" of "twenty-five", "五" of "二十五"?"""
    return bool(_TENS.search(line[max(0, start - 9) : start + 1]))


def is_counted(line: str, end: int) -> bool:
    """Does a plural follow the number, so that it counts something?"""
    if not _COUNTABLE.search(line, max(0, end - 9), end):
        return False
    match = _PLURAL.match(line, end)
    return match is not None and match[1] not in listed("not_a_unit")


def _is_of_another(before: str) -> bool:
    """Is the age another's? Japanese and Korean leave "I" out: the topic of the sentence decides.

    A list of ages belongs to others too.
    """
    sentence = _SENTENCE.split(before)[-1]
    if _LISTED_AGE.search(sentence):
        return True
    topics = [match[1] for match in _TOPIC.finditer(sentence)]
    return bool(topics) and not _SELF.search(topics[-1])


@cache
def _after() -> re.Pattern[str]:
    """What may follow a number that is not an age: "minutes", "of experience".

    Words that begin with a line of the list, short ones with nothing but an s after it.
    """
    starts = listed("minor_after")
    short = any_of([start for start in starts if len(start) < 3])
    long = any_of([start for start in starts if len(start) >= 3])
    end = f"(?<=[{UNSPACED}])"
    word = rf"(?:(?:{short})s?|(?:{long})(?:{end}|[^\W_]{{0,3}}))"
    return re.compile(rf"[\s-]*{word}(?:{end}|(?![^\W_]))")


@cache
def _before() -> re.Pattern[str]:
    """What undoes an age after it: "when I'm 16", 'she said: "I'm 16"'; not "as I said, I'm 16"."""
    words = any_of(listed("minor_before"))
    that = r"(?: that| he| she| they| que| che| dass)?"
    return re.compile(rf"(?<![^\W_{UNSPACED}])(?:{words}){that}(?:,(?=\s*\")|[\s:\"'])*\Z")
