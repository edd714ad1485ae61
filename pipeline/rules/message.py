"""What is wrong with one new message of a conversation: the same rules as on rows.

    check(messages, persona=None, expected=None) -> list[Finding]    what is wrong with messages[-1]

`generate` asks it of every message that a model has written.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from pipeline.conversation import Finding, Language, Message, Persona
from pipeline.rules import NEW_MESSAGE_READERS, RULES, beyond
from pipeline.rules.language.detect import Detection, detect_message
from pipeline.rules.reading.reading import Reading, read


def check(
    messages: Sequence[Message], persona: Persona | None = None, expected: str | None = None
) -> list[Finding]:
    """What is wrong with `messages[-1]`, worst ("drop") first; [] when it is fine.

    persona: the card of the one who writes it; an AI character may say that it is one. expected:
    the ISO 639-1 code of the conversation's language.
    """
    last = len(messages) - 1
    new = messages[last]
    own = [i for i in range(last) if messages[i].role == new.role]
    by_model = new._replace(role="assistant")  # here both sides are models
    reading = read([*messages[:last], by_model], persona, earlier=own)
    if expected is not None:
        reading.detection = _detection(reading.spoken, new.content, expected)
    return _faults(reading)


def _faults(reading: Reading) -> list[Finding]:
    last = len(reading.messages) - 1
    found = [finding for reader in NEW_MESSAGE_READERS for finding in reader(reading)]
    faults = [_decided(finding) for finding in found if _counts(finding, last)]
    return sorted(faults, key=lambda finding: finding.decision != "drop")


def _detection(spoken: Sequence[int], new: str, expected: str) -> Detection:
    """The expected language for all messages but the new one, whose language is found."""
    code, evidence = detect_message(new, expected)
    earlier = len(spoken) - 1
    codes = (*[expected] * earlier, code)
    return Detection(Language(expected, 1.0), codes, (*[0.0] * earlier, evidence))


def _counts(finding: Finding, last: int) -> bool:
    return finding.message == last and beyond(finding.value, RULES[finding.rule])


def _decided(finding: Finding) -> Finding:
    rule = RULES[finding.rule]
    return replace(finding, limit=rule.limit, decision=rule.decision)
