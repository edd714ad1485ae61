"""Adults only: a speaker who states an age under 18. Self-harm, coercion and slurs are labelled and counted."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from pipeline.conversation import Finding, Message
from pipeline.rules import view as lists
from pipeline.rules.style import spots
from pipeline.rules.view import Hit, View

_LABELLED = {"safety.self_harm": "self_harm", "safety.coercion": "coercion", "safety.slur": "slur"}
_NOT_AFTER = re.compile(r"(?<=[4-7])\s\d{1,2}(?!\d)|[-–/:.,']\d|['\"]\s?\d|\s?[x%+$€£°]|(?:st|nd|rd|th)\b")
_PLURAL = re.compile(
    r"\s+(?!years?\b|yrs\b|was\b|its\b|yes\b|this\b|thus\b|as\b|always\b|thanks\b|is\b|plus\b|has\b|us\b)[a-z]+s\b"
)
_SUBJECTLESS = re.compile(r"[\d０-９一-十]+\s?[歳才さ]|(?!나|난|저|전|내|제)(?:[가-힣]+\s)?[\d가-힣]+\s?[살세]")
_SENTENCE = re.compile(r"[.!?。！？\n]")
_TOPIC = re.compile(r"([^\s、。！？,.]+?)(?:は|が|も|은(?=\s)|는(?=\s)|이(?=\s)|가(?=\s)|도(?=\s))")
_SELF = re.compile(r"(?:私|僕|俺|わたし|ぼく|あたし|自分|名前|年齢|年|나|저|내|제|나이|이름|우리)$")
_ANSWER = re.compile(r"\W*(?:um+|uh+|well|oh|only|just|i'm|im|i am)?\W*(\d{1,2})(?!\d|\s*(?:[x%:/.]\s*\d))(?=$|\W)")


def readings(view: View) -> Iterator[Finding]:
    """Safety of a row."""
    yield from minors(view)
    yield from cards(view)
    for rule, name in _LABELLED.items():
        yield from spots(view, rule, view.hits.get(name, []))


def minors(view: View) -> Iterator[Finding]:
    """Messages in which a speaker states an own age under 18, or answers the question after it."""
    stated = [hit for hit in view.hits.get("minor", []) if _states_age(view, hit)]
    yield from spots(view, "safety.minor", stated + list(_answers(view)))


def cards(view: View) -> Iterator[Finding]:
    """Cards and system messages of characters under 18, whether they tell it as "I", as "she" or as a field."""
    described = [f"{c.description or ''}\n{c.scenario or ''}" for c in (view.persona, view.user_persona) if c]
    prompts = [m.content for m in view.messages if m.role == "system"]
    for text in filter(str.strip, (*described, *prompts)):
        told = lists.view([Message("user", text)])
        found = [hit for hit in told.hits.get("minor_card", []) if not _after().match(told.line(0), hit.end)]
        if bool(found) or any(minors(told)):
            yield Finding("filter", "safety.minor", 1, evidence="the card", decision="measured")


def _states_age(view: View, hit: Hit) -> bool:
    line = view.line(hit.message)
    if _NOT_AFTER.match(line, hit.end) or _after().match(line, hit.end):
        return False
    if _before().search(line[max(0, hit.start - 40) : hit.start]):
        return False
    if _SUBJECTLESS.match(line, hit.start):
        return not _of_another(line[: hit.start])
    return not (line[hit.start] == "i" and _PLURAL.match(line, hit.end))  # English: "I'm 12 drinks in"


def _of_another(before: str) -> bool:
    """Japanese and Korean leave "I" out: is somebody else the topic of the sentence, or is it a list of ages?"""
    sentence = _SENTENCE.split(before)[-1]
    topics = [match[1] for match in _TOPIC.finditer(sentence)]
    return bool(re.search(r"[歳才살]\s?[、,]\s?$", sentence)) or bool(topics and not _SELF.search(topics[-1]))


def _answers(view: View) -> Iterator[Hit]:
    """ "How old are you?" "15, and you?" """
    for asked in view.hits.get("age_question", []):
        reply = asked.message + 1
        if reply < len(view.messages) and view.messages[reply].role != view.messages[asked.message].role:
            match = _ANSWER.match(view.line(reply))
            if match and 1 <= int(match[1]) < 18 and not _after().match(view.line(reply), match.end()):
                yield Hit(reply, match.start(1), match.end(1))


@cache
def _after() -> re.Pattern[str]:
    starts = "|".join(map(re.escape, lists.words("minor_after")))
    return re.compile(rf"[\s-]*(?:{starts})(?:(?<=[{lists.UNSPACED}])|[^\W_]{{0,3}}(?![^\W_]))")


@cache
def _before() -> re.Pattern[str]:
    words = "|".join(map(re.escape, lists.words("minor_before")))
    return re.compile(rf"(?<![^\W_{lists.UNSPACED}])(?:{words})(?: that| he| she| they| que| che| dass)?[\s,:\"]*$")
