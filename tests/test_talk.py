"""Two sides of one talk, and its course."""

from __future__ import annotations

import random
import statistics
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline import UserError, llm
from pipeline.conversation import Annotation, Conversation, Message, Source
from pipeline.formats.cards import Character
from pipeline.generate import choice, personas, plan, prompts, slots, talk
from pipeline.generate.candidates import User
from pipeline.generate.check import first_fault, underage
from pipeline.generate.context import GenerateContext
from pipeline.generate.plan import Plan, Side, annotations_of, draw, moves, side_at
from pipeline.generate.scene import Scene, note, opening, script_prompt, systems_of
from pipeline.generate.talk import view
from pipeline.llm import Answer, CallFailed
from pipeline.pacing import EARLIEST, PAUSE, STAGES
from pipeline.pacing.course import Said, course
from pipeline.pacing.uptake import rebuffs, takes_up
from pipeline.recipe.generate import GenerateSettings
from pipeline.score.rate import scores

EN = prompts.load("en")
REBUFFS = rebuffs("en")
OTTO = Character(
    "Ottoline",
    "Ottoline, 44, paints signs for {{user}}.",
    "Mind the paint, {{user}}.",
    topics=("lead",),
)
TOM = User("Tom", 31, "Tom drives a van.", "short, no capitals")
ROLES = st.sampled_from(["user", "assistant"])
TEXTS = st.text(min_size=1)
SIDES: tuple[Side, ...] = ("user", "assistant")


def messages(opener: Side, texts: Sequence[str]) -> list[Message]:
    return [Message(side_at(opener, i), text) for i, text in enumerate(texts)]


def a_plan(turns: int = 12, opener: Side = "assistant", steps: tuple[int, ...] = (3, 7)) -> Plan:
    return Plan(turns, opener, steps, "friendship", "warm", (10,) * turns, (False,) * turns)


def a_scene(**changes: Any) -> Scene:
    made = a_plan(**changes)
    return Scene(OTTO, TOM, "{{user}} wants a sign.", "lead", OTTO.greeting, made, 0)


@given(opener=ROLES, texts=st.lists(TEXTS, max_size=12))
def test_whose_turn_it_is_answers_the_other_and_nothing_said_is_lost(
    opener: Side, texts: list[str]
) -> None:
    talked = messages(opener, texts)
    side: Any = side_at(opener, len(texts))
    chat = view(talked, side, "SYSTEM", "BEGIN", "NOTE")
    roles = [sent["role"] for sent in chat]
    assert roles == ["system", *(["user", "assistant"] * len(chat))[: len(chat) - 1]]
    assert roles[-1] == "user"  # nobody answers himself
    assert chat[-1]["content"].endswith("\n\nNOTE")
    seen = [sent["content"].removesuffix("\n\nNOTE") for sent in chat[1:]]
    begins = not talked or talked[0].role == side
    assert seen == (["BEGIN"] if begins else []) + texts
    mine = [sent["content"] for sent in chat if sent["role"] == "assistant"]
    assert mine == [message.content for message in talked if message.role == side]


@given(opener=ROLES, texts=st.lists(TEXTS, min_size=1, max_size=8))
def test_the_two_views_are_mirror_images(opener: Side, texts: list[str]) -> None:
    talked = [*messages(opener, texts), Message(side_at(opener, len(texts)), "END")]  # the note's
    views = [view(talked, side, "S", "B", "N")[-len(texts) - 1 : -1] for side in SIDES]
    one, other = ([sent["role"] for sent in chat] for chat in views)
    assert one == [{"user": "assistant", "assistant": "user"}[role] for role in other]


def test_the_greeting_comes_first_word_for_word() -> None:
    assert opening(a_scene()) == [Message("assistant", "Mind the paint, Tom.", "Ottoline")]
    assert opening(a_scene(opener="user")) == []


def test_the_user_side_never_sees_the_card() -> None:
    systems = systems_of(a_scene(), EN)
    assert "paints signs for Tom" in systems["assistant"]
    assert "paints signs" not in systems["user"]
    assert "drives a van" not in systems["assistant"]
    assert "Tom wants a sign." in systems["user"]


