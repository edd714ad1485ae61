"""Alternatives go through repairs, rules, masks and gates as the message itself does."""

from __future__ import annotations

import string
from collections.abc import Iterator, Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline import filter as filtering
from pipeline import publish
from pipeline.collect.admit import Origin, admit
from pipeline.collect.shapes.transcript import Transcript, Turn
from pipeline.conversation import (
    Alternative,
    Annotation,
    Conversation,
    Drop,
    Finding,
    Message,
    Persona,
    Quarantine,
    Source,
)
from pipeline.filter.repair import repair_shape, repair_texts
from pipeline.recipe.filter import FilterSettings, RepairSettings
from pipeline.recipe.publish import PublishSettings
from pipeline.rules import RULES, alternatives
from pipeline.store.columns import from_table, to_table

ALL = RepairSettings()
GOOD = (
    "Hey, did you sleep at all after the storm last night?",
    "Barely. The shutters kept banging, so I made soup at three in the morning.",
    "Soup! You always cook when you cannot sleep.",
    "It is cheaper than a therapist, and the kitchen smells better. Do you want some?",
    "Only if you promise there is no celery in it this time.",
    "No celery. Scout's honour. Come by around six?",
)


def row(
    *others: tuple[int, str] | tuple[int, str, bool], texts: Sequence[str] = GOOD, **more: object
) -> Conversation:
    """A talk with alternatives: (message, content), and whether it is the chosen one."""
    messages = tuple(
        Message("assistant" if i % 2 else "user", text) for i, text in enumerate(texts)
    )
    made = tuple(Alternative(other[0], other[1], "swipe", len(other) > 2) for other in others)
    return Conversation("x", messages, Source("file", "t", "t#1"), alternatives=made, **more)


def contents(result: Conversation | Drop) -> list[tuple[int, str]]:
    assert isinstance(result, Conversation)
    return [(other.message, other.content) for other in result.alternatives]


def filtered(given_row: Conversation, **settings: object) -> Conversation | Drop:
    (result,) = filtering.work([given_row], FilterSettings.model_validate(settings))
    return result


def edits(result: Conversation | Drop) -> list[str]:
    assert isinstance(result, Conversation)
    return list(result.edits)


# --- repairs


@pytest.mark.parametrize(
    ("broken", "whole", "edit"),
    [
        ("ThatÃ¢â‚¬â„¢s cafÃ© talk.", "That’s café talk.", "repaired wrongly decoded text"),
        ("<p>It isn't.<br/>Really.</p>", "It isn't.\nReally.", "removed markup"),
        ("too   many \t blanks", "too many blanks", "tidied blanks and characters"),
        ("in front ", "in front", "tidied blanks and characters"),
        ("Assistant: Hello there.", "Hello there.", "removed speakers' labels"),
    ],
)
def test_the_same_repairs_are_made_and_noted(broken: str, whole: str, edit: str) -> None:
    repaired = repair_texts(row((3, "Fine."), (3, broken), (5, broken)), ALL)
    assert contents(repaired) == [(3, "Fine."), (3, whole), (5, whole)]
    assert edits(repaired)[0] == f"filter: {edit} in alternatives of messages 3, 5"
    assert repair_texts(repaired, ALL) is repaired
    assert [message.content for message in repaired.messages] == list(GOOD)


def test_empty_alternatives_are_removed() -> None:
    repaired = repair_texts(row((1, "Yes."), (1, " \u200b"), (3, "")), ALL)
    assert contents(repaired) == [(1, "Yes.")]
    assert edits(repaired)[-1] == "filter: removed empty alternatives of messages 1, 3"


def test_indexes_follow_and_those_of_removed_messages_are_removed() -> None:
    texts = [*GOOD[:2], "Hm?", "", *GOOD[4:], "Are you there?"]
    given_row = row((1, "Well."), (3, "Gone."), (5, "Yes."), (6, "Gone too."), texts=texts)
    shaped = repair_shape(repair_texts(given_row, ALL), ALL)
    # 3 was empty, 4 is merged into 2, the last one of the user is trimmed
    assert [message.role for message in shaped.messages] == ["user", "assistant"] * 2
    assert contents(shaped) == [(1, "Well."), (3, "Yes.")]


