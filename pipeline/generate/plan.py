"""How a talk is meant to go: its length, its steps from strangers to confidants, its end; and where it stands."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from pipeline.conversation import Message, Role, normalised
from pipeline.recipe import GenerateSettings

STAGES = ("ice-breaker", "casual", "close")
MOODS = ("terse", "teasing", "doubting", "bored", "warm", "tired", "curious")
# How talks end: share, and the stages that may be reached before (index into STAGES). Our choice.
ENDINGS: dict[str, tuple[float, tuple[int, ...]]] = {
    "open": (0.4, (0, 1, 1, 2)),
    "friendship": (0.35, (2,)),
    "no": (0.15, (1,)),
    "leave": (0.1, (0, 1)),
}
CARELESS = 0.25  # share of users who type carelessly; and of their messages, twice this
LONGEST = 150  # words of one message, at most
PAUSE = 4  # messages until a step that was not taken up is tried again
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


def draw(settings: GenerateSettings, rng: random.Random, opener: Role) -> Plan:
    """A plan by chance; the same generator gives the same plan."""
    turns = _turns(settings.turns, opener, rng)
    ending = rng.choices(list(ENDINGS), [share for share, _ in ENDINGS.values()])[0]
    top = rng.choice(ENDINGS[ending][1])
    medians = {"assistant": settings.character_words, "user": settings.user_words}
    roles = [role_at(opener, i) for i in range(turns)]
    clumsy = rng.random() < CARELESS
    return Plan(
        turns=turns,
        opener=opener,
        steps=tuple(round(turns * (k + rng.uniform(0.7, 1.1)) / (top + 1)) for k in range(top)),
        ending=ending,
        mood=rng.choice(MOODS),
        words=tuple(_length(medians[role], settings.length_variation, rng) for role in roles),
        careless=tuple(clumsy and role == "user" and rng.random() < 2 * CARELESS for role in roles),
    )


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
    reached. Else both stay where they were, and the next try comes `PAUSE` messages later at the earliest.
    """
    level, earliest, stepped = 0, 0, False
    out: list[tuple[int, Move]] = []
    for index in range(len(said) + 1):
        if stepped:
            stepped = False
            if index < len(said) and takes_up(said[index].content, rebuffs):
                level += 1
            else:
                earliest = index + PAUSE
            out.append((level, "answer"))
        elif level < len(plan.steps) and index >= max(plan.steps[level], earliest, 1):
            stepped = True
            out.append((level + 1, "step"))
        else:
            out.append((level, "stay"))
    return out


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
