"""The steps closer for which a course is to blame, as findings of its row.

    pacing.untaken    a step closer that the user did not take up
    pacing.pressed    one soon after such a step
    pacing.jump       one that leaves a stage out
    pacing.furthest   the one that goes furthest beyond what was open

Each is `measured` and decides nothing. They are stored with the row, so that `rate` needs no course
and `rapport why` shows them. value: how far the message goes beyond what was open.
"""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.conversation import Conversation, Finding
from pipeline.pacing.course import Course

UNTAKEN = "pacing.untaken"
PRESSED = "pacing.pressed"
JUMP = "pacing.jump"
FURTHEST = "pacing.furthest"
RULES = (UNTAKEN, PRESSED, JUMP, FURTHEST)


def blamed(followed: Course) -> Iterator[Finding]:
    """What a course is to blame for."""
    excess = [place.excess for place in followed.places]
    most = max(excess, default=0.0)
    furthest = [excess.index(most)] if most else []
    steps = (followed.untaken, followed.pressed, followed.jumps, furthest)
    for rule, messages in zip(RULES, steps, strict=True):
        for index in messages:
            yield Finding("score", rule, excess[index], message=index, decision="measured")


def without(row: Conversation) -> list[Finding]:
    """The findings of a row but for these, which an earlier run may have left."""
    return [finding for finding in row.findings if finding.rule not in RULES]


def messages_of(row: Conversation, rule: str) -> list[int]:
    """The messages that are to blame by one of these rules."""
    return [
        finding.message
        for finding in row.findings
        if finding.rule == rule and finding.message is not None
    ]