def test_a_part_that_is_merged_has_its_alternatives_with_the_others_around_it() -> None:
    messages = [
        Message("user", "Hi."),
        Message("assistant", "Hello."),
        Message("assistant", "Tea?"),
        Message("user", "Please."),
        Message("assistant", "Here."),
    ]
    others = (
        Alternative(1, "Hello.", "swipe", True),
        Alternative(1, "Hey!", "swipe"),
        Alternative(2, "Soup?", "branch"),
        Alternative(2, "Tea?", "branch", True),
        Alternative(4, "There."),
    )
    given_row = replace(row(), messages=tuple(messages), alternatives=others)
    shaped = repair_shape(given_row, ALL)
    assert shaped.messages[1].content == "Hello.\nTea?"
    assert shaped.alternatives == (
        Alternative(1, "Hello.\nTea?", "swipe", True),
        Alternative(1, "Hey!\nTea?", "swipe"),
        Alternative(1, "Hello.\nSoup?", "branch"),
        Alternative(3, "There."),
    )


def test_a_play_cut_to_two_speakers_keeps_the_alternatives_of_its_stretch() -> None:
    names = ["Nina", "Boris", "Masha", *["Nina", "Boris"] * 4, "Masha"]
    play = replace(
        row(),
        messages=tuple(Message("user", f"Line {i}.", name) for i, name in enumerate(names)),
        alternatives=tuple(Alternative(i, f"Other {i}.") for i in range(len(names))),
    )
    shaped = repair_shape(play, ALL)
    expected = [(message, f"Other {message + 3}.") for message in range(8)]
    assert contents(shaped) == expected


def test_repairs_that_are_off_change_no_alternative() -> None:
    off = dict.fromkeys([name for name in RepairSettings.model_fields if name != "least"], False)
    broken = row((1, "<p>x</p>  y"), (3, ""))
    settings = RepairSettings.model_validate(off)
    assert repair_shape(repair_texts(broken, settings), settings) is broken


LETTERS = string.ascii_lowercase


@given(
    st.lists(
        st.tuples(st.sampled_from(["user", "assistant"]), st.sampled_from(["", "x"])), max_size=9
    ),
    st.lists(st.integers(0, 8), max_size=12),
)
@settings(deadline=None)
def test_every_alternative_stays_with_its_message_or_goes_with_it(
    said: list[tuple[str, str]], places: list[int]
) -> None:
    """Each message, and each of its alternatives, carries a letter of its own."""
    messages = [
        Message(role, text and f"{text}{LETTERS[i]}.") for i, (role, text) in enumerate(said)
    ]  # type: ignore[arg-type]
    others = [Alternative(i, f"other {LETTERS[i]}.") for i in sorted(places) if i < len(said)]
    marked = tuple(Annotation(LETTERS[i]) for i in range(len(said)))
    given_row = replace(row(), messages=tuple(messages), alternatives=tuple(others))
    shaped = repair_shape(repair_texts(replace(given_row, annotations=marked), ALL), ALL)
    kept = "".join(message.content for message in shaped.messages)
    expected = [other for other in others if f"x{other.content[6]}." in kept]
    assert len(shaped.alternatives) == len(expected)
    for other in shaped.alternatives:
        letter = other.content[other.content.index("other ") + 6]
        message = shaped.messages[other.message].content
        assert other.content == message.replace(f"x{letter}.", f"other {letter}.")


# --- collect


@pytest.mark.parametrize(
    ("content", "rule"), [("half \ud800", "record.not_text"), ("long " * 30, "record.too_long")]
)
def test_what_no_file_can_hold_is_quarantined(content: str, rule: str) -> None:
    turns: list[Turn] = [("a", "Hi.", "user"), ("b", "Ho.", "assistant")]
    found = Transcript(turns, alternatives=(Alternative(1, content),))
    refused = admit(found, Origin("file", "t", max_bytes=100), "t#1")
    assert isinstance(refused, Quarantine)
    assert refused.rule == rule


# --- rules

BREAKS = {
    "safety.minor": "Come on, I'm fifteen and I can cook it myself.",
    "style.refusal": "I'm sorry, but I can't assist with that request.",
    "style.template": "[INST] Soup? [/INST] It is on the stove.",
    "style.placeholder": "Soup is on the stove, [insert name].",
    "style.other_side": "Soup is on the\nUser: Oh, thank you!",
}


@pytest.mark.parametrize("rule", BREAKS)
def test_one_that_breaks_a_rule_that_drops_is_removed_and_the_row_stays(rule: str) -> None:
    given_row = row((3, GOOD[3], True), (3, BREAKS[rule]), (3, "Fine, take a bowl."))
    kept = filtered(given_row)
    assert contents(kept) == [(3, GOOD[3]), (3, "Fine, take a bowl.")]
    (edit,) = edits(kept)
    assert edit.startswith("filter: removed 1 alternative of message 3: ")
    assert rule in edit
    whole = list(GOOD)
    whole[3] = BREAKS[rule]
    assert isinstance(filtered(row(texts=whole)), Drop)


