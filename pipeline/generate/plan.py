"""How a talk is meant to go: its length, its steps from strangers to confidants, its end; and where it stands."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from pipeline.conversation import Message, Role, normalised
from pipeline.recipe.settings import GenerateSettings

STAGES = ("ice-breaker", "casual", "close")
MOODS = ("terse", "teasing", "doubting", "bored", "warm", "tired", "curious")
# How talks end: share, and the stages that may be reached before (index into STAGES). Our choice.
ENDINGS: dict[str, tuple[float, tuple[int, ...]]] = {
    "open": (0.4, (0, 1, 1, 2)),
    "friendship": (0.35, (2,)),
    "no": (0.15, (1,)),
    "leave": (0.1, (0, 1)),
}
# What the last messages of each ending are to say, one cue each, so that nobody takes leave twice.
CUES: dict[str, tuple[str, ...]] = {
    "open": ("go", "bye"),
    "friendship": ("propose", "agree"),
    "no": ("ask", "decline", "accept", "bye"),
    "leave": ("drop off", "bye"),
}
BEGUN_BY_USER = ("no", "leave")  # the other endings are begun by either side
WEIGHTY = ("ask", "decline", "propose")  # cues that take a sentence or two
LIGHT = ("bye", "drop off")  # cues that take no more
# Messages before a step to casual, to close: who rushes loses people within ten messages. Our choice.
EARLIEST = (2, 10)
CARELESS = 0.25  # share of users who type carelessly; and of their messages, twice this
LONGEST = 150  # words of one message, at most
PAUSE = 4  # messages until the next step after one was taken up, or until one that was not is tried again
SENTENCE = 12  # words: at least, of a step closer and of a weighty cue; at most, of a light one
SHORT_ANSWER = 3  # words; an answer this short, without a question, takes nothing up

Move = Literal["stay", "step", "answer"]


@dataclass(frozen=True, slots=True)
class Plan:
    """turns: messages in all. steps: the messages from which on each step may be tried. words: wanted of each."""

    turns: int
    opener: Role
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
    return turns - len(CUES[ending]) - 2


def draw(settings: GenerateSettings, rng: random.Random, opener: Role) -> Plan:
    """A plan by chance; the same generator gives the same plan."""
    turns = _turns(settings.turns, opener, rng)
    fits = {name: tops for name in ENDINGS if (tops := _tops(name, turns))}
    ending = rng.choices(list(fits), [ENDINGS[name][0] for name in fits])[0]
    top, latest = rng.choice(fits[ending]), _last_step(turns, ending)
    steps = [round(turns * (k + rng.uniform(0.7, 1.1)) / (top + 1)) for k in range(top)]
    medians = {"assistant": settings.character_words, "user": settings.user_words}
    roles = [role_at(opener, i) for i in range(turns)]
    clumsy = rng.random() < CARELESS
    return Plan(
        turns=turns,
        opener=opener,
        steps=tuple(
            min(latest, max(first, step)) for first, step in zip(EARLIEST, steps, strict=False)
        ),
        ending=ending,
        mood=rng.choice(MOODS),
        words=tuple(_length(medians[role], settings.length_variation, rng) for role in roles),
        careless=tuple(clumsy and role == "user" and rng.random() < 2 * CARELESS for role in roles),
    )


def _tops(ending: str, turns: int) -> list[int]:
    """The stages that a talk of this length has time to reach before this ending."""
    time_for = sum(first <= _last_step(turns, ending) for first in EARLIEST)
    return [top for top in ENDINGS[ending][1] if top <= time_for]


def _turns(span: tuple[int, int], opener: Role, rng: random.Random) -> int:
    """How many messages: the character has the last word, where the span leaves a choice (rows end with an answer)."""
    fits = [n for n in range(span[0], span[1] + 1) if role_at(opener, n - 1) == "assistant"]
    return rng.choice(fits or [span[0]])


def role_at(opener: Role, index: int) -> Role:
    """Who says the message with this index."""
    if index % 2 == 0:
        return opener
    return "user" if opener == "assistant" else "assistant"


def moves(said: Sequence[Message], plan: Plan, rebuffs: Sequence[str]) -> list[tuple[int, Move]]:
    """Stage and move of every message said and of the next one: len(said) + 1 entries.

    One step at a time; after a step the other side answers, and only when the answer takes it up the stage is
    reached. Else both stay where they were. The next step comes `PAUSE` messages later at the earliest, and none when
    the talk is about to end.
    """
    level, earliest, stepped = 0, 0, False
    out: list[tuple[int, Move]] = []
    for index in range(len(said) + 1):
        if stepped:
            stepped = False
            if index < len(said) and takes_up(said[index].content, rebuffs):
                level += 1
            earliest = index + PAUSE
            out.append((level, "answer"))
        elif (
            level < len(plan.steps) and max(plan.steps[level], earliest) <= index <= plan.last_step
        ):
            stepped = True
            out.append((level + 1, "step"))
        else:
            out.append((level, "stay"))
    return out


def ending_of(said: Sequence[Message], plan: Plan, rebuffs: Sequence[str]) -> str:
    """How the talk is to end as it stands: as planned, or openly when the two did not come as close as that takes."""
    stage, move = moves(said, plan, rebuffs)[-1]
    level = stage - 1 if move == "step" else stage  # a step is not there yet
    return plan.ending if level >= min(ENDINGS[plan.ending][1]) else "open"


def cue_of(said: Sequence[Message], plan: Plan, rebuffs: Sequence[str]) -> str | None:
    """What the next message is to say of the end, if the end has come; each cue goes to one message."""
    ending = ending_of(said, plan, rebuffs)
    cues = CUES[ending]
    if ending in BEGUN_BY_USER and role_at(plan.opener, plan.turns - len(cues)) != "user":
        cues = cues[:-1]  # the user has the last word
    place = len(said) - (plan.turns - len(cues))
    return cues[place] if place >= 0 and said else None


def words_of(plan: Plan, index: int, move: Move, cue: str | None) -> int:
    """Words wanted of a message: as drawn, where what it is to say leaves the choice."""
    words = plan.words[index]
    if move == "step" or cue in WEIGHTY:
        return max(words, SENTENCE)
    return min(words, SENTENCE) if cue in LIGHT else words


def takes_up(answer: str, rebuffs: Sequence[str]) -> bool:
    """Whether an answer takes up a step closer: it says or asks something and does not turn away.

    rebuffs: normalised.
    """
    words = f" {normalised(answer)} "
    if any(f" {rebuff} " in words for rebuff in rebuffs):
        return False
    return "?" in answer or len(words.split()) > SHORT_ANSWER


def _length(median: int, variation: float, rng: random.Random) -> int:
    """Words of a message: log-normal, so that the deviation is `variation` times the mean."""
    sigma = math.sqrt(math.log1p(variation**2))
    return min(LONGEST, max(1, round(median * math.exp(rng.gauss(0, sigma)))))


def stages_of(said: Sequence[Message], plan: Plan, rebuffs: Sequence[str]) -> list[str]:
    """The stage of every message said; a step that the other side did not take up counts where it was taken."""
    return [STAGES[level] for level, _ in moves(said, plan, rebuffs)[: len(said)]]
