"""The room: every reading is recorded, limits decide, and the same rows give the same answer."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from pipeline import filter as room
from pipeline.conversation import Conversation, Drop, Finding, Message, Source, from_table, to_table
from pipeline.filter.calibrate import calibrate, explain
from pipeline.recipe import FilterSettings, RepairSettings

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
        (with_reply("It is cheap.\nUser: So do I get some?"), {"style.other_side"}),
        (with_reply("Soup is for everyone.</s>"), {"style.template"}),
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
    prompt = Message("system", "You are Ada. Never say [your name].\nUser: Hi\nAda: As an AI language model, no.")
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
    assert [(f.rule, f.decision, f.limit) for f in warned.findings] == [("style.refusal", "warn", 0)]
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


def test_readings_of_other_rooms_stay() -> None:
    kept = one(replace(talk(*GOOD), findings=(Finding("collect", "x", decision="warn"),)))
    assert isinstance(kept, Conversation)
    assert [f.room for f in kept.findings] == ["collect"]


def private() -> Conversation:
    return with_reply("Write to mike77@mail.example.net, that is mike77@mail.example.net. Do you want some [name]?")


def test_personal_data_are_labelled_masked_or_dropped() -> None:
    keep = {"style.placeholder": {"decision": "warn"}}
    labelled = one(private(), rules=keep)
    assert isinstance(labelled, Conversation)
    spans = [(f.rule, f.evidence, f.message) for f in labelled.findings if f.rule == "privacy.email"]
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
def test_a_very_long_message_takes_time_in_proportion(unit: str) -> None:
    long = with_reply(f"{unit * (100_000 // len(unit))}\na: b")
    start = time.process_time()
    one(long)
    assert time.process_time() - start < 3  # seconds; what was quadratic took 30


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
    assert (effect.decision, effect.limit, effect.rows, effect.of, effect.alone) == ("drop", 5, 10, 15, 10)
    assert {(o.source, o.share, o.rows) for o in found.openings} == {("cafe", 1.0, 15), ("bar", 1.0, 15)}


def test_explain_shows_ten_newly_dropped_and_newly_kept() -> None:
    strict = FilterSettings.model_validate({"rules": {"structure.turns": {"limit": 5}}})
    measured = list(room.measure(rows(), strict))
    dropped, kept = explain(measured, FilterSettings(), strict)
    assert (len(dropped), kept) == (10, [])
    assert dropped[0].reasons == ("structure.turns 4 below 5",)
    dropped, kept = explain(measured, strict, FilterSettings())
    assert (dropped, len(kept)) == ([], 10)
