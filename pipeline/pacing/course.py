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

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import repeat
from statistics import fmean
from typing import Any, NamedTuple

import numpy as np

from pipeline.compiled import njit
from pipeline.conversation import Role, Step
from pipeline.pacing import PAUSE, STAGES

Array = np.ndarray[Any, Any]

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

    role: Role
    closeness: float | None = None
    forward: float = 0.0
    uptake: float = 0.0
    pressing: float = 0.0
    sad: bool = False


class Flat(NamedTuple):
    """Messages of many conversations, laid end to end; those of number i are starts[i] to ends[i].

    What stands between two conversations belongs to neither.
    """

    sides: Array  # (messages,) int8, see `SIDES`
    closeness: Array  # (messages,) float64, NaN where it is not known
    forward: Array  # (messages,) float64, and so are uptake and pressing
    uptake: Array
    pressing: Array
    sad: Array  # (messages,) bool
    levels: Array  # (conversations,) float64, at which they begin, see `level_of`
    starts: Array  # (conversations,) int64
    ends: Array


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


SIDES: dict[Role, int] = {"system": -1, "user": 0, "assistant": 1}
_SYSTEM, _USER, _ASSISTANT = SIDES.values()
_DECISIONS: tuple[Step | None, ...] = (None, "hold", "back", "closer")
_NOTHING, _HOLD, _BACK, _CLOSER = range(4)
_STEP, _UNTAKEN, _JUMP, _PRESSED = 1, 2, 4, 8  # what a message is, in bits


def course(messages: Sequence[Said], begun: str | None = None) -> Course:
    """Follow one conversation. begun: the stage at which two people meet who have met before; they
    are strangers without it."""
    return next(courses(_flat(messages, level_of(begun))))


def _flat(messages: Sequence[Said], level: float) -> Flat:
    """One conversation, that begins at a level."""
    sides = np.array([SIDES[said.role] for said in messages], np.int8)
    columns = np.array([said[1:] for said in messages], np.float64).reshape(-1, 5)
    closeness, forward, uptake, pressing, sad = np.ascontiguousarray(columns.T)
    values = (closeness, forward, uptake, pressing, sad > 0)
    ends = np.array([len(messages)])
    return Flat(sides, *values, np.array([level]), np.zeros_like(ends), ends)


def courses(said: Flat) -> Iterator[Course]:
    """Follow many conversations."""
    followed = _follow(said)
    places, marks = _places(followed), followed.marks.tolist()
    own, users = _Side.of(said, followed, "assistant"), _Side.of(said, followed, "user")
    for number in range(len(said.starts)):
        start, end = said.starts[number], said.ends[number]
        found = _marked(places[start:end], marks[start:end])
        _add_rush(found, own, users, number)
        yield found


def level_of(stage: str | None) -> float:
    """The level of two people who have just come to a stage."""
    reached = STAGES.index(stage) if stage else 0
    return BORDERS[reached - 1] if reached else START


def _add_rush(found: Course, own: _Side, users: _Side, number: int) -> None:
    """How fast closeness came, and whose messages are closer."""
    closeness = own.closeness_of(number)
    if closeness:
        found.rush = _rush(own, users, number)
        answers = users.closeness_of(number)
        found.gap = fmean(closeness) - fmean(answers) if answers else None


def _places(followed: _Followed) -> list[Standing]:
    """What is found of each message; made by the million: no call of Python's each."""
    stages = np.array(STAGES, object)[followed.stages].tolist()
    decisions = np.array(_DECISIONS, object)[followed.decisions].tolist()
    rows = zip(stages, decisions, followed.levels.tolist(), followed.excess.tolist(), strict=True)
    return list(map(tuple.__new__, repeat(Standing), rows))


def _marked(places: list[Standing], marks: Sequence[int]) -> Course:
    """A course with its steps, and what is amiss with them."""
    found = Course(places)
    marked = [(index, mark) for index, mark in enumerate(marks) if mark]
    for index, mark in marked:
        found.steps.append(index)
        if mark & _UNTAKEN:
            found.untaken.append(index)
        if mark & _JUMP:
            found.jumps.append(index)
        if mark & _PRESSED:
            found.pressed.append(index)
    return found


class _Side(NamedTuple):
    """The messages of one side alone; those of conversation i are starts[i] to ends[i]."""

    closeness: list[float]
    pushes: list[float]
    excess: list[float]
    uptake: list[float]
    insists: list[float]
    starts: list[int]
    ends: list[int]

    @classmethod
    def of(cls, said: Flat, followed: _Followed, role: Role) -> _Side:
        own = np.flatnonzero(said.sides == SIDES[role])
        closeness = said.closeness[own]
        pushes = np.where(np.isnan(closeness), 0.0, closeness) + FORWARD * said.forward[own]
        found = (followed.excess[own], said.uptake[own], followed.insists[own])
        bounds = (np.searchsorted(own, said.starts), np.searchsorted(own, said.ends))
        return cls(*(array.tolist() for array in (closeness, pushes, *found, *bounds)))

    def part(self, values: list[float], number: int) -> list[float]:
        """The values of one conversation."""
        return values[self.starts[number] : self.ends[number]]

    def closeness_of(self, number: int) -> list[float]:
        """What one side's messages show, in order."""
        return _known(self.part(self.closeness, number))


def _known(values: Sequence[float]) -> list[float]:
    return [value for value in values if value == value]


