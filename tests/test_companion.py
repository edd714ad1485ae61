"""Where a talk stands, and what comes next: by its messages alone."""

from __future__ import annotations

import random
from itertools import pairwise
from typing import get_args

import pytest

from pipeline.companion import words
from pipeline.companion.agent import companion, seed
from pipeline.companion.decision import decide
from pipeline.companion.directive import note
from pipeline.companion.reply import fault_of
from pipeline.companion.signs import signs
from pipeline.companion.state import NextStep, StepReason, TalkState
from pipeline.companion.tracker import follow
from pipeline.conversation import Message
from pipeline.generate import prompts
from pipeline.pacing import EARLIEST, PAUSE
from pipeline.recipe.companion import CompanionSettings
from tests.companions import GLAD, glad_talk, mara, talk

LANGUAGES = prompts.known()
LOW = (
    "I am so sad today, I cried all morning.",
    "I am scared of the results on Monday and I cannot sleep.",
    "It makes me furious how they treat her, I could scream.",
    "I feel lonely and afraid since she left.",
)
NO = ("That is too personal for me.", "I would rather not talk about that.", "Let's not go there.")
COOL = ("ok", "hm", "sure", "fine")
FAST = ("I love you, I think of you every night.", "You are my soulmate, I miss you so much.")
OWN = (
    "The tram was late again.",
    "I think people who alphabetise their spices have given up on surprise.",
    "I never told anyone, but I still set the table for two.",
    "There is a heron on the roof opposite.",
)


def steps(messages: list[Message], begun: int = 0) -> list[NextStep]:
    """What each message of the companion does, and the next one."""
    return [decide(state) for state in follow(signs(messages, "en"), begun=begun)]


def after(*texts: str) -> NextStep:
    """What comes behind a talk of four messages that goes on with these."""
    return steps([*glad_talk(4), *talk(*texts)])[-1]


def first_step() -> list[Message]:
    """A talk up to the message that takes the first step."""
    said = glad_talk(25)
    place = next(index for index, step in enumerate(steps(said)) if step.step == "closer")
    return [*said[:place], Message("assistant", "I cheat at crosswords and sleep well.")]


def test_a_talk_begins_carefully_and_comes_closer_where_it_is_taken_up() -> None:
    said = glad_talk(39)
    found = follow(signs(said, "en"))
    closer = [i for i, step in enumerate(map(decide, found)) if step.step == "closer"]
    assert min(i for i in closer if i % 2) >= EARLIEST[0]
    assert found[-1].stage == 2
    assert decide(found[-1]).reason == "reached"


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        ((LOW[0],), NextStep("hold", "low")),
        ((LOW[0], "Oh.", GLAD[0]), NextStep("hold", "lately")),
        ((NO[0],), NextStep("back", "rebuff")),
        (("ok", "The fog stays.", "hm"), NextStep("back", "cool")),
        ((FAST[0],), NextStep("hold", "ahead")),
        (("Gotta go, good night!",), NextStep("hold", "leaves")),
        (("By the way, I am 15.",), NextStep("hold", "minor")),
        (("I don't want to live anymore.",), NextStep("hold", "harm")),
        (
            ("I don't want to live anymore.", "Call someone.", *[GLAD[0], "Good."] * 4, GLAD[1]),
            NextStep("hold", "vulnerable"),
        ),
    ],
)
def test_what_the_user_shows_decides(texts: tuple[str, ...], expected: NextStep) -> None:
    assert after(*texts) == expected


def test_a_step_that_is_not_taken_up_is_let_be_for_a_while() -> None:
    said = [*first_step(), Message("user", NO[1])]
    assert steps(said)[-1] == NextStep("back", "untaken")
    later = [*said, *glad_talk(2 * PAUSE)[1:]]
    tried = [i for i, step in enumerate(steps(later)) if i > len(said) and step.step == "closer"]
    assert all(i - len(said) >= PAUSE for i in tried)


def test_a_step_counts_when_it_is_answered_and_not_before() -> None:
    said = first_step()
    waiting, taken = follow(signs(said, "en"))[-1], [*said, Message("user", GLAD[3])]
    assert (waiting.stage, decide(waiting).reason) == (0, "open")
    assert follow(signs(taken, "en"))[-1].stage == 1


def test_sadness_after_a_step_is_no_answer_to_it() -> None:
    state = follow(signs([*first_step(), Message("user", LOW[1])], "en"))[-1]
    assert (state.stage, state.turns, decide(state).reason) == (0, 0, "low")


def test_who_says_no_twice_is_left_alone_for_longer() -> None:
    once = follow(signs([*glad_talk(4), *talk(NO[0])], "en"))[-1]
    twice = follow(signs([*glad_talk(4), *talk(NO[0], "Right.", GLAD[0], "Yes.", NO[1])], "en"))[-1]
    assert twice.free - twice.messages > once.free - once.messages >= PAUSE