def test_the_character_sees_how_it_talked_before() -> None:
    """The user's messages are marked with -, its own with >."""
    dialogue = (Message("user", "Is it wet?"), Message("assistant", "Touch it, {{user}}."))
    scene = replace(a_scene(), character=replace(OTTO, example_dialogue=dialogue))
    assert "\n- Is it wet?\n> Touch it, Tom.\n" in systems_of(scene, EN)["assistant"]
    assert "\n-\n" in systems_of(a_scene(), EN)["assistant"]


def test_a_cards_own_scenario_is_for_the_character_alone() -> None:
    scene = replace(
        a_scene(),
        character=replace(OTTO, origin="card"),
        situation="{{char}} secretly loves {{user}}.",
    )
    systems = systems_of(scene, EN)
    assert "Ottoline secretly loves Tom." in systems["assistant"]
    assert "secretly" not in systems["user"]
    assert EN.direction("as greeted") in systems["user"]


@given(seed=st.integers(), low=st.integers(2, 8), more=st.integers(0, 25))
def test_a_plan_keeps_to_the_settings(seed: int, low: int, more: int) -> None:
    settings = GenerateSettings(turns=(low, low + more))
    made = draw(settings, random.Random(seed), "assistant")
    assert low <= made.turns <= low + more
    assert len(made.words) == len(made.careless) == made.turns
    assert list(made.steps) == sorted(made.steps)
    assert all(1 <= words <= plan.LONGEST for words in made.words)
    assert side_at("assistant", made.turns - 1) == "assistant" or more == 0
    assert made == draw(settings, random.Random(seed), "assistant")


def test_message_lengths_vary_as_the_recipe_says_and_endings_differ() -> None:
    plans = [draw(GenerateSettings(), random.Random(n), "assistant") for n in range(400)]
    words = [w for p in plans for w in p.words[1::2]]
    assert 0.7 < statistics.stdev(words) / statistics.mean(words) < 1.0
    assert 10 <= statistics.median(words) <= 14
    assert {p.ending for p in plans} == set(plan.ENDINGS)
    assert all(len(p.steps) == 2 for p in plans if p.ending == "friendship")


@pytest.mark.parametrize("most", [24, 30, 36])
def test_the_longest_talk_decides_which_endings_there_are_and_nothing_else(most: int) -> None:
    """Wherever the longest talk has time for all endings, they come as often as they shall, and so
    do the stages before them."""
    plans = [draw(GenerateSettings(turns=(6, most)), random.Random(n), "user") for n in range(3000)]
    for name, ending in plan.ENDINGS.items():
        drawn = [p for p in plans if p.ending == name]
        assert len(drawn) / 3000 == pytest.approx(ending.share, abs=0.03)
        reached = statistics.mean(len(p.steps) for p in drawn)
        assert reached == pytest.approx(statistics.mean(ending.stages), abs=0.12)
    short = [draw(GenerateSettings(turns=(6, 20)), random.Random(n), "user") for n in range(400)]
    assert {p.ending for p in short} == {"open", "leave", "no"}
    assert max(len(p.steps) for p in short) == 1


ANSWERS = st.lists(
    st.sampled_from(["no", "sure", "I like that a lot, honestly", "rather not", "why?"]),
    max_size=30,
)


@given(answers=ANSWERS, opener=ROLES)
def test_one_step_at_a_time_and_only_after_the_last_was_taken_up(
    answers: list[str], opener: Side
) -> None:
    talked, made = messages(opener, answers), a_plan(40, opener)
    course = moves(talked, made, REBUFFS)
    assert len(course) == len(talked) + 1
    level = 0
    for index, (stage, move) in enumerate(course[: len(talked)]):
        if move == "step":
            assert stage == level
            assert index >= made.steps[level]
            assert course[index + 1][1] == "answer"
        elif move == "answer" and takes_up(talked[index].content, REBUFFS):
            level += 1
            assert stage == level
        else:
            assert stage == level


