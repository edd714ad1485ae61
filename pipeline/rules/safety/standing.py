"""How a phrase stands in its message: meant, in quotation marks, reported, in jest, or denied.

I'll kill you.                        meant
"I'll kill you," he growls.           evidence "in quotation marks: I'll kill you"
He says that women are vermin.        evidence "reported: women are vermin"
I'll kill you lol                     evidence "in jest: I'll kill you"
It's not that I want to die.          nothing: it is denied
In the film he says "I want to die"   nothing: a story is spoken of
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

from pipeline.rules.reading.lists import expression, listed

if TYPE_CHECKING:
    from pipeline.conversation import Finding
    from pipeline.rules.reading.phrases import Hit
    from pipeline.rules.reading.reading import Reading

BEFORE = 300  # characters in which a quotation mark is looked for
BESIDE = 40  # characters before and after that may deny a phrase, report it or make it a joke

_QUOTE = re.compile('["„«»「」『』]')
_OPENS = "„«「『"
_LAUGH = re.compile(
    r"\b(?:lo+l|lmf?ao+|ro(?:tf|fl)|(?:ha|he|hi){2,}|xd|jk|just kidding|just joking|kidding|/s"
    r"|а?(?:ха|хи){2,}\w*|лол|ржу|шучу|шутка|mdr|ptdr|jaja\w*|jeje\w*|k{3,}|rsrs\w*|scherz)\b"
    r"|[😂🤣😆😹😜😝😉]|哈哈|开玩笑|笑\)|（笑|\(笑|w{3,}|草$|ㅋㅋ|ㅎㅎ|;-?\)"
)
_DENIED = re.compile(
    r"(?:\bnot (?:that|saying|because|like|as if|going to say)|\bnever (?:said|thought|that)"
    r"|n't (?:say|think|mean|mean that|that|like|as if|believe|agree)"
    r"|\b(?:nobody|no one) (?:says?|said)"
    r"|\b(?:stop|quit) (?:saying|claiming|pretending|telling people)(?: that)?"
    r"|\b(?:hör(?:t)? auf zu (?:sagen|behaupten),? dass|arrêtez? de dire que"
    r"|dej(?:a|en) de decir que"
    r"|smett(?:ila|etela) di dire che|par(?:a|e|em) de dizer que|хватит говорить,? что)"
    r"|别(?:再)?说"
    r"|\b(?:wrong|racist|sexist|cruel|false|unfair|a lie|a myth|nonsense|stereotype)"
    r"(?: to (?:say|think|claim|believe))?(?: that)?"
    r"|\bне (?:то чтобы|то, чтобы|говорю|сказала?|думаю)|\bnicht,? (?:dass|weil|als ob)"
    r"|\bpas (?:que|dit que|parce que)|\bno (?:es que|digo que)|\bnon (?:è che|dico che)"
    r"|\bnão (?:é que|digo que)|不是说?|并不|没有?说)\W*(?:\w+\W+)?$"
    r"|\b(?:no|non|não|не|n't|not|never|nie|nicht|nunca|mai|jamais)\s$"
    r"|\bact(?:s|ed|ing)? like\s$|\b(?:him|her|them|us|people|someone|somebody) to\s$"
)
_REPORTED = re.compile(
    r"\b(?:he|she|they|who|people|some|someone|(?:my|his|her|their|the|an?) \w+)"
    r" (?:always |once |just |still )?(?:says?|said|thinks?|thought|believes?|believed|claims?"
    r"|claimed|told (?:me|us|him|her|them)|writes|wrote|yelled|shouted|screamed|called|calls)"
    r"(?: (?:that|me|him|her|us|them|an?))*\W*$"
    r"|\b(?:он|она|они|кто-то|некоторые) (?:сказала?|говор[ия]т|говорил[аи]?|считают?|думают?"
    r"|написала?|назвала?)\W*(?:что\W*)?$"
    r"|\b(?:er|sie|manche) (?:sagte?|sagen|meinte?|meinen|glaubt|glauben|behaupte[tn]|schrieb)\W*"
    r"(?:dass\W*)?$"
    r"|\b(?:il|elle|ils|certains) (?:dit|disent|a dit|pense|pensent|prétend) qu[e']\W*$"
    r"|\b(?:dice|dicen|dijo|cree|creen|dicono|ha detto|disse|dizem|diz|acham|pensa) (?:que|che)\W*$"
    r"|(?:他|她|他们|有人|人们)(?:说|认为|觉得|骂我?)\W*$"
)
_STORY = re.compile(
    r"\b(?:movie|film|episode|season|sequel|novel|lyrics?|song|album|character|actor|actress|scene"
    r"|anime|plot|protagonist|trailer|role|фильм\w*|сериал\w*|роман\w*|песн\w+|персонаж\w*"
    r"|film\w*|série|roman|chanson|película|serie|novela|canción|canzone|romanzo|música|filme)\b"
    r"|电影|小说|歌词|这首歌|剧情|映画|小説|歌詞|アニメ|영화|소설|드라마|가사"
)


def findings(reading: Reading, rule: str, hits: Iterable[Hit]) -> Iterator[Finding]:
    """The first phrase in each message; its evidence says how it stands.

    Left out: what is denied, and what is quoted beside talk of a film or a book.
    """
    meant = [hit for hit in hits if not _is_denied(reading, hit)]
    for finding in reading.first_places(rule, meant):
        note = _note(reading, finding)
        evidence = f"{note}: {finding.evidence}" if note else finding.evidence
        yield replace(finding, evidence=evidence)


def not_undone(reading: Reading, name: str) -> Iterator[Hit]:
    """The phrases of a list that nothing beside them undoes: a line of `<name>_not_after` behind
    them, as in "I want to die laughing", or one of `<name>_not_before` before them."""
    for hit in reading.hits[name]:
        if not is_undone(reading, hit, name):
            yield hit


def is_undone(reading: Reading, hit: Hit, name: str) -> bool:
    """Does something beside a phrase undo it? name: of its list."""
    line = reading.line(hit.message)
    before = line[max(0, hit.start - BESIDE) : hit.start]
    return bool(_after(name).match(line, hit.end) or _before(name).search(before))


@cache
def _after(name: str) -> re.Pattern[str]:
    return re.compile(rf"'s\b|[\s,]*(?:{_any_of(name + '_not_after')})")


@cache
def _before(name: str) -> re.Pattern[str]:
    return re.compile(rf"(?:{_any_of(name + '_not_before')})\W*$")


def _any_of(name: str) -> str:
    """An expression for the lines of a list; for none, one that matches nowhere."""
    lines = listed(name)
    return expression(lines) if lines else "(?!)"


def is_quoted(before: str) -> bool:
    """Does a quotation stay open at the end of this text?"""
    marks = _QUOTE.findall(before[-BEFORE:])
    if not marks:
        return False
    return marks[-1] in _OPENS or (marks[-1] == '"' and marks.count('"') % 2 == 1)


def is_joke(line: str, end: int) -> bool:
    """Does somebody laugh right after the phrase that ends here?"""
    return bool(_LAUGH.search(line, end, end + BESIDE))


def _is_denied(reading: Reading, hit: Hit) -> bool:
    line = reading.line(hit.message)
    before = line[: hit.start]
    if _DENIED.search(before[-BESIDE:]):
        return True
    return is_quoted(before) and bool(_STORY.search(line))


def _note(reading: Reading, finding: Finding) -> str | None:
    """How the phrase stands, where it may not be meant."""
    if finding.message is None or finding.start is None or finding.end is None:
        return None
    line = reading.line(finding.message)
    before = line[: finding.start]
    if is_quoted(before):
        return "in quotation marks"
    if _REPORTED.search(before[-BESIDE:]):
        return "reported"
    return "in jest" if is_joke(line, finding.end) else None
