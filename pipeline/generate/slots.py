"""Slots, one talk of one character each, are filled to the quota or accounted for.

slot ──► attempt 0: a talk ──► long enough? ──► Conversation
                                   │ no
                                   ├──► Drop (or Quarantine: no message at all)
                                   └──► attempt 1: another user, another situation …
"""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import TypedDict

from pipeline.conversation import Conversation, Drop, Finding, Persona, Quarantine, Source, identity
from pipeline.formats.cards import Character
from pipeline.generate.candidates import T, User
from pipeline.generate.check import Fault
from pipeline.generate.context import GenerateContext
from pipeline.generate.personas import Personas
from pipeline.generate.plan import Side, annotations_of, draw, ending_of
from pipeline.generate.scene import Scene
from pipeline.generate.talk import TalkResult, script, talk
from pipeline.llm import Answer, CallFailed
from pipeline.pacing.uptake import rebuffs

GeneratedRow = Conversation | Drop | Quarantine

REHEARSAL = "rehearsal"  # how the offline stand-in names its model
NAME = "generated"  # Source.name of every row
STAGE = "generate"  # Finding.stage
SIDES: tuple[Side, Side] = ("user", "assistant")  # who opens is drawn from these, in this order


@dataclass(frozen=True, slots=True)
class Slot:
    """Talk `number` of a character. key: its name, and a number where two have the same name."""

    character: Character
    key: str
    number: int

    @property
    def name(self) -> str:
        return f"{self.key}/{self.number}"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try to fill a slot. is_last: the slot is given up when it fails."""

    slot: Slot
    number: int
    is_last: bool

    def ref(self, seed: int) -> str:
        """Source.ref of the row."""
        return f"{self.slot.name}.{self.number}/{seed}"


def all_slots(personas: Personas, talks: int) -> Iterator[Slot]:
    """All slots, character by character."""
    seen: Counter[str] = Counter()
    for character in personas.characters:
        key = character.name
        seen[key] += 1
        if seen[key] > 1:
            key += f" ({seen[key]})"
        for number in range(talks):
            yield Slot(character, key, number)


async def fill(slot: Slot, personas: Personas, context: GenerateContext) -> list[GeneratedRow]:
    """The rows of a slot: every talk that was given up, and last the one that filled it."""
    make = script if context.settings.mode == "script" else talk
    attempts = context.settings.attempts
    rows: list[GeneratedRow] = []
    for number in range(attempts):
        attempt = Attempt(slot, number, is_last=number == attempts - 1)
        scene = scene_of(attempt, personas, context)
        result = await make(scene, context)
        rows.append(_row(result, scene, attempt, context))
        if isinstance(rows[-1], Conversation):
            break
    return rows


# --- from a slot to a scene


def scene_of(attempt: Attempt, personas: Personas, context: GenerateContext) -> Scene:
    """Who meets whom and why. It depends on seed, slot and attempt alone: slots may be added.

    A greeting comes with the character's own scenario; without one a situation is played, and
    either side opens.
    """
    settings, slot, number = context.settings, attempt.slot, attempt.number
    user, situation = _partner(slot, number / settings.attempts, personas, context.seed)
    rng = random.Random(f"{context.seed}/{slot.name}/{number}")
    character = slot.character
    greeting = character.greeting_of(slot.number)
    if greeting:
        opener: Side = "assistant"
        situation = character.scenario or context.prompts.direction("as greeted")
    else:
        opener = rng.choice(SIDES)
    return Scene(
        character=character,
        user=user,
        situation=situation,
        topic=_topic(slot, number, situation),
        greeting=greeting,
        plan=draw(settings, rng, opener),
        sample=slot.number * settings.attempts + number,
    )


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
    return topics[(slot.number + attempt) % len(topics)]


# --- from a talk to a row


def _row(
    result: TalkResult, scene: Scene, attempt: Attempt, context: GenerateContext
) -> GeneratedRow:
    """The talk as a row: dropped when it is too short, quarantined when it has no message."""
    settings, slot, cut = context.settings, attempt.slot, result.cut
    ref = attempt.ref(context.seed)
    extra = json.dumps(_extra(result, scene, attempt, context), ensure_ascii=False)
    if cut and not result.messages:
        return Quarantine(
            f"{NAME}/{ref}", cut.rule, cut.evidence or "", extra, missing=int(attempt.is_last)
        )
    is_long_enough = len(result.messages) >= settings.turns[0]
    conversation = Conversation(
        id=identity(NAME, f"{settings.language}/{ref}"),
        messages=tuple(result.messages),
        source=_source(result, ref, context),
        persona=slot.character.persona(scene.user.name),
        user_persona=Persona(scene.user.name, scene.user.description),
        split_group=f"{NAME}/{slot.key}",
        edits=tuple(f"generate: repaired card: {repair}" for repair in slot.character.repairs),
        annotations=annotations_of(result.messages, scene.plan, rebuffs(settings.language)),
        findings=tuple(_findings(result, scene.plan.turns, is_long_enough, attempt)),
        extra=extra,
    )
    return conversation if is_long_enough else Drop(conversation)


def _source(result: TalkResult, ref: str, context: GenerateContext) -> Source:
    settings = context.settings
    models = tuple(dict.fromkeys(answer.model for answer in result.answers))
    prompts = ("script",) if settings.mode == "script" else ("talk-character", "talk-user")
    return Source(
        kind="generated",
        name=NAME,
        ref=ref,
        license=settings.license,
        models=models,
        prompt=context.prompts.hash(*prompts),
        rehearsal=REHEARSAL in models,
    )


def _findings(
    result: TalkResult, planned: int, is_long_enough: bool, attempt: Attempt
) -> Iterator[Finding]:
    """Why a talk ended before its planned number of messages, and whether its slot is given up."""
    if result.cut and is_long_enough:
        yield from _cut(result.cut, len(result.messages), planned)
    elif result.cut:
        yield Finding(
            STAGE,
            result.cut.rule,
            value=len(result.messages),
            limit=planned,
            evidence=result.cut.evidence,
            decision="drop",
        )
    if attempt.is_last and not is_long_enough:
        evidence = "no talk of all attempts was long enough"
        yield Finding(STAGE, "slot.given_up", evidence=evidence, decision="drop")


def _cut(fault: Fault, messages: int, planned: int) -> Iterator[Finding]:
    """That a kept talk is shorter than planned, and the rule that the next message broke."""
    yield Finding(
        STAGE,
        "talk.cut",
        value=messages,
        limit=planned,
        message=messages - 1,
        evidence=f"{fault.rule}: {fault.evidence}",
    )
    yield Finding(STAGE, fault.rule, evidence=fault.evidence)


class Extra(TypedDict):
    """What the record has no column for: the plan, what was paid, what failed."""

    situation: str
    topic: str
    user: dict[str, object]
    plan: dict[str, object]
    ending: str
    models: dict[Side, str]
    calls: int
    prompt_tokens: int
    completion_tokens: int
    cost: float | None
    failed: list[dict[str, object]]
    slot: str
    attempt: int
    seed: int


def _extra(result: TalkResult, scene: Scene, attempt: Attempt, context: GenerateContext) -> Extra:
    ending = "cut"
    if not result.cut:
        ending = ending_of(result.messages, scene.plan, rebuffs(context.settings.language))
    paid: list[Answer | CallFailed] = [*result.answers, *result.lost]
    return {
        "situation": scene.situation,
        "topic": scene.topic,
        "user": {"age": scene.user.age, "style": scene.user.style},
        "plan": asdict(scene.plan),
        "ending": ending,
        "models": result.models,
        "calls": len(paid),
        "prompt_tokens": sum(call.prompt_tokens for call in paid),
        "completion_tokens": sum(call.completion_tokens for call in paid),
        "cost": _cost(paid),
        "failed": list(map(asdict, result.faults)),
        "slot": attempt.slot.name,
        "attempt": attempt.number,
        "seed": context.seed,
    }


def _cost(paid: Iterable[Answer | CallFailed]) -> float | None:
    """US dollars; None where the price of one call is not known."""
    total = 0.0
    for call in paid:
        if call.cost is None:
            return None
        total += call.cost
    return total


# --- what went wrong


def reasons(rows: Iterable[GeneratedRow]) -> Counter[str]:
    """How often each rule failed, over all rows of `work`: messages, talks and candidates."""
    counts: Counter[str] = Counter()
    for row in rows:
        if isinstance(row, Quarantine) and not row.where.startswith(f"{NAME}/"):
            counts[row.rule] += 1
        else:
            extra = json.loads(_extra_text(row) or "{}")
            counts.update(failed["rule"] for failed in extra.get("failed", []))
    return counts


def _extra_text(row: GeneratedRow) -> str | None:
    if isinstance(row, Quarantine):
        return row.raw
    return row.conversation.extra if isinstance(row, Drop) else row.extra
