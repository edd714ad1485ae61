"""What two people bring to a later sitting: how close they were, and what was said, as quotes.

    sitting 1         … 9  Tom: I work as a baker, so I'm up at three.      a fact
                      … 21 Ottoline: Come by on Friday, bring the blue tin.   a promise
      │ nine days
    sitting 2         stage one lower after a long gap · quotes of 9 and 21 · the promise is due

Nothing is summed up by a model: what is remembered are the words that were said, with sitting and
message. Chosen are messages that state a fact, steps that were taken up, and what was promised.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.conversation import Message, normalised
from pipeline.generate.facts import OTHER, STEM, Fact, Remark, Sayings, facts_of, stems
from pipeline.generate.plan import Plan, Side, cue_of, moves, side_at

HOUR, DAY, WEEK = 1.0, 24.0, 168.0  # hours
LONGEST_GAP = 4 * WEEK  # our choice
COOLS = WEEK  # after so long a gap two people begin one stage lower; our choice
QUOTED = 12  # quotes that are brought along, the latest; our choice
CUT = 240  # characters of a quote; our choice
NAMED = 2  # words of a promise that are enough to take it up; our choice


@dataclass(frozen=True, slots=True)
class HeldSitting:
    """One talk of two people as it was. number: from 1."""

    number: int
    messages: Sequence[Message]
    plan: Plan


@dataclass(frozen=True, slots=True)
class Past:
    """What two people bring to a sitting.

    number: of the sitting. gap: hours since the last one. stage: at which they begin, index into
    STAGES. facts: all that was said. promise: what the last sitting ended with, by `promised_by`.
    """

    number: int
    gap: float
    stage: int
    quotes: tuple[Remark, ...]
    facts: tuple[Fact, ...]
    promise: Remark | None = None
    promised_by: Side | None = None


def draw_gap(rng: random.Random) -> float:
    """Hours between two sittings: an hour to some weeks, short ones as likely as long ones."""
    return round(math.exp(rng.uniform(math.log(HOUR), math.log(LONGEST_GAP))), 1)


def past_of(
    sittings: Sequence[HeldSitting], gap: float, speech: Sayings, rebuffs: Sequence[str]
) -> Past:
    """What two people bring along from all their sittings. sittings: one or more."""
    last = sittings[-1]
    reached = moves(last.messages, last.plan, rebuffs)[-1].stage
    quotes = [quote for sitting in sittings for quote in quotes_of(sitting, speech, rebuffs)]
    facts = [fact for sitting in sittings for fact in facts_of(sitting.messages, speech)]
    place = promise_of(last, rebuffs)
    return Past(
        number=len(sittings) + 1,
        gap=gap,
        stage=max(0, reached - (gap > COOLS)),
        quotes=tuple(quotes[-QUOTED:]),
        facts=tuple(facts),
        promise=None if place is None else _quote(last, place),
        promised_by=None if place is None else side_at(last.plan.opener, place),
    )


def quotes_of(sitting: HeldSitting, speech: Sayings, rebuffs: Sequence[str]) -> list[Remark]:
    """What is worth remembering of a sitting: facts, steps that were taken up, a promise."""
    messages = sitting.messages
    course = moves(messages, sitting.plan, rebuffs)
    places = {fact.message for fact in facts_of(messages, speech)}
    for index in range(len(messages) - 1):
        if course[index].move == "step" and course[index + 1].stage > course[index].stage:
            places |= {index, index + 1}
    promise = promise_of(sitting, rebuffs)
    if promise is not None:
        places.add(promise)
    return [_quote(sitting, place) for place in sorted(places)]


def _quote(sitting: HeldSitting, index: int) -> Remark:
    message = sitting.messages[index]
    text = " ".join(message.content.split())
    if len(text) > CUT:
        text = text[:CUT].rsplit(" ", 1)[0] + " …"
    return Remark(sitting.number, index, message.name or message.role, text)


def promise_of(sitting: HeldSitting, rebuffs: Sequence[str]) -> int | None:
    """The message that proposed something which the next one agreed to."""
    messages, plan = sitting.messages, sitting.plan
    for index in range(1, len(messages) - 1):
        if cue_of(messages[:index], plan, rebuffs) == "propose":
            return index
    return None


# --- a promise


def promise_place(past: Past | None, opener: Side) -> int | None:
    """The message that is to take the promise up: the first of who made it, but not the opening."""
    if past is None or past.promised_by is None:
        return None
    return 1 if OTHER[opener] == past.promised_by else 2


def is_taken_up(promise: Remark, messages: Sequence[Message], speech: Sayings) -> bool:
    """Do messages name what was promised, or say why nothing came of it?"""
    said = "\n".join(message.content for message in messages)
    if any(pattern.search(said) for pattern in speech.explanations):
        return True
    wanted = _named(promise.text, speech)
    return len(wanted & _named(said, speech)) >= min(NAMED, len(wanted))


def _named(text: str, speech: Sayings) -> set[str]:
    """What a text names: the beginnings of its words, without the small ones."""
    words = [word for word in normalised(text).split() if word not in speech.small]
    return {stem for stem in stems(" ".join(words)) if len(stem) == STEM or stem > "\u2fff"}
