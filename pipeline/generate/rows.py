"""A talk as a row: kept, dropped or quarantined, with all that is known of how it was made."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import TypedDict

from pipeline.conversation import (
    Alternative,
    Conversation,
    Drop,
    Finding,
    Persona,
    Quarantine,
    Relationship,
    Source,
    identity,
)
from pipeline.generate.check import Fault
from pipeline.generate.context import GenerateContext
from pipeline.generate.plan import Side, annotations_of, ending_of
from pipeline.generate.scene import Scene
from pipeline.generate.talk import TalkResult
from pipeline.llm import Answer, CallFailed
from pipeline.pacing.uptake import rebuffs

GeneratedRow = Conversation | Drop | Quarantine

REHEARSAL = "rehearsal"  # how the offline stand-in names its model
NAME = "generated"  # Source.name of every row
STAGE = "generate"  # Finding.stage


@dataclass(frozen=True, slots=True)
class Tried:
    """One try to fill a slot. key: of the character. pair: of the two people. is_last: the slot is
    given up when it fails."""

    slot: str
    key: str
    pair: str
    attempt: int
    is_last: bool
    scene: Scene
    result: TalkResult

    def ref(self, seed: int) -> str:
        """Source.ref of the row."""
        return f"{self.slot}.{self.attempt}/{seed}"


def row_of(made: Tried, context: GenerateContext) -> GeneratedRow:
    """The talk as a row: dropped when it is too short, quarantined when it has no message."""
    settings, scene, result = context.settings, made.scene, made.result
    ref = made.ref(context.seed)
    extra = json.dumps(_extra(made, context), ensure_ascii=False)
    cut = result.cut
    if cut and not result.messages:
        return Quarantine(
            f"{NAME}/{ref}", cut.rule, cut.evidence or "", extra, missing=int(made.is_last)
        )
    is_long_enough = len(result.messages) >= settings.turns[0]
    conversation = Conversation(
        id=identity(NAME, f"{settings.language}/{ref}"),
        messages=tuple(result.messages),
        source=_source(result, ref, context),
        persona=scene.character.persona(scene.user.name),
        user_persona=Persona(scene.user.name, scene.user.description),
        split_group=f"{NAME}/{made.key}",
        relationship=_relationship(made, context),
        edits=tuple(f"generate: repaired card: {repair}" for repair in scene.character.repairs),
        annotations=annotations_of(result.messages, scene.plan, rebuffs(settings.language)),
        alternatives=tuple(_alternatives(result)),
        findings=tuple(_findings(made, is_long_enough)),
        extra=extra,
    )
    return conversation if is_long_enough else Drop(conversation)


def _relationship(made: Tried, context: GenerateContext) -> Relationship | None:
    """The chain that a talk is a part of, where pairs may have several sittings."""
    settings, past = context.settings, made.scene.past
    if settings.sittings[1] == 1:
        return None
    chain = identity(NAME, f"{settings.language}/{made.pair}/{context.seed}/relationship")
    if past is None:
        return Relationship(chain, 1)
    return Relationship(chain, past.number, past.gap)


def _alternatives(result: TalkResult) -> Iterator[Alternative]:
    """The tries for messages that are there."""
    return (one for one in result.tries if one.message < len(result.messages))


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


def _findings(made: Tried, is_long_enough: bool) -> Iterator[Finding]:
    """Why a talk ended before its planned number of messages, and whether its slot is given up."""
    cut = made.result.cut
    messages = len(made.result.messages)
    planned = made.scene.plan.turns
    if cut and is_long_enough:
        yield from _cut(cut, messages, planned)
    elif cut:
        yield Finding(
            STAGE, cut.rule, value=messages, limit=planned, evidence=cut.evidence, decision="drop"
        )
    if made.is_last and not is_long_enough:
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
    """What the record has no column for: the plan, what was paid, what failed.

    failed: rule and beginning of every try that failed. tries: those of them whole that are no
    alternatives, as their message was never written. past: what the two remembered.
    """

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
    tries: list[dict[str, object]]
    past: dict[str, object] | None
    slot: str
    attempt: int
    seed: int


def _extra(made: Tried, context: GenerateContext) -> Extra:
    scene, result = made.scene, made.result
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
        "tries": _unwritten(result),
        "past": _remembered(scene),
        "slot": made.slot,
        "attempt": made.attempt,
        "seed": context.seed,
    }


def _unwritten(result: TalkResult) -> list[dict[str, object]]:
    """The tries, whole, for a message that was never written."""
    return [one._asdict() for one in result.tries if one.message >= len(result.messages)]


def _remembered(scene: Scene) -> dict[str, object] | None:
    past = scene.past
    if past is None:
        return None
    return {
        "gap": past.gap,
        "quotes": [quote._asdict() for quote in past.quotes],
        "promise": past.promise and past.promise._asdict(),
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
