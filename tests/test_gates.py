"""The gates of `publish` on single rows: each is tripped by rows that must trip it, and not by rows
that only look so."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline import publish
from pipeline.conversation import (
    Alternative,
    Conversation,
    Drop,
    Finding,
    Message,
    Persona,
    Relationship,
    Score,
)
from pipeline.publish.configs import CONFIGS, TRAINABLE
from pipeline.publish.cut import BesideRows
from pipeline.publish.gates import people, templates
from pipeline.publish.gates.benchmarks import KnownRuns
from pipeline.publish.gates.personal import unmasked
from pipeline.recipe.publish import PublishSettings
from pipeline.rules.privacy.stand_ins import is_stand_in, stand_in
from tests.rows import conversation

GENERAL = PublishSettings()


def dropped(row: Conversation, **settings: object) -> list[tuple[str, float | None]]:
    """The rules that drop a row, with their values; none where it is published."""
    (made,) = publish.work([row], PublishSettings(**settings))
    if not isinstance(made, Drop):
        return []
    found = made.conversation.findings
    return [(one.rule, one.value) for one in found if one.decision == "drop"]


# --- rating

KISSES = "He kissed her hand and said he loved her, and they danced until the lamps went out."
MEDICAL = "The patient asked the nurse about a rash on the penis; the doctor prescribed a cream."
SUGGESTIVE = "She bit her lip and let the towel fall, naked, and whispered how aroused she was."
EXPLICIT = "He fucked her hard against the wall until she came."


@pytest.mark.parametrize(
    ("text", "rating", "grade"),
    [
        (KISSES, "general", None),
        (MEDICAL, "general", None),
        (SUGGESTIVE, "general", 1),
        (SUGGESTIVE, "mature", None),
        (EXPLICIT, "mature", 2),
        (EXPLICIT, "explicit", None),
    ],
)
def test_rows_beyond_the_rating_stay_out(text: str, rating: str, grade: int | None) -> None:
    row = conversation(1, ["How was the evening?", text, "Good for them.", "I thought so too."])
    expected = [("publish.rating", grade)] if grade else []
    assert dropped(row, rating=rating) == expected


def test_a_card_beyond_the_rating_counts_and_an_alternative_beyond_it_is_removed() -> None:
    card = Persona("Ada", f"{EXPLICIT} Ada is 34 years old.")
    assert dropped(conversation(1, persona=card)) == [("publish.rating", 2)]
    row = conversation(
        2, alternatives=(Alternative(1, EXPLICIT, "swipe"), Alternative(1, KISSES, "swipe"))
    )
    (kept,) = publish.work([row], GENERAL)
    assert isinstance(kept, Conversation)
    assert [one.content for one in kept.alternatives] == [KISSES]
    assert kept.edits == ("publish: removed 1 alternative of message 1: safety.sexual",)
    (all_of_it,) = publish.work([row], PublishSettings(rating="explicit"))
    assert isinstance(all_of_it, Conversation)
    assert len(all_of_it.alternatives) == 2


# --- personal data

DATUM = "anna.keller@web.de"


def planted(row: Conversation) -> dict[str, Conversation]:
    """A row with a datum in one text after the other."""
    told = (row.messages[0]._replace(content=f"Write to {DATUM}."), *row.messages[1:])
    escaped = json.dumps({"kept": [{"by": DATUM}]}).replace("@", "\\u0040")
    change: dict[str, dict[str, Any]] = {
        "message": {"messages": told},
        "name": {"messages": (row.messages[0]._replace(name=DATUM), *row.messages[1:])},
        "persona": {"persona": Persona("Ada", f"Ada answers at {DATUM}.")},
        "greeting": {"user_persona": Persona("Eve", greeting=f"I am {DATUM}.")},
        "card": {"persona": Persona("Ada", "x", card=json.dumps({"data": {"notes": DATUM}}))},
        "extra": {"extra": escaped},
        "a key in extra": {"extra": json.dumps({DATUM: 1})},
        "alternative": {"alternatives": (Alternative(1, f"No, {DATUM}.", "swipe"),)},
        "ref": {"source": row.source._replace(ref=f"chat with {DATUM}.txt#3")},
        "record": {"source": row.source._replace(record=f"<1@{DATUM.partition('@')[2]}>")},
        "thread": {"split_group": f"chat with {DATUM}"},
        "score": {"scores": (Score("safe", 1.0, "a judge", f"says {DATUM}"),)},
        "finding": {"findings": (Finding("filter", "style.spam", evidence=DATUM),)},
    }
    return {name: dataclasses.replace(row, **found) for name, found in change.items()}


@pytest.mark.parametrize("place", planted(conversation(1)))
def test_personal_data_are_found_in_every_text_and_not_quoted(place: str) -> None:
    row = planted(conversation(1))[place]
    (found,) = unmasked(row)
    assert (found.rule, found.decision) == ("publish.personal_data", "warn")
    assert found.evidence
    assert found.evidence.startswith("email in ")
    assert "anna" not in found.evidence


def strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    for inner in value.values() if isinstance(value, dict) else ():
        yield from strings(inner)
    for inner in value if isinstance(value, list) else ():
        yield from strings(inner)


def test_no_config_publishes_a_text_that_the_gate_does_not_read() -> None:
    """A datum that reaches a config, in whatever column, is one that the gate has found."""
    base = dataclasses.replace(
        conversation(2), persona=Persona("Ada", "Ada paints."), user_persona=Persona("Sam")
    )
    base = dataclasses.replace(base, relationship=Relationship("r1", 1))
    for name, row in planted(base).items():
        reaches = False
        for config in CONFIGS.values():
            made = config.make([row], "0" * 16, GENERAL)
            table = config.encoded(made.rows) if made.rows else config.schema.empty_table()
            texts = strings(table.to_pylist())
            reaches |= any(DATUM in text.replace("\\u0040", "@") for text in texts)
        assert reaches or name == "record"
        assert list(unmasked(row)), name


LOOK_ALIKES = [
    "Version 4.12.3 came out on 12.05.2024, room 4711, 3 for 2.",
    "It cost 1,299.00 and the score was 21-19, 19-21, 21-17.",
    "Look at page 12345, line 4, of talks.jsonl.",
    "Your order number is 2025550143.",
    "He said: me @ home, you @ work, see you at 8.",
]


@pytest.mark.parametrize("text", LOOK_ALIKES)
def test_what_only_looks_like_personal_data_is_none(text: str) -> None:
    row = conversation(1, ["Well?", text, "Fine.", "Good."])
    row = dataclasses.replace(row, source=row.source._replace(ref="talks.jsonl#1234"))
    assert not list(unmasked(row))


KINDS = ["email", "phone", "address", "card", "iban", "ip", "handle", "url", "secret", "id"]


@given(st.sampled_from(KINDS), st.integers(0, 3000), st.sampled_from(["+1 202", "ghp_a", "1:2"]))
def test_stand_ins_are_nobodys_data(kind: Any, number: int, like: str) -> None:
    made = stand_in(kind, number, "12-34:5" if kind == "id" else like)
    row = conversation(1, [f"My {kind}: {made}", "Ok.", f"It is {made}.", "Fine."])
    assert kind == "id" or is_stand_in(kind, made)
    assert not list(unmasked(row))


# --- speakers of private chats


def chat(number: int, *said: tuple[str, str], source: str = "phone", **more: Any) -> Conversation:
    roles: Any = ("user", "assistant")
    messages = [Message(roles[at % 2], text, name) for at, (name, text) in enumerate(said)]
    row = dataclasses.replace(conversation(number), messages=tuple(messages), **more)
    return dataclasses.replace(row, source=row.source._replace(name=source, private=True))


def hidden(*rows: Conversation, before: people.People | None = None) -> list[Conversation]:
    names: dict[str, dict[str, None]] = {}
    for row in rows:
        names.setdefault(row.source.name, {}).update(dict.fromkeys(people.speakers(row)))
    known = people.named(names, before or people.People())
    made = publish.work(rows, GENERAL, BesideRows(people=known))
    return [row for row in made if isinstance(row, Conversation)]


def texts_of(row: Conversation) -> list[str]:
    return [message.content for message in row.messages]


def test_speakers_have_one_made_up_name_everywhere_in_their_source() -> None:
    first = chat(
        1,
        ("Mira Voss", "Jonas, is that you? It's mira!"),
        ("Jonas", "MIRA! Miras bike is here. Ms Voss, as I live."),
        ("Mira Voss", "Admiral Mirabel says hi."),
        ("Jonas", "Ok, jonas out."),
        split_group="Chat with Mira Voss",
        extra=json.dumps({"title": "Mira Voss"}),
        alternatives=(Alternative(1, "Mira?", "swipe"),),
        scores=(Score("safe", 4.0, "judge", "Mira is kind"),),
    )
    second = chat(
        2,
        ("Eve", "Did Mira call? I mean Jonas."),
        ("Ola", "mira que bien, she did."),
    )
    one, two = hidden(first, second)
    assert [message.name for message in one.messages] == ["Alex", "Robin", "Alex", "Robin"]
    assert texts_of(one) == [
        "Robin, is that you? It's Alex!",
        "Alex! Alexs bike is here. Ms Alex, as I live.",
        "Admiral Mirabel says hi.",
        "Ok, Robin out.",
    ]
    assert texts_of(two) == ["Did Alex call? I mean Robin.", "mira que bien, she did."]
    assert "Mira" not in repr(one).replace("Mirabel", "")
    assert "Voss" not in repr(one)
    assert one.split_group == "Chat with Alex"
    assert one.edits == ("publish: made-up names for speakers",)


def test_names_that_are_words_need_their_capital_and_roles_are_no_names() -> None:
    (row,) = hidden(
        chat(
            1,
            ("Will", "will you come? Will you, Al?"),
            ("You", "You know that you and will are words."),
            ("Al", "al dente, says Al."),
            ("You", "yes"),
        )
    )
    assert texts_of(row) == [
        "will you come? Alex you, Robin?",
        "You know that you and will are words.",
        "al dente, says Robin.",
        "yes",
    ]
    assert [message.name for message in row.messages] == ["Alex", "You", "Robin", "You"]


def test_declined_names_and_names_without_blanks_around_them() -> None:
    said = ["Скажи Мире, что мир тесен.", "我是小明吗？", "Мирой зовут.", "好"]
    (row,) = hidden(chat(1, *zip(["Мира", "小明"] * 2, said, strict=True)))
    assert texts_of(row) == ["Скажи Alex, что мир тесен.", "我是Robin吗？", "Alex зовут.", "好"]


def test_the_character_of_a_card_keeps_its_name_and_other_sources_are_left_alone() -> None:
    talk = chat(1, ("Lena Roth", "Hi Ada."), ("Ada", "Hi Lena."), persona=Persona("Ada", "Paints."))
    public = dataclasses.replace(
        chat(2, ("Lena Roth", "Hi Ada."), ("Bo", "Hi Lena."), source="forum"),
    )
    public = dataclasses.replace(public, source=public.source._replace(private=False))
    one, two = hidden(talk, public)
    assert texts_of(one) == ["Hi Ada.", "Hi Alex."]
    assert [message.name for message in one.messages] == ["Alex", "Ada"]
    assert two == public


def test_a_name_once_given_stays_and_nobodys_real_name_is_given() -> None:
    rows = [chat(1, ("Mira", "Hi."), ("Robin", "Hi Mira."), ("Mira", "Hm."), ("Robin", "So."))]
    first = people.named({"phone": people.speakers(rows[0])}, people.People())
    assert first.names["phone"] == {"Mira": "Alex", "Robin": "Sam"}
    more = people.named({"phone": ["Ola", "Robin", "Mira"]}, first)
    assert more.names["phone"] == {"Mira": "Alex", "Robin": "Sam", "Ola": "Kim"}
    many = people.named({"phone": [f"P{number}" for number in range(200)]}, first)
    assert len(set(many.names["phone"].values())) == 202


def test_findings_point_at_the_same_words_after_a_name_has_changed() -> None:
    row = chat(1, ("Maximiliane", "Maximiliane says: stop it."), ("Bo", "Fine, I will."))
    at = row.messages[0].content.index("stop")
    marked = Finding("filter", "style.x", message=0, start=at, end=at + 4, evidence="stop")
    (found,) = hidden(dataclasses.replace(row, findings=(marked,)))
    finding, text = found.findings[0], found.messages[0].content
    assert text[finding.start : finding.end] == "stop"


# --- benchmarks

BENCH = "She walks to the old mill by the river, waits there until dark, and sings to the owls."


def test_rows_with_thirteen_words_of_a_benchmark_are_dropped_with_the_file() -> None:
    chinese = "你好，我今天在河边等你一直到天黑。"
    known = BesideRows(runs=KnownRuns.read({"bench.jsonl": [BENCH, "Hi.", chinese]}))
    same = "Then she walks to the OLD mill by the river - waits there until dark."
    near = "She walks to the old mill by the river, waits there until noon, and sings to owls."
    rows = [
        conversation(number, ["Tell me.", text, "And?", "That is all."])
        for number, text in enumerate((same, near, "Hi.", f"他说：{chinese}"))
    ]
    found = list(publish.work(rows, GENERAL, known))
    assert [isinstance(row, Drop) for row in found] == [True, False, False, True]
    assert isinstance(found[0], Drop)
    (finding,) = found[0].conversation.findings
    assert finding.rule == "publish.benchmark"
    assert finding.evidence == (
        "bench.jsonl: she walks to the old mill by the river waits there until dark"
    )


# --- templates

TURNS = [
    {"role": "system", "content": "You are Ada."},
    {"role": "user", "content": "Hi."},
    {"role": "assistant", "content": "Hey."},
]


def test_templates_take_and_refuse_what_the_families_do() -> None:
    two_users = [*TURNS[:2], *TURNS[1:]]
    for template in (templates.alternating, templates.folded):
        assert "Hey." in template(TURNS)
        for broken in (two_users, TURNS[:2], [TURNS[0], TURNS[2]], [], [*TURNS, TURNS[0]]):
            with pytest.raises(templates.NotTaken):
                template(broken)
    assert templates.folded(TURNS).startswith("<|user|>You are Ada.\n\nHi.")
    with pytest.raises(templates.NotTaken, match="a system message"):
        templates.no_system(TURNS)
    assert templates.no_system(TURNS[1:])


@pytest.mark.parametrize("config", [*TRAINABLE, "sharegpt", "preference", "unpaired"])
def test_with_the_system_message_in_the_first_turn_every_family_takes_the_rows(config: str) -> None:
    from tests.test_published_files import rich

    row, settings = rich(2), PublishSettings(system_in="first_user", max_tokens=60)
    made = CONFIGS[config].make([row], "0" * 16, settings)
    assert made.rows
    for one in made.rows:
        if "conversations" in one:
            assert one["system"] == ""
            assert one["conversations"][0]["value"].startswith("You are Ada")
            continue
        turns = one.get("messages") or [*one["prompt"], *one.get("chosen", one.get("completion"))]
        assert turns[0]["content"].startswith("You are Ada")
        assert not list(templates.not_taken(turns, settings))
    plain = CONFIGS[config].make([row], "0" * 16, PublishSettings(max_tokens=60))
    assert len(plain.rows) == len(made.rows)