def test_a_step_that_is_not_taken_up_is_tried_again_later() -> None:
    texts = (
        ["Well, that is a long day for anybody."] * 4
        + ["rather not say that today"]
        + ["It was a good one though."] * 12
    )
    talked = messages("assistant", texts)
    course = moves(talked, a_plan(20, steps=(3,)), REBUFFS)
    steps = [index for index, position in enumerate(course) if position.move == "step"]
    assert steps == [3, 3 + PAUSE]
    assert [stage for stage, _ in course] == [0] * 12 + [1] * 6


def test_what_the_plan_says_of_every_message_is_its_annotation() -> None:
    """One steps at message 8, the other turns away at 9; a step at 16 is taken up."""
    texts = [TAKEN] * 9 + [TURNED] + [TAKEN] * 10
    found = annotations_of(messages("assistant", texts), a_plan(24, steps=(8,)), REBUFFS)
    assert [one.stage for one in found] == ["ice-breaker"] * 17 + ["casual"] * 3
    decisions = ["hold"] * 20
    decisions[8], decisions[10], decisions[16] = "closer", "back", "closer"
    assert [one.decision for one in found] == decisions
    assert {one.by for one in found} == {"plan"}
    user = annotations_of(messages("user", texts), a_plan(24, "user", steps=(8,)), REBUFFS)
    assert user == found  # whoever steps
    assert annotations_of([], a_plan(), REBUFFS) == ()


CLOSENESS = (-0.4, 0.1, 0.5)  # of a message at each stage


def as_said(found: Sequence[Annotation], talked: Sequence[Message]) -> list[Said]:
    """A talk that does what its plan says: a step is as close as the next stage."""
    said = []
    for index, one in enumerate(found):
        stage = STAGES.index(one.stage or "") + (one.decision == "closer")
        answers = index > 0 and found[index - 1].decision == "closer"
        taken = takes_up(talked[index].content, REBUFFS) or not answers
        said.append(Said(talked[index].role, CLOSENESS[stage], uptake=1.0 if taken else -1.0))
    return said


@pytest.mark.parametrize("begun", [0, 1, 2])
def test_a_planned_talk_is_never_rushed(begun: int) -> None:
    """1,000 plans for each stage at which two people may meet, a third of the steps turned away."""
    verdicts = []
    for number in range(1000):
        rng = random.Random(number)
        opener = rng.choice(SIDES)
        made = draw(GenerateSettings(turns=(6, 36)), rng, opener, begun)
        texts = rng.choices([TAKEN, TAKEN, TURNED], k=made.turns)
        talked = messages(opener, texts)
        found = annotations_of(talked, made, REBUFFS)
        followed = course(as_said(found, talked), STAGES[begun])
        assert followed.jumps == followed.pressed == []
        measured = {"rush": followed.rush or 0.0, "steps": float(len(followed.steps))}
        row = Conversation("", tuple(talked), Source("generated", "", ""), measures=measured)
        score = next(score for score in scores(row) if score.criterion == "pacing")
        verdicts.append(score.value or 0)
    assert min(verdicts) > 2  # rushed


def drawn(seed: int, opener: Side, fewest: int, more: int) -> Plan:
    settings = GenerateSettings(turns=(fewest, fewest + more))
    return draw(settings, random.Random(seed), opener)


DRAWN = st.builds(drawn, st.integers(), ROLES, st.integers(2, 30), st.integers(0, 24))
TAKEN, TURNED = "I like that a lot, honestly", "rather not"


def cues(made: Plan, talked: Sequence[Message]) -> dict[int, str]:
    """The cue of each message of a talk, where it gets one."""
    given = {index: plan.cue_of(talked[:index], made, REBUFFS) for index in range(made.turns)}
    return {index: cue for index, cue in given.items() if cue}


