"""What is wrong with a message that a model has just written: the first fault, or none."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.conversation import Message, normalised
from pipeline.generate.cards import Character


@dataclass(frozen=True, slots=True)
class Fault:
    """message: its index. rule: as in `pipeline/rules`, or call.* when the model did not answer."""

    message: int
    rule: str
    evidence: str | None = None

    @property
    def reason(self) -> str:
        return self.rule.rpartition(".")[2]


def fault(message: Message, said: Sequence[Message], character: Character, user: str, language: str) -> Fault | None:
    """The first thing wrong with `message` after `said`."""
    index, text = len(said), message.content
    if not normalised(text):
        return Fault(index, "structure.empty", text[:80])
    for name in (character.name, user, "user", "assistant"):
        if re.match(rf"[\s*\"]*{re.escape(name)}[\s*]*:", text, re.IGNORECASE):
            return Fault(index, "style.label", text[:80])
    if any(normalised(m.content) == normalised(text) for m in said):
        return Fault(index, "style.repetition", text[:80])
    return None


def text_fault(text: str, language: str) -> Fault | None:
    """What is wrong with a text about somebody."""
    return None
