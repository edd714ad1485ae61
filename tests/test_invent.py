"""Self-instruct: what is accepted, what is rejected and why, and what the next prompt is told."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from pipeline import llm
from pipeline.conversation import Quarantine
from pipeline.generate import prompts
from pipeline.generate.invent import (
    CHARACTERS,
    SITUATIONS,
    USERS,
    invent,
    read_character,
    read_situation,
    read_user,
    schema_of,
)
from pipeline.generate.talk import SCRIPT_SCHEMA
from pipeline.llm import Answer, CallFailed, rehearsal
from pipeline.llm.reply import misfit
from pipeline.recipe.settings import GenerateSettings

EN = prompts.load("en")
SEEDS = [
    "Nobody answers the phone at the ferry office, and two people wait at the same locked door.",
    "One of them sold the other a lamp that hums at night and pretends not to know.",
    "They share an allotment fence and have never spoken, until somebody's goat got out.",
    "A parcel for number twelve came to number twenty-one, and it smells of cheese.",
    "Both signed up for the same dance class and were put together because of their height.",
]


def character(number: int = 0, **changes: Any) -> dict[str, Any]:
    """A character as the rehearsal model invents it, with a name and first words of its own."""
    prompt = EN.prompt("characters", count=1, examples="", names="", openings="", archetypes="")
    said = rehearsal.flawless({"messages": [{"role": "user", "content": prompt}], "seed": number})
    made: dict[str, Any] = json.loads(said["choices"][0]["message"]["content"])["characters"][0]
    greeting = f"Number {number} knocks. {made['greeting']}"
    return (
        made
        | {"name": f"Name{number} Person", "archetype": f"kind {number}", "greeting": greeting}
        | changes
    )


class Stub:
    """Answers calls in turn, each with a list under the kind's key; an Exception is raised."""

    def __init__(self, key: str, answers: list[Any], batch: bool = False):
        self.key, self.answers, self.prompts, self.batch = key, answers, list[str](), batch

    def batched(self, model: str) -> bool:
        return self.batch

    async def ask(self, model: str, messages: list[dict[str, str]], **more: Any) -> Answer:
        self.prompts.append(messages[0]["content"])
        answer = self.answers.pop(0) if self.answers else []
        if isinstance(answer, Exception):
            raise answer
        data = {self.key: answer} if isinstance(answer, list) else answer
        return Answer(json.dumps(data), data, "stop", 10, 10, None, False, model)


def run(
    kind: Any,
    wanted: int,
    seeds: list[Any],
    answers: list[Any],
    batch: bool = False,
    **settings: Any,
) -> tuple[Any, list[str], Stub]:
    stub = Stub(kind.key, answers, batch)
    made: tuple[list[Any], list[Quarantine]] = llm.run(
        invent(kind, wanted, seeds, stub, GenerateSettings(**{"novelty": 0.9} | settings), EN, 7)  # type: ignore[arg-type]
    )
    return made[0], [f"{q.rule}: {q.detail}" for q in made[1]], stub


SEED = read_character(character(900))


def test_what_is_good_is_accepted_in_the_order_of_the_calls() -> None:
    people, rejected, stub = run(
        CHARACTERS, 4, [SEED], [[character(1), character(2)], [character(3), character(4)]]
    )
    assert [p.name for p in people] == [f"Name{n} Person" for n in (1, 2, 3, 4)]
    assert {p.origin for p in people} == {"invented"}
    assert rejected == []
    assert len(stub.prompts) == 2