@given(made=DRAWN, data=st.data())
def test_closeness_never_rises_fast(made: Plan, data: st.DataObject) -> None:
    answers = data.draw(
        st.lists(st.sampled_from([TAKEN, TURNED]), min_size=made.turns, max_size=made.turns)
    )
    course = moves(messages(made.opener, answers), made, REBUFFS)[: made.turns]
    stages = [position.stage for position in course]
    steps = [index for index, position in enumerate(course) if position.move == "step"]
    for stage, first in enumerate(EARLIEST, 1):
        assert stage not in stages[: first + 1]
    assert all(later - earlier >= PAUSE for earlier, later in pairwise(steps))
    assert all(b - a <= 1 for a, b in pairwise(stages))
    assert all(course[index + 1].move == "answer" for index in steps)
    answered = {index + 1 for index in steps}
    assert not set(cues(made, messages(made.opener, answers))) & {*steps, *answered}


@given(made=DRAWN, answer=st.sampled_from([TAKEN, TURNED]))
def test_the_end_comes_once_and_from_the_right_side(made: Plan, answer: str) -> None:
    talked = messages(made.opener, [answer] * made.turns)
    ending, given_out = plan.ending_of(talked, made, REBUFFS), cues(made, talked)
    assert len(set(given_out.values())) == len(given_out)
    assert list(given_out) == list(range(made.turns))[-len(given_out) :]
    sides = {cue: side_at(made.opener, i) for i, cue in given_out.items()}
    assert {sides.get(cue, "user") for cue in ("ask", "accept", "drop off")} == {"user"}
    assert sides.get("decline", "assistant") == "assistant"
    if made.turns > 2:
        assert list(given_out.values()) == list(plan.ENDINGS[ending].cues)[: len(given_out)]
    if made.ending in ("friendship", "no"):
        assert ending == (made.ending if answer == TAKEN else "open")


@pytest.mark.parametrize(
    ("opener", "ending", "last"),
    [
        ("assistant", "no", ["ask", "decline", "accept"]),  # 12 messages: the user has the last
        ("user", "no", ["ask", "decline", "accept", "bye"]),
        ("assistant", "leave", ["drop off"]),
        ("user", "leave", ["drop off", "bye"]),
        ("assistant", "open", ["go", "bye"]),
        ("user", "friendship", ["propose", "agree"]),
    ],
)
def test_the_last_messages_get_the_cues_of_the_ending(
    opener: Side, ending: str, last: list[str]
) -> None:
    made = replace(a_plan(16, opener, (2, 7)), ending=ending)
    given = cues(made, messages(opener, [TAKEN] * 16))
    assert given == dict(zip(range(16 - len(last), 16), last, strict=True))


def test_no_step_is_tried_when_the_end_is_near() -> None:
    """Of 12 messages the last two say goodbye; a step at 8 is answered at 9."""
    for first, steps in ((8, 1), (9, 0)):
        course = moves(messages("assistant", [TAKEN] * 12), a_plan(12, steps=(first,)), REBUFFS)
        assert [position.move for position in course].count("step") == steps


def test_a_friendship_that_nobody_took_up_ends_openly() -> None:
    scene, texts = a_scene(turns=16, steps=(3, 10)), ["Mind the paint, Tom.", *[TURNED] * 15]
    late = note(scene, messages("assistant", texts[:14]), EN)
    assert EN.direction("cue go") in late
    assert EN.direction("cue propose") not in late
    friends = note(scene, messages("assistant", [texts[0], *[TAKEN] * 13]), EN)
    assert EN.direction("cue propose") in friends


def test_a_step_is_never_to_be_taken_in_a_word_or_two() -> None:
    scene = a_scene(turns=12, steps=(3,))
    scene = replace(scene, plan=replace(scene.plan, words=(2,) * 12))
    texts = [TAKEN] * 12
    assert "One to four words" in note(scene, messages("assistant", texts[:2]), EN)
    assert "About 12 words" in note(scene, messages("assistant", texts[:3]), EN)


def test_a_goodbye_is_short() -> None:
    scene = a_scene(turns=12, steps=())
    scene = replace(scene, plan=replace(scene.plan, words=(90,) * 12, ending="open"))
    assert "About 12 words" in note(scene, messages("assistant", [TAKEN] * 11), EN)
    assert "About 90 words" in note(scene, messages("assistant", [TAKEN] * 9), EN)


