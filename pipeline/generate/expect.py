"""What generating will take, before anything is asked: calls and tokens of each model, from plans drawn by chance."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from math import ceil
from pathlib import Path
from typing import Any

from pipeline.generate import invent, prompts
from pipeline.generate.cast import Cast, bundled, card_files
from pipeline.generate.plan import draw, role_at
from pipeline.generate.prompts import Prompts
from pipeline.generate.talk import Scene, direction, opening, script_prompt, systems_of
from pipeline.llm import Estimate, estimate, tokens_in
from pipeline.recipe.settings import GenerateSettings, ModelSettings

SAMPLED = 40  # plans
REJECTED = 1.5  # calls for one that would do if every candidate were accepted; our experience

Sums = dict[str, tuple[float, float, float]]  # model → calls, prompt tokens, completion tokens


def expected(
    settings: GenerateSettings,
    models: Mapping[str, ModelSettings],
    seed: int,
    folder: Path = Path(),
) -> dict[str, Estimate]:
    """Calls, tokens and dollars by the recipe's name of the model. Faulty answers that are asked again come on top.

    folder: where relative paths of cards begin. Raises UserError when a card is not there.
    """
    if not settings.wanted:
        return {}
    wording = prompts.load(settings.language)
    sums: Sums = {}
    _inventions(sums, settings, wording, seed)
    cards = sum(
        1 for place in settings.cards for _ in card_files(folder / Path(place).expanduser())
    )
    _talks(sums, settings, wording, seed, cards)
    return {
        name: estimate(models[name], ceil(calls), prompt / calls, completion / calls)
        for name, (calls, prompt, completion) in sums.items()
    }


def _add(sums: Sums, model: str, calls: float, prompt: float, completion: float) -> None:
    before = sums.get(model, (0.0, 0.0, 0.0))
    sums[model] = before[0] + calls, before[1] + calls * prompt, before[2] + calls * completion


def _inventions(sums: Sums, settings: GenerateSettings, wording: Prompts, seed: int) -> None:
    seeds = bundled(settings.language)
    kinds: tuple[tuple[invent.Kind[Any], int, Any], ...] = (
        (invent.CHARACTERS, settings.characters, seeds.characters),
        (invent.USERS, settings.users, seeds.users),
        (invent.SITUATIONS, settings.situations, seeds.situations),
    )
    for kind, wanted, known in kinds:
        if wanted:
            ledger = invent.open_ledger(kind, known, settings)
            prompt = tokens_in(invent.prompt_of(ledger, known, wording, seed, 0))
            said = sum(
                tokens_in(json.dumps(kind.show(k), ensure_ascii=False)) for k in known
            ) / len(known)
            _add(
                sums,
                settings.inventor,
                REJECTED * ceil(wanted / kind.per_call),
                prompt,
                said * kind.per_call,
            )


def _talks(sums: Sums, settings: GenerateSettings, wording: Prompts, seed: int, cards: int) -> None:
    rng, seeds = random.Random(seed), bundled(settings.language)
    word = _tokens_of_a_word(seeds)
    talks = settings.talks * (settings.seeds + settings.characters + cards) / SAMPLED
    for number in range(SAMPLED):
        plan = draw(settings, rng, "assistant")
        character, user = (
            seeds.characters[number % len(seeds.characters)],
            seeds.users[number % len(seeds.users)],
        )
        scene = Scene(
            character,
            user,
            seeds.situations[number % 8],
            character.topics[0],
            character.greeting,
            plan,
            0,
        )
        lengths = [words * word for words in plan.words]
        if settings.mode == "script":
            _add(
                sums,
                settings.inventor,
                talks,
                tokens_in(script_prompt(scene, wording)),
                sum(lengths) + 12 * plan.turns,
            )
            continue
        note = tokens_in(direction(scene, opening(scene), wording))
        models = {"user": settings.user, "assistant": settings.character}
        for side, system in systems_of(scene, wording).items():
            turns = [
                i for i in range(1, plan.turns) if role_at(plan.opener, i) == side
            ]  # 0 is the greeting
            heard = sum(sum(lengths[:i]) + tokens_in(system) + note for i in turns)
            count = max(1, len(turns))
            _add(
                sums,
                models[side],
                talks * count,
                heard / count,
                sum(lengths[i] for i in turns) / count,
            )


def _tokens_of_a_word(seeds: Cast) -> float:
    """Mean tokens of a word in what our characters say, punctuation included."""
    said = [m.content for character in seeds.characters for m in character.example_dialogue]
    return sum(map(tokens_in, said)) / sum(len(text.split()) for text in said)
