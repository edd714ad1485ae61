"""Slots, one sitting of one pair of people each, are filled to the quota or accounted for.

slot ──► attempt 0: a talk ──► long enough? ──► Conversation ──► the pair's next sitting
                                   │ no
                                   ├──► Drop (or Quarantine: no message at all)
                                   └──► attempt 1: another user, another situation …

From the second sitting on the user stays. A sitting that is given up is as if it had never been.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from pipeline.conversation import Conversation
from pipeline.formats.cards import Character
from pipeline.generate.candidates import T, User
from pipeline.generate.context import GenerateContext
from pipeline.generate.memory import HeldSitting, Past, draw_gap, past_of
from pipeline.generate.personas import Personas
from pipeline.generate.plan import Lot, Side, draw
from pipeline.generate.rows import GeneratedRow, Tried, row_of
from pipeline.generate.scene import Scene
from pipeline.generate.talk import TalkResult, script, talk
from pipeline.pacing.uptake import rebuffs
from pipeline.recipe.generate import GenerateSettings

SITTING = 1_000_000  # sample numbers of a pair's sittings lie so far apart
# Steps of a sequence that fills the unit square evenly, however far it is followed.
R2 = (0.7548776662466927, 0.5698402909980532)
MANY = 1_009  # numbers of the sequence between two sittings of a pair
SIDES: tuple[Side, Side] = ("user", "assistant")  # who opens is drawn from these, in this order


@dataclass(frozen=True, slots=True)
class Slot:
    """A sitting of pair `number` of a character. key: its name, and a number where two have the
    same name. sitting: from 0."""

    character: Character
    key: str
    number: int
    sitting: int = 0

    @property
    def pair(self) -> str:
        return f"{self.key}/{self.number}"

    @property
    def name(self) -> str:
        return f"{self.pair}/{self.sitting + 1}" if self.sitting else self.pair


def all_slots(personas: Personas, talks: int) -> Iterator[Slot]:
    """The first sitting of every pair, character by character."""
    seen: Counter[str] = Counter()
    for character in personas.characters:
        key = character.name
        seen[key] += 1
        if seen[key] > 1:
            key += f" ({seen[key]})"
        for number in range(talks):
            yield Slot(character, key, number)


def sittings_of(number: int, settings: GenerateSettings, seed: int) -> int:
    """How many sittings pair `number` of every character has."""
    fewest, most = settings.sittings
    return random.Random(f"{seed}/sittings/{number}").randint(fewest, most)


def sittings_of_all(settings: GenerateSettings, seed: int) -> int:
    """How many sittings the pairs of one character have together."""
    return sum(sittings_of(number, settings, seed) for number in range(settings.talks))


async def fill(pair: Slot, personas: Personas, context: GenerateContext) -> list[GeneratedRow]:
    """The rows of a pair, sitting by sitting: every talk that was given up, and the one that filled
    its slot."""
    rows: list[GeneratedRow] = []
    held: list[Tried] = []
    for sitting in range(sittings_of(pair.number, context.settings, context.seed)):
        slot = replace(pair, sitting=sitting)
        rows += await _fill_slot(slot, held, personas, context)
    return rows


async def _fill_slot(
    slot: Slot, held: list[Tried], personas: Personas, context: GenerateContext
) -> list[GeneratedRow]:
    """The rows of one sitting. held: the sittings before it, to which it is added."""
    attempts, met = context.settings.attempts, _met(held)
    past = _past(slot, held, context)
    rows: list[GeneratedRow] = []
    for number in range(attempts):
        scene = scene_of(slot, number, personas, context, past, met)
        result = await _talk(scene, context)
        made = Tried(slot.name, slot.key, slot.pair, number, number + 1 == attempts, scene, result)
        rows.append(row_of(made, context))
        if isinstance(rows[-1], Conversation):
            held.append(made)
            break
    return rows


async def _talk(scene: Scene, context: GenerateContext) -> TalkResult:
    """The talk, in the recipe's way."""
    make = script if context.settings.mode == "script" else talk
    return await make(scene, context)


