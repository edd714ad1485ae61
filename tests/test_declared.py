"""The language that a record names is read, kept, and compared with what is found."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from pipeline.collect.admit import Origin, admit
from pipeline.collect.declared import code_of, declared_language
from pipeline.collect.shapes.general import named
from pipeline.conversation import Conversation
from pipeline.filter import work
from pipeline.recipe.collect import FieldNames
from pipeline.recipe.filter import FilterSettings
from pipeline.store.columns import SCHEMA, from_table, to_table
from tests.rows import conversation

ENGLISH = [
    "I tried the new bakery by the station yesterday.",
    "And was the bread as good as they said it would be?",
    "Better, though I had to wait for half an hour.",
    "Then we should go there together on Saturday morning.",
]
NORWEGIAN = [
    "Jeg prøvde det nye bakeriet ved stasjonen i går.",
    "Og var brødet så godt som de sa at det skulle være?",
    "Bedre, selv om jeg måtte vente i en halv time.",
    "Da burde vi dra dit sammen på lørdag morgen.",
]


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("en", "en"),
        ("EN", "en"),
        ("en-US", "en"),
        ("eng", "en"),
        ("English", "en"),
        ("Deutsch", "de"),
        ("ger", "de"),
        ("zh-Hant-TW", "zh"),
        ("Chinese (Simplified)", "zh"),
        ("cmn", "zh"),
        ("nb_NO", "no"),
        ("русский", "ru"),
        ("日本語", "ja"),
        ("Brazilian Portuguese", "pt"),
        (["fr"], "fr"),
        (["en", "fr"], None),
        ("English, French", None),
        ("Python", None),
        ("unknown", None),
        ("", None),
        (7, None),
        (None, None),
    ],
)
def test_codes_and_names_become_iso_639_1(value: object, code: str | None) -> None:
    assert code_of(value) == code


@pytest.mark.parametrize(
    ("extra", "code"),
    [
        ({"lang": "de"}, "de"),
        ({"Language": "Spanish", "mood": "calm"}, "es"),
        ({"locale": "fr_FR"}, "fr"),
        ({"language": "Python", "lang": "en"}, "en"),
        ({"target_lang": "de"}, None),
        ({}, None),
    ],
)
def test_the_field_is_known_by_its_usual_names(extra: dict[str, object], code: str | None) -> None:
    assert declared_language(extra) == code


def test_a_recipe_names_the_field() -> None:
    record = {"q": "Was gibt es?", "a": "Suppe, wie immer.", "about": {"spoken": "Deutsch"}}
    fields = FieldNames(ask="q", answer="a", language="about.spoken")
    ((_, transcript),) = named.read([(1, record)], [record], fields, {})
    row = admit(transcript, Origin("file", "cafe"), "cafe#1")
    assert isinstance(row, Conversation)
    assert row.declared_language == "de"
    assert json.loads(row.extra or "") == {"about": {"spoken": "Deutsch"}}


def _found(texts: list[str], declared: str | None) -> list[str | None]:
    row = replace(conversation(1, texts), declared_language=declared)
    (result,) = work([row], FilterSettings())
    kept = getattr(result, "conversation", result)
    return [finding.evidence for finding in kept.findings if finding.rule == "language.declared"]


@pytest.mark.parametrize(
    ("texts", "declared", "evidence"),
    [
        (ENGLISH, "ru", ["en, declared ru"]),
        (ENGLISH, "fr", ["en, declared fr"]),
        (ENGLISH, "en", []),
        (ENGLISH, None, []),
        (ENGLISH, "eu", []),  # is not recognised, so nothing can be said of it
        (NORWEGIAN, "da", []),  # too close to say
        (NORWEGIAN, "en", ["no, declared en"]),
    ],
)
def test_a_sure_contradiction_is_a_finding(
    texts: list[str], declared: str | None, evidence: list[str]
) -> None:
    assert _found(texts, declared) == evidence


def test_a_store_without_the_column_is_read(tmp_path: Path) -> None:
    row = replace(conversation(1), declared_language="en")
    table = to_table([row])
    assert table.schema == SCHEMA
    pq.write_table(table.drop_columns(["declared_language"]), tmp_path / "old.parquet")
    (old,) = from_table(pq.read_table(tmp_path / "old.parquet"))
    assert isinstance(old, Conversation)
    assert old == replace(row, declared_language=None)
    assert list(from_table(table)) == [row]
