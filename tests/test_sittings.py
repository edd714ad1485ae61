"""Several talks of the same two people: what they bring along, and what may not happen again."""

from __future__ import annotations

import gzip
import json
import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline import llm
from pipeline.conversation import Annotation, Conversation, Message, Relationship, Source
from pipeline.formats.cards import Character
from pipeline.generate import memory, plan, prompts, work
from pipeline.generate.candidates import User
from pipeline.generate.facts import Fact, Remark, facts_in
from pipeline.generate.memory import HeldSitting, Past, past_of
from pipeline.generate.plan import Plan, side_at
from pipeline.generate.recall import recall_fault
from pipeline.generate.scene import Scene, note, script_prompt, systems_of
from pipeline.llm import Answer, Client, rehearsal
from pipeline.pacing import STAGES
from pipeline.pacing.uptake import rebuffs
from pipeline.recipe.generate import GenerateSettings
from pipeline.recipe.models import BudgetSettings, ModelSettings
from pipeline.recipe.score import ScoreSettings
from pipeline.score.measure import measure
from pipeline.store.columns import from_table, to_table
from tests.rows import SHARED
from tests.servers.model import serving
from tests.test_generate import REHEARSAL, extra_of, generate, is_given_up, kept, slots

EN = prompts.load("en")
REBUFFS = rebuffs("en")
TAKEN, TURNED = "I like that a lot, honestly", "rather not"
OTTO = Character("Ottoline", "Ottoline, 44, paints signs.", "Mind the paint.", age=44)
TOM = User("Tom", 31, "Tom drives a van.", "short, no capitals")
PROMISE = "Come by on Friday evening and bring the blue tin, I'll cut you a stencil."


def chains(rows: Sequence[Any]) -> list[list[Conversation]]:
    """The kept sittings of each relationship."""
    found = defaultdict(list)
    for row in kept(list(rows)):
        assert row.relationship
        found[row.relationship.id].append(row)
    return list(found.values())


WANTED: dict[str, Any] = {"seeds": 3, "talks": 2, "sittings": (2, 4), "turns": (6, 30)}


@pytest.mark.parametrize("mode", ["talk", "script"])
def test_a_pair_meets_again_and_remembers_word_for_word(tmp_path: Path, mode: str) -> None:
    rows, _ = generate(tmp_path / "calls.sqlite", mode=mode, **WANTED)
    found = chains(rows)
    assert len(found) == 6
    assert list(from_table(to_table(kept(rows)))) == kept(rows)
    quotes = 0
    for sittings in found:
        relationships = [row.relationship for row in sittings]
        numbers = [relationship.number for relationship in relationships if relationship]
        assert numbers == list(range(1, len(sittings) + 1))
        assert 2 <= len(sittings) <= 4
        assert len({row.split_group for row in sittings}) == 1
        assert len({row.user_persona for row in sittings}) == 1
        assert len({extra_of(row)["situation"] for row in sittings}) == len(sittings)
        greeting = sittings[0].persona and sittings[0].persona.greeting
        for row in sittings[1:]:
            assert row.messages[0].content != greeting
            past = extra_of(row)["past"]
            assert row.relationship
            assert 1 <= row.relationship.gap == past["gap"] <= 4 * 7 * 24
            for quote in past["quotes"]:
                said = sittings[quote["sitting"] - 1].messages[quote["message"]]
                assert said.name == quote["name"]
                whole = " ".join(said.content.split())
                assert whole.startswith(quote["text"].removesuffix(" …"))
                quotes += 1
    assert quotes > 10


def test_one_talk_a_pair_is_no_relationship(tmp_path: Path) -> None:
    rows, _ = generate(tmp_path / "calls.sqlite", seeds=1, talks=1, turns=(4, 6))
    assert [row.relationship for row in kept(rows)] == [None]


def test_the_first_talk_of_a_chain_is_the_one_that_would_be_without_it(tmp_path: Path) -> None:
    alone, _ = generate(tmp_path / "calls.sqlite", **WANTED | {"sittings": (1, 1)})
    rows, _ = generate(tmp_path / "calls.sqlite", **WANTED)
    first = {row.id: row.messages for row in kept(rows) if row.relationship.number == 1}
    assert first == {row.id: row.messages for row in kept(alone)}