def test_a_note_names_step_answer_and_how_to_begin() -> None:
    scene = a_scene(turns=8, steps=(2,))
    texts = [
        "Mind the paint, Tom.",
        "which paint",
        "The red one, it never dries.",
        "haha I know that one too",
    ]
    assert "an opinion or a small story" in note(scene, messages("assistant", texts[:2]), EN)
    assert "come a little closer" in note(scene, messages("assistant", texts[:3]), EN)
    assert "You have warmed up" in note(scene, messages("assistant", texts[:4]), EN)
    rebuffed = note(scene, messages("assistant", [*texts[:3], TURNED]), EN)
    assert "did not take up your last step" in rebuffed
    assert "still a little careful" in rebuffed
    assert "no hello" in note(scene, [], EN)
    assert "no hello" not in note(scene, messages("assistant", texts[:1]), EN)


class Stub:
    """Answers from a list; an Exception in it is raised."""

    def __init__(self, answers: list[str | Exception]):
        self.answers = answers
        self.asked: list[dict[str, Any]] = []

    async def ask(self, model: str, messages: list[dict[str, str]], **more: Any) -> Answer:
        self.asked.append({"model": model, "messages": messages, **more})
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return Answer(answer, None, "stop", 10, 5, 0.001, False, model)


def in_turns(answers: list[str | Exception], **changes: Any) -> tuple[talk.TalkResult, Stub]:
    """A talk message by message."""
    stub, settings = Stub(answers), GenerateSettings(turns=(4, 30), character="c", user="u")
    context = GenerateContext(stub, settings, EN, 7)  # type: ignore[arg-type]
    return llm.run(talk.talk(a_scene(**changes), context)), stub


def test_a_bad_message_is_asked_again_with_the_reason() -> None:
    result, stub = in_turns(
        ["Tom: which paint", "which paint then", "Red. It never dries, you see."], turns=3
    )
    assert [message.content for message in result.messages][1:] == [
        "which paint then",
        "Red. It never dries, you see.",
    ]
    assert [fault.rule for fault in result.faults] == ["style.label"]
    assert "speaker's name in front" in stub.asked[1]["messages"][-1]["content"]
    assert [call["model"] for call in stub.asked] == ["u", "u", "c"]
    assert len({call["sample"] for call in stub.asked[:2]}) == 2


def test_each_side_has_its_name_and_its_model_in_the_result() -> None:
    result, stub = in_turns(["  which paint then ", "Red. It never dries, you see."], turns=3)
    assert [(message.role, message.name) for message in result.messages] == [
        ("assistant", "Ottoline"),
        ("user", "Tom"),
        ("assistant", "Ottoline"),
    ]
    assert result.messages[1].content == "which paint then"
    assert result.models == {"user": "u", "assistant": "c"}
    assert result.cut is None
    settings = GenerateSettings()
    for call in stub.asked:
        assert call["max_tokens"] == 400 + 6 * 10
        assert call["temperature"] == settings.temperature
        assert call["top_p"] == settings.top_p


def test_a_bad_try_stays_whole_beside_the_message_with_the_rule_it_broke() -> None:
    long = "Tom: which paint" + " and why" * 40
    result, _ = in_turns([long, "which paint then", "Red. It never dries, you see."], turns=3)
    assert [tuple(one) for one in result.tries] == [
        (1, long, "style.label", False),
        (1, "which paint then", "chosen", True),
    ]


def test_at_a_turning_point_several_are_asked_for_and_one_stands() -> None:
    """The last two of four messages say goodbye; the step before them is left out here."""
    stub = Stub(["which paint then", "have to run, bye", "Tom: bye", "right, I'm off", "Go well."])
    stub.answers += ["Mind the step, then."]
    settings = GenerateSettings(turns=(4, 30), candidates=2)
    context = GenerateContext(stub, settings, EN, 7)  # type: ignore[arg-type]
    scene = a_scene(turns=4, steps=())
    scene = replace(scene, plan=replace(scene.plan, ending="open"))
    result = llm.run(talk.talk(scene, context))
    assert len(result.messages) == 4
    assert Counter((one.message, one.reason) for one in result.tries) == Counter(
        {
            (2, "style.label"): 1,
            (2, "candidate"): 1,
            (2, "chosen"): 1,
            (3, "candidate"): 1,
            (3, "chosen"): 1,
        }
    )
    for one in result.tries:
        assert one.chosen == (one.reason == "chosen")
        assert one.chosen == (one.content == result.messages[one.message].content)
    assert len({(call["sample"], call["messages"][-1]["content"]) for call in stub.asked}) == 6