@pytest.mark.parametrize(
    ("spoilt", "told"),
    [
        (character(5, age=17), "shape: age 17: adults only"),
        (character(5, age=None), "shape: age is no whole number"),
        (character(5, name=""), "shape: name has fewer than 1 words"),
        (character(5, description="too short"), "shape: description has fewer than 15 words"),
        (character(5, greeting=7), "shape: greeting is no text"),
        ("a text", "shape: name is no text"),
        ({}, "shape: name is no text"),
        (None, "shape: name is no text"),
        (character(5, scenario="\ud83d"), "shape: it holds half a character"),
        (character(5, example_dialogue=["Hi"]), "shape: example_dialogue"),
        (character(5, name="name900 PERSON"), "novelty.name: there is a 'name900 person' already"),
        (character(5, name="Name900 Other"), "novelty.name: 'name900' is used up (1 of 1)"),
        (
            character(5, greeting=character(900)["greeting"]),
            "novelty.opening: 'number 900 knocks' is used up",
        ),
        (
            character(5, description=character(900)["description"]),
            "novelty.description: 1.000 alike",
        ),
        (
            character(
                5, greeting="I'm sorry, but as an AI language model I can't create this content."
            ),
            "style.",
        ),
        (
            character(5, description="Bo is [age] years old and " + "paints shop signs " * 5),
            "style.placeholder",
        ),
        (character(5, other_greetings=["Hi, I'm 15."]), "safety.minor: other_greetings: I'm 15"),
        (
            character(5, scenario="A schoolgirl waits at the gate."),
            "safety.minor: scenario: schoolgirl",
        ),
        (
            character(5, example_dialogue=[{"role": "character", "content": "I'm 15."}]),
            "safety.minor: example_dialogue",
        ),
        (character(5, topics=["life with [your name]"]), "style.placeholder: topics"),
        (character(5, archetype="teenage girl"), "safety.minor: archetype: teenage girl"),
    ],
)
def test_what_is_bad_is_rejected_with_its_reason(spoilt: Any, told: str) -> None:
    people, rejected, _ = run(CHARACTERS, 1, [SEED], [[spoilt, character(6)]])
    assert [p.name for p in people] == ["Name6 Person"]
    assert len(rejected) == 1
    assert rejected[0].startswith(told)


def test_macros_of_cards_are_welcome() -> None:
    greeting = "Come in, {{user}}, {{char}} has put the kettle on."
    people, rejected, _ = run(CHARACTERS, 1, [SEED], [[character(6, greeting=greeting)]])
    assert rejected == []
    assert (
        people[0].persona("Tom").greeting
        == f"Come in, Tom, {people[0].name} has put the kettle on."
    )


def test_the_neighbour_that_killed_a_candidate_is_named() -> None:
    twin = character(5, description=character(900)["description"] + " indeed")
    _, rejected, _ = run(CHARACTERS, 1, [SEED], [[twin], [character(6)]])
    assert f"'Name900 Person': {character(900)['description'][:40]}" in rejected[0]
    assert "(limit 0.900)" in rejected[0]


@pytest.mark.parametrize(
    "answer", [{}, [], {"characters": "none"}, CallFailed("bad_json", "no JSON"), "prose"]
)
def test_a_useless_answer_is_recorded_and_the_quota_filled_by_others(answer: Any) -> None:
    people, rejected, _ = run(CHARACTERS, 2, [SEED], [answer, [character(1), character(2)]])
    assert len(people) == 2
    assert len(rejected) == 1
    assert rejected[0].startswith(("shape", "call.bad_json"))


def test_a_quota_that_cannot_be_filled_is_told() -> None:
    people, rejected, stub = run(CHARACTERS, 3, [SEED], [])
    assert people == []
    assert rejected[-1] == f"given up: 3 of 3 after {len(stub.prompts)} calls"
    assert all(error.startswith("shape") for error in rejected[:-1])


def test_more_than_was_wanted_is_told_too() -> None:
    people, rejected, _ = run(CHARACTERS, 1, [SEED], [[character(1), character(2)]])
    assert len(people) == 1
    assert rejected == ["surplus: the quota was reached"]


def test_the_next_prompt_is_steered_away_from_what_is_used() -> None:
    good = [[character(n), character(n + 1)] for n in range(1, 60, 2)]
    _, _, stub = run(CHARACTERS, 20, [SEED], good)
    assert "name900" in stub.prompts[0]
    assert "name1," not in stub.prompts[0]
    assert "name1," in stub.prompts[-1]
    assert "kind 900" in stub.prompts[0]
    assert "number 900 knocks" in stub.prompts[0]


@pytest.mark.parametrize("batch", [False, True])
def test_where_a_round_takes_a_day_everything_is_asked_in_one(batch: bool) -> None:
    good = [[character(n), character(n + 1)] for n in range(1, 60, 2)]
    people, _, stub = run(CHARACTERS, 30, [SEED], good, batch)
    assert len(people) == 30
    in_the_first_round = [prompt for prompt in stub.prompts if "name1," not in prompt]
    assert len(in_the_first_round) == (15 if batch else 8)


def listed(prompt: str, what: str) -> list[str]:
    """What a prompt says there is enough of."""
    found = re.search(rf"^- {what}: (.*)$", prompt, re.M)
    return found[1].split(", ") if found else []


