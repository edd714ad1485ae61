"""What is wrong with something a model has just written: the first fault, or none. Most of it is `pipeline/rules`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.conversation import Finding, Message, Persona, normalised
from pipeline.rules.message import check

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


def fault(said: Sequence[Message], new: Message, speaker: Persona | None, language: str, note: str) -> Fault | None:
    """The first thing wrong with a new message. speaker: the card of who says it. note: how our directions begin."""
    index, words = len(said), normalised(new.content)
    if not words:
        return Fault(index, "talk.empty", new.content[:80])
    if note in new.content:
        return Fault(index, "talk.note", new.content[:80])
    if len(words.split()) >= PARROT and any(normalised(m.content) == words for m in said):
        return Fault(index, "style.repetition", new.content[:80])
    found = check([*said, new], speaker, language)
    return Fault(index, found[0].rule, _evidence(found[0], new.content)) if found else None


def text_fault(text: str, language: str) -> Fault | None:
    """What is wrong with a text about somebody."""
    found = check([Message("assistant", text)], None, language)
    return Fault(0, found[0].rule, _evidence(found[0], text)) if found else None


def _evidence(finding: Finding, text: str) -> str:
    return finding.evidence or text[finding.start or 0 : finding.end][:80]
