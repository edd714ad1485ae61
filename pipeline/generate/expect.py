"""What generating will take, before anything is asked: calls and tokens of each model.

Inventions are counted from their first prompts, talks from plans that are drawn by chance.
"""

from __future__ import annotations

import json
import random
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from pathlib import Path

from pipeline.conversation import Conversation, Message, Source, normalised
from pipeline.generate import prompts
from pipeline.generate.candidates import CHARACTERS, SITUATIONS, USERS, Invention, T
from pipeline.generate.context import model_of
from pipeline.generate.invent import open_ledger, prompt_of
from pipeline.generate.memory import QUOTED
from pipeline.generate.personas import Personas, bundled, talking
from pipeline.generate.plan import ENDINGS, Plan, draw
from pipeline.generate.scene import Scene, note, opening, script_prompt, systems_of
from pipeline.generate.slots import sittings_of_all
from pipeline.llm import Estimate, estimate, tokens_in
from pipeline.pacing.uptake import length
from pipeline.recipe.generate import GenerateSettings
from pipeline.recipe.models import ModelSettings

SAMPLED = 40  # plans
SITUATIONS_SHOWN = 8  # of the bundled ones, in the sampled plans
CALLS_PER_NEEDED_CALL = 1.5  # as some candidates are rejected; our experience
JSON_TOKENS = 12  # that a message of a script takes beside its text


@dataclass(slots=True)
class Demand:
    """What one model is asked for in all."""

    calls: float = 0.0
    prompt_tokens: float = 0.0
    completion_tokens: float = 0.0

    def add(self, calls: float, prompt: float, completion: float) -> None:
        """So many calls with so many tokens each."""
        self.calls += calls
        self.prompt_tokens += calls * prompt
        self.completion_tokens += calls * completion

    def add_each(
        self, times: float, prompts: Sequence[float], completions: Sequence[float]
    ) -> None:
        """Calls with these tokens, so many times each."""
        calls = max(1, len(prompts))
        self.add(times * calls, sum(prompts) / calls, sum(completions) / calls)


def expected(
    settings: GenerateSettings,
    models: Mapping[str, ModelSettings],
    seed: int,
    folder: Path = Path(),
) -> dict[str, Estimate]:
    """Calls, tokens and dollars by the recipe's name of the model.

    Faulty answers that are asked for again come on top. folder: where relative paths of cards
    begin. Raises UserError when a card does not exist.
    """
    if not settings.wanted:
        return {}
    forecast = _Forecast(settings, seed, folder)
    forecast.add_inventions()
    forecast.add_talks(sittings_of_all(settings, seed) * talking(settings, folder))
    return {
        name: _estimate(models[name], demand)
        for name, demand in forecast.demands.items()
        if demand.calls
    }


def expected_talks(
    settings: GenerateSettings, seed: int, folder: Path = Path()
) -> tuple[list[Conversation], int]:
    """Talks as long as those that will be made, without their words; and how many there will be."""
    if not settings.wanted:
        return [], 0
    rng = random.Random(seed)
    seeds = bundled(settings.language, settings.texts_in(folder))
    scenes = [_scene(number, draw(settings, rng, "assistant"), seeds) for number in range(SAMPLED)]
    word = "word" * round(_tokens_of_a_word(seeds)) + " "
    talks = sittings_of_all(settings, seed) * talking(settings, folder)
    return [_filler(scene, word) for scene in scenes], talks


def _filler(scene: Scene, word: str) -> Conversation:
    """A talk in which every word is this one."""
    messages = [
        Message(scene.side_at(index), word * words) for index, words in enumerate(scene.plan.words)
    ]
    source = Source("generated", "expected", scene.character.name)
    persona = scene.character.persona(scene.user.name)
    return Conversation(source.ref, tuple(messages), source, persona)


def _estimate(model: ModelSettings, demand: Demand) -> Estimate:
    prompt = demand.prompt_tokens / demand.calls
    return estimate(model, ceil(demand.calls), prompt, demand.completion_tokens / demand.calls)


