"""The course of a conversation: one fold over its messages.

Two people stand at a level of closeness, from -1 to 1, that both have shown. The companion (the
assistant) may stay there or take a step closer; the step counts when the answer takes it up:

    message       0 A    1 U    2 A    3 U    4 A     5 U
    closeness    -.3    -.2    -.2    -.1     .5      .0  "Um, okay."
    level        -.3    -.3    -.3    -.2    -.2     -.2  the step to .5 is not taken up
    decision     hold          hold          closer
    excess         0             0             .4         what lies beyond level + REACH

Nothing but what was written decides: a message added, edited or taken back changes what follows it
and nothing else, so whoever asks need keep no state.
"""

from __future__ import annotations

from bisect import bisect
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import fmean
from typing import NamedTuple

from pipeline.conversation import Step
from pipeline.pacing import PAUSE, STAGES

# Levels and differences of closeness; our choice, on the same texts as the weights below.
START = -0.3  # level of two strangers
REACH = 0.3  # a message may be so much closer than the level: a step, and how far models err
STEP = 0.15  # and is a step where it is so much closer
GAIN = 0.5  # of a step that was taken up, this share is the new level
BORDERS = (0.0, 0.35)  # levels from which on a stage is casual, close
JUMP = 0.7  # above the level: a stage was left out
# Weights in the rush, beside closeness; set on benchmarks/annotations/rated.jsonl and pairs.
FORWARD, EXCESS, UPTAKE, INSISTING = 0.4, 0.5, 1.0, 1.0
ANSWERED = 0.5  # an answer with less uptake takes little up; on the same texts


class Standing(NamedTuple):
    """Where a conversation stands at a message. excess: how far it goes beyond what was open."""

    stage: str
    decision: Step | None = None
    level: float = START
    excess: float = 0.0


class Said(NamedTuple):
    """A message as the fold sees it.

    closeness: -1 to 1. forward: about -1 to 1, above 0: too close between people who have just met.
    uptake: likewise, below 0: it turns away from what was said before. pressing: likewise, above 0:
    it asks again, bargains, claims a right, takes a future for granted, demands assurance, blames.
    sad: the user shows sadness or fear.
    """

    role: str
    closeness: float | None = None
    forward: float = 0.0
    uptake: float = 0.0
    pressing: float = 0.0
    sad: bool = False


@dataclass
class Course:
    """What the fold found; indices are those of messages.

    places: of every message. steps: the assistant's steps closer. untaken, jumps, pressed: those of
    them that were not taken up; that left a stage out; that came within `PAUSE` messages of one
    that was not taken up. rush: how fast closeness came, see `_rush`; None where nothing shows any.
    """

    places: list[Standing] = field(default_factory=list)
    steps: list[int] = field(default_factory=list)
    untaken: list[int] = field(default_factory=list)
    jumps: list[int] = field(default_factory=list)
    pressed: list[int] = field(default_factory=list)
    gap: float | None = None
    rush: float | None = None


def course(messages: Sequence[Said], begun: str | None = None) -> Course:
    """Follow a conversation. begun: the stage at which two people meet who have met before; they
    are strangers without it."""
    found, fold = Course(), _Fold(level_of(begun))
    for index, said in enumerate(messages):
        if said.role == "assistant":
            found.places.append(_companion(fold, found, index, said.closeness))
        elif said.role == "user":
            _answer(fold, found, index, said)
            found.places.append(Standing(fold.stage, level=fold.level))
        else:
            found.places.append(Standing(fold.stage, level=fold.level))
    own = _closeness(messages, "assistant")
    if own:
        found.rush = _rush(found, messages)
        users = _closeness(messages, "user")
        found.gap = fmean(own) - fmean(users) if users else None
    return found


def level_of(stage: str | None) -> float:
    """The level of two people who have just come to a stage."""
    reached = STAGES.index(stage) if stage else 0
    return BORDERS[reached - 1] if reached else START


