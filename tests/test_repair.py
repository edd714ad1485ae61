"""What can be repaired is repaired and noted in `edits`; what only looks broken stays as it is."""

from __future__ import annotations

import string
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.conversation import Annotation, Conversation, Message, Persona, Role, Source, Step
from pipeline.filter.repair import repair_shape, repair_texts
from pipeline.filter.repair.characters import tidy
from pipeline.filter.repair.markup import strip_markup
from pipeline.pacing import STAGES
from pipeline.recipe.filter import RepairSettings

ALL = RepairSettings()
NONE = RepairSettings(
    **dict.fromkeys([n for n in RepairSettings.model_fields if n != "least"], False)
)


def row(
    *said: tuple[str, str] | tuple[str, str, str], persona: Persona | None = None
) -> Conversation:
    return Conversation("x", tuple(Message(*s) for s in said), Source("file", "t", "t#1"), persona)  # type: ignore[arg-type]


def talk(*turns: str) -> Conversation:
    return row(*(("assistant" if i % 2 else "user", text) for i, text in enumerate(turns)))


def contents(conversation: Conversation) -> list[str]:
    return [m.content for m in conversation.messages]


@pytest.mark.parametrize(
    ("broken", "whole"),
    [
        ("Thatâ€™s cafÃ© talk.", "That’s café talk."),
        ("Hi, IÃ¢â‚¬â„¢m Sarah.", "Hi, I’m Sarah."),
        ("<p>It isn't.<br/>Really.</p>", "It isn't.\nReally."),
        ("Yes,&nbsp;back in 2007 &amp; 2008.", "Yes, back in 2007 & 2008."),
        ('See <a href="x.html">this</a>, it is <b class=k>bold</b>.', "See this, it is bold."),
        ("Hi<!-- not seen --> there<script>x();</script>.", "Hi there."),
        ("too   many \t blanks \n here", "too many blanks\nhere"),
        ("soft\u00adhyphen\u200b", "softhyphen"),
        ("User: Hello there.", "Hello there."),
        ("**Assistant:** Hello there.", "Hello there."),
        ("What did you think?\nUser:", "What did you think?"),
    ],
)
def test_a_message_is_repaired_and_the_edit_is_noted(broken: str, whole: str) -> None:
    repaired = repair_texts(talk("Hello!", broken), ALL)
    assert contents(repaired) == ["Hello!", whole]
    assert repaired.edits
    assert all("message 1" in edit for edit in repaired.edits)


@pytest.mark.parametrize(
    "text",
    [
        "I <3 you all!",
        "If x < 3 and y > 2 then fine.",
        "AT&T called me again.",
        "We ate tarte flambée and crème brûlée.",
        "Being human: that's hard.",
        "Model: T480",
        "Fill this in.\nModel:",
        "Ça va? Ñandú, Ångström, Łódź.",
        "你好：今天好吗？",
        "I <s>see</s> saw it.",
        "Try this:\n```html\n  <b>bold</b>\n```",
        "“Quoted” – and so on…",
        "👩‍🚀 waves",
    ],
)
def test_what_is_not_broken_stays(text: str) -> None:
    whole = talk("Hello!", text)
    assert repair_texts(whole, ALL) is whole


def test_names_of_the_card_are_labels_and_a_heading_used_twice_is() -> None:
    carded = repair_texts(
        row(("user", "Hi."), ("assistant", "Mara: Come in."), persona=Persona(name="Mara")), ALL
    )
    assert contents(carded)[1] == "Come in."
    headed = repair_texts(talk("Anna: Hi.", "Ben: Hello.", "Anna: Tea?", "Ben: Yes."), ALL)
    assert contents(headed) == ["Hi.", "Hello.", "Tea?", "Yes."]


def test_a_label_that_is_an_ordinary_word_opens_two_messages() -> None:
    spoken = repair_texts(talk("Customer: Hi.", "Hello.", "Customer: Is it open?", "Yes."), ALL)
    assert contents(spoken) == ["Hi.", "Hello.", "Is it open?", "Yes."]


def test_empty_messages_go_and_their_neighbours_merge() -> None:
    repaired = repair_shape(repair_texts(talk("Hi.", "\u00a0", "Anyone?", "Yes."), ALL), ALL)
    assert contents(repaired) == ["Hi.\nAnyone?", "Yes."]
    assert repaired.edits[-2:] == (
        "filter: removed empty message 1",
        "filter: merged messages 0 to 1 of one speaker",
    )


def test_the_system_message_stays_apart() -> None:
    repaired = repair_shape(
        row(("system", "Be kind."), ("assistant", "Hi."), ("assistant", "You?"), ("user", "Me.")),
        ALL,
    )
    assert [(m.role, m.content) for m in repaired.messages] == [
        ("system", "Be kind."),
        ("assistant", "Hi.\nYou?"),
    ]