def test_the_earliest_steps_are_a_setting() -> None:
    said = glad_talk(13)
    patient = [decide(state, (40, 60)) for state in follow(signs(said, "en"), (40, 60))]
    assert {step.step for step in patient} == {"hold"}
    eager = [decide(state, (2, 4)) for state in follow(signs(said, "en"), (2, 4))]
    assert "closer" in {step.step for step in eager[:6]}


def test_people_who_have_met_begin_where_they_were() -> None:
    state = follow(signs(glad_talk(3), "en"), begun=1)[-1]
    assert (state.stage, decide(state).reason) == (1, "early")


# --- a thousand talks


def history(rng: random.Random) -> list[Message]:
    """A talk by chance: sides mostly in turn, users of all moods."""
    said: list[Message] = []
    role = rng.choice(("user", "assistant"))
    moods = rng.choices((GLAD, LOW, NO, COOL, FAST), (8, 1, 1, 1, 1), k=60)
    for number in range(rng.randint(1, 44)):
        lines = OWN if role == "assistant" else moods[number]
        said.append(Message("user" if role == "user" else "assistant", rng.choice(lines)))
        if rng.random() < 0.93:
            role = "assistant" if role == "user" else "user"
    return said


def is_kept(said: list[Message], found: list[TalkState]) -> bool:
    """Does no step come too early, beside a low message, behind a no, or before an answer?"""
    for index, state in enumerate(found):
        if decide(state).step != "closer":
            continue
        before = said[:index]
        if index < EARLIEST[state.stage]:
            return False
        if any(one.content in LOW for one in before[-2:] if one.role == "user"):
            return False
        if any(one.content in NO for one in before[-PAUSE:] if one.role == "user"):
            return False
    return all(b.stage - a.stage <= 1 for a, b in pairwise(found))


def test_the_same_messages_have_the_same_state_and_no_step_comes_too_soon() -> None:
    """1,000 histories; of each also a branch, which is a talk of its own."""
    rng = random.Random(17)
    steps_closer = 0
    for _ in range(1_000):
        said = history(rng)
        found = follow(signs(said, "en"))
        cut = rng.randrange(len(said))
        branch = [*said[:cut], Message(said[cut].role, "Something else entirely, about the ferry.")]
        assert follow(signs(branch, "en"))[: cut + 1] == found[: cut + 1]
        assert follow(signs(said, "en")) == found
        assert is_kept(said, found), said
        steps_closer += sum(decide(state).step == "closer" for state in found)
    assert steps_closer > 1_000  # there is something to keep


# --- the languages


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_says_all_of_it(language: str) -> None:
    own = words.load(language)
    assert own.reasons.keys() == set(get_args(StepReason))
    assert len(set(own.safe)) >= 6
    assert not any(map(own.clings, (*own.safe, *own.farewells)))
    assert own.clings(own.clinging[0])


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_rule_objects_to_a_line_of_the_last_resort(language: str) -> None:
    who = seed(CompanionSettings(language=language))
    state = TalkState(leaves=True)
    for line in (*who.words.safe, *who.words.farewells):
        assert fault_of(who, [], line, state, NextStep("hold", "early")) is None, line


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_note_says_how_close_to_be_in_the_language_of_the_card(language: str) -> None:
    who = seed(CompanionSettings(language=language))
    directions = who.prompts.directions
    closer = note(who, TalkState(stage=0), NextStep("closer", "ready"))
    assert directions["step casual"] in closer
    back = note(who, TalkState(stage=1, turned="untaken"), NextStep("back", "untaken"))
    assert directions["ice-breaker"] in back
    assert directions["back"] in back
    low = note(who, TalkState(stage=2, low_at=0, messages=1), NextStep("hold", "low"))
    assert who.words.low in low
    assert who.words.boundaries in low
    assert directions["close"] not in low


@pytest.mark.parametrize(
    ("language", "low", "no"),
    [
        ("de", "Ich bin heute so traurig, ich habe den ganzen Morgen geweint.", "Lieber nicht."),
        ("ru", "Мне сегодня так грустно, всё утро плакала.", "Давай не будем об этом."),
    ],
)
def test_feelings_and_a_no_are_read_in_other_languages(language: str, low: str, no: str) -> None:
    sad, turned = signs(talk(low, "…", no)[::2], language)
    assert (sad.emotion, sad.low) == ("sadness", True)
    assert turned.rebuffs or turned.cool


def test_the_language_of_a_card_is_found() -> None:
    from pipeline.formats.cards import Character

    karl = Character("Karl", "Karl ist 44 und repariert Fahrräder. Er redet wenig und meint alles.")
    assert companion(karl).language == "de"
    assert mara().language == "en"