def test_with_more_seeds_than_are_shown_a_rejected_favourite_comes_first_and_the_latest_before_the_oldest() -> (
    None
):
    seeds = [read_character(character(900 + n)) for n in range(31)]
    favourite = [character(n, archetype="lonely baker", name=f"Ada {n}") for n in range(1, 8)]
    answers = [
        [favourite[0], favourite[1]],
        [favourite[2], favourite[3]],
        [character(8), character(9)],
    ]
    people, rejected, stub = run(CHARACTERS, 3, seeds, answers)
    assert [p.name for p in people] == ["Ada 1", "Name8 Person", "Name9 Person"]
    assert len(rejected) == 3  # too many Adas
    assert listed(stub.prompts[0], "kinds of character") == [f"kind {930 - n}" for n in range(25)]
    assert listed(stub.prompts[-1], "kinds of character")[:2] == ["lonely baker", "kind 930"]
    assert listed(stub.prompts[-1], "names")[0] == "ada"


def test_a_user_who_types_in_another_language_is_rejected() -> None:
    about = "Repairs lifts all week and wants to hear no more about lifts tonight."
    ulla = {"name": "Ulla", "age": 50, "style": "short and dry lines", "description": about}
    spoilt = {
        "name": "Tim",
        "age": 30,
        "description": "Sells umbrellas in a town where it hardly ever rains.",
    }
    spoilt["style"] = (
        "Schreibt meistens nur ganz kurze Sätze, ohne Punkt und ohne Komma, und wird schnell müde."
    )
    _, rejected, _ = run(USERS, 1, [read_user(ulla)], [[spoilt]])
    assert rejected[0].startswith("language.foreign: style")


def enums(schema: Any) -> list[dict[str, Any]]:
    inner = (
        schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else []
    )
    mine = [schema] if isinstance(schema, dict) and "enum" in schema else []
    return mine + [found for value in inner for found in enums(value)]


@pytest.mark.parametrize(
    "schema", [schema_of(CHARACTERS), SCRIPT_SCHEMA], ids=["characters", "script"]
)
def test_every_enumeration_says_its_type(schema: Any) -> None:
    """Some servers take no `enum` without one."""
    assert [found["type"] for found in enums(schema)] == ["string"]


def test_seeds_take_turns_as_anchor_and_accepted_ones_join_the_examples() -> None:
    seeds = [read_character(character(900 + n)) for n in range(4)]
    good = [[character(n), character(n + 1)] for n in range(1, 60, 2)]
    _, _, stub = run(CHARACTERS, 24, seeds, good)
    for number, prompt in enumerate(stub.prompts[:4]):
        shown = prompt.split("\n\n")[2]
        assert json.loads(shown)["name"] == f"Name{900 + number} Person"
    assert all(re.search(r'"Name\d{1,2} Person"', prompt) for prompt in stub.prompts[8:])


def test_users_and_situations_are_invented_the_same_way() -> None:
    about = "repairs lifts all week and wants to hear no more about lifts tonight."
    ulla, tim = (
        {"name": n, "age": 50, "style": "short and dry lines", "description": f"{n} {about}"}
        for n in ("Ulla", "Tim")
    )
    about = "Sells umbrellas in a town where it hardly rains, and dreams of a wet summer."
    people, rejected, _ = run(
        USERS, 1, [read_user(ulla)], [[tim, tim | {"description": about}]], novelty=0.6
    )
    assert [p.name for p in people] == ["Tim"]
    assert [e.split(":")[0] for e in rejected] == ["novelty.description"]
    new = "The last two guests at a wedding find that the taxi they both ordered is one taxi."
    situations, rejected, _ = run(SITUATIONS, 1, SEEDS, [[SEEDS[0], "Too short.", 7, new]])
    assert situations == [new]
    assert [e.split(":")[0] for e in rejected] == ["novelty.opening", "shape", "shape"]


@pytest.mark.parametrize("kind", [CHARACTERS, USERS, SITUATIONS])
def test_the_schema_accepts_what_the_reader_accepts(kind: Any) -> None:
    schema = schema_of(kind)
    good = {
        "characters": character(1),
        "users": {"name": "U", "age": 20, "archetype": "", "description": "", "style": ""},
        "situations": SEEDS[0],
    }[kind.key]
    assert misfit({kind.key: [good]}, schema) is None
    assert misfit({kind.key: [3]}, schema)


def test_a_situation_is_a_sentence() -> None:
    with pytest.raises(ValueError, match="fewer than 5 words"):
        read_situation("Rain.")