class _Forecast:
    """The demand of each model by the recipe's name of it, added up."""

    def __init__(self, settings: GenerateSettings, seed: int, folder: Path) -> None:
        self.settings, self.seed = settings, seed
        beside = settings.texts_in(folder)
        self.prompts = prompts.load(settings.language, beside)
        self.seeds = bundled(settings.language, beside)
        self.demands: defaultdict[str, Demand] = defaultdict(Demand)

    def add_inventions(self) -> None:
        settings, seeds = self.settings, self.seeds
        self._add_invention(CHARACTERS, settings.characters, seeds.characters)
        self._add_invention(USERS, settings.users, seeds.users)
        self._add_invention(SITUATIONS, settings.situations, seeds.situations)

    def _add_invention(self, invention: Invention[T], wanted: int, seeds: Sequence[T]) -> None:
        if not wanted:
            return
        ledger = open_ledger(invention, seeds, wanted, self.settings)
        prompt = prompt_of(ledger, self.prompts, self.seed, number=0)
        shown = [json.dumps(invention.show(seed), ensure_ascii=False) for seed in seeds]
        candidate = sum(map(tokens_in, shown)) / len(shown)
        self.demands[self.settings.inventor].add(
            calls=CALLS_PER_NEEDED_CALL * ceil(wanted / invention.per_call),
            prompt=tokens_in(prompt),
            completion=candidate * invention.per_call,
        )

    def add_talks(self, talks: int) -> None:
        """Plans are drawn by chance; each stands for an equal share of the talks."""
        rng, share = random.Random(self.seed), talks / SAMPLED
        tokens_of_a_word = _tokens_of_a_word(self.seeds)
        for number in range(SAMPLED):
            scene = _scene(number, draw(self.settings, rng, "assistant"), self.seeds)
            lengths = [words * tokens_of_a_word for words in scene.plan.words]
            if self.settings.mode == "script":
                self._add_script(scene, share, lengths)
            else:
                self._add_talk(scene, share, lengths)

    def _add_script(self, scene: Scene, share: float, lengths: Sequence[float]) -> None:
        prompt = tokens_in(script_prompt(scene, self.prompts))
        completion = sum(lengths) + JSON_TOKENS * scene.plan.turns
        self.demands[self.settings.inventor].add(share, prompt, completion)

    def _add_talk(self, scene: Scene, share: float, lengths: Sequence[float]) -> None:
        """One call for each message but the greeting, several at turning points; each reads all
        messages before, and what is remembered of earlier sittings."""
        of_the_note = tokens_in(note(scene, opening(scene), self.prompts)) + self._remembered()
        turns = len(scene.plan.steps) + len(ENDINGS[scene.plan.ending].cues)
        share *= 1 + turns * (self.settings.candidates - 1) / len(lengths)
        for side, system in systems_of(scene, self.prompts).items():
            fixed = tokens_in(system) + of_the_note
            mine = [index for index in range(1, len(lengths)) if scene.side_at(index) == side]
            self.demands[model_of(side, self.settings)].add_each(
                share,
                prompts=[sum(lengths[:index]) + fixed for index in mine],
                completions=[lengths[index] for index in mine],
            )

    def _remembered(self) -> float:
        """Tokens of the quotes of earlier sittings, as a mean over all sittings."""
        settings = self.settings
        later = 1 - settings.talks / sittings_of_all(settings, self.seed)
        words = (settings.character_words + settings.user_words) / 2
        quotes = QUOTED * words * _tokens_of_a_word(self.seeds)
        return later * (tokens_in(self.prompts.directions["memory"]) + quotes)


def _scene(number: int, plan: Plan, seeds: Personas) -> Scene:
    """A scene of bundled personas."""
    character = seeds.characters[number % len(seeds.characters)]
    return Scene(
        character=character,
        user=seeds.users[number % len(seeds.users)],
        situation=seeds.situations[number % SITUATIONS_SHOWN],
        topic=character.topics[0],
        greeting=character.greeting,
        plan=plan,
        sample=0,
    )


def _tokens_of_a_word(seeds: Personas) -> float:
    """Mean tokens of a word in the messages of our characters, punctuation included."""
    dialogues = [character.example_dialogue for character in seeds.characters]
    texts = [message.content for dialogue in dialogues for message in dialogue]
    return sum(map(tokens_in, texts)) / sum(length(normalised(text)) for text in texts)