def test_the_candidate_that_rushes_less_is_chosen() -> None:
    before = messages("user", ["the bus was late again"])
    texts = ["I have loved you since the first word, never leave me.", "Mine too, by ten minutes."]
    good = [Message("assistant", text) for text in texts]
    assert choice.best(before, good, "en") == 1
    assert choice.best(before, good[::-1], "en") == 0
    assert choice.best(before, good[:1], "en") == 0
    assert choice.is_low("I cried all night, I feel so sad and lonely", "en")
    assert not choice.is_low("the bus was late again", "en")


def test_after_three_bad_messages_the_talk_is_cut_at_the_last_good_one() -> None:
    refusal = "I'm sorry, but I can't assist with that request."
    result, stub = in_turns(["which paint then", refusal, refusal, refusal], turns=9)
    assert len(result.messages) == 2
    assert result.cut
    assert result.cut.rule == "style.refusal"
    assert len(stub.asked) == 4


def test_a_failed_call_ends_the_talk_without_another_try() -> None:
    result, stub = in_turns([CallFailed("policy", "400: no")], turns=9)
    assert (len(result.messages), len(stub.asked)) == (1, 1)
    assert result.cut
    assert result.cut.rule == "call.policy"


class Writer:
    """Writes scripts from a list of lists of messages; an Exception in it is raised."""

    def __init__(self, answers: list[list[str] | Exception]):
        self.answers = answers
        self.asked: list[str] = []

    async def ask(self, model: str, messages: list[dict[str, str]], **more: Any) -> Answer:
        self.asked.append(messages[-1]["content"])
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        lines = [
            {"role": ("character", "user")[i % 2], "content": text} for i, text in enumerate(answer)
        ]
        return Answer("", {"messages": lines}, "stop", 10, 5, 0.001, False, model)


def written(answers: list[list[str] | Exception], turns: int) -> tuple[talk.TalkResult, Writer]:
    """A talk in one call."""
    writer, settings = Writer(answers), GenerateSettings(turns=(4, 30))
    context = GenerateContext(writer, settings, EN, 7)  # type: ignore[arg-type]
    return llm.run(talk.script(a_scene(turns=turns), context)), writer


LINES = [
    "Mind the paint, please.",
    "which paint",
    "The red one. It never dries in this weather.",
    "haha my van is that colour",
    "Then you know what I mean about the dust.",
    "what do you do on rainy days",
    "I draw letters at the kitchen table and drink too much tea.",
    "sounds alright to me",
]
REFUSAL = "I'm sorry, but I can't assist with that request."


def test_a_script_that_goes_on_and_on_is_cut_at_the_planned_length() -> None:
    result, writer = written([LINES * 8], 6)
    assert [message.content for message in result.messages] == ["Mind the paint, Tom.", *LINES[1:6]]
    assert result.cut
    assert (result.cut.message, result.cut.rule) == (6, "script.long")
    assert len(writer.asked) == 1


def test_the_longest_try_counts_with_the_fault_that_ended_it() -> None:
    result, writer = written([LINES[:1], [*LINES[:3], REFUSAL], [LINES[0], REFUSAL]], 6)
    assert len(result.messages) == 3
    assert result.cut
    assert (result.cut.message, result.cut.rule) == (3, "style.refusal")
    assert [(fault.message, fault.rule) for fault in result.faults] == [
        (1, "talk.short"),
        (3, "style.refusal"),
        (1, "style.refusal"),
    ]
    assert "too short" in writer.asked[1]
    assert "declined" in writer.asked[2]