def test_a_play_is_cut_to_its_longest_stretch_between_two() -> None:
    names = ["Nina", "Boris", "Masha", *["Nina", "Boris"] * 4, "Masha"]
    play = row(*(("user", f"Line {i}.", name) for i, name in enumerate(names)))
    repaired = repair_shape(play, ALL)
    assert repaired.edits == (
        "filter: kept messages 3 to 10 of 12, the longest stretch between two speakers",
    )
    assert [(m.role, m.name) for m in repaired.messages[:2]] == [
        ("user", "Nina"),
        ("assistant", "Boris"),
    ]
    assert len(repaired.messages) == 8


def test_a_play_without_such_a_stretch_stays_whole() -> None:
    play = row(*(("user", f"Line {i}.", "ABC"[i % 3]) for i in range(12)))
    assert {m.name for m in repair_shape(play, ALL).messages} == {"A", "B", "C"}


def test_an_unanswered_last_message_of_the_user_goes() -> None:
    repaired = repair_shape(talk("Hi.", "Hello.", "Are you there?"), ALL)
    assert contents(repaired) == ["Hi.", "Hello."]
    assert repaired.edits == ("filter: trimmed unanswered message 2",)


def test_a_tail_that_breaks_off_is_cut() -> None:
    repaired = repair_shape(talk("Hi.", "Hello.", "How was it?", "I went to the"), ALL)
    assert contents(repaired) == ["Hi.", "Hello."]


@pytest.mark.parametrize(
    "last", ["Жаль((", "Мне так грустно(", "I got an A", "let's go with plan b", "Yes they're"]
)
def test_a_good_last_reply_stays(last: str) -> None:
    assert contents(repair_shape(talk("Hi.", "Hello.", "How was it?", last), ALL))[-1] == last


def test_every_repair_can_be_switched_off() -> None:
    broken = talk("User: Hi.", "", "<p>caf\u00c3\u00a9</p>  x", "I went to the", "Bye.")
    assert repair_shape(repair_texts(broken, NONE), NONE) is broken


messages = st.lists(
    st.tuples(
        st.sampled_from(["user", "assistant"]),
        st.text(st.characters(exclude_categories=["Cs"]), max_size=40),
    ),
    max_size=8,
)


@given(messages)
def test_repairing_twice_changes_nothing_more(said: list[tuple[str, str]]) -> None:
    once = repair_shape(repair_texts(row(*said), ALL), ALL)
    assert [a.role != b.role for a, b in zip(once.messages, once.messages[1:], strict=False)].count(
        False
    ) == 0
    again = repair_shape(once, RepairSettings(tail=False, trim=False))
    assert again.messages == once.messages


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=80))
def test_tidying_is_final_and_loses_no_letter(text: str) -> None:
    tidied = tidy(text)
    assert tidy(tidied) == tidied
    assert strip_markup(text).count("é") >= text.count("é")


# --- annotations: one for each message, whatever becomes of the messages

DECISIONS: tuple[Step, ...] = ("hold", "closer", "back")
SPEAKERS = st.sampled_from(["user", "assistant", "system"])
SAID = st.tuples(SPEAKERS, st.booleans(), st.sampled_from(STAGES), st.sampled_from(DECISIONS))


@given(said=st.lists(SAID, max_size=9))
@settings(deadline=None)
def test_stage_and_decision_stay_with_their_message_when_others_are_cut_or_merged(
    said: list[tuple[Role, bool, str, Step]],
) -> None:
    """Each message that is not empty carries a letter of its own; after all repairs an annotation
    says what belongs to the letters in its message."""
    messages = tuple(
        Message(role, is_said * f"It is {letter}.")
        for letter, (role, is_said, _, _) in zip(string.ascii_uppercase, said, strict=False)
    )
    annotations = tuple(Annotation(stage, decision) for *_, stage, decision in said)
    given_row = replace(talk(), messages=messages, annotations=annotations)
    repaired = repair_shape(repair_texts(given_row, ALL), ALL)
    assert len(repaired.annotations) == len(repaired.messages)
    for message, found in zip(repaired.messages, repaired.annotations, strict=True):
        own = [
            annotation
            for annotation, letter in zip(annotations, string.ascii_uppercase, strict=False)
            if f"It is {letter}." in message.content
        ]
        decisions = {annotation.decision for annotation in own}
        assert found.stage == own[-1].stage
        assert found.decision == next(one for one in ("closer", "back", "hold") if one in decisions)


def test_a_row_without_annotations_gets_none_by_a_repair() -> None:
    merged = repair_shape(row(("user", "Tea?"), ("user", "Or not."), ("assistant", "Tea.")), ALL)
    assert (contents(merged), merged.annotations) == (["Tea?\nOr not.", "Tea."], ())


def test_what_else_is_known_of_a_merged_message_is_what_was_known_of_its_first_part() -> None:
    said = row(("user", "Tea?"), ("user", "Or not."), ("assistant", "Tea."))
    annotations = (Annotation(emotion="joy"), Annotation(closeness=0.5), Annotation("casual"))
    merged = repair_shape(replace(said, annotations=annotations), ALL)
    assert merged.annotations == (Annotation(emotion="joy"), Annotation("casual"))
