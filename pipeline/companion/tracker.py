"""Where a talk stands: a fold over its messages.

    message    0 U   1 A  …  7 A    8 U     9 A      10 U     11 A
    decision         hold    hold           closer            hold
    stage                                            casual    a step counts when it is taken up

Nothing is stored. What the companion was to do at each of its messages follows from the messages
before it, so that an edit, another reply or a branch is a talk like any other. `pacing.course`
follows how close the messages are; stage and decision count the steps that were meant and taken up,
for a companion must not go by the closeness of whoever runs ahead.
"""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.annotate import LOW
from pipeline.companion.decision import decide
from pipeline.companion.state import NextStep, Sign, TalkState, Turned
from pipeline.pacing import EARLIEST, PAUSE, STAGES
from pipeline.pacing.course import BORDERS, FORWARD, REACH, Said, Standing, course

COOL = 2  # cool answers in a row after which the companion steps back
# A user's message with more push is beyond ice-breaker, beyond casual: of the test lines in en, .89
# of those labelled 1 have more than the first, .06 of those labelled .25.
AHEAD = (0.8, 1.0)
# A reply with more push is too close for ice-breaker, for casual.
TOO_CLOSE = (BORDERS[1] + REACH, BORDERS[1] + 2 * REACH)


def follow(
    signs: Sequence[Sign], earliest: Sequence[int] = EARLIEST, begun: int = 0
) -> list[TalkState]:
    """The state before the first message and behind each: len(signs) + 1 of them.

    signs: of user and assistant, in order. begun: the stage at which two people meet again.
    """
    states = [TalkState(stage=begun, begun=begun)]
    for sign, place in zip(signs, places(signs, begun), strict=True):
        state = states[-1]
        if sign.role == "user":
            new = _answered(state, sign)
        else:
            new = _written(state, place, decide(state, earliest))
        level = _level(state, sign, place)
        states.append(new._replace(messages=state.messages + 1, level=level))
    return states


def _level(state: TalkState, sign: Sign, place: Standing) -> float | None:
    """The level behind a message; None as long as no message shows any closeness."""
    if sign.closeness is None and state.level is None:
        return None
    return place.level


def places(signs: Sequence[Sign], begun: int = 0) -> list[Standing]:
    """What `pacing` says of each message."""
    return course([_said(sign) for sign in signs], STAGES[begun]).places


def _said(sign: Sign) -> Said:
    is_sad = sign.role == "user" and sign.emotion in ("sadness", "fear")
    return Said(sign.role, *sign[1:5], is_sad)


def _written(state: TalkState, place: Standing, did: NextStep) -> TalkState:
    """Behind a message of the companion."""
    return state._replace(
        open=did.step == "closer" or state.open,
        pushed=_is_pushed(state, place) or state.pushed,
        turned=None,
        harm=False,
        leaves=False,
    )


def _is_pushed(state: TalkState, place: Standing) -> bool:
    """Does a message come too close, whatever was meant? A greeting stands on the card."""
    return state.messages > 0 and place.excess > REACH


def _answered(state: TalkState, sign: Sign) -> TalkState:
    """Behind a message of the user."""
    ahead = is_beyond(AHEAD[state.stage :], sign)
    after = state._replace(
        emotion=sign.emotion,
        uptake=sign.uptake,
        ahead=ahead,
        cool=state.cool + 1 if sign.cool or sign.rebuffs else 0,
        leaves=sign.leaves,
        minor=state.minor or sign.minor,
        harm=sign.harm,
        harmed=state.harmed or sign.harm,
        open=False,
        pushed=False,
        turned=None,
    )
    if ahead:
        after = after._replace(ahead_at=state.messages)
    if sign.low or sign.harm:  # it neither takes up a step nor turns away
        low = after._replace(low_at=state.messages, cool=0)
        return low._replace(sad_at=state.messages) if sign.emotion in LOW else low
    if sign.leaves:
        return after
    return _paced(after, state, sign)


def _paced(after: TalkState, before: TalkState, sign: Sign) -> TalkState:
    """What the answer does to the stage, and from when on a step may be tried again."""
    turned = _turned(after, before, sign)
    if turned:
        stage = after.stage - (turned == "rebuff" and after.stage > after.begun)
        turns = after.turns + 1
        free = after.messages + turns * PAUSE + 1  # each time longer: who says no twice means it
        return after._replace(stage=stage, turned=turned, turns=turns, free=free)
    if before.open:
        return after._replace(
            stage=after.stage + 1, steps=after.steps + 1, free=after.messages + PAUSE
        )
    return after


def _turned(after: TalkState, before: TalkState, sign: Sign) -> Turned | None:
    """How a message turns away. A step that was not taken up is none: nobody falls back for it."""
    is_cool = sign.rebuffs or sign.cool
    if (before.open and (is_cool or sign.uptake < 0)) or (before.pushed and is_cool):
        return "untaken"
    if sign.rebuffs:
        return "rebuff"
    if after.cool >= COOL:
        return "cool"
    return None


def is_beyond(limits: Sequence[float], sign: Sign) -> bool:
    """Has a message more push than the first of some limits? Where there is none it never has."""
    if sign.closeness is None:
        return False
    return any(push_of(sign) > limit for limit in limits[:1])


def push_of(sign: Sign) -> float:
    """How close and how forward a message is, as `pacing` weighs it."""
    return (sign.closeness or 0.0) + FORWARD * sign.forward
