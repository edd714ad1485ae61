"""Self-instruct: what is accepted, what is rejected and why, and what the next prompt says."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from pipeline import llm
from pipeline.conversation import Quarantine
from pipeline.generate import prompts
from pipeline.generate.candidates import (
    CHARACTERS,
    SITUATIONS,
    USERS,
    read_character,
    read_situation,
    read_user,
    schema_of,
)
from pipeline.generate.context import GenerateContext
from pipeline.generate.invent import invent
from pipeline.generate.talk import SCRIPT_SCHEMA
from pipeline.llm import Answer, CallFailed, rehearsal
from pipeline.llm.reply import misfit
from pipeline.recipe.generate import GenerateSettings

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
    request = {"messages": [{"role": "user", "content": prompt}], "seed": number}
    answer = json.loads(rehearsal.flawless(request)["choices"][0]["message"]["content"])
    made: dict[str, Any] = answer["characters"][0]
    own = {
        "name": f"Name{number} Person",
        "archetype": f"kind {number}",
        "greeting": f"Number {number} knocks. {made['greeting']}",
    }
    return made | own | changes


class Stub:
    """Answers calls in turn, each with a list under the kind's key; an Exception is raised."""

    def __init__(self, key: str, answers: list[Any], batch: bool = False):
        self.key, self.answers, self.batch = key, answers, batch
        self.prompts: list[str] = []

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
) -> tuple[Any, list[Quarantine], Stub]:
    stub = Stub(kind.key, answers, batch)
    wished = GenerateSettings(**{"novelty": 0.9} | settings)
    context = GenerateContext(stub, wished, EN, 7)  # type: ignore[arg-type]
    made, rejected = llm.run(invent(kind, wanted, seeds, context))
    return made, rejected, stub


def reasons(rejected: list[Quarantine]) -> list[str]:
    return [f"{row.rule}: {row.detail}" for row in rejected]


SEED = read_character(character(900))