BAD = {"empty": 0.1, "length": 0.1, "refusal": 0.1, "placeholder": 0.1, "foreign": 0.1}


def test_with_half_of_the_replies_bad_every_sitting_is_filled_or_accounted_for(
    tmp_path: Path,
) -> None:
    """40 pairs × 4 sittings."""
    with serving(answers="pipeline.llm.rehearsal:flawless", faults=BAD) as server:
        models = {"writer": ModelSettings(base_url=server.url, model="any", in_flight=64)}
        wanted: dict[str, Any] = {"seeds": 20, "talks": 2, "sittings": (4, 4), "turns": (4, 4)}
        rows, _ = generate(tmp_path / "calls.sqlite", models, **wanted)
    given_up = [row for row in rows if not isinstance(row, Conversation) and is_given_up(row)]
    filled = slots(rows)
    assert set(filled.values()) == {1}
    assert len(filled) + len(given_up) == 160
    assert len(filled) > 140
    for sittings in chains(rows):
        numbers = [row.relationship.number for row in sittings if row.relationship]
        assert numbers == list(range(1, len(sittings) + 1))


def test_every_text_that_was_paid_for_stands_in_the_row_or_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[str] = []
    ask = Client.ask

    async def recorded(
        client: Client, model: str, messages: list[dict[str, str]], **more: Any
    ) -> Answer:
        answer = await ask(client, model, messages, **more)
        written.append(answer.text.strip())
        return answer

    monkeypatch.setattr(Client, "ask", recorded)
    wanted: dict[str, Any] = {"seeds": 4, "talks": 4, "turns": (6, 20), "asks": 2, "candidates": 2}
    rows, _ = generate(tmp_path / "calls.sqlite", **wanted)
    stored: list[str] = []
    for row in rows:
        conversation = getattr(row, "conversation", row)
        messages = getattr(conversation, "messages", ())
        begun = int(bool(messages) and messages[0].role == "assistant" and is_greeted(row))
        stored += [message.content for message in messages[begun:]]
        others = getattr(conversation, "alternatives", ())
        stored += [one.content for one in others if not one.chosen]
        stored += [one["content"] for one in extra_of(row)["tries"]]
    assert sorted(stored) == sorted(written)
    reasons = {one.reason for row in kept(rows) for one in row.alternatives}
    assert {"chosen", "candidate", "style.label"} <= reasons


def is_greeted(row: Any) -> bool:
    """Does the character open with a greeting of its own?"""
    conversation = getattr(row, "conversation", row)
    card = json.loads(conversation.persona.card or "{}").get("data", {})
    greetings = [card.get("first_mes"), *card.get("alternate_greetings", [])]
    return conversation.messages[0].content in greetings


# --- what two people bring along


def a_sitting(texts: Sequence[str], steps: tuple[int, ...], ending: str) -> HeldSitting:
    turns = len(texts)
    made = Plan(turns, "user", steps, ending, "warm", (10,) * turns, (False,) * turns)
    names = {"user": "Tom", "assistant": "Ottoline"}
    messages = []
    for index, text in enumerate(texts):
        side = side_at("user", index)
        messages.append(Message(side, text, names[side]))
    return HeldSitting(1, messages, made)


def friends(promise: str = PROMISE) -> HeldSitting:
    """Message 4 states an age; the steps at 8 and 18 are taken up; 22 proposes, 23 agrees."""
    texts = [TAKEN] * 24
    texts[4], texts[22], texts[23] = "I'm 31 and I own one fork", promise, "I'll be there, then"
    return a_sitting(texts, (8, 18), "friendship")


