"""The offline stand-in for all models."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from pipeline.conversation import normalised
from pipeline.formats.cards import Character
from pipeline.generate import plan, prompts, talk
from pipeline.generate.candidates import CHARACTERS, SITUATIONS, USERS, User, schema_of
from pipeline.generate.talk import SCRIPT_SCHEMA, Scene
from pipeline.llm import rehearsal
from pipeline.llm.reply import misfit, read_json
from pipeline.pacing.uptake import length
from pipeline.recipe.generate import GenerateSettings

LANGUAGES = ("de", "en", "es", "fr", "ru", "zh")


def request(prompt: str, seed: int, *more: dict[str, str]) -> dict[str, Any]:
    return {
        "model": "rehearsal",
        "seed": seed,
        "messages": [{"role": "user", "content": prompt}, *more],
    }


def text(answer: dict[str, Any]) -> str:
    content: str = answer["choices"][0]["message"]["content"]
    return content


def a_scene(seed: int) -> Scene:
    made = plan.draw(GenerateSettings(), random.Random(seed), "assistant")
    return Scene(
        Character("Bo", "Bo, 30, bakes."),
        User("Al", 31, "Drives.", "short"),
        "It rains.",
        "bread",
        None,
        made,
        0,
    )


def test_the_same_request_gets_the_same_answer_another_seed_another() -> None:
    asked = request(prompts.load("en").prompt("situations", count=8, examples="", openings="-"), 1)
    assert rehearsal.answer(asked) == rehearsal.answer(asked)
    assert text(rehearsal.answer(asked)) != text(rehearsal.answer(asked | {"seed": 2}))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", [CHARACTERS, USERS, SITUATIONS])
def test_inventions_are_what_the_schema_asks_for(language: str, kind: Any) -> None:
    prompt = prompts.load(language).prompt(
        kind.key, count=3, examples="", names="", openings="", archetypes=""
    )
    for seed in range(20):
        made = read_json(text(rehearsal.flawless(request(prompt, seed))))
        assert misfit(made, schema_of(kind)) is None
        assert len(made[kind.key]) == 3
        assert all(kind.read(thing) for thing in made[kind.key])


@pytest.mark.parametrize("language", LANGUAGES)
def test_scripts_have_the_planned_number_of_messages_in_turns(language: str) -> None:
    for seed in range(10):
        scene = a_scene(seed)
        made = json.loads(
            text(
                rehearsal.flawless(request(talk.script_prompt(scene, prompts.load(language)), seed))
            )
        )
        assert misfit(made, SCRIPT_SCHEMA) is None
        assert [m["role"] for m in made["messages"]] == ["character", "user"] * (
            scene.plan.turns // 2
        ) + (["character"] * (scene.plan.turns % 2))


@pytest.mark.parametrize("language", LANGUAGES)
def test_lines_follow_the_wanted_length(language: str) -> None:
    wording = prompts.load(language)
    system = talk.systems_of(a_scene(1), wording)["assistant"]
    lengths = {}
    for words in (5, 40):
        note = wording.direction("note", text=wording.direction("words", words=words))
        written = [
            text(rehearsal.flawless(request(system, s, {"role": "user", "content": note})))
            for s in range(40)
        ]
        lengths[words] = sum(length(normalised(line)) for line in written) / 40
        assert "{" not in "".join(written)
    assert lengths[5] < 20 < lengths[40] < 60


def test_some_answers_are_faulty_on_purpose() -> None:
    system = talk.systems_of(a_scene(1), prompts.load("en"))["user"]
    written = [text(rehearsal.answer(request(system, seed))) for seed in range(600)]
    assert 3 <= sum("AI language model" in line for line in written) <= 30
    assert 1 <= written.count("") <= 20
    assert (
        sum(
            line == text(rehearsal.flawless(request(system, seed)))
            for seed, line in enumerate(written)
        )
        > 550
    )
