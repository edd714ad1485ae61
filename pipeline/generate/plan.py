"""How a talk is planned: its end, its steps from strangers to confidants, its length.

A plan says when a step closer may be tried. Whether the two get closer is decided by what they
write, so the stage and the move of a message follow from the messages before it:

    message    …  7      8      9        10     …  18
    move          stay   step   answer   stay      step?
    stage         0      0      1        1         1
                         │      └ "haha, I know that one": takes the step up
                         └ the plan allows the first step from message 8 on, the next from 18 on

Had message 9 been "rather not", the stage would have stayed 0, message 10 would be a move back, and
the same step would be tried once more at message 16, `PAUSE` messages after the first try. From
when on a step may come at all, and what takes it up, `pipeline.pacing` says, to `score` as well.
"""

from __future__ import annotations

import math
import random
from bisect import bisect
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Literal, NamedTuple

from pipeline.conversation import Annotation, Message, Step
from pipeline.pacing import EARLIEST, PAUSE, STAGES
from pipeline.pacing.uptake import takes_up
from pipeline.recipe.generate import GenerateSettings

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
CARELESS = 0.25  # share of users who type carelessly; and of their messages, twice this
LONGEST = 150  # words of one message, at most
SENTENCE = 12  # words: at least, of a step and a weighty cue; at most, of a light cue

PLAN = "plan"  # Annotation.by
Side = Literal["user", "assistant"]
Move = Literal["stay", "step", "answer", "back"]
DECISIONS: dict[Move, Step] = {"stay": "hold", "step": "closer", "answer": "hold", "back": "back"}


class Position(NamedTuple):
    """Where a talk stands at one message.

    stage: that the two have reached with it, index into STAGES; a step counts when it is taken up.
    move: back is the message of who stepped, after an answer that did not take the step up.
    """

    stage: int
    move: Move


@dataclass(frozen=True, slots=True)
class Plan:
    """How one talk is meant to go.

    turns: messages in all. steps: the messages from which on each step may be tried.
    words: wanted of each message. careless: whether each is to be typed carelessly.
    begun: the stage at which the two meet, index into STAGES; 0 between strangers.
    """

    turns: int
    opener: Side
    steps: tuple[int, ...]
    ending: str
    mood: str
    words: tuple[int, ...]
    careless: tuple[bool, ...]
    begun: int = 0

    @property
    def last_step(self) -> int:
        """The last message that may take a step: it is answered before the end begins."""
        return _last_step(self.turns, self.ending)


def _last_step(turns: int, ending: str) -> int:
    return turns - len(ENDINGS[ending].cues) - 2


# --- drawing a plan


class Lot(NamedTuple):
    """Which mood and which ending a plan gets, as shares of the list of each, from 0 to below 1."""

    mood: float
    ending: float


def draw(
    settings: GenerateSettings,
    rng: random.Random,
    opener: Side,
    begun: int = 0,
    lot: Lot | None = None,
) -> Plan:
    """A plan by chance; the same generator gives the same plan.

    First an ending, and the stage that is reached before it; then a length that has time for both,
    so that the shares of `ENDINGS` hold wherever the longest talk has time for all of them.
    begun: the stage at which the two meet. lot: where mood and ending are not left to chance, so
    that many plans have all of them evenly.
    """
    lengths = _lengths(settings.turns, opener)
    lot = lot or Lot(rng.random(), rng.random())
    ending = _ending(lengths[-1], begun, lot.ending)
    stage = rng.choice(_reachable(ending, lengths[-1], begun))
    turns = rng.choice([turns for turns in lengths if stage in _reachable(ending, turns, begun)])
    sides = [side_at(opener, index) for index in range(turns)]
    return Plan(
        turns=turns,
        opener=opener,
        steps=_steps(stage - begun, _last_step(turns, ending), rng),
        ending=ending,
        mood=MOODS[int(lot.mood * len(MOODS))],
        words=tuple(_words(side, settings, rng) for side in sides),
        careless=_careless(sides, rng),
        begun=begun,
    )


def _careless(sides: Sequence[Side], rng: random.Random) -> tuple[bool, ...]:
    """Which messages are typed carelessly: some of the user's, where the user is careless."""
    is_careless = rng.random() < CARELESS
    return tuple(is_careless and side == "user" and rng.random() < 2 * CARELESS for side in sides)


