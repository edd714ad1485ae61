"""Slots, (character, user, situation) each, are filled to the quota or accounted for."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

from pipeline.conversation import Conversation, Drop, Finding, Persona, Quarantine, Source, identity
from pipeline.formats.cards import Character
from pipeline.generate.cast import Cast
from pipeline.generate.plan import draw, ending_of, stages_of
from pipeline.generate.prompts import Prompts
from pipeline.generate.talk import Scene, Told, script, talk
from pipeline.llm import Answer, CallFailed, Client
from pipeline.recipe.settings import GenerateSettings

Row = Conversation | Drop | Quarantine
REHEARSAL = "rehearsal"  # the model that `rehearse` says it is
NAME = "generated"  # Source.name of every row


@dataclass(frozen=True, slots=True)
class Slot:
    """The `number`-th talk of a character. key: the character's name, told apart where two have the same."""

    character: Character
    key: str
    number: int


def slots(cast: Cast, talks: int) -> Iterator[Slot]:
    """All slots, character by character."""
    seen: Counter[str] = Counter()
    for character in cast.characters:
        seen[character.name] += 1
        again = f" ({seen[character.name]})" if seen[character.name] > 1 else ""
        for number in range(talks):
            yield Slot(character, character.name + again, number)


async def fill(
    slot: Slot, cast: Cast, line: Client, settings: GenerateSettings, prompts: Prompts, seed: int
) -> list[Row]:
    """The rows a slot gave: the talk that filled it, last, and before it every one that was given up."""
    rows: list[Row] = []
    for attempt in range(settings.attempts):
        scene = stage(slot, attempt, cast, settings, prompts, seed)
        told = await (script if settings.mode == "script" else talk)(scene, line, settings, prompts)
        rows.append(_row(told, scene, slot, attempt, settings, prompts, seed))
        if isinstance(rows[-1], Conversation):
            break
    return rows


def stage(
    slot: Slot, attempt: int, cast: Cast, settings: GenerateSettings, prompts: Prompts, seed: int
) -> Scene:
    """Who meets whom and why. It depends on seed, character, number and attempt alone, so slots may be added.

    A greeting goes with the character's own scenario; without one a situation is played, and either side opens. The
    talks of one character go through all users and situations before one comes again.
    """
    who, step = slot.character, attempt / settings.attempts
    rng = random.Random(f"{seed}/{slot.key}/{slot.number}/{attempt}")
    around = random.Random(f"{seed}/{slot.key}")
    users, situations = (
        around.sample(cast.users, len(cast.users)),
        around.sample(cast.situations, len(cast.situations)),
    )
    greeting = who.greeting_of(slot.number)
    situation = situations[(slot.number + int(step * len(situations))) % len(situations)]
    if greeting:
        situation = who.scenario or prompts.direction("as greeted")
    return Scene(
        character=who,
        user=users[(slot.number + int(step * len(users))) % len(users)],
        situation=situation,
        topic=who.topics[(slot.number + attempt) % len(who.topics)] if who.topics else situation,
        greeting=greeting,
        plan=draw(settings, rng, "assistant" if greeting else rng.choice(["user", "assistant"])),
        sample=slot.number * settings.attempts + attempt,
    )


def reasons(rows: Iterable[Row]) -> Counter[str]:
    """How often each thing went wrong, over everything `work` gave: messages asked again, talks and candidates lost."""
    counts: Counter[str] = Counter()
    for row in rows:
        if isinstance(row, Quarantine) and not row.where.startswith(f"{NAME}/"):
            counts[row.rule] += 1
            continue
        told = (
            row.raw
            if isinstance(row, Quarantine)
            else (row.conversation if isinstance(row, Drop) else row).extra
        )
        counts.update(failed["rule"] for failed in json.loads(told or "{}").get("failed", []))
    return counts


def _row(
    told: Told,
    scene: Scene,
    slot: Slot,
    attempt: int,
    settings: GenerateSettings,
    prompts: Prompts,
    seed: int,
) -> Row:
    """Kept when it is long enough; given up, with the reason, when not; a quarantined line when nobody said a word."""
    ref = f"{slot.key}/{slot.number}.{attempt}/{seed}"
    last = attempt == settings.attempts - 1
    extra = _dump(
        _extra(told, scene, prompts)
        | {"slot": f"{slot.key}/{slot.number}", "attempt": attempt, "seed": seed}
    )
    if not told.said and told.cut:
        return Quarantine(
            f"{NAME}/{ref}", told.cut.rule, told.cut.evidence or "", extra, missing=int(last)
        )
    fits = len(told.said) >= settings.turns[0]
    conversation = Conversation(
        id=identity(NAME, f"{settings.language}/{ref}"),
        messages=tuple(told.said),
        source=_source(told, ref, settings, prompts),
        persona=slot.character.persona(scene.user.name),
        user_persona=Persona(scene.user.name, scene.user.description),
        split_group=f"{NAME}/{slot.key}",
        edits=tuple(f"generate: repaired card: {repair}" for repair in slot.character.repairs),
        findings=tuple(_findings(told, scene, fits, last)),
        extra=extra,
    )
    return conversation if fits else Drop(conversation)


def _source(told: Told, ref: str, settings: GenerateSettings, prompts: Prompts) -> Source:
    models = tuple(dict.fromkeys(a.model for a in told.answers))
    names = ("script",) if settings.mode == "script" else ("talk-character", "talk-user")
    return Source(
        kind="generated", name=NAME, ref=ref, license=settings.license, models=models,
        prompt=prompts.hash(*names), rehearsal=REHEARSAL in models,
    )  # fmt: skip


def _findings(told: Told, scene: Scene, fits: bool, last: bool) -> Iterator[Finding]:
    said, cut = len(told.said), told.cut
    if cut and fits:
        yield Finding(
            "generate",
            "talk.cut",
            said,
            scene.plan.turns,
            said - 1,
            evidence=f"{cut.rule}: {cut.evidence}",
        )
        yield Finding("generate", cut.rule, evidence=cut.evidence)
    if cut and not fits:
        yield Finding(
            "generate", cut.rule, said, scene.plan.turns, evidence=cut.evidence, decision="drop"
        )
    if not fits and last:
        yield Finding(
            "generate",
            "slot.given_up",
            evidence="no talk of all attempts was long enough",
            decision="drop",
        )


def _extra(told: Told, scene: Scene, prompts: Prompts) -> dict[str, Any]:
    """What the record has no column for: plan, stages, what was paid, what had to be asked again."""
    paid: list[Answer | CallFailed] = [*told.answers, *told.lost]
    costs = [call.cost for call in paid]
    return {
        "situation": scene.situation,
        "topic": scene.topic,
        "user": {"age": scene.user.age, "style": scene.user.style},
        "plan": asdict(scene.plan),
        "stages": stages_of(told.said, scene.plan, prompts.rebuffs),
        "ending": "cut" if told.cut else ending_of(told.said, scene.plan, prompts.rebuffs),
        "models": told.models,
        "calls": len(paid),
        "prompt_tokens": sum(call.prompt_tokens for call in paid),
        "completion_tokens": sum(call.completion_tokens for call in paid),
        "cost": None if None in costs else sum(c or 0.0 for c in costs),
        "failed": [
            {"message": f.message, "rule": f.rule, "evidence": f.evidence} for f in told.faults
        ],
    }


def _dump(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