def test_all_of_one_message_and_of_neighbours_are_read() -> None:
    bad = BREAKS["style.refusal"]
    others = [(n, text) for n in (1, 3, 5) for text in (f"{bad} Really.", "Fine, then.", bad)]
    kept = filtered(row(*others))
    assert contents(kept) == [(n, "Fine, then.") for n in (1, 3, 5)]
    assert edits(kept) == [
        f"filter: removed 2 alternatives of message {n}: style.refusal" for n in (1, 3, 5)
    ]


def test_an_answer_is_read_behind_the_question_that_it_answers() -> None:
    asked = [*GOOD[:4], "You sound young, how old are you?", "Forty, and tired of soup."]
    kept = filtered(
        row((4, "And you, what do you do?"), (5, "Fifteen, if you ask me."), texts=asked)
    )
    assert contents(kept) == [(4, "And you, what do you do?")]
    plain = filtered(row((5, "Fifteen, if you ask me.")))
    assert contents(plain) == [(5, "Fifteen, if you ask me.")]


def test_a_system_prompt_is_read_as_one() -> None:
    prompt = (Message("system", "You are Ada, a cook of forty."), *row().messages)
    given_row = replace(
        row((0, "You are Ada. Ada is 16 years old."), (0, "You are Bea, a baker.")), messages=prompt
    )
    assert contents(filtered(given_row)) == [(0, "You are Bea, a baker.")]


def test_the_recipe_decides_as_for_messages() -> None:
    bad = BREAKS["style.refusal"]
    off = filtered(row((3, bad)), rules={"style.refusal": {"decision": "off"}})
    assert contents(off) == [(3, bad)]
    assert edits(off) == []
    warned = filtered(row((3, bad)), rules={"style.refusal": {"decision": "warn"}})
    assert contents(warned) == [(3, bad)]
    assert isinstance(warned, Conversation)
    note = "an alternative of message 3"
    found = Finding("filter", "style.refusal", 1, 0, evidence=note, decision="warn")
    assert found in warned.findings
    hurt = "I will cut myself again tonight and nobody can stop me."
    assert contents(filtered(row((3, hurt)))) == [(3, hurt)]
    strict = {"safety.self_harm": {"decision": "drop"}}
    assert contents(filtered(row((3, hurt)), rules=strict)) == []


def test_one_without_a_message_is_removed_in_words() -> None:
    kept = filtered(row((3, "Fine."), (9, "Lost."), (-1, "Lost too.")))
    assert contents(kept) == [(3, "Fine.")]
    assert "filter: removed 1 alternative of message 9: it has no message" in edits(kept)


def test_rows_without_alternatives_are_not_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object, **__: object) -> Conversation:
        raise AssertionError

    monkeypatch.setattr(alternatives, "judged", never)
    assert isinstance(filtered(row()), Conversation)


# --- personal data

MAIL = "mike77@mail.example.net"


def test_the_same_stand_ins_as_in_the_conversation() -> None:
    texts = [*GOOD[:3], f"Write to {MAIL}.", *GOOD[4:]]
    given_row = row(
        (3, f"Write to {MAIL}.", True),
        (3, f"It is {MAIL}, or +1 202 555 0143."),
        (5, "No."),
        texts=texts,
    )
    kept = filtered(given_row, privacy="mask")
    assert isinstance(kept, Conversation)
    shown, chosen, other, plain = (
        kept.messages[3].content,
        *(other.content for other in kept.alternatives),
    )
    assert chosen == shown
    mail = shown.removeprefix("Write to ").removesuffix(".")
    assert other.startswith(f"It is {mail}, or ")
    assert "0143" not in other
    assert plain == "No."
    assert edits(kept) == [
        "filter: masked personal data in message 3 and alternatives of message 3"
    ]


def test_what_stands_in_an_alternative_alone_is_counted_labelled_masked_or_removed() -> None:
    given_row = row((3, f"Write to {MAIL}."), (3, "No."))
    labelled = filtered(given_row)
    assert isinstance(labelled, Conversation)
    assert labelled.measures["pii"] == 1
    found = [(f.rule, f.evidence, f.message, f.decision) for f in labelled.findings]
    assert ("privacy.email", "an alternative of message 3", None, "warn") in found
    masked = filtered(given_row, privacy="mask")
    assert "mike77" not in repr(masked)
    assert contents(masked)[0][1].startswith("Write to ")
    assert edits(masked) == ["filter: masked personal data in alternatives of message 3"]
    dropped = filtered(given_row, privacy="drop")
    assert contents(dropped) == [(3, "No.")]
    assert edits(dropped) == ["filter: removed 1 alternative of message 3: privacy.email"]


