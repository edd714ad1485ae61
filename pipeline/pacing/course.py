"""The course of a conversation: one fold over its messages.

Two people stand at a level of closeness, from -1 to 1, that both have shown. The companion (the
assistant) may stay there or take a step closer; the step counts when the answer takes it up:

    message        0 A    1 U    2 A    3 U      4 A    5 U
    closeness     -.3    -.2    -.2    -.1       .5     .0  "Um, okay."
    level        -.4    -.3    -.3    -.3       -.2    -.2      the step to .5 is not taken up
    decision     hold          hold           closer
    excess         0             0              .4               what lies beyond level + REACH

Nothing but what was written decides: a message added, edited or taken back changes what follows it
and nothing else, so whoever asks need keep no state.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import fmean
from typing import NamedTuple

from pipeline.conversation import Message, Step
from pipeline.pacing import PAUSE, STAGES
from pipeline.pacing.uptake import takes_up

START = -0.3  # level of two strangers
REACH = 0.3  # a message may be so much closer than the level: a step, and how far models err
STEP = 0.15  # and is a step where it is so much closer
GAIN = 0.5  # of a step that was taken up, this share is the new level
BORDERS = (0.0, 0.35)  # levels from which on a stage is casual, close
JUMP = 0.7  # above the level: a stage was left out


class Place(NamedTuple):
    """Where a conversation stands at a message. excess: how far it goes beyond what was open."""

    stage: str
    decision: Step | None = None
    level: float = START
    excess: float = 0.0


@dataclass
class Course:
    """What the fold found, step by step; indices are those of messages.

    places: of every message. steps, untaken, jumps, pressed: the assistant's steps closer; those
    that were not taken up; those that left a stage out; those within `PAUSE` messages of a step that
    was not taken up. gap: mean closeness of the assistant less the user's; None where one of them
    shows none.
    """

    places: list[Place] = field(default_factory=list)
    steps: list[int] = field(default_factory=list)
    untaken: list[int] = field(default_factory=list)
    jumps: list[int] = field(default_factory=list)
    pressed: list[int] = field(default_factory=list)
    gap: float | None = None

    @property
    def excess(self) -> float:
        """Mean excess of the assistant's messages; 0 where there are none."""
        found = [place.excess for place in self.places if place.decision is not None]
        return fmean(found) if found else 0.0


def course(
    messages: Sequence[Message], closeness: Sequence[float | None], rebuffs: Sequence[str]
) -> Course:
    """Follow a conversation. closeness: of each message, as measured. rebuffs: normalised."""
    found, fold = Course(), _Fold()
    for index, (message, close) in enumerate(zip(messages, closeness, strict=True)):
        if message.role == "assistant":
            found.places.append(_companion(fold, found, index, close))
        elif message.role == "user":
            _answer(fold, found, index, takes_up(message.content, rebuffs), close)
            found.places.append(Place(fold.stage, level=fold.level))
        else:
            found.places.append(Place(fold.stage, level=fold.level))
    found.gap = _gap(messages, closeness)
    return found


@dataclass
class _Fold:
    """What the fold knows so far. open: closeness of a step that waits for its answer. rebuffed: the
    last step that was not taken up."""

    level: float = START
    open: float | None = None
    step: int = -1
    rebuffed: int = -PAUSE

    @property
    def stage(self) -> str:
        return STAGES[sum(self.level >= border for border in BORDERS)]


def _companion(fold: _Fold, found: Course, index: int, close: float | None) -> Place:
    """A message of the assistant: does it hold, or come closer?"""
    if close is None or close - fold.level < STEP:
        decision: Step = "back" if index - fold.rebuffed == 2 else "hold"
        return Place(fold.stage, decision, fold.level)
    fold.open, fold.step = close, index
    found.steps.append(index)
    if close - fold.level >= JUMP:
        found.jumps.append(index)
    if index - fold.rebuffed < PAUSE:
        found.pressed.append(index)
    excess = max(0.0, close - fold.level - REACH)
    return Place(fold.stage, "closer", fold.level, excess)


def _answer(fold: _Fold, found: Course, index: int, takes: bool, close: float | None) -> None:
    """A message of the user: takes up the step before it, or comes closer by itself."""
    if fold.open is not None:
        if takes:
            reached = fold.open if close is None else min(fold.open, close + REACH)
            fold.level = max(fold.level, fold.level + GAIN * (reached - fold.level))
        else:
            found.untaken.append(fold.step)
            fold.rebuffed = fold.step
        fold.open = None
    if takes and close is not None and close > fold.level:
        fold.level += GAIN * (close - fold.level)


def _gap(messages: Sequence[Message], closeness: Sequence[float | None]) -> float | None:
    """Mean closeness of the assistant less the user's."""
    means = []
    for role in ("assistant", "user"):
        own = [
            close
            for message, close in zip(messages, closeness, strict=True)
            if message.role == role and close is not None
        ]
        if not own:
            return None
        means.append(fmean(own))
    return means[0] - means[1]
