"""Adults only: a speaker who states an age under 18. Self-harm, coercion and slurs are labelled and counted."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from pipeline.conversation import Finding, Message
from pipeline.rules.reading import view as lists
from pipeline.rules.reading.view import Hit, View
from pipeline.rules.style import spots

_LABELLED = {"safety.self_harm": "self_harm", "safety.coercion": "coercion", "safety.slur": "slur"}
_NOT_AFTER = re.compile(
    r"(?<=\D[4-7])\s\d{1,2}(?!\d)|[-–/:.,']\d|['\"]\s?\d|\s?[%+$€£°]|\s?x\s?\d|x\b|(?:st|nd|rd|th)\b"
    r"|\s?[ap]\.?m\b(?!\si\b)|\s(?:out\s)?of\b(?!\scourse)|\sfor\s\d"  # "5 am", not "I'm 16 am I too young"
)
_PLURAL = re.compile(r"\s+([a-z]+(?<![isu])s)\b")
_SUBJECTLESS = re.compile(
    r"[\d０-９一-十]+\s?[歳才さ]|(?!나|난|저|전|내|제)(?:[가-힣]+\s)?[\d가-힣]+\s?[살세]"
)
_SENTENCE = re.compile(r"[.!?。！？\n]")
_TOPIC = re.compile(r"([^\s、。！？,.]+?)(?:は|が|も|은(?=\s)|는(?=\s)|이(?=\s)|가(?=\s)|도(?=\s))")
_SELF = re.compile(r"(?:私|僕|俺|わたし|ぼく|あたし|自分|名前|年齢|年|나|저|내|제|나이|이름|우리)$")
_BESIDE_NAME = re.compile(r"(?: is |, | \()(\d{1,2})(?=[),.;\n]|\Z|\s(?:and|years old)\b)")
_FIRST_NAME = re.compile(r"(?:you are )?(?!(?:it|this|that|there|today)\b)\w+")
_CLAUSE_START = re.compile(
    r"(?:^|[^\w\s'\"-]|\b(?:hi|hey|hello|yo|lol|haha|oh|well|ok|okay|yes|yeah|no|and|so|si|sí|sì|eu|io|ya|y|e|ну|и))\s*\Z"
)
_CLAUSE_END = re.compile(
    r"\s*(?:\Z|[^\w\s%+$€£°]|(?:and|from|but|so|too|also|lol|haha|you|u|hbu|wbu|y|e|и|а)\b)"
)
_HOW_MANY = re.compile(
    r"how many|cu[aá]nt[oa]s (?!años)|quant[iaeo]s? (?!anni|anos)|сколько (?!тебе|вам)"
)
_OWN = re.compile(  # "her younger brother is 7", not "she lost her parents and is 16"
    r"(?:(?<!\w)(?:his|her|their|its|my|our|whose|su|sus|mi|seine?|ihre?|его|её|ее|их)|\w's)"
    r"(?:\s(?!(?:and|but|y|et|und|e)\s)[\w-]+){0,3},?\s\Z"
)


def readings(view: View) -> Iterator[Finding]:
    """Safety of a row."""
    yield from minors(view)
    yield from cards(view)
    for rule, name in _LABELLED.items():
        yield from spots(view, rule, view.hits.get(name, []))


def minors(view: View) -> Iterator[Finding]:
    """Messages in which a speaker states an own age under 18, or answers the question after it."""
    stated = [hit for hit in view.hits.get("minor", []) if _states_age(view, hit)]
    bare = [
        hit
        for hit in view.hits.get("minor_bare", [])
        if _fills_a_clause(view, hit) and not _undone(view, hit)
    ]
    yield from spots(view, "safety.minor", stated + bare + list(_answers(view)))


def cards(view: View) -> Iterator[Finding]:
    """Cards and system messages of characters under 18, whether they tell it as "I", as "she" or as a field."""
    described = [
        (c.name, f"{c.description or ''}\n{c.scenario or ''}")
        for c in (view.persona, view.user_persona)
        if c
    ]
    prompts = [(None, m.content) for m in view.messages if m.role == "system"]
    for name, text in (*described, *prompts):
        told = lists.view([Message("user", text.strip())])
        stated = any(_is_of_the_card(told, hit) for hit in told.hits.get("minor_card", []))
        if stated or _introduced_as_minor(told.line(0), name) or any(minors(told)):
            yield Finding("filter", "safety.minor", 1, evidence="the card", decision="measured")


def _introduced_as_minor(line: str, name: str | None) -> bool:
    """ "Lena (16)", "Lena is 16", and at the start of a text any word for the name."""
    names = tuple({name.lower(), name.lower().split()[0]}) if name and name.strip() else ()
    for match in _BESIDE_NAME.finditer(line):
        before = line[: match.start()]
        named = before.endswith(names) or _FIRST_NAME.fullmatch(before)
        if named and 1 <= int(match[1]) < 18 and not _is_no_age(line, match.end()):
            return True
    return False


def _is_of_the_card(view: View, hit: Hit) -> bool:
    """The character's own age now: not "at age 8", "mother of a 5-year-old girl", "her daughter is 7 years old"."""
    line = view.line(hit.message)
    before = line[max(0, hit.start - 60) : hit.start]
    if line.startswith(("he ", "she ", "they "), hit.start):
        before = ""
    return not (
        _is_no_age(line, hit.end)
        or _counts(line, hit.end)
        or _card_before().search(before)
        or _OWN.search(before)
    )


