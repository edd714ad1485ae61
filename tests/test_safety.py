"""Adults only: who states an own age under 18 is found, in words and digits; who speaks of others or of time is not."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from pipeline.conversation import Message, Persona
from pipeline.rules import safety
from pipeline.rules.view import view

DATA = Path(__file__).parents[1].parent / "shared" / "data"


def fired(*turns: str) -> dict[str, int | None]:
    messages = [Message("assistant" if i % 2 else "user", text) for i, text in enumerate(turns)]
    return {f.rule: f.message for f in safety.readings(view(messages))}


@pytest.mark.parametrize(
    "text",
    [
        "I'm fifteen",
        "Well, I’m only 14 years old.",
        "hi i am 16 and from ohio",
        "I just turned 17 last week!",
        "I'm a 12-year-old from Leeds.",
        "I'm in 8th grade.",
        "I'm still a minor.",
        "i'll turn 16 next month",
        "j'ai 15 ans",
        "Je n'ai que treize ans.",
        "Ich bin erst 15.",
        "Ich bin fünfzehn Jahre alt.",
        "Tengo quince años",
        "ho solo 16 anni",
        "Eu tenho 14 anos",
        "мне 15 лет",
        "Мне скоро шестнадцать.",
        "我今年十五岁",
        "我才15岁。",
        "私は15歳です",
        "まだ十五歳です。",
        "나는 열다섯 살이야",
        "저는 15살입니다",
        "saya baru 15 tahun",
        "Jag är femton år.",
        "Mam 15 lat.",
        "Ik ben pas vijftien.",
        "Мені п'ятнадцять років.",
        "Ben 15 yaşındayım.",
        "Je mi teprve patnáct.",
        "Mám 15 rokov.",
        "Jeg er bare 15 år.",
        "Olen 15-vuotias.",
        "Am doar 15 ani.",
        "15 éves vagyok.",
        "Em mới 15 tuổi.",
        "عمري 15 سنة",
        "मैं 15 साल की हूँ",
        "Είμαι 15 χρονών.",
        "หนูอายุ 15 ค่ะ",
    ],
)
def test_a_stated_age_under_18_is_found(text: str) -> None:
    assert fired("Hello there.", text) == {"safety.minor": 1}


@pytest.mark.parametrize(
    "text",
    [
        "My son is 11.",
        "I've been swimming since I was 16.",
        "I'll be there in 15 minutes.",
        "I'm 15 minutes late, sorry!",
        "I'm 16 weeks pregnant.",
        "I'm 10 pounds heavier than last year.",
        "I'm 5'4\" tall.",
        "I'm 16 years older than my brother.",
        "I felt like I'm 15 again.",
        "I'm 35.",
        "I'm 150 miles away.",
        "I'm one of them.",
        "When I'm 17 months into the job I get a raise.",
        "My daughter just turned 12.",
        "J'ai 15 ans d'expérience.",
        "J'ai 15 minutes.",
        "Ich bin 15 Minuten zu spät.",
        "Tengo 15 años de experiencia.",
        "Ho 12 anni di esperienza.",
        "Моему сыну 11 лет.",
        "Мне 15 минут идти.",
        "我儿子今年11岁。",
        "我16岁的时候开始学钢琴。",
        "息子は8歳です。",
        "上から14歳、10歳、7歳です。",
        "내 딸은 8살이야.",
        "나는 16살에 일을 시작했어.",
        "anak saya berusia 9 tahun",
        "Jag är 15 minuter sen.",
        "Мені 15 хвилин іти.",
        "Jeg er 15 minutter forsinket.",
        "Am 15 ani de experiență.",
        "Kızım 12 yaşında.",
    ],
)
def test_other_numbers_are_no_age(text: str) -> None:
    assert fired("Hello there.", text) == {}


def test_a_bare_number_answers_the_question_for_the_age() -> None:
    assert fired("How old are you?", "15, and you?") == {"safety.minor": 1}
    assert fired("How old are you?", "42, and you?") == {}
    assert fired("How many apples?", "15, please.") == {}


@pytest.mark.parametrize(
    ("description", "young"),
    [
        ("A shy 15-year-old girl who draws.", True),
        ("I am a boy. I'm twelve.", True),
        ("Name: Lena. Age: 16. Likes rain.", True),
        ("Ей 15 лет, она любит дождь.", True),
        ("A baker of 34 with a 15-year-old son.", False),
        ("She has been a nurse for 15 years.", False),
        ("Age: 161, an elf.", False),
    ],
)
def test_cards_of_minors(description: str, young: bool) -> None:
    found = safety.cards(view([Message("user", "Hi.")], Persona(description=description)))
    assert [f.rule for f in found] == ["safety.minor"] * young


def test_distress_threats_and_slurs_are_labelled() -> None:
    assert fired("I want to kill myself.", "You have no choice.") == {"safety.self_harm": 0, "safety.coercion": 1}


def test_recall_and_precision_on_persona_chats() -> None:
    path = DATA / "gold_minor_natural" / "cases.jsonl.gz"
    if not path.exists():
        pytest.skip(f"needs {path}")
    right = wrong = stated = 0
    with gzip.open(path, "rt") as file:
        for case in map(json.loads, file):
            talk = [Message("assistant" if i % 2 else "user", turn["text"]) for i, turn in enumerate(case["turns"])]
            found = any(f.message == case["turn"] for f in safety.minors(view(talk)))
            right += found and case["stated_minor"]
            wrong += found and not case["stated_minor"]
            stated += case["stated_minor"]
    assert right / stated >= 0.97
    assert right / (right + wrong) >= 0.90
