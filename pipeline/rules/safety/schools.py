"""A speaker who goes to school: a school year or a kind of school, said of oneself.

    "next fall I start ninth grade"  "хожу в седьмой класс"       the speaker goes there
    "We had a maths test today, ninth grade is so stressful."     a pupil writes of the day

Not: "I work at a middle school", "my son is in ninth grade", "I hated high school".
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING

from pipeline.rules.safety.words import of_list, pattern

if TYPE_CHECKING:
    from pipeline.rules.reading.phrases import Hit
    from pipeline.rules.reading.reading import Reading

_SENTENCE = re.compile(r"[.!?。！？\n;]")
_VERB_ALONE = r"\b(?:sono|faccio|frequento|curso|estudio|sou|estoy|estou|besuche|cursando)"
_PAST = re.compile(r"\b(?:was|were|did|had|used|был\w?|war|hatte\w*|était|avait|era|tenía)\b")
# In Chinese, Japanese and Korean what follows tells more.
_EAST_GOES = re.compile(
    r"(?:[我俺]们?(?:今年|现在|才|刚|还|就|明年|也|正|已经|马上|是|在|要|快|一个|下个月|九月|上|读|念|升|了|到){0,5}"
    r"|(?:私|僕|俺|わたし|ぼく|うち)(?:は|も|って)?(?:まだ|今|今年|来年|もうすぐ|春から|、){0,2}"
    r"|(?:나는|난|저는|전|나|저|제가|내가|나도|저도)\s?(?:아직|지금|올해|이제|내년에)?\s?)\Z"
)
_EAST_AFTER = re.compile(
    r"\s?(?:\Z|[，,。！!~、]|的?学生|生(?![活])|读书|上学|念书|了|呢|啊|呀|在读"
    r"|に(?:います|いる|通|行って|行く|進|なっ|なり|なる)|です|だ|で(?=[、す])|なの|なん|[の]?[一二三1-3]年"
    r"|에 (?:다니|다녀|들어가|입학)|생|이야|이에|예요|인데|입니다|야|라서|\s?\d학년)"
)


def pupils(reading: Reading) -> Iterator[Hit]:
    """Schools that a speaker goes to."""
    days = Counter(message for message, _ in _words_of_the_day(reading))
    for school in reading.hits["minor_school"]:
        line = reading.line(school.message)
        if _is_own_day(line, days[school.message]) or _goes_there(line, school):
            yield school


def _words_of_the_day(reading: Reading) -> set[tuple[int, str]]:
    """(message, word) for the different words of a pupil's day."""
    hits = reading.hits["pupil"]
    return {(hit.message, reading.line(hit.message)[hit.start : hit.end]) for hit in hits}


def _is_own_day(line: str, signs: int) -> bool:
    """signs: how many words of a pupil's day there are; one alone must be of these days."""
    if signs == 0 or not pattern("first_person").search(line) or pattern("grown_up").search(line):
        return False
    return bool(pattern("these_days").search(line)) or (signs > 1 and not _PAST.search(line))


def _goes_there(line: str, school: Hit) -> bool:
    before = _SENTENCE.split(line[max(0, school.start - 60) : school.start])[-1]
    after = _SENTENCE.split(line[school.end : school.end + 24])[0]
    eastern = _EAST_GOES.search(before) and _EAST_AFTER.match(after)
    otherwise = pattern("school_otherwise")
    return bool(eastern or _goes().search(before)) and not (
        otherwise.search(before) or otherwise.search(after)
    )


@cache
def _goes() -> re.Pattern[str]:
    """Who goes there and how, up to the school: "we're still in the", "I go to Roosevelt"."""
    who, how = of_list("school_who"), of_list("school_how")
    return re.compile(rf"{who}(?:\s?{how})+(?:(?<=to|at|nd) [\w'-]+)?\s?\Z|{_VERB_ALONE}\s?\Z")
