"""What is wrong with a text that a model has just written: the first fault, or None.

Most of it is `pipeline/rules`; here is what only a fresh text can have wrong.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from pipeline.conversation import Finding, Message, Persona, normalised
from pipeline.generate.prompts import Prompts
from pipeline.pacing.uptake import holds, length
from pipeline.rules.message import check

# "Anna: Well" or "Anna Weber: *nods*", but not "Fine: the red one".
# The names of the two sides are found in any case by `rules`.
LABEL = re.compile(
    r"[*_\"\s]*[^\W\d_a-zа-яё][\w'’-]*( [^\W\d_a-zа-яё][\w'’-]*)?"  # one or two capitalised words
    r"[*_]*:[*_]*\s+[*_\"«“]*[^\W\d_a-zа-яё]"  # a colon and a capital letter
)
ADULT = 18  # years
# An age, but not a duration ("for 12 years"), a time ("at 9 in the evening") or a number of things.
AGE = re.compile(
    # "16-year-old", "16 yo", "Age: 15"
    r"\b(\d{1,3})[\s-]*(?:year|yr)s?[\s-]*old|\b(\d{1,3})\s?y\W?o\b|\b[Aa]ge[ds]?\W{0,3}(\d{1,3})\b"
    # "Lily is 15, and wise", "At 16, she lives", but not "It is 9", "is 20 minutes late"
    r"|(?<!\b[Ii]t )(?<!\b[Tt]his )(?<!\b[Tt]hat )(?<!\btime )(?<!\bclock )"
    r"\b(?:is|am|turned|At) (\d{1,3})(?=[,.;\s])"
    r"(?!\s*(?:\w*\s?(?:minutes|hours|days|times|metres|miles)"
    r"|[ap]\W?m\b|o\W?clock|at night|sharp))"
    r"(?!\s*in the (?:morning|afternoon|evening))"
    # "Lily, 16, goes to school", "Lily, 16 and bored"
    r"|^\W*[^\W\d_][\w'’ -]{1,40}, (\d{1,3})"
    r"(?=[,.]|\s(?:and|is|who|from|works|lives|years)\b)"
    # "16-летняя", "Мне 15", "Лене 15 лет", "возраст: 15"
    r"|\b(\d{1,3})-летн"
    r"|\b[Мм]не (\d{1,3})(?=[,.]|\s(?:и|а|но|год|года|лет)\b)"
    r"|\b(?:ей|ему|Ей|Ему|[А-ЯЁ][а-яё]+[еиу]) (\d{1,3})(?=[,.\s])"
    r"(?!\s(?:минут|час|утра|вечера|дн[яе]|ноч|недел|раз"
    r"|руб|градус|процент|метр|километр|человек|штук))"
    r"|[Вв]озраст\w*\W{0,3}(\d{1,3})\b"
    # "16-jährig", "ist 15 Jahre alt", "a 16 ans", "âgée de 15 ans", "tiene 16 años", "今年16岁"
    r"|\b(\d{1,3})[- ]?jährig|\b(\d{1,3}) Jahre alt|\b(?:bin|ist) (\d{1,3})(?=[,.;])"
    r"|\b(?:ai|a|as|âgée?s? de) (\d{1,3}) ans\b"
    r"|\b(?:tengo|tiene|tienes|con|de) (\d{1,3}) años(?! de )"
    r"|(\d{1,3})岁"
)
REPEATED_WORDS = 4  # a message of so many words or more must not repeat an earlier one
QUOTED = 80  # characters of a text that are kept as evidence


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a message of a talk, or why there is none.

    message: its index in the talk. rule: one of `pipeline/rules`, or talk.* and script.* of
    our own, or call.* where no answer came.
    """

    message: int
    rule: str
    evidence: str | None = None

    @property
    def reason(self) -> str:
        """The name of the rule without its family."""
        return self.rule.rpartition(".")[2]


class Objection(NamedTuple):
    """Why a candidate or a card is not accepted."""

    rule: str
    detail: str


def first_fault(
    earlier: Sequence[Message], new: Message, speaker: Persona | None, prompts: Prompts
) -> Fault | None:
    """The first thing wrong with a new message. speaker: the card of who writes it."""
    index, text = len(earlier), new.content
    if not is_whole(text):
        return Fault(index, "talk.damaged", "half a character (a lone surrogate)")
    rule = _rule_of_talks(earlier, text, prompts)
    if rule:
        return Fault(index, rule, text[:QUOTED])
    findings = check([*earlier, new], speaker, prompts.language)
    if findings:
        return Fault(index, findings[0].rule, _evidence(findings[0], text))
    return None


def _rule_of_talks(earlier: Sequence[Message], text: str, prompts: Prompts) -> str | None:
    """The rule broken by a text fresh from a model; on rows of other sources it would misfire."""
    words = normalised(text)
    if not words:
        return "talk.empty"
    if words in prompts.declines:
        return "style.refusal"
    if prompts.direction("note", text="").rstrip(" ]") in text:
        return "talk.note"
    if LABEL.match(text):
        return "style.label"
    if length(words) >= REPEATED_WORDS and _repeats(words, earlier):
        return "style.repetition"
    return None


def _repeats(words: str, earlier: Sequence[Message]) -> bool:
    """Is there a message with the same words, whoever wrote it?"""
    return any(normalised(message.content) == words for message in earlier)


def is_whole(text: str) -> bool:
    """Can the text be written? JSON escapes may name half a character, which no file can hold."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def objection_to(texts: dict[str, str], prompts: Prompts) -> Objection | None:
    """The first thing wrong with the texts of a candidate or a card.

    A minor, another language, a refusal, a placeholder. texts: by the name of the part.
    """
    about = Persona(texts.get("name"), texts.get("description"))
    for part, text in texts.items():
        if text and part != "name":
            objection = _objection_to_text(text, about, prompts)
            if objection:
                return objection._replace(detail=f"{part}: {objection.detail}")
    return None


def _objection_to_text(text: str, about: Persona, prompts: Prompts) -> Objection | None:
    """about: whom the text describes; an AI may be called one."""
    words = underage(text, prompts)
    if words:
        return Objection("safety.minor", words)
    findings = check([Message("assistant", text)], about, prompts.language)
    if findings:
        return Objection(findings[0].rule, _evidence(findings[0], text))
    return None


def underage(text: str, prompts: Prompts) -> str | None:
    """The words that describe somebody under 18: an age or a listed word; None: an adult.

    Of several ages the first counts: a parent of 44 comes before the son of 12.
    """
    age = AGE.search(text)
    if age and int(next(filter(None, age.groups()))) < ADULT:
        return age[0].strip()
    words = f" {normalised(text)} "
    return next((word for word in prompts.underage if holds(words, word)), None)


def _evidence(finding: Finding, text: str) -> str:
    return finding.evidence or text[finding.start or 0 : finding.end][:QUOTED]
