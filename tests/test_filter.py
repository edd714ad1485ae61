"""The room: every reading is recorded, limits decide, and the same rows give the same answer."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from pipeline import filter as room
from pipeline.cli import render
from pipeline.conversation import Annotation, Conversation, Drop, Finding, Message, Persona, Source
from pipeline.filter.calibrate import _Sample, calibrate, explain
from pipeline.filter.openings import OpeningTally
from pipeline.recipe.filter import FilterSettings, RepairSettings
from pipeline.store.columns import from_table, to_table

GOOD = (
    "Hey, did you sleep at all after the storm last night?",
    "Barely. The shutters kept banging, so I made soup at three in the morning.",
    "Soup! You always cook when you cannot sleep.",
    "It is cheaper than a therapist, and the kitchen smells better. Do you want some?",
    "Only if you promise there is no celery in it this time.",
    "No celery. Scout's honour. Come by around six?",
)


def talk(*turns: str, name: str = "t#1", source: str = "cafe") -> Conversation:
    said = tuple(Message("assistant" if i % 2 else "user", text) for i, text in enumerate(turns))
    return Conversation(name, said, Source("file", source, name))


def one(row: Conversation, **settings: object) -> Conversation | Drop:
    (result,) = room.work([row], FilterSettings.model_validate(settings))
    return result


def why(row: Conversation, **settings: object) -> set[str]:
    result = one(row, **settings)
    assert isinstance(result, Drop)
    return {f.rule for f in result.conversation.findings if f.decision == "drop"}


def with_reply(text: str) -> Conversation:
    return talk(*GOOD[:3], text, *GOOD[4:])


def test_a_good_talk_is_kept_as_it_is() -> None:
    kept = one(talk(*GOOD))
    assert isinstance(kept, Conversation)
    assert (kept.findings, kept.edits, [m.content for m in kept.messages]) == ((), (), list(GOOD))
    assert kept.language is not None
    assert kept.language.code == "en"
    assert kept.measures["turns"] == 6
    assert kept.measures["foreign_turns"] == 0


@pytest.mark.parametrize(
    ("row", "reasons"),
    [
        (talk(*GOOD[:2]), {"structure.turns"}),
        (talk("a", "b", "c", "d"), {"structure.words"}),
        (with_reply("I'm sorry, but I cannot fulfill this request."), {"style.refusal"}),
        (with_reply("As an AI language model, I do not eat soup at all."), {"style.assistant"}),
        (with_reply("Nice to see you, [your name], come in!"), {"style.placeholder"}),
        (with_reply("It is cheap\nUser: So do I get some?"), {"style.other_side"}),
        (with_reply("[INST] Soup? [/INST] Soup is for everyone."), {"style.template"}),
        (with_reply("I'm fifteen, I cannot afford a therapist."), {"safety.minor"}),
        (talk(*GOOD, "I'm fifteen, by the way."), {"safety.minor"}),
        (talk(*GOOD[:2] * 4), {"style.loop"}),
    ],
)
def test_unfit_talks_are_dropped_with_their_reason(row: Conversation, reasons: set[str]) -> None:
    assert why(row) == reasons


def test_every_rule_that_fires_is_recorded_with_its_place() -> None:
    result = one(with_reply("I'm sorry, but I can't assist with that, [your name]. I'm fifteen."))
    assert isinstance(result, Drop)
    for finding in result.conversation.findings:
        assert finding.message == 3
        assert finding.evidence in result.conversation.messages[3].content
    rules = {f.rule for f in result.conversation.findings}
    assert rules == {"style.refusal", "style.placeholder", "safety.minor"}


def test_a_system_message_is_no_talk_but_a_card() -> None:
    prompt = Message(
        "system", "You are Ada. Never say [your name].\nUser: Hi\nAda: As an AI language model, no."
    )
    young = Message("system", "You are Ada, a 15-year-old girl.")
    whole = talk(*GOOD)
    kept = one(replace(whole, messages=(prompt, *whole.messages)))
    assert isinstance(kept, Conversation)
    assert (kept.findings, kept.measures["turns"]) == ((), 6)
    assert why(replace(whole, messages=(young, *whole.messages))) == {"safety.minor"}


def test_a_language_that_is_not_admitted_is_dropped() -> None:
    german = talk(
        "Hast du nach dem Sturm heute Nacht überhaupt geschlafen?",
        "Kaum. Die Fensterläden haben geklappert, also habe ich Suppe gekocht.",
        "Du kochst immer, wenn du nicht schlafen kannst.",
        "Das ist billiger als ein Therapeut. Möchtest du etwas davon?",
    )
    assert why(german, languages=["en", "fr"]) == {"language.admitted"}
    assert isinstance(one(german, languages=["de"]), Conversation)


def test_limits_and_decisions_come_from_the_recipe() -> None:
    refused = with_reply("I'm sorry, but I cannot fulfill this request.")
    warned = one(refused, rules={"style.refusal": {"decision": "warn"}})
    assert isinstance(warned, Conversation)
    assert [(f.rule, f.decision, f.limit) for f in warned.findings] == [
        ("style.refusal", "warn", 0)
    ]
    silent = one(refused, rules={"style.refusal": {"decision": "off"}})
    assert isinstance(silent, Conversation)
    assert silent.findings == ()
    assert why(talk(*GOOD), rules={"structure.turns": {"limit": 10}}) == {"structure.turns"}
    assert why(talk(*GOOD), rules={"structure": {"turns": {"limit": 10}}}) == {"structure.turns"}


def test_a_changed_limit_decides_anew_without_measuring_anew() -> None:
    first = FilterSettings()
    strict = FilterSettings.model_validate({"rules": {"structure.turns": {"limit": 10}}})
    assert first.measuring() == strict.measuring()
    assert first.measuring() != FilterSettings(repairs=RepairSettings(merge=False)).measuring()
    measured = list(room.measure([talk(*GOOD)], first))
    stored = list(from_table(to_table(measured)))
    assert list(room.decide(stored, strict)) == list(room.work([talk(*GOOD)], strict))


def test_no_recipe_can_admit_minors_or_an_unknown_rule() -> None:
    with pytest.raises(ValidationError, match=r"safety\.minor"):
        FilterSettings.model_validate({"rules": {"safety.minor": {"decision": "off"}}})
    with pytest.raises(ValidationError, match=r"style\.refusals"):
        FilterSettings.model_validate({"rules": {"style.refusals": {"limit": 2}}})
    with pytest.raises(ValidationError, match=r"\{decision: off\}"):
        FilterSettings.model_validate({"rules": {"style.refusal": False}})


def test_readings_of_other_rooms_stay() -> None:
    kept = one(replace(talk(*GOOD), findings=(Finding("collect", "x", decision="warn"),)))
    assert isinstance(kept, Conversation)
    assert [f.stage for f in kept.findings] == ["collect"]


def private() -> Conversation:
    return with_reply(
        "Write to mike77@mail.example.net, that is mike77@mail.example.net. "
        "Do you want some [name]?"
    )


def test_personal_data_are_labelled_masked_or_dropped() -> None:
    keep = {"style.placeholder": {"decision": "warn"}}
    labelled = one(private(), rules=keep)
    assert isinstance(labelled, Conversation)
    spans = [
        (f.rule, f.evidence, f.message) for f in labelled.findings if f.rule == "privacy.email"
    ]
    assert spans == [("privacy.email", None, 3)] * 2
    masked = one(private(), rules=keep, privacy="mask")
    assert isinstance(masked, Conversation)
    text = masked.messages[3].content
    assert "mike77" not in text
    values = {text[f.start : f.end] for f in masked.findings if f.rule == "privacy.email"}
    assert len(values) == 1
    (blank,) = [f for f in masked.findings if f.rule == "style.placeholder"]
    assert text[blank.start : blank.end] == "[name]"
    assert "privacy.email" in why(private(), rules=keep, privacy="drop")


def test_personal_data_in_cards_and_names_are_masked_like_those_in_messages() -> None:
    row = with_reply("Write to mike77@mail.example.net. My insta is mike_77.")
    named = tuple(m._replace(name="Ada" if m.role == "user" else "mike_77") for m in row.messages)
    card = '{"data": {"first_mes": "Hi\\nmike77@mail.example.net here"}, "spec": "chara_card_v2"}'
    persona = Persona(
        "Mike", "I am Mike. Mail me at mike77@mail.example.net.", "Call +1 202 555 0143!", card=card
    )
    row = replace(row, messages=named, persona=persona)
    kept = one(row, privacy="mask")
    assert isinstance(kept, Conversation)
    assert kept.persona is not None
    (mail,) = re.findall(r"\S+@example\.\w+(?=\.)", kept.messages[3].content)
    assert kept.persona.description == f"I am Mike. Mail me at {mail}."
    assert json.loads(kept.persona.card or "")["data"]["first_mes"] == f"Hi\n{mail} here"
    assert "0143" not in (kept.persona.greeting or "")
    assert [m.name for m in kept.messages[:3]] == ["Ada", kept.messages[3].name, "Ada"]
    assert (kept.messages[3].name or "mike") in kept.messages[3].content
    assert "mike" not in str(kept.messages)
    assert kept.measures["pii"] == 8
    assert kept.edits == (
        "filter: masked personal data in message 3 and speakers' names and the cards",
    )
    assert "privacy.phone" in why(row, privacy="drop")
    plain = replace(persona, description="I am Mike.", greeting=None, card='{"a":  1}')
    untouched = one(replace(row, persona=plain), privacy="mask")
    assert isinstance(untouched, Conversation)
    assert untouched.persona == plain


def test_no_evidence_holds_personal_data() -> None:
    fact = "I paint harbours and write letters to mike77@mail.example.net about gulls."
    row = with_reply(
        "I paint harbours, write letters about gulls, and soup: mike77@mail.example.net!"
    )
    kept = one(replace(row, user_persona=Persona(description=fact)))
    assert isinstance(kept, Conversation)
    assert "style.swapped" in {f.rule for f in kept.findings}
    assert "mike77" not in str(kept.findings)


def test_two_copies_stay_copies_when_masked() -> None:
    masked = []
    for name in ("a#1", "b#2"):
        row = one(replace(with_reply("Write to mike77@mail.example.net."), id=name), privacy="mask")
        assert isinstance(row, Conversation)
        masked.append(row.messages)
    assert masked[0] == masked[1]
    assert "mike77" not in str(masked)


def test_dropping_personal_data_is_not_undone_by_a_limit_or_an_unquoted_off() -> None:
    row = with_reply("Write to mike77@mail.example.net or to anna5@mail.example.net.")
    assert why(row, privacy="drop", rules={"privacy.email": {"limit": 1}}) == {"privacy.email"}
    assert isinstance(one(row, privacy="drop", rules={"privacy.email": {"limit": 2}}), Conversation)
    assert isinstance(
        one(row, privacy="drop", rules={"privacy.email": {"decision": "warn"}}), Conversation
    )
    off = yaml.safe_load("{privacy: drop, rules: {privacy.email: {decision: off}}}")
    assert isinstance(one(row, **off), Conversation)
    unfit = yaml.safe_load("{languages: [de], rules: {language.admitted: {decision: off}}}")
    assert isinstance(one(talk(*GOOD), **unfit), Conversation)


def test_the_same_rows_in_other_batches_give_the_same_answers() -> None:
    rows = [with_reply(f"I have {n} bowls left, and [name] wants two.") for n in range(700)]
    assert list(room.work(rows, FilterSettings())) == [one(row) for row in rows]


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=60), max_size=7))
def test_any_text_gives_one_row_for_one_row(turns: list[str]) -> None:
    whole = talk(*turns)
    (result,) = room.work([whole], FilterSettings(privacy="mask"))
    row = result.conversation if isinstance(result, Drop) else result
    assert row.id == whole.id
    assert to_table([row]).num_rows == 1
    for finding in row.findings:
        assert finding.decision in ("warn", "drop")
        assert finding.message is None or finding.message < len(row.messages)


@pytest.mark.parametrize(
    "unit",
    [
        "<script>",
        "<!--",
        "[",
        "12 ",
        "User: hi\n",
        "I'm 15 minutes ",
        "Ã¢â‚¬",
        "#$%^",
        "*",
        "\n",
        "(",
        "As an AI I ",
        "15歳です",
        "It's not safe to go ",
    ],
)
def test_four_times_the_text_takes_no_sixteen_times_the_time(unit: str) -> None:
    def spent(characters: int) -> float:
        long = with_reply(f"{unit * (characters // len(unit))}\na: b")
        start = time.process_time()
        one(long, privacy="mask")
        return time.process_time() - start

    spent(1000)  # what is compiled and read once
    assert min(spent(100_000) for _ in range(2)) < 10 * min(spent(25_000) for _ in range(2)) + 0.05


def rows() -> Iterator[Conversation]:
    for n in range(30):
        yield talk(*GOOD[: 4 if n % 3 else 6], name=f"t#{n}", source="cafe" if n % 2 else "bar")


def test_calibration_tells_percentiles_effects_and_openings_of_each_source() -> None:
    settings = FilterSettings.model_validate({"rules": {"structure.turns": {"limit": 5}}})
    found = calibrate(room.measure(rows(), settings), settings)
    turns = {s.source: s.values for s in found.spreads if s.measure == "turns"}
    assert turns["cafe"][0] == 4
    assert turns["bar"][-1] == 6
    (effect,) = [e for e in found.effects if (e.source, e.rule) == ("cafe", "structure.turns")]
    assert (effect.decision, effect.limit, effect.rows, effect.of, effect.alone) == (
        "drop",
        5,
        10,
        15,
        10,
    )
    assert {(o.source, o.share, o.rows) for o in found.openings} == {
        ("cafe", 1.0, 15),
        ("bar", 1.0, 15),
    }


def test_explain_shows_ten_newly_dropped_and_newly_kept() -> None:
    strict = FilterSettings.model_validate({"rules": {"structure.turns": {"limit": 5}}})
    measured = list(room.measure(rows(), strict))
    dropped, kept = explain(measured, FilterSettings(), strict)
    assert (len(dropped), kept) == (10, [])
    assert dropped[0].reasons == ("structure.turns 4 below 5",)
    dropped, kept = explain(measured, strict, FilterSettings())
    assert (dropped, len(kept)) == ([], 10)


def test_a_rule_that_counts_places_is_loosened_by_its_limit() -> None:
    row = talk("Hi, I'm [name].", "I'm [your name], [your name]!", *GOOD[2:])
    assert why(row) == {"style.placeholder"}
    assert why(row, rules={"style.placeholder": {"limit": 2}}) == {"style.placeholder"}
    assert isinstance(one(row, rules={"style.placeholder": {"limit": 3}}), Conversation)


def test_explain_shows_the_place_and_no_personal_data() -> None:
    row = talk(
        *GOOD,
        "Mail mike77@mail.example.net, [name].",
        "I am [name] too, and I will.",
        "Good.",
        "Fine, I did it.",
    )
    measured = list(room.measure([row], FilterSettings()))
    loose = FilterSettings.model_validate({"rules": {"style.placeholder": {"limit": 5}}})
    (change,), kept = explain(measured, loose, FilterSettings())
    assert kept == []
    assert change.reasons == ("style.placeholder 2 above 0: [name]",)
    shown = "\n".join(render.changes([change], []))
    assert "from message 5: No celery." in shown
    assert "mike77" not in shown
    assert "@example." in shown


def test_percentiles_and_openings_of_many_rows_take_little_memory() -> None:
    sample, openings = _Sample(), OpeningTally()
    for n in range(120_000):
        sample.add(n)
        openings.add("cafe", f"Hello number {n % 7 if n % 2 else n}, how is the weather?", "en")
    assert len(sample._held) <= 10_000
    assert sample.percentiles()[3] == pytest.approx(60_000, rel=0.05)
    (found,) = openings.openings()
    assert len(openings._found["cafe"]) <= 50_000
    assert (found.rows, found.too_similar) == (120_000, True)
    assert found.share == pytest.approx(0.5, abs=0.001)


def test_openings_are_told_without_personal_data_and_few_rows_are_no_reason_to_warn() -> None:
    openings = OpeningTally()
    for n in range(50):
        openings.add("cafe", f"I'm mike{n}@mail.example.net, hello!", "en")
    (found,) = openings.openings()
    assert (found.commonest, found.share, found.too_similar) == ("i m email hello", 1.0, False)


def test_labels_follow_their_messages_through_every_repair() -> None:
    said = [
        (role, text)
        for role, text in zip("uuauauau", (*GOOD[:2], "", *GOOD[2:], "Well?"), strict=True)
    ]
    messages = tuple(Message("user" if role == "u" else "assistant", text) for role, text in said)
    labels = tuple(Annotation(emotion=f"felt {n}") for n in range(len(said)))
    kept = one(replace(talk(), messages=messages, annotations=labels))
    assert isinstance(kept, Conversation)
    assert [m.content.partition("\n")[0] for m in kept.messages] == [GOOD[0], *GOOD[3:4], *GOOD[4:]]
    assert [label.emotion for label in kept.annotations] == ["felt 0", "felt 4", "felt 5", "felt 6"]


def test_labels_follow_into_the_longest_stretch_of_two_speakers() -> None:
    names = ("Ada", "Ben", "Cy", *("Ada", "Cy") * 3)
    messages = tuple(
        Message("user", text, name) for name, text in zip(names, (*GOOD, *GOOD[:3]), strict=True)
    )
    row = replace(
        talk(),
        messages=messages,
        annotations=tuple(Annotation(emotion=f"felt {n}") for n in range(9)),
    )
    result = one(row)
    kept = result.conversation if isinstance(result, Drop) else result
    assert [label.emotion for label in kept.annotations] == [
        f"felt {n}" for n in range(2, 2 + len(kept.messages))
    ]
    assert len(kept.messages) < 9