def test_facts_steps_and_the_promise_are_quoted() -> None:
    past = past_of([friends()], 20.0, EN.speech, REBUFFS)
    assert [quote.message for quote in past.quotes] == [4, 8, 9, 18, 19, 22]
    assert past.promise == Remark(1, 22, "Tom", PROMISE)
    assert past.promised_by == "user"
    assert (past.number, STAGES[past.stage]) == (2, "close")
    assert past.facts == (Fact("user", "age", "31", 4),)


def test_a_long_gap_cools_and_a_step_that_was_turned_away_counts_for_nothing() -> None:
    assert past_of([friends()], memory.COOLS + 1, EN.speech, REBUFFS).stage == 1
    strangers = a_sitting([TAKEN] * 12, (), "open")
    assert past_of([strangers], memory.COOLS + 1, EN.speech, REBUFFS).stage == 0
    texts = [TAKEN] * 19 + [TURNED]
    rebuffed = a_sitting(texts, (8, 18), "friendship")
    assert past_of([rebuffed], 2.0, EN.speech, REBUFFS).stage == 1


@given(seed=st.integers())
def test_a_gap_is_an_hour_to_some_weeks(seed: int) -> None:
    assert 1 <= memory.draw_gap(random.Random(seed)) <= memory.LONGEST_GAP


@given(seed=st.integers(), begun=st.integers(0, 2), opener=st.sampled_from(["user", "assistant"]))
def test_a_later_sitting_begins_where_the_two_are(seed: int, begun: int, opener: Any) -> None:
    made = plan.draw(GenerateSettings(), random.Random(seed), opener, begun)
    talked = [Message(side_at(opener, index), TAKEN) for index in range(made.turns)]
    found = plan.annotations_of(talked, made, REBUFFS)
    assert found[0].stage == STAGES[begun]
    assert STAGES.index(found[-1].stage or "") == begun + len(made.steps)
    assert plan.ending_of(talked, made, REBUFFS) == made.ending


def a_scene(past: Past | None, opener: Any = "assistant") -> Scene:
    begun = past.stage if past else 0
    made = Plan(12, opener, (), "open", "warm", (10,) * 12, (False,) * 12, begun)
    return Scene(OTTO, TOM, "It rains.", "lead", None, made, 0, past)


def test_both_sides_are_sent_the_quotes_and_who_promised_is_reminded() -> None:
    past = past_of([friends()], 30.0, EN.speech, REBUFFS)
    scene = a_scene(past)
    for system in systems_of(scene, EN).values():
        assert f'- talk 1, message 23, Tom: "{PROMISE}"' in system
        assert "yesterday" in system
    assert PROMISE in script_prompt(scene, EN)
    talked = [Message("assistant", "The rain again.", "Ottoline")]
    assert "no introduction" in note(scene, [], EN)
    assert PROMISE not in note(scene, [], EN)
    assert PROMISE in note(scene, talked, EN)
    assert "no introduction" not in note(a_scene(None), [], EN).replace("no introduction.", "")
    opens = a_scene(past, "user")
    two = [Message("user", "hm", "Tom"), Message("assistant", "The rain again.", "Ottoline")]
    assert [PROMISE in note(opens, two[:length], EN) for length in range(3)] == [False, False, True]


@pytest.mark.parametrize(
    ("gap", "words"),
    [(3.0, "a few hours ago"), (24.0, "yesterday"), (50.0, "2 days ago"), (500.0, "3 weeks ago")],
)
def test_a_gap_is_said_in_words(gap: float, words: str) -> None:
    past = past_of([friends()], gap, EN.speech, REBUFFS)
    assert f"The last one was {words}." in systems_of(a_scene(past), EN)["user"]


# --- what may not happen


def fault(text: str, past: Past, role: Any = "user", earlier: Sequence[Message] = ()) -> str | None:
    scene = a_scene(past)
    before = earlier or [Message("assistant", "The rain again.", "Ottoline")]
    found = scene.fault(before, Message(role, text, "x"), EN)
    return found and found.rule