def test_a_script_in_which_one_side_writes_twice_is_cut_there() -> None:
    made = a_scene(turns=6)
    answer: talk.Script = {
        "messages": [
            {"role": "character", "content": "Mind the paint, please."},
            {"role": "user", "content": " which paint "},
            {"role": "user", "content": "hello?"},
        ]
    }
    read, fault = talk.read_script(answer, made, EN)
    assert [message.content for message in read] == ["Mind the paint, Tom.", "which paint"]
    assert fault
    assert (fault.message, fault.rule) == (2, "script.alternation")


def test_a_script_of_exactly_the_planned_length_has_no_fault() -> None:
    result, writer = written([LINES[:6]], 6)
    assert (len(result.messages), result.cut, result.faults) == (6, None, [])
    assert len(writer.asked) == 1


def test_a_call_that_fails_after_a_usable_try_leaves_that_try_as_it_was() -> None:
    result, _ = written([[*LINES[:3], REFUSAL], CallFailed("timeout", "60 s")], 6)
    assert len(result.messages) == 3
    assert result.cut
    assert result.cut.rule == "style.refusal"
    assert result.faults[-1].rule == "call.timeout"


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("", "talk.empty"),
        ("...", "talk.empty"),
        ("I can't help with that.", "style.refusal"),
        ("As an AI language model, I have no feelings.", "style.assistant"),
        ("Ottoline: the red one", "style.label"),
        ("**Ottoline**: the red one", "style.label"),
        ("sure, [Note: about ten words]", "talk.note"),
        ("Did I tell you about the red paint?", "style.repetition"),
        ("My name is [your name] and I paint", "style.placeholder"),
        ("Ich weiß das leider auch nicht, aber wir können morgen fragen.", "language.foreign"),
        ("I'm fifteen and I like signs", "safety.minor"),
        ("Anna: The red one it is.", "style.label"),
        ("Fine: the red one it is.", None),
        ("the red one: it never dries, and I have tried", None),
        ("lol", None),
        ("No, go on then!", "style.repetition"),  # four words of the other side
        ("Fine by me!", None),  # three
        ("half a smile \ud83d", "talk.damaged"),
        ("I'm sorry, I can't help with the ladder today, my back hurts.", None),
    ],
)
def test_what_is_wrong_with_a_message(text: str, rule: str | None) -> None:
    before = [
        Message("assistant", "Did I tell you about the red paint?"),
        Message("user", "no, go on then"),
        Message("assistant", "Fine by me."),
    ]
    found = first_fault(before, Message("assistant", text, "Ottoline"), None, EN)
    assert (found.rule if found else None) == rule


def test_a_fault_names_the_message_and_quotes_its_beginning() -> None:
    text = "Anna: " + "The red one it is. " * 9
    found = first_fault(messages("user", ["hm"] * 3), Message("assistant", text), None, EN)
    assert found
    assert (found.message, found.rule, found.evidence) == (3, "style.label", text[:80])
    assert found.reason == "label"


@pytest.mark.parametrize("language", prompts.known())
def test_every_prompt_and_direction_can_be_filled(language: str) -> None:
    wording = prompts.load(language)
    assert wording.directions.keys() == prompts.load("en").directions.keys()
    for n in range(60):
        made = draw(
            GenerateSettings(turns=(4, 9)), random.Random(n), "assistant" if n % 2 else "user"
        )
        scene = Scene(OTTO, TOM, "A sign.", "lead", OTTO.greeting, made, 0)
        texts = ["Well, what a day that was for all of us."] * made.turns
        for length in range(made.turns):
            assert "$" not in note(scene, messages(made.opener, texts[:length]), wording)
        assert "$" not in "".join(systems_of(scene, wording).values()) + script_prompt(
            scene, wording
        )


def test_the_hash_of_a_prompt_changes_with_its_wording_and_with_the_directions() -> None:
    before = EN.hash("script")
    assert before == prompts.load("en").hash("script")
    assert before != EN.hash("talk-user")
    other = replace(EN, templates=EN.templates | {"users": "Invent nobody."})
    assert other.hash("script") == before
    assert replace(EN, templates=EN.templates | {"script": "Write."}).hash("script") != before
    assert replace(EN, directions=EN.directions | {"begin": "[Go.]"}).hash("script") != before


