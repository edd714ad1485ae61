"""What is wrong with something a model has just written: the first fault, or none. Most of it is `pipeline/rules`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.conversation import Finding, Message, Persona, normalised
from pipeline.generate.prompts import Prompts
from pipeline.rules.message import check

LABEL = re.compile(r"[*_\"\s]*[^\W\d_a-zа-яё][\w'’-]*( [^\W\d_a-zа-яё][\w'’-]*)?[*_]*:\s")  # Anna: / Anna Weber:
PARROT = 4  # words; from this length on nobody may say again what anybody said before, word for word


@dataclass(frozen=True, slots=True)
class Fault:
    """message: its index in the talk. rule: as in `pipeline/rules`; talk.*, script.* of ours; call.*: no answer."""

    message: int
    rule: str
    evidence: str | None = None

    @property
    def reason(self) -> str:
        return self.rule.rpartition(".")[2]


def fault(said: Sequence[Message], new: Message, speaker: Persona | None, prompts: Prompts) -> Fault | None:
    """The first thing wrong with a new message. speaker: the card of who says it."""
    index, text = len(said), new.content
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


def text_fault(text: str, language: str) -> Fault | None:
    """What is wrong with a text about somebody."""
    found = check([Message("assistant", text)], None, language)
    return Fault(0, found[0].rule, _evidence(found[0], text)) if found else None


def _evidence(finding: Finding, text: str) -> str:
    return finding.evidence or text[finding.start or 0 : finding.end][:80]