def _lengths(span: tuple[int, int], opener: Side) -> list[int]:
    """How many messages there may be. Rows end with an answer of the character where the span has a
    choice."""
    fewest, most = span
    ends_well = [
        turns for turns in range(fewest, most + 1) if side_at(opener, turns - 1) == "assistant"
    ]
    return ends_well or [fewest]


def _ending(turns: int, begun: int, place: float) -> str:
    """An ending that a talk of this length has time for. place: among their shares, laid side by
    side."""
    possible = [name for name in ENDINGS if _reachable(name, turns, begun)]
    bounds = list(accumulate(ENDINGS[name].share for name in possible))
    return possible[min(bisect(bounds, place * bounds[-1]), len(possible) - 1)]


def _reachable(ending: str, turns: int, begun: int) -> list[int]:
    """The stages that a talk of this length has time to reach before this ending. Who has met
    before waits as long for a step as strangers do: our choice."""
    highest = begun + sum(first <= _last_step(turns, ending) for first in EARLIEST)
    return [stage for stage in ENDINGS[ending].stages if begun <= stage <= highest]


def _steps(count: int, latest: int, rng: random.Random) -> tuple[int, ...]:
    """From which message on each step of a talk may be tried: one after the other, in the first
    half of the time there is, so that there is time for what follows, and for another try."""
    if not count:
        return ()
    each = (latest - EARLIEST[count - 1]) / 2 / count  # messages by which one may be late
    return tuple(
        EARLIEST[number] + round(each * rng.uniform(number, number + 1)) for number in range(count)
    )


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
    the answer takes the step up; else both stay where they were, and who stepped moves back. The
    next step comes `PAUSE` messages later at the earliest, and none when the talk is about to end.
    rebuffs: of the language of the talk (`pacing.uptake`).
    """
    positions: list[Position] = []
    move: Move = "stay"
    stage, earliest, is_taken = plan.begun, 0, False
    for index in range(len(messages) + 1):
        if move == "step":
            move, earliest = "answer", index - 1 + PAUSE
            is_taken = index < len(messages) and takes_up(messages[index].content, rebuffs)
            stage += is_taken
        elif move == "answer" and not is_taken:
            move = "back"
        elif _may_step(index, stage, earliest, plan):
            move = "step"
        else:
            move = "stay"
        positions.append(Position(stage, move))
    return positions


def _may_step(index: int, stage: int, earliest: int, plan: Plan) -> bool:
    """May the message take a step? earliest: index from which on the last step is over."""
    taken = stage - plan.begun
    if taken >= len(plan.steps):
        return False
    return max(plan.steps[taken], earliest) <= index <= plan.last_step


def annotations_of(
    messages: Sequence[Message], plan: Plan, rebuffs: Sequence[str]
) -> tuple[Annotation, ...]:
    """Of every message: the stage that is reached with it, and what it does about that."""
    positions = moves(messages, plan, rebuffs)[: len(messages)]
    return tuple(
        Annotation(STAGES[position.stage], DECISIONS[position.move], by=PLAN)
        for position in positions
    )


def ending_of(messages: Sequence[Message], plan: Plan, rebuffs: Sequence[str]) -> str:
    """How the talk is to end: as planned, or openly when the two are not close enough for that."""
    stage = moves(messages, plan, rebuffs)[-1].stage
    return plan.ending if stage >= min(ENDINGS[plan.ending].stages) else "open"


def cue_of(messages: Sequence[Message], plan: Plan, rebuffs: Sequence[str]) -> str | None:
    """What the next message is to say about the end, if the end has come; each cue comes once."""
    ending = ENDINGS[ending_of(messages, plan, rebuffs)]
    cues = ending.cues
    if ending.begun_by_user and side_at(plan.opener, plan.turns - len(cues)) != "user":
        cues = cues[:-1]  # the user has the last word
    place = len(messages) - (plan.turns - len(cues))
    return cues[place] if place >= 0 and messages else None


def is_turning_point(messages: Sequence[Message], plan: Plan, rebuffs: Sequence[str]) -> bool:
    """Does the next message take a step, or say something about the end?"""
    is_step = moves(messages, plan, rebuffs)[-1].move == "step"
    return is_step or cue_of(messages, plan, rebuffs) is not None


def words_of(plan: Plan, index: int, move: Move, cue: str | None) -> int:
    """Words wanted of a message: as drawn, where what it is to say leaves the choice."""
    words = plan.words[index]
    if move == "step" or cue in WEIGHTY:
        return max(words, SENTENCE)
    if cue in LIGHT:
        return min(words, SENTENCE)
    return words