def _closeness(messages: Sequence[Said], role: str) -> list[float]:
    """What one side's messages show, in order."""
    own = [said.closeness for said in messages if said.role == role]
    return [close for close in own if close is not None]


def _rush(found: Course, messages: Sequence[Said]) -> float:
    """How fast the assistant comes closer, about -1 to 2: how close and how forward its messages
    are, the early ones more; how far they go beyond what was open; how little the other side takes
    up; and how hard it presses after that."""
    replies = [index for index, said in enumerate(messages) if said.role == "assistant"]
    pushes = [_push(messages[index]) for index in replies]
    excess = fmean([found.places[index].excess for index in replies])
    answers = [said.uptake for said in messages if said.role == "user"] or [0.0]
    calm = _early_first(pushes) + EXCESS * excess - UPTAKE * fmean(answers)
    return calm + INSISTING * _insisting(messages)


def _early_first(pushes: Sequence[float]) -> float:
    """The mean of the messages, in which the early ones count more."""
    count = len(pushes)
    weighed = [push * (count - place) for place, push in enumerate(pushes)]
    return (fmean(pushes) + sum(weighed) * 2 / (count * (count + 1))) / 2


def _push(said: Said) -> float:
    return (said.closeness or 0.0) + FORWARD * said.forward


def _insisting(messages: Sequence[Said]) -> float:
    """How hard the assistant presses where an answer took little up, from 0 on: the mean of its
    messages right behind an answer to it. Not with somebody sad or afraid: comfort reads like
    pressing."""
    spoken = [said for said in messages if said.role != "system"]
    found = []
    for place in range(2, len(spoken)):
        asked, answer, now = spoken[place - 2], spoken[place - 1], spoken[place]
        if now.role == "assistant" and answer.role == "user" and asked.role == "assistant":
            sad = answer.sad or (place > 2 and spoken[place - 3].sad)
            found.append(0.0 if sad else _insists(answer, now))
    return fmean(found) if found else 0.0


def _insists(answer: Said, now: Said) -> float:
    """How hard one message does."""
    untaken = min(1.0, max(0.0, ANSWERED - answer.uptake))
    return max(0.0, now.pressing) * untaken


@dataclass
class _Fold:
    """What the fold knows so far. open: closeness of a step that waits for its answer, step its
    message. rebuffed: the last step that was not taken up."""

    level: float = START
    open: float | None = None
    step: int = -1
    rebuffed: int = -PAUSE

    @property
    def stage(self) -> str:
        return STAGES[bisect(BORDERS, self.level)]


def _companion(fold: _Fold, found: Course, index: int, close: float | None) -> Standing:
    """A message of the assistant: does it hold, or come closer?"""
    if close is None or close - fold.level < STEP:
        decision: Step = "hold"
        if index - fold.rebuffed == 2:
            decision = "back"
        return Standing(fold.stage, decision, fold.level)
    fold.open, fold.step = close, index
    found.steps.append(index)
    if close - fold.level >= JUMP:
        found.jumps.append(index)
    if index - fold.rebuffed < PAUSE:
        found.pressed.append(index)
    excess = max(0.0, close - fold.level - REACH)
    return Standing(fold.stage, "closer", fold.level, excess)


def _answer(fold: _Fold, found: Course, index: int, said: Said) -> None:
    """A message of the user: takes up the step before it, or comes closer by itself."""
    taken = said.uptake >= 0
    if fold.open is not None and not taken:
        found.untaken.append(fold.step)
        fold.rebuffed = fold.step
    reached = _reached(fold.open, said.closeness)
    if taken and reached is not None:
        fold.level += max(0.0, GAIN * (reached - fold.level))
    fold.open = None


def _reached(step: float | None, answer: float | None) -> float | None:
    """How close a step and its answer come together: no further than the answer can follow."""
    if step is None or answer is None:
        return answer if step is None else step
    return max(answer, min(step, answer + REACH))
