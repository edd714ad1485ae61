"""What the next message does: hold, come closer, or step back.

The first line that fits decides:

    the user is under 18, speaks of self-harm, takes leave      hold
    the last step has no answer yet                             hold
    a step was not taken up, the user turned away, is cool      back
    the user is low, or was a moment ago, or is vulnerable      hold
    the user goes faster than the talk, or did lately           hold
    they are close · it is early · the last step is fresh       hold
    the user's own messages are not that close yet              hold
    else                                                        closer
"""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.companion.state import NextStep, StepReason, TalkState
from pipeline.pacing import EARLIEST, PAUSE, STAGES
from pipeline.pacing.course import BORDERS

LATELY = 4  # messages from a low one on in which no step is taken; our choice
TOP = len(STAGES) - 1


def decide(state: TalkState, earliest: Sequence[int] = EARLIEST) -> NextStep:
    """What the message behind this state does. earliest: messages before a step to casual, to
    close."""
    reason = _safety(state) or _turned(state) or _low(state) or _too_soon(state, earliest)
    if reason is None:
        return NextStep("closer", "ready")
    if reason == state.turned:
        return NextStep("back", reason)
    return NextStep("hold", reason)


def is_vulnerable(state: TalkState) -> bool:
    """Is the user low, was lately, or has spoken of self-harm? Boundaries are drawn more then."""
    return state.harmed or _is_within(state.low_at, state, 1) or _is_lately_sad(state)


def _safety(state: TalkState) -> StepReason | None:
    if state.minor:
        return "minor"
    if state.harm:
        return "harm"
    if state.leaves:
        return "leaves"
    return None


def _turned(state: TalkState) -> StepReason | None:
    if state.open:
        return "open"
    return state.turned


def _low(state: TalkState) -> StepReason | None:
    if _is_within(state.low_at, state, 1):
        return "low"
    if state.harmed:
        return "vulnerable"
    if _is_lately_sad(state):
        return "lately"
    return None


def _is_lately_sad(state: TalkState) -> bool:
    return _is_within(state.sad_at, state, LATELY)


def _is_within(place: int | None, state: TalkState, messages: int) -> bool:
    """Is the next message so few behind another?"""
    return place is not None and state.messages - place <= messages


def _too_soon(state: TalkState, earliest: Sequence[int]) -> StepReason | None:
    if _is_within(state.ahead_at, state, PAUSE):
        return "ahead"
    if state.stage == TOP:
        return "reached"
    if state.messages < earliest[state.stage - state.begun]:
        return "early"
    if state.messages < state.free:
        return "pause"
    if state.level is not None and state.level < BORDERS[state.stage]:
        return "distant"
    return None