def test_a_handle_that_only_an_alternative_explains_is_masked_in_the_messages_too() -> None:
    texts = [*GOOD[:5], "Ok, adding lena_k99 now. Come by around six?"]
    kept = filtered(row((3, "My insta is lena_k99, add me."), texts=texts), privacy="mask")
    assert "lena_k99" not in repr(kept)


def test_no_evidence_quotes_personal_data_of_an_alternative() -> None:
    given_row = row((3, f"I'm sorry, but I can't assist with {MAIL}."))
    rules = {"style.refusal": {"decision": "warn"}}
    for privacy in ("label", "mask"):
        kept = filtered(given_row, rules=rules, privacy=privacy)
        assert isinstance(kept, Conversation)
        assert not any("mike77" in (finding.evidence or "") for finding in kept.findings)


def test_a_removed_alternative_leaves_nothing_to_mask() -> None:
    given_row = row((3, f"{BREAKS['style.refusal']} Write to {MAIL}."))
    assert edits(filtered(given_row, privacy="mask")) == [
        "filter: removed 1 alternative of message 3: style.refusal"
    ]


# --- through the stores, and publish


def test_measured_rows_are_decided_on_as_whole_ones_are() -> None:
    rows = [row((3, text), (5, f"Write to {MAIL}.")) for text in BREAKS.values()]
    settings = FilterSettings(privacy="mask")
    measured = to_table(filtering.measure(rows, settings))
    decided = [*filtering.decide(from_table(measured), settings)]
    assert decided == [*filtering.work(rows, settings)]
    again = from_table(to_table(one for one in decided if isinstance(one, Conversation)))
    assert [*again] == decided


def published(given_row: Conversation) -> Iterator[Conversation | Drop]:
    yield from publish.work([given_row], PublishSettings())


def test_no_alternative_with_a_minor_is_published_even_past_the_filter() -> None:
    (kept,) = published(row((3, BREAKS["safety.minor"]), (3, "Fine.")))
    assert contents(kept) == [(3, "Fine.")]
    assert edits(kept) == ["publish: removed 1 alternative of message 3: safety.minor"]
    (other,) = published(row((3, BREAKS["style.refusal"])))
    assert contents(other) == [(3, BREAKS["style.refusal"])]
    assert edits(other) == []


def test_a_card_does_not_make_every_alternative_a_minor() -> None:
    given_row = row((3, "Fine."), persona=Persona("Ada", "Ada is 16 years old."))
    (gone,) = published(given_row)
    assert isinstance(gone, Drop)
    assert gone.conversation.alternatives == given_row.alternatives


def test_every_rule_that_counts_places_is_read() -> None:
    """A new rule is one of these, or must say here why an alternative cannot break it."""
    of_rows = {name for name, rule in RULES.items() if rule.unit != "places in the conversation"}
    dropping = {name for name in of_rows if RULES[name].decision == "drop"}
    assert dropping == {
        "structure.turns",
        "structure.words",
        "structure.speakers",
        "structure.one_sided",
        "structure.balance",
        "style.loop",
        "language.admitted",
    }


def tried(content: str, reason: str | None) -> Conversation:
    return replace(row(), alternatives=(Alternative(3, content, reason),))


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        ("I'm sorry, but as an AI language model I cannot have soup with you.", "style.refusal"),
        ("<think>She wants soup.</think>No celery.", "style.reasoning"),
        ("No  celery,  {{user}}.", "style.placeholder"),
    ],
)
def test_a_try_that_broke_a_rule_stays_whole_as_the_worse_half_of_a_pair(
    content: str, rule: str
) -> None:
    result = filtered(tried(content, rule))
    alone = filtered(row())
    assert isinstance(result, Conversation)
    assert isinstance(alone, Conversation)
    assert contents(result) == [(3, content)]
    assert (result.edits, result.findings) == (alone.edits, alone.findings)
    assert contents(filtered(tried(content, "swipe"))) != [(3, content)]


def test_a_try_with_a_minor_or_personal_data_in_it_does_not_stay() -> None:
    minor = tried("I turned fifteen in May and I am in ninth grade.", "style.refusal")
    assert contents(filtered(minor)) == []
    mail = tried("Write to greta.aldous@example-post.net, then.", "style.refusal")
    assert "greta.aldous" not in str(contents(filtered(mail, privacy="mask")))
