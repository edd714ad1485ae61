"""What is wrong with something a model has just written: the first fault, or none. Most of it is `pipeline/rules`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.conversation import Finding, Message, Persona, normalised
from pipeline.generate.prompts import Prompts
from pipeline.rules.message import check

# "Anna: Well" or "Anna Weber: *nods*", but not "Fine: the red one"; the names of both sides are caught in any case.
LABEL = re.compile(
    r"[*_\"\s]*[^\W\d_a-zа-яё][\w'’-]*( [^\W\d_a-zа-яё][\w'’-]*)?[*_]*:[*_]*\s+[*_\"«“]*[^\W\d_a-zа-яё]"
)
ADULT = 18  # years
AGE = re.compile(  # not how long something lasts, what o'clock it is, or how many of a thing
    r"\b(\d{1,3})[\s-]*(?:year|yr)s?[\s-]*old|\b(\d{1,3})\s?y\W?o\b|\b[Aa]ge[ds]?\W{0,3}(\d{1,3})\b"
    r"|(?<!\b[Ii]t )(?<!\b[Tt]his )(?<!\b[Tt]hat )(?<!\btime )(?<!\bclock )\b(?:is|am|turned|At) (\d{1,3})(?=[,.;\s])"
    r"(?!\s*(?:\w*\s?(?:minutes|hours|days|times|metres|miles)|[ap]\W?m\b|o\W?clock|at night|sharp))"
    r"(?!\s*in the (?:morning|afternoon|evening))"
    r"|^\W*[^\W\d_][\w'’ -]{1,40}, (\d{1,3})(?=[,.]|\s(?:and|is|who|from|works|lives|years)\b)"
    r"|\b(\d{1,3})-летн"
    r"|\b[Мм]не (\d{1,3})(?=[,.]|\s(?:и|а|но|год|года|лет)\b)"
    r"|\b(?:ей|ему|Ей|Ему|[А-ЯЁ][а-яё]+[еиу]) (\d{1,3})(?=[,.\s])"
    r"(?!\s(?:минут|час|утра|вечера|дн[яе]|ноч|недел|раз|руб|градус|процент|метр|километр|человек|штук))"
    r"|[Вв]озраст\w*\W{0,3}(\d{1,3})\b"
)
PARROT = (
    4  # words; from this length on nobody may say again what anybody said before, word for word
)


@dataclass(frozen=True, slots=True)
class Fault:
    """message: its index in the talk. rule: as in `pipeline/rules`; talk.*, script.* of ours; call.*: no answer."""

    message: int
    rule: str
    evidence: str | None = None

    @property
    def reason(self) -> str:
        return self.rule.rpartition(".")[2]


def fault(
    said: Sequence[Message], new: Message, speaker: Persona | None, prompts: Prompts
) -> Fault | None:
    """The first thing wrong with a new message. speaker: the card of who says it."""
    index, text = len(said), new.content
    if not is_whole(text):
        return Fault(index, "talk.damaged", "half a character (a lone surrogate)")
    rule = _own_rule(said, text, prompts)
    if rule:
        return Fault(index, rule, text[:80])
    found = check([*said, new], speaker, prompts.language)
    return Fault(index, found[0].rule, _evidence(found[0], text)) if found else None


def _own_rule(said: Sequence[Message], text: str, prompts: Prompts) -> str | None:
    """What only a message fresh from a model can have wrong; on rows of other sources these would misfire."""
    words = normalised(text)
    if not words:
        return "talk.empty"
    if words in prompts.declines:
        return "style.refusal"
    if prompts.direction("note", text="").rstrip(" ]") in text:
        return "talk.note"
    if LABEL.match(text):
        return "style.label"
    if len(words.split()) >= PARROT and any(normalised(m.content) == words for m in said):
        return "style.repetition"
    return None


def is_whole(text: str) -> bool:
    """Whether the text can be written at all: JSON escapes may name half a character, which no file can hold."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def text_fault(text: str, prompts: Prompts, about: Persona | None = None) -> Fault | None:
    """What is wrong with a text about somebody, or of somebody: `about`, who may be an AI that says so."""
    told = underage(text, prompts)
    if told:
        return Fault(0, "safety.minor", told)
    found = check([Message("assistant", text)], about, prompts.language)
    return Fault(0, found[0].rule, _evidence(found[0], text)) if found else None


def underage(text: str, prompts: Prompts) -> str | None:
    """The words that describe somebody under 18: the first age in the text, or a listed word; None: an adult."""
    age = AGE.search(text)
    if age and int(next(filter(None, age.groups()))) < ADULT:
        return age[0].strip()
    words = f" {normalised(text)} "
    return next((word for word in prompts.underage if f" {word} " in words), None)


def _evidence(finding: Finding, text: str) -> str:
    return finding.evidence or text[finding.start or 0 : finding.end][:80]