PAST = past_of(
    [
        a_sitting(
            [
                "I live in Leeds, over a bakery",
                "I work as a sign painter, so I notice letters.",
                "my boss is called Denise and my dog Biscuit hates her",
                "My husband Aldo never paints anything.",
            ],
            (),
            "open",
        )
    ],
    5.0,
    EN.speech,
    REBUFFS,
)
# Wordings that are not lines of the list.
INTRODUCED = [
    "Oh hello! It's so nice to meet you at last.",
    "well, pleased to meet you I suppose",
    "I don't believe we've met, have we?",
    "sorry, what's your name again?",
    "Allow me to introduce myself properly.",
    "hi there, my name is Tom and I drive a van",
    "It was a pleasure to meet you, whoever you are.",
    "And may I ask your name?",
    "hey, great to meet you!! finally somebody awake",
    "We haven't met, but I liked your picture.",
]
OF_TOM = [
    "i'm 46 and still eat cereal for dinner",
    "Honestly, I am 52 years old and I can't park.",
    "I just turned 40, and nobody rang",
    "you know i'm only 23, right",
    "I live in Bristol now that you ask",
    "here in Cardiff it never stops",
    "I work as a dentist so i see worse",
    "my boss Gerald would faint",
    "my dog, Rufus, ate it",
    "I'm a 60 year old man with a bike",
]
OF_OTTO = [
    "You're 25, what would you know about rain.",
    "I work as a nurse, I have seen worse.",
    "My husband Piotr would laugh.",
    "You live in Oslo, of course it rains.",
    "At 71, I have stopped counting coats.",
    "I'm working as a tax adviser these days, so numbers bore me.",
    "I am 29 years old and I own three ladders.",
    "I am nearly 60, and the ladder knows.",
]
SOUND = [
    "i'm 31, i can do what i want",
    "I'm 32 next week and nobody knows",
    "i'm 20 minutes late because of the rain",
    "it was nice, the thing you said about letters",
    "I live in a flat with one window",
    "living in Leeds has its good days",
    "work was long, the van broke down near Hull",
    "my boss Denise is back from holiday",
    "biscuit sends regards, my dog has manners",
    "I'm 5 stops away and the heating is off",
    "who was that man you met in the queue",
    "what was the name of that film",
    "we met at the wrong time, you and coffee",
    "I moved to Bristol in the end, did I say",
    "you're one in a million, you know",
    "I was 19 when that song came out",
]


def test_planted_faults_are_found_and_clean_messages_are_not() -> None:
    assert [text for text in INTRODUCED if fault(text, PAST) != "talk.introduction"] == []
    missed = [text for text in OF_TOM if fault(text, PAST) != "talk.contradiction"]
    talked = [Message("user", "hm, rain again", "Tom")]
    missed += [
        text for text in OF_OTTO if fault(text, PAST, "assistant", talked) != "talk.contradiction"
    ]
    assert len(missed) <= 0.1 * len(OF_TOM + OF_OTTO), missed
    assert [text for text in SOUND if fault(text, PAST)] == []


FORGOTTEN = [
    "the rain never stops here",
    "my van is making that noise again",
    "nothing new, work and telly, and you",
    "saw a heron by the canal today, enormous",
    "i had soup three days in a row",
    "guess who lost her keys on the tram",
    "you were right about the film by the way",
    "can't sleep, the neighbours are at it",
    "so the doctor says it's only a sprain",
    "it's been one of those weeks with everybody ill",
]
KEPT = [
    "friday then, and i found the blue tin under the sink",
    "about that stencil and the tin: i'm bringing both",
    "I couldn't make it, the van died on the ring road",
    "the tin's blue alright but i forgot the lid",
    "sorry, it fell through, my sister came",
    "evening on friday suits me, tin packed",
]


def test_a_promise_is_taken_up_or_explained_and_a_forgotten_one_is_found() -> None:
    past = past_of([friends()], 30.0, EN.speech, REBUFFS)
    assert [text for text in FORGOTTEN if fault(text, past) != "talk.promise"] == []
    assert [text for text in KEPT if fault(text, past)] == []
    late = [Message("assistant", "The rain.", "O"), Message("user", KEPT[0], "Tom")]
    assert fault("Good. Wipe your feet.", past, "assistant", late) is None