def _met(held: Sequence[Tried]) -> User | None:
    """The user of the sittings before."""
    return held[0].scene.user if held else None


def _past(slot: Slot, held: Sequence[Tried], context: GenerateContext) -> Past | None:
    """What the two bring along; None: they have never met."""
    if not held:
        return None
    sittings = [
        HeldSitting(number, made.result.messages, made.scene.plan)
        for number, made in enumerate(held, 1)
    ]
    gap = draw_gap(random.Random(f"{context.seed}/{slot.name}/gap"))
    return past_of(sittings, gap, context.prompts.speech, rebuffs(context.prompts.language))


# --- from a slot to a scene


def scene_of(
    slot: Slot,
    attempt: int,
    personas: Personas,
    context: GenerateContext,
    past: Past | None = None,
    met: User | None = None,
) -> Scene:
    """Who meets whom and why. It depends on seed, slot, attempt and what was said before alone:
    slots may be added.

    A greeting comes with the character's own scenario, when the two meet for the first time;
    without one a situation is played, and either side opens. met: the user of a later sitting.
    """
    settings = context.settings
    user, situation = _partner(slot, attempt / settings.attempts, personas, context.seed)
    rng = random.Random(f"{context.seed}/{slot.name}/{attempt}")
    greeting = None if past else slot.character.greeting_of(slot.number)
    if past:
        situation = _later(slot, attempt, personas, context.seed)
    if greeting:
        opener: Side = "assistant"
        situation = slot.character.scenario or context.prompts.direction("as greeted")
    else:
        opener = rng.choice(SIDES)
    return Scene(
        character=slot.character,
        user=met or user,
        situation=situation,
        topic=_topic(slot, attempt, situation),
        greeting=greeting,
        plan=draw(settings, rng, opener, past.stage if past else 0, _lot(slot, attempt, context)),
        sample=slot.sitting * SITTING + slot.number * settings.attempts + attempt,
        past=past,
    )


def _lot(slot: Slot, attempt: int, context: GenerateContext) -> Lot:
    """Mood and ending of a slot: the talks of one character go evenly through both, and through
    their pairs (the sequence R2 of Roberts 2018), each character from another beginning."""
    rng = random.Random(f"{context.seed}/{slot.key}/place")
    number = slot.number + slot.sitting * MANY + attempt * MANY**2
    starts = (rng.random(), rng.random())
    return Lot(*((start + step * number) % 1 for start, step in zip(starts, R2, strict=True)))


def _later(slot: Slot, attempt: int, personas: Personas, seed: int) -> str:
    """What brings two people together who know each other: one after the other."""
    situations = _shuffled(personas.later, random.Random(f"{seed}/{slot.pair}/later"))
    apart = max(1, len(situations) // 3)  # of the situations of two attempts
    return situations[(slot.sitting + attempt * apart) % len(situations)]


def _partner(slot: Slot, begun: float, personas: Personas, seed: int) -> tuple[User, str]:
    """The user and the situation of a slot.

    The talks of one character go through all users and all situations before one comes again.
    begun: the share of the attempts made so far; each begins at another place of the lists.
    """
    rng = random.Random(f"{seed}/{slot.key}")
    users = _shuffled(personas.users, rng)
    situations = _shuffled(personas.situations, rng)
    return _in_turn(users, slot.number, begun), _in_turn(situations, slot.number, begun)


def _shuffled(things: Sequence[T], rng: random.Random) -> list[T]:
    return rng.sample(things, len(things))


def _in_turn(things: Sequence[T], number: int, begun: float) -> T:
    return things[(number + int(begun * len(things))) % len(things)]


def _topic(slot: Slot, attempt: int, situation: str) -> str:
    """A topic of the character in turn, or the situation where it has none."""
    topics = slot.character.topics
    if not topics:
        return situation
    return topics[(slot.number + slot.sitting + attempt) % len(topics)]