def test_a_prompt_with_an_unknown_name_says_where_and_what_is_known() -> None:
    wrong = replace(EN, directions=EN.directions | {"words": "About $wrods words."})
    with pytest.raises(UserError, match=r"directions-en\.md, words: 'wrods'\. Known here: words"):
        wrong.direction("words", words=3)


def test_the_attempts_of_all_slots_differ_in_sample_user_and_plan() -> None:
    settings = GenerateSettings(attempts=3)
    context = GenerateContext(Stub([]), settings, EN, 7)  # type: ignore[arg-type]
    people = personas.bundled("en")
    one = replace(people, characters=people.characters[:1])
    scenes = [
        slots.scene_of(slot, number, one, context)
        for slot in slots.all_slots(one, 4)
        for number in range(3)
    ]
    assert sorted(scene.sample for scene in scenes) == list(range(12))
    assert len({scene.plan for scene in scenes}) == 12
    for first in range(0, 12, 3):
        assert len({scene.user for scene in scenes[first : first + 3]}) == 3
    assert [scene.greeting for scene in scenes[:3]] == [one.characters[0].greeting] * 3
    assert [scene.greeting for scene in scenes[3:]] == [None] * 9
    assert {scene.plan.opener for scene in scenes[:3]} == {"assistant"}
    assert {scene.plan.opener for scene in scenes[3:]} == {"assistant", "user"}
    topics = one.characters[0].topics
    assert [scene.topic for scene in scenes[:3]] == [topics[0], topics[1], topics[2]]
    assert scenes[3].topic == topics[1]


@pytest.mark.parametrize(
    ("language", "text", "words"),
    [
        ("en", "Lily is a 16-year-old student from Leeds.", "16-year-old"),
        ("en", "Lily, 16, goes to school.", "Lily, 16"),
        ("en", "Age: 15. Likes cats.", "Age: 15"),
        ("en", "Lily is 15, and wise.", "is 15"),
        ("en", "She is a schoolgirl.", "schoolgirl"),
        ("en", "Bo, 44, has a 12-year-old son.", None),
        ("en", "Bo is 44 and has a 12 year old son.", None),
        ("en", "A bakery she has run for 12 years.", None),
        ("en", "It is 9 already, and the bread is out.", None),
        ("en", "At 9 in the evening the shop is closed.", None),
        ("en", "At 16, she lives above the shop.", "At 16"),
        ("en", "Sorry, 2 sugars, was it?", None),
        ("en", "Lily, 16 and bored, waits.", "Lily, 16"),
        ("en", "Lily, 17, works nights.", "Lily, 17"),
        ("en", "Lily, 18, works nights.", None),
        ("ru", "После 5 вечера дайте мне 2 минуты.", None),
        ("ru", "Лене 15 с половиной.", "Лене 15"),
        ("ru", "Мне 15, и что.", "Мне 15"),
        ("en", "A 300-year-old elf who teaches at a high school.", None),
        ("de", "Lena ist eine 16-jährige Bäckerin.", "16-jährig"),
        ("de", "Lena ist 15 Jahre alt.", "15 Jahre alt"),
        ("de", "Ihr Laden steht seit 12 Jahren.", None),
        ("fr", "Lise a 16 ans et chante.", "a 16 ans"),
        ("fr", "Depuis 12 ans elle vend du pain.", None),
        ("es", "Lola tiene 16 años.", "tiene 16 años"),
        ("es", "Lola tiene 61 años y un hijo de 12 años.", None),
        ("zh", "小莉今年16岁。", "16岁"),
        ("zh", "她是个高中生。", "高中生"),
        ("zh", "他61岁，开了12年店。", None),
        ("ru", "Лене 15 лет, она учится в школе.", "Лене 15"),
        ("ru", "Это 16-летняя девушка.", "16-летн"),
        ("ru", "Она старшеклассница.", "старшеклассница"),
        ("ru", "Зинаиде Львовне 66, и у неё есть внук, ему 12.", None),
        ("ru", "Работает здесь 12 лет.", None),
    ],
)
def test_nobody_under_18_is_invented(language: str, text: str, words: str | None) -> None:
    assert underage(text, prompts.load(language)) == words
