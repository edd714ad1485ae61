"""How a talk is planned: its length, its steps from strangers to confidants, its end.

A plan says when a step closer may be tried. Whether the two get closer is decided by what they
write, so the stage and the move of a message follow from the messages before it:

    message   0      1      2      3      4        5      6      7      8
    move      stay   stay   stay   step   answer   stay   stay   stay   step?
    stage     0      0      0      1      1        1      1      1
                                   │      │        └───── PAUSE ─────┘
                                   │      └ "haha, I know that one": takes the step up
                                   └ the plan allows the first step from message 3 on

Had message 4 been "rather not", the stage would be 0 again from there on, and the same step
would be tried once more at message 8.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from pipeline.conversation import Message, normalised
from pipeline.recipe.generate import GenerateSettings

STAGES = ("ice-breaker", "casual", "close")  # of closeness
MOODS = ("terse", "teasing", "doubting", "bored", "warm", "tired", "curious")


class Ending(NamedTuple):
    """One way to end. share: of all talks. stages: those that may be reached before it.

    cues: what the last messages are to say, one each, so that nobody takes leave twice.
    begun_by_user: the first cue belongs to the user; else to either side.
    """

    share: float
    stages: tuple[int, ...]
    cues: tuple[str, ...]
    begun_by_user: bool = False


ENDINGS = {  # our choice
    "open": Ending(0.4, (0, 1, 1, 2), ("go", "bye")),
    "friendship": Ending(0.35, (2,), ("propose", "agree")),
    "no": Ending(0.15, (1,), ("ask", "decline", "accept", "bye"), begun_by_user=True),
    "leave": Ending(0.1, (0, 1), ("drop off", "bye"), begun_by_user=True),
}
WEIGHTY = ("ask", "decline", "propose")  # cues that take a sentence or two
LIGHT = ("bye", "drop off")  # cues that take no more than a sentence
# Messages before a step to casual, to close: who rushes loses people within ten messages.
# Our choice.
EARLIEST = (2, 10)
CARELESS = 0.25  # share of users who type carelessly; and of their messages, twice this
LONGEST = 150  # words of one message, at most
PAUSE = 4  # messages from the answer to a step until the next step, or the same one, is tried
SENTENCE = 12  # words: at least, of a step and a weighty cue; at most, of a light cue
SHORT_ANSWER = 3  # words; an answer this short, without a question, takes nothing up

Side = Literal["user", "assistant"]
Move = Literal["stay", "step", "answer"]


class Position(NamedTuple):
    """Where a talk stands at one message. stage: index into STAGES."""

    stage: int
    move: Move


@dataclass(frozen=True, slots=True)
class Plan:
    """How one talk is meant to go.

    turns: messages in all. steps: the messages from which on each step may be tried.
    words: wanted of each message. careless: whether each is to be typed carelessly.
    """

    turns: int
    opener: Side
    steps: tuple[int, ...]
    ending: str
    mood: str
    words: tuple[int, ...]
    careless: tuple[bool, ...]

    @property
    def last_step(self) -> int:
        """The last message that may take a step: it is answered before the end begins."""
        return _last_step(self.turns, self.ending)


def _last_step(turns: int, ending: str) -> int:
    return turns - len(ENDINGS[ending].cues) - 2


# --- drawing a plan


def draw(settings: GenerateSettings, rng: random.Random, opener: Side) -> Plan:
    """A plan by chance; the same generator gives the same plan."""
    turns = _turns(settings.turns, opener, rng)
    sides = [side_at(opener, index) for index in range(turns)]
    ending = _ending(turns, rng)
    steps = _steps(turns, ending, rng)
    is_careless = rng.random() < CARELESS
    return Plan(
        turns=turns,
        opener=opener,
        steps=steps,
        ending=ending,
        mood=rng.choice(MOODS),
        words=tuple(_words(side, settings, rng) for side in sides),
        careless=tuple(
            is_careless and side == "user" and rng.random() < 2 * CARELESS for side in sides
        ),
    )


def _turns(span: tuple[int, int], opener: Side, rng: random.Random) -> int:
    """How many messages. Rows end with an answer of the character where the span has a choice."""
    fewest, most = span
    ends_well = [
        turns for turns in range(fewest, most + 1) if side_at(opener, turns - 1) == "assistant"
    ]
    return rng.choice(ends_well or [fewest])


def _ending(turns: int, rng: random.Random) -> str:
    """An ending that a talk of this length has time for."""
    possible = [name for name in ENDINGS if _reachable(name, turns)]
    shares = [ENDINGS[name].share for name in possible]
    return rng.choices(possible, shares)[0]


def _reachable(ending: str, turns: int) -> list[int]:
    """The stages that a talk of this length has time to reach before this ending."""
    highest = sum(first <= _last_step(turns, ending) for first in EARLIEST)
    return [stage for stage in ENDINGS[ending].stages if stage <= highest]


def _steps(turns: int, ending: str, rng: random.Random) -> tuple[int, ...]:
    """From which message on each step may be tried: spread over the talk, not too early."""
    highest = rng.choice(_reachable(ending, turns))
    latest = _last_step(turns, ending)
    steps = []
    for number in range(highest):
        step = round(turns * (number + rng.uniform(0.7, 1.1)) / (highest + 1))
        steps.append(min(latest, max(EARLIEST[number], step)))
    return tuple(steps)


def _words(side: Side, settings: GenerateSettings, rng: random.Random) -> int:
    """Words of a message: log-normal, with a deviation of `length_variation` times the mean."""
    median = settings.user_words if side == "user" else settings.character_words
    sigma = math.sqrt(math.log1p(settings.length_variation**2))
    words = round(median * math.exp(rng.gauss(0, sigma)))
    return min(LONGEST, max(1, words))


# --- following a plan


def side_at(opener: Side, index: int) -> Side:
    """Who writes the message with this index."""
    if index % 2 == 0:
        return opener
    return "user" if opener == "assistant" else "assistant"


def moves(messages: Sequence[Message], plan: Plan, rebuffs: Sequence[str]) -> list[Position]:
    """The position of every message and of the next one: len(messages) + 1 entries.

    One step at a time. After a step the other side answers, and the stage is reached only when
    the answer takes the step up; else both stay where they were. The next step comes `PAUSE`
    messages later at the earliest, and none when the talk is about to end.
    """
    stage, earliest, is_answer = 0, 0, False
    positions: list[Position] = []
    for index in range(len(messages) + 1):
        if is_answer:
            is_answer = False
            if index < len(messages) and takes_up(messages[index].content, rebuffs):
                stage += 1
            earliest = index + PAUSE
            positions.append(Position(stage, "answer"))
        elif _may_step(index, stage, earliest, plan):
            is_answer = True
            positions.append(Position(stage + 1, "step"))
        else:
            positions.append(Position(stage, "stay"))
    return positions


def _may_step(index: int, stage: int, earliest: int, plan: Plan) -> bool:
    """May the message take a step? earliest: index from which on the last step is over."""
    if stage >= len(plan.steps):
        return False
    return max(plan.steps[stage], earliest) <= index <= plan.last_step


def takes_up(answer: str, rebuffs: Sequence[str]) -> bool:
    """Does an answer take up a step closer: has it something to say, and does not turn away?

    rebuffs: normalised.
    """
    words = f" {normalised(answer)} "
    if any(f" {rebuff} " in words for rebuff in rebuffs):
        return False
    return "?" in answer or len(words.split()) > SHORT_ANSWER


def stages_of(messages: Sequence[Message], plan: Plan, rebuffs: Sequence[str]) -> list[str]:
    """The stage of every message; a step counts where it is tried, taken up or not."""
    positions = moves(messages, plan, rebuffs)[: len(messages)]
    return [STAGES[position.stage] for position in positions]


def ending_of(messages: Sequence[Message], plan: Plan, rebuffs: Sequence[str]) -> str:
    """How the talk is to end: as planned, or openly when the two are not close enough for that."""
    stage, move = moves(messages, plan, rebuffs)[-1]
    if move == "step":
        stage -= 1  # it is not taken up yet
    return plan.ending if stage >= min(ENDINGS[plan.ending].stages) else "open"


def cue_of(messages: Sequence[Message], plan: Plan, rebuffs: Sequence[str]) -> str | None:
    """What the next message is to say about the end, if the end has come; each cue comes once."""
    ending = ENDINGS[ending_of(messages, plan, rebuffs)]
    cues = ending.cues
    if ending.begun_by_user and side_at(plan.opener, plan.turns - len(cues)) != "user":
        cues = cues[:-1]  # the user has the last word
    place = len(messages) - (plan.turns - len(cues))
    return cues[place] if place >= 0 and messages else None


def words_of(plan: Plan, index: int, move: Move, cue: str | None) -> int:
    """Words wanted of a message: as drawn, where what it is to say leaves the choice."""
    words = plan.words[index]
    if move == "step" or cue in WEIGHTY:
        return max(words, SENTENCE)
    if cue in LIGHT:
        return min(words, SENTENCE)
    return words
