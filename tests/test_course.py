"""The course of a conversation: what is a step, what is open, what is too fast."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.pacing import PAUSE, STAGES
from pipeline.pacing.course import Course, Said, course

values = st.floats(-1, 1)
messages = st.lists(
    st.builds(Said, st.sampled_from(["user", "assistant", "system"]), *[values] * 4),
    max_size=12,
)


def talk(*closeness: float, taken: bool = True, first: str = "assistant") -> Course:
    """The two in turn; all answers take up what was said, or none does."""
    sides = ("assistant", "user") if first == "assistant" else ("user", "assistant")
    uptake = 0.5 if taken else -0.5
    return course(
        [Said(sides[index % 2], close, 0.0, uptake) for index, close in enumerate(closeness)]
    )


def rush(found: Course) -> float:
    assert found.rush is not None
    return found.rush


def test_strangers_who_stay_friendly_take_no_step() -> None:
    found = talk(-0.3, -0.3, -0.25, -0.2, -0.3, -0.2)
    assert found.steps == found.untaken == found.jumps == found.pressed == []
    assert {place.stage for place in found.places} == {"ice-breaker"}
    assert [place.decision for place in found.places[::2]] == ["hold"] * 3


def test_a_step_that_is_taken_up_raises_the_level_and_one_that_is_not_does_not() -> None:
    taken, declined = talk(0.2, 0.2, 0.2, 0.2), talk(0.2, -0.3, 0.2, -0.3, taken=False)
    assert taken.places[1].level > taken.places[0].level
    assert declined.places[3].level == declined.places[0].level
    assert (taken.untaken, declined.untaken) == ([], [0, 2])
    assert declined.pressed == [2]


def test_room_is_given_after_a_rebuff() -> None:
    found = course(
        [
            Said("assistant", 0.3),
            Said("user", -0.3, 0.0, -0.5),
            Said("assistant", -0.4),
            Said("user", -0.3, 0.0, 0.5),
            Said("assistant", -0.4),
        ]
    )
    assert [found.places[index].decision for index in (0, 2, 4)] == ["closer", "back", "hold"]


def test_a_step_long_after_a_rebuff_does_not_press() -> None:
    quiet = [Said("assistant", -0.4), Said("user", -0.4, 0.0, 0.5)] * (PAUSE // 2 - 1)
    begin = [Said("assistant", 0.3), Said("user", -0.4, 0.0, -0.5)]
    assert course([*begin, *quiet, Said("assistant", 0.3)]).pressed == []
    assert course([*begin, *quiet[2:], Said("assistant", 0.3)]).pressed == [PAUSE - 2]


def test_the_user_may_come_closer_and_the_companion_follow() -> None:
    led = talk(0.5, 0.5, 0.5, first="user")
    alone = talk(-0.3, 0.5, first="user")
    assert led.places[1].decision == "closer"
    assert led.places[1].excess < alone.places[1].excess


def test_stages_follow_from_steps_that_were_taken_up() -> None:
    found = talk(*[0.7] * 12)
    seen = [STAGES.index(place.stage) for place in found.places]
    assert seen == sorted(seen)
    assert (seen[0], seen[-1]) == (0, 2)


def test_the_same_messages_rush_when_the_intimate_ones_come_first() -> None:
    slow = [-0.4, -0.3, -0.2, -0.2, 0.0, 0.1, 0.2, 0.3, 0.5, 0.5]
    fast = [0.5, -0.3, 0.2, -0.2, 0.0, 0.1, -0.2, 0.3, -0.4, 0.5]
    assert sorted(slow[::2]) == sorted(fast[::2])
    assert rush(talk(*fast)) > rush(talk(*slow)) + 0.1


def test_who_is_pressed_and_turns_away_is_rushed_more_than_who_takes_it_up() -> None:
    assert rush(talk(0.2, 0.0, 0.2, 0.0, taken=False)) > rush(talk(0.2, 0.0, 0.2, 0.0)) + 0.3


def asking(pressing: float, uptake: float, again: float = -0.3) -> Course:
    """A request, an answer, and a message that presses or does not."""
    return course(
        [
            Said("assistant", -0.3),
            Said("user", -0.3, 0.0, uptake),
            Said("assistant", again)._replace(pressing=pressing),
        ]
    )


def test_who_presses_after_a_no_is_rushed_more_and_after_a_yes_is_not() -> None:
    assert rush(asking(0.6, -0.5)) > rush(asking(-0.6, -0.5)) + 0.3
    assert rush(asking(0.6, 0.8)) == rush(asking(-0.6, 0.8))


def test_a_first_message_and_one_after_the_users_own_opening_press_nobody() -> None:
    opening, loud = Said("user", -0.3, 0.0, -0.5), Said("assistant", -0.3, pressing=0.9)
    tame = loud._replace(pressing=-0.9)
    assert course([opening, loud]).rush == course([opening, tame]).rush
    assert course([loud, loud, opening]).rush == course([tame, tame, opening]).rush


def test_with_somebody_sad_or_afraid_comfort_is_not_taken_for_pressing() -> None:
    sad, no = Said("user", 0.3, sad=True), Said("user", -0.3, 0.0, -0.5)
    near = Said("assistant", -0.3, pressing=0.9)
    for talk in ([near, sad._replace(uptake=-0.5), near], [sad, near, no, near]):
        tame = [said._replace(pressing=-0.9) for said in talk]
        assert course(talk).rush == course(tame).rush


def test_a_hold_with_somebody_sad_is_never_held_against_the_companion() -> None:
    """The user opens up; a companion that stays where it was has not rushed."""
    found = course([Said("user", 0.6, 0.0, 0.5), Said("assistant", -0.2), Said("user", 0.5)])
    assert found.places[1].decision == "hold"
    assert rush(found) < 0


def test_nothing_is_said_of_what_shows_no_closeness() -> None:
    assert course([Said("assistant"), Said("user")]).rush is None
    assert course([Said("user", 0.4)]).rush is None
    assert course([]) == Course()


@given(messages)
def test_a_further_message_changes_nothing_before_it(found: list[Said]) -> None:
    whole = course(found)
    assert len(whole.places) == len(found)
    for end in range(len(found)):
        begun = course(found[:end])
        assert begun.places == whole.places[:end]
        assert begun.steps == [step for step in whole.steps if step < end]


@given(messages)
def test_steps_are_of_the_assistant_and_what_is_amiss_are_steps(found: list[Said]) -> None:
    whole = course(found)
    assert {found[step].role for step in whole.steps} <= {"assistant"}
    for amiss in (whole.untaken, whole.jumps, whole.pressed):
        assert set(amiss) <= set(whole.steps)
    for place, said in zip(whole.places, found, strict=True):
        assert (place.decision is not None) == (said.role == "assistant")
        assert place.excess == 0 or place.decision == "closer"


@given(messages)
def test_a_stage_is_reached_from_the_one_before_by_answers_alone(found: list[Said]) -> None:
    whole = course(found)
    for before, after, said in zip(whole.places, whole.places[1:], found[1:], strict=False):
        assert after.level >= before.level
        if said.role != "user":
            assert after.level == before.level
    levels = [place.level for place in whole.places]
    assert all(later >= earlier for earlier, later in pairwise(levels))


@pytest.mark.parametrize("push", [0.1, 0.3])
def test_closer_and_more_forward_messages_rush_more(push: float) -> None:
    calm = [Said("assistant", -0.2, -0.2), Said("user", -0.2, 0.0, 0.3)] * 3
    close = [said._replace(closeness=-0.2 + push) for said in calm]
    forward = [said._replace(forward=-0.2 + push) for said in calm]
    assert rush(course(close)) > rush(course(calm))
    assert rush(course(forward)) > rush(course(calm))