def _rush(own: _Side, users: _Side, number: int) -> float:
    """How fast the assistant comes closer, about -1 to 2: how close and how forward its messages
    are, the early ones more; how far they go beyond what was open; how little the other side takes
    up; and how hard it presses after that."""
    pushes = own.part(own.pushes, number)
    excess = own.part(own.excess, number)
    answers = users.part(users.uptake, number) or [0.0]
    calm = _early_first(pushes) + EXCESS * fmean(excess) - UPTAKE * fmean(answers)
    return calm + INSISTING * fmean(_known(own.part(own.insists, number)) or [0.0])


def _early_first(pushes: Sequence[float]) -> float:
    """The mean of the messages, in which the early ones count more."""
    count = len(pushes)
    weighed = [push * (count - place) for place, push in enumerate(pushes)]
    return (fmean(pushes) + sum(weighed) * 2 / (count * (count + 1))) / 2


# --- the fold


class _Followed(NamedTuple):
    """What the fold finds of each message: number of its stage and decision, see `Standing`; what
    it is, in bits; how hard it presses, see `_insist`."""

    stages: Array  # (messages,) int8
    decisions: Array  # (messages,) int8
    levels: Array  # (messages,) float64
    excess: Array  # (messages,) float64
    marks: Array  # (messages,) uint8
    insists: Array  # (messages,) float64


class _Fold(NamedTuple):
    """What the fold knows so far. open: closeness of a step that waits for its answer, else NaN;
    step: its message. rebuffed: the last step that was not taken up. Messages by their place among
    all."""

    level: float
    open: float
    step: int
    rebuffed: int


@njit(cache=True)
def _follow(said: Flat) -> _Followed:
    found = _nothing(len(said.sides))
    for number in range(len(said.starts)):
        start = said.starts[number]
        fold = _Fold(said.levels[number], np.nan, start - 1, start - PAUSE)
        for place in range(start, said.ends[number]):
            if said.sides[place] == _ASSISTANT:
                fold = _companion(fold, place, said.closeness[place], found)
            elif said.sides[place] == _USER:
                fold = _answer(fold, said.closeness[place], said.uptake[place] >= 0, found)
            found.levels[place] = fold.level
            for border in BORDERS:
                found.stages[place] += fold.level >= border
        _insist(said, start, said.ends[number], found.insists)
    return found


@njit(cache=True)
def _nothing(messages: int) -> _Followed:
    return _Followed(
        np.zeros(messages, np.int8),
        np.full(messages, _NOTHING, np.int8),
        np.full(messages, START),
        np.zeros(messages),
        np.zeros(messages, np.uint8),
        np.full(messages, np.nan),
    )


@njit(cache=True)
def _companion(fold: _Fold, place: int, close: float, found: _Followed) -> _Fold:
    """A message of the assistant: does it hold, or come closer?"""
    if not close - fold.level >= STEP:  # of NaN too
        found.decisions[place] = _BACK if place - fold.rebuffed == 2 else _HOLD
        return fold
    found.decisions[place] = _CLOSER
    found.excess[place] = max(0.0, close - fold.level - REACH)
    mark = _STEP
    if close - fold.level >= JUMP:
        mark |= _JUMP
    if place - fold.rebuffed < PAUSE:
        mark |= _PRESSED
    found.marks[place] |= mark
    return _Fold(fold.level, close, place, fold.rebuffed)


@njit(cache=True)
def _answer(fold: _Fold, close: float, taken: bool, found: _Followed) -> _Fold:
    """A message of the user: takes up the step before it, or comes closer by itself."""
    level, rebuffed = fold.level, fold.rebuffed
    if not np.isnan(fold.open) and not taken:
        found.marks[fold.step] |= _UNTAKEN
        rebuffed = fold.step
    reached = _reached(fold.open, close)
    if taken and not np.isnan(reached):
        level += max(0.0, GAIN * (reached - level))
    return _Fold(level, np.nan, fold.step, rebuffed)


@njit(cache=True)
def _reached(step: float, answer: float) -> float:
    """How close a step and its answer come together: no further than the answer can follow."""
    if np.isnan(step) or np.isnan(answer):
        return answer if np.isnan(step) else step
    return max(answer, min(step, answer + REACH))


@njit(cache=True)
def _insist(said: Flat, start: int, end: int, insists: Array) -> None:
    """How hard the messages of the assistant right behind an answer to it press where that took
    little up, from 0 on. Not with somebody sad or afraid: comfort reads like pressing."""
    spoken = start + np.flatnonzero(said.sides[start:end] != _SYSTEM)
    for place in range(2, len(spoken)):
        asked, answer, now = spoken[place - 2], spoken[place - 1], spoken[place]
        if not _is_answered(said.sides, asked, answer, now):
            continue
        insists[now] = 0.0
        if not (said.sad[answer] or (place > 2 and said.sad[spoken[place - 3]])):
            untaken = min(1.0, max(0.0, ANSWERED - said.uptake[answer]))
            insists[now] = max(0.0, said.pressing[now]) * untaken


@njit(cache=True)
def _is_answered(sides: Array, asked: int, answer: int, now: int) -> bool:
    """Does the assistant speak again, right behind an answer to it?"""
    own = sides[asked] == sides[now] == _ASSISTANT
    found: bool = own and sides[answer] == _USER
    return found