def test_people_who_meet_for_the_first_time_may_say_so_but_not_be_of_two_ages() -> None:
    scene = a_scene(None)
    talked = [Message("assistant", "The rain again.", "Ottoline")]
    assert scene.fault(talked, Message("user", "nice to meet you, anyway", "Tom"), EN) is None
    found = scene.fault(talked, Message("user", "i'm 46 and cold", "Tom"), EN)
    assert found
    assert (found.rule, found.evidence) == ("talk.contradiction", "age: 46, and 31 before")


PERSONAS = SHARED / "xpersona" / "En_persona_valid.json.gz"


def persona_talks() -> Iterator[list[Message]]:
    for talk in json.loads(gzip.decompress(PERSONAS.read_bytes())):
        talked = []
        for one, other in talk["dialogue"]:
            talked += [Message("user", one), Message("assistant", other)]
        yield [message for message in talked if message.content != "__SILENCE__"]


@pytest.mark.skipif(not PERSONAS.exists(), reason="XPersona is not here")
def test_people_hardly_ever_contradict_what_they_said() -> None:
    """Strangers who say much of themselves. In all 1,000 talks, 13,632 messages, there is no alarm;
    here are the first 100."""
    alarms = messages = facts = 0
    for talked in islice(persona_talks(), 100):
        for index, message in enumerate(talked):
            facts += len(list(facts_in(message, index, EN.speech)))
            alarms += recall_fault(talked[:index], message, [], None, None, EN.speech) is not None
            messages += 1
    assert facts > 3
    assert alarms <= 0.0005 * messages


def test_a_chain_that_was_stopped_ends_in_the_same_rows(tmp_path: Path) -> None:
    """The budget stops a run within a chain; the next one goes on and asks nothing twice."""

    async def rows(most: int | None) -> tuple[list[Any], llm.Usage]:
        budget = BudgetSettings(max_tokens=most)
        calls = tmp_path / "calls.sqlite"
        async with Client(REHEARSAL, calls, budget, {}, 7, rehearsal.answer) as client:
            settings = GenerateSettings(**WANTED)
            return [row async for row in work(settings, client, 7)], client.usage

    whole, usage = generate(tmp_path / "whole.sqlite", **WANTED)
    with pytest.raises(llm.StopRun, match="budget"):
        llm.run(rows(100_000))
    again, later = llm.run(rows(None))
    assert again == whole
    assert later.cached > 0
    assert later.calls == usage.calls
    assert later.requests < usage.requests


@pytest.mark.parametrize("language", prompts.known())
def test_the_stand_in_keeps_a_promise_in_every_language(language: str) -> None:
    """In talks and scripts, whoever has to."""
    wording = prompts.load(language)
    past = past_of([friends()], 30.0, EN.speech, REBUFFS)
    scene = a_scene(past)
    for seed in range(5):
        system = systems_of(scene, wording)["user"]
        before = [Message("assistant", "…", "Ottoline")]
        chat = [{"role": "system", "content": system}]
        chat.append({"role": "user", "content": note(scene, before, wording)})
        told = rehearsal.flawless({"messages": chat, "seed": seed})
        script = [{"role": "user", "content": script_prompt(scene, wording)}]
        written = rehearsal.flawless({"messages": script, "seed": seed})
        for answer in (told, written):
            assert PROMISE in json.dumps(answer, ensure_ascii=False)


def test_a_later_sitting_is_paced_from_where_the_two_are() -> None:
    """What would be a step between strangers is none between people who are close."""
    warm = Annotation("close", "hold", closeness=0.4, by="plan")
    talked = (Message("assistant", "The rain again."), Message("user", "I like that a lot."))
    row = Conversation("", talked, Source("generated", "", ""), annotations=(warm, warm))
    again = replace(row, relationship=Relationship("x", 2, 20.0))
    steps = [found.measures["steps"] for found in measure([row, again], ScoreSettings())]
    assert steps == [1, 0]
    for found in measure([again], ScoreSettings()):
        assert [one.by for one in found.annotations] == ["plan", "plan"]