def _states_age(view: View, hit: Hit) -> bool:
    line = view.line(hit.message)
    if _undone(view, hit):
        return False
    if _SUBJECTLESS.match(line, hit.start):
        return not _of_another(line[max(0, hit.start - 80) : hit.start])
    return not (line[hit.start] == "i" and _counts(line, hit.end))  # English: "I'm 12 drinks in"


def _undone(view: View, hit: Hit) -> bool:
    """By what follows ("15 minutes late") or precedes ("when I'm 16")."""
    line = view.line(hit.message)
    before = line[max(0, hit.start - 40) : hit.start]
    return _is_no_age(line, hit.end) or bool(_before().search(before))


def _is_no_age(line: str, end: int) -> bool:
    return bool(_NOT_AFTER.match(line, end) or _after().match(line, end))


def _counts(line: str, end: int) -> bool:
    """Does a plural follow the number, so that it counts something?"""
    match = _PLURAL.match(line, end)
    return match is not None and match[1] not in lists.words("not_a_unit")


def _fills_a_clause(view: View, hit: Hit) -> bool:
    """ "16 here, you?" and "age: 16", not "there are 16 here in the hall"; nor the answer to "how many?"."""
    line = view.line(hit.message)
    if not (
        _CLAUSE_START.search(line[max(0, hit.start - 12) : hit.start])
        and _CLAUSE_END.match(line, hit.end)
    ):
        return False
    return not (hit.message and _HOW_MANY.search(view.line(hit.message - 1)))


def _of_another(before: str) -> bool:
    """Japanese and Korean leave "I" out: is somebody else the topic of the sentence, or is it a list of ages?"""
    sentence = _SENTENCE.split(before)[-1]
    topics = [match[1] for match in _TOPIC.finditer(sentence)]
    return bool(re.search(r"[歳才살]\s?[、,]\s?$", sentence)) or bool(
        topics and not _SELF.search(topics[-1])
    )


def _answers(view: View) -> Iterator[Hit]:
    """ "How old are you?" "15, and you?" """
    for asked in view.hits.get("age_question", []):
        reply = asked.message + 1
        if (
            reply == len(view.messages)
            or view.messages[reply].role == view.messages[asked.message].role
        ):
            continue
        line = view.line(reply)
        match = _answer().match(line)
        if (
            match
            and int(match["digits"] or 5) in range(1, 18)
            and not _is_no_age(line, match.end())
            and not _counts(line, match.end())
        ):
            yield Hit(reply, match.start("age"), match.end("age"))


@cache
def _answer() -> re.Pattern[str]:
    """A number, with nothing but leads before it: "haha, only sixteen"; no list: "12歳、10歳"."""
    leads, numbers = (
        "|".join(map(re.escape, sorted(lists.words(name), key=len, reverse=True)))
        for name in ("age_lead", "age_number")
    )
    lead = rf"(?:(?:{leads})(?:(?<=[{lists.UNSPACED}])|(?![^\W_]))\W*)"
    age = (
        rf"(?P<age>(?P<digits>\d{{1,2}})|(?:{numbers}))\s?(?:[岁歲歳才살세]|yo|y/o|[fm])?(?![^\W_])"
    )
    return re.compile(rf"\W*{lead}{{0,4}}{age}(?![,、]\s?\d{{1,2}}\s?[岁歲歳才살세])")


@cache
def _after() -> re.Pattern[str]:
    starts = "|".join(
        re.escape(start)
        + ("s?" if len(start) < 3 else f"(?:(?<=[{lists.UNSPACED}])|[^\\W_]{{0,3}})")
        for start in lists.words("minor_after")
    )
    return re.compile(rf"[\s-]*(?:{starts})(?:(?<=[{lists.UNSPACED}])|(?![^\W_]))")


@cache
def _before() -> re.Pattern[str]:
    """ "When I'm 16", 'she said: "I'm 16"'; but a comma ends it: "as I said, I'm 16"."""
    words = "|".join(map(re.escape, lists.words("minor_before")))
    that = r"(?: that| he| she| they| que| che| dass)?"
    return re.compile(rf"(?<![^\W_{lists.UNSPACED}])(?:{words}){that}(?:,(?=\s*\")|[\s:\"'])*\Z")


@cache
def _card_before() -> re.Pattern[str]:
    words = "|".join(map(re.escape, lists.words("minor_card_before")))
    return re.compile(
        rf"(?<![^\W_])(?<!body )(?<!look )(?<!looks )(?<!appearance )(?:{words})(?:\s(?:an?|one|\w+,|\w+, who))?\s\Z"
    )