def test_what_is_good_is_accepted_in_the_order_of_the_calls() -> None:
    people, rejected, stub = run(
        CHARACTERS, 4, [SEED], [[character(1), character(2)], [character(3), character(4)]]
    )
    assert [person.name for person in people] == [f"Name{n} Person" for n in (1, 2, 3, 4)]
    assert {person.origin for person in people} == {"invented"}
    assert rejected == []
    assert len(stub.prompts) == 2


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (character(5, age=17), "shape: age 17: adults only"),
        (character(5, age=None), "shape: age is not a whole number"),
        (character(5, name=""), "shape: name has fewer than 1 words"),
        (character(5, description="too short"), "shape: description has fewer than 15 words"),
        (character(5, greeting=7), "shape: greeting is not a text"),
        ("a text", "shape: name is not a text"),
        ({}, "shape: name is not a text"),
        (None, "shape: name is not a text"),
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
            "novelty.description: 1.000 similar",
        ),
        (
            character(
                5, greeting="I'm sorry, but as an AI language model I can't create this content."
            ),
            "style.refusal: greeting: I can't create this content",
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
def test_what_is_bad_is_rejected_with_its_reason(bad: Any, reason: str) -> None:
    people, rejected, _ = run(CHARACTERS, 1, [SEED], [[bad, character(6)]])
    assert [person.name for person in people] == ["Name6 Person"]
    assert len(rejected) == 1
    assert reasons(rejected)[0].startswith(reason)
    assert rejected[0].where == "characters/0.0"
    assert json.loads(rejected[0].raw) == bad
    assert rejected[0].missing == 0


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
    assert rejected[0].rule == "novelty.description"
    assert f"'Name900 Person': {character(900)['description'][:40]}" in rejected[0].detail
    assert "(limit 0.900)" in rejected[0].detail


@pytest.mark.parametrize(
    ("answer", "rule"),
    [
        ({}, "shape"),
        ([], "shape"),
        ({"characters": "none"}, "shape"),
        (CallFailed("bad_json", "no JSON"), "call.bad_json"),
        ("prose", "shape"),
    ],
)
def test_a_useless_answer_is_recorded_and_the_quota_filled_by_others(
    answer: Any, rule: str
) -> None:
    people, rejected, _ = run(CHARACTERS, 2, [SEED], [answer, [character(1), character(2)]])
    assert len(people) == 2
    assert [row.rule for row in rejected] == [rule]


def test_a_bare_list_is_taken_as_the_answer() -> None:
    stub = Stub("characters", [{"a list": "is wrapped"}])

    async def ask(*_: Any, **__: Any) -> Answer:
        return Answer("[…]", [character(1)], "stop", 10, 10, None, False, "m")

    stub.ask = ask  # type: ignore[method-assign]
    context = GenerateContext(stub, GenerateSettings(novelty=0.9), EN, 7)  # type: ignore[arg-type]
    people, rejected = llm.run(invent(CHARACTERS, 1, [SEED], context))
    assert [person.name for person in people] == ["Name1 Person"]
    assert rejected == []


def test_a_quota_that_cannot_be_filled_is_given_up_and_the_missing_are_counted() -> None:
    people, rejected, stub = run(CHARACTERS, 3, [SEED], [[character(1)]])
    assert len(people) == 1
    assert len(stub.prompts) == 8 * 2  # PATIENCE times the two calls that would do
    assert reasons(rejected)[-1] == f"given up: 2 of 3 after {len(stub.prompts)} calls"
    assert rejected[-1].missing == 2
    assert {row.rule for row in rejected[:-1]} == {"shape"}


def test_more_than_was_wanted_is_recorded_as_surplus() -> None:
    people, rejected, _ = run(CHARACTERS, 1, [SEED], [[character(1), character(2)]])
    assert len(people) == 1
    assert reasons(rejected) == ["surplus: the quota was reached"]


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
    """What a prompt says there is enough of: names, kinds of character."""
    found = re.search(rf"^- {what}: (.*)$", prompt, re.M)
    return found[1].split(", ") if found else []


def test_a_prompt_lists_first_what_is_proposed_most_then_the_latest() -> None:
    """A rejected favourite counts; there are more seeds than a prompt lists."""
    seeds = [read_character(character(900 + n)) for n in range(31)]
    favourite = [character(n, archetype="lonely baker", name=f"Ada {n}") for n in range(1, 8)]
    answers = [
        [favourite[0], favourite[1]],
        [favourite[2], favourite[3]],
        [character(8), character(9)],
    ]
    people, rejected, stub = run(CHARACTERS, 3, seeds, answers)
    assert [person.name for person in people] == ["Ada 1", "Name8 Person", "Name9 Person"]
    assert len(rejected) == 3  # too many Adas
    assert listed(stub.prompts[0], "kinds of character") == [f"kind {930 - n}" for n in range(25)]
    assert listed(stub.prompts[-1], "kinds of character")[:2] == ["lonely baker", "kind 930"]
    assert listed(stub.prompts[-1], "names")[0] == "ada"


def test_a_user_who_types_in_another_language_is_rejected() -> None:
    about = "Repairs lifts all week and wants to hear no more about lifts tonight."
    ulla = {"name": "Ulla", "age": 50, "style": "short and dry lines", "description": about}
    tim = {
        "name": "Tim",
        "age": 30,
        "description": "Sells umbrellas in a town where it hardly ever rains.",
        "style": "Schreibt meistens nur ganz kurze Sätze, ohne Punkt, und wird schnell müde.",
    }
    _, rejected, _ = run(USERS, 1, [read_user(ulla)], [[tim]])
    assert reasons(rejected)[0].startswith("language.foreign: style")


def enums(schema: Any) -> list[dict[str, Any]]:
    if isinstance(schema, list):
        return [found for value in schema for found in enums(value)]
    if not isinstance(schema, dict):
        return []
    mine = [schema] if "enum" in schema else []
    return mine + enums(list(schema.values()))


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
        {"name": name, "age": 50, "style": "short and dry lines", "description": f"{name} {about}"}
        for name in ("Ulla", "Tim")
    )
    about = "Sells umbrellas in a town where it hardly rains, and dreams of a wet summer."
    people, rejected, _ = run(
        USERS, 1, [read_user(ulla)], [[tim, tim | {"description": about}]], novelty=0.6
    )
    assert [person.name for person in people] == ["Tim"]
    assert [row.rule for row in rejected] == ["novelty.description"]
    new = "The last two guests at a wedding find that the taxi they both ordered is one taxi."
    situations, rejected, _ = run(SITUATIONS, 1, SEEDS, [[SEEDS[0], "Too short.", 7, new]])
    assert situations == [new]
    assert [row.rule for row in rejected] == ["novelty.opening", "shape", "shape"]


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


@pytest.mark.parametrize(("seeds", "rules"), [(99, ["novelty.name"]), (100, [])])
def test_one_of_a_hundred_may_have_a_first_name(seeds: int, rules: list[str]) -> None:
    """So it may come again when there are a hundred others."""
    known = [read_character(character(1000 + number)) for number in range(seeds)]
    again = character(5, name="Name1000 Other")
    _, rejected, _ = run(CHARACTERS, 1, known, [[again], [character(6)]])
    assert [row.rule for row in rejected] == rules


def test_an_age_in_words_of_digits_is_read() -> None:
    assert read_character(character(1, age=" 44 ")).age == 44
    with pytest.raises(ValueError, match="age is not a whole number"):
        read_character(character(1, age="4²"))
    with pytest.raises(ValueError, match="age is not a whole number"):
        read_character(character(1, age=True))
    assert read_character(character(1, age=18)).age == 18


def test_a_situation_is_a_sentence() -> None:
    with pytest.raises(ValueError, match="fewer than 5 words"):
        read_situation("Rain.")
